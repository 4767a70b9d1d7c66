"""What commands are called with: folders and images as arguments, and help that is in order."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from cbir.cli.command import Command
from cbir.cli.group import _BUILT_IN, cli
from tests.conftest import Run

QUERY = "photos/cats/cat-1.jpg"
COMMANDS = sorted(_BUILT_IN)


def command(name: str) -> Command:
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_option_once_and_long_lists_in_sections(here: Run, name: str) -> None:
    text = here(name, "--help").stdout
    options = [param for param in command(name).params if isinstance(param, click.Option)]
    for option in options:
        longest = max(option.opts, key=len)
        assert len(re.findall(rf"^  .*{longest}\b", text, re.MULTILINE)) >= 1, longest
    listed = [name for names in command(name).sections.values() for name in names]
    assert set(listed) <= {opt for option in options for opt in option.opts}
    assert len(listed) == len(set(listed))
    if len(options) > 8:
        headings = re.findall(r"^(\S.*):$", text, re.MULTILINE)
        assert headings[0] == "Common options" and headings[-1] == "Other options"


@pytest.mark.parametrize("name", COMMANDS)
def test_q_is_the_query_in_every_command(name: str) -> None:
    for option in command(name).params:
        assert ("-q" in option.opts) == bool({"--query", "--queries"} & set(option.opts))


def test_the_folder_may_be_an_argument(here: Run, photos: Path, tmp_path: Path) -> None:
    assert here("index", "photos", "--index", "a.csv").returncode == 0
    assert here("index", "--dataset", "photos", "--index", "b.csv").returncode == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert here("index", "photos", "-d", "photos", "--index", "a.csv").returncode == 0
    done = here("duplicates", "photos")
    assert done.returncode == 0 and "No duplicates" in done.stderr
    assert here("evaluate", "photos").returncode == 0


@pytest.mark.parametrize("name", ["index", "duplicates", "evaluate"])
def test_two_folders_are_refused(here: Run, photos: Path, name: str) -> None:
    done = here(name, "photos", "--dataset", "other")
    assert done.returncode == 2
    assert "DIR is photos and --dataset is other; give one of them" in done.stderr


def test_no_folder_and_no_query_are_refused_with_both_ways_to_name_them(here: Run) -> None:
    for name in ("index", "train"):
        rest = () if name == "index" else ("--descriptor", "orb", "--output", "orb.npz")
        done = here(name, *rest)
        assert done.returncode == 2
        assert "name the folder of images, as DIR or with --dataset DIR" in done.stderr
    done = here("search")
    assert done.returncode == 2 and "as IMG or with --query PATH" in done.stderr


def test_queries_may_be_arguments(here: Run, photos: Path) -> None:
    assert here("index", "photos").returncode == 0
    plain = ("--no-montage", "--format", "paths")
    done = here("search", QUERY, *plain)
    assert done.returncode == 0 and done.stdout == here("search", "-q", QUERY, *plain).stdout
    several = here("search", QUERY, "photos/things", "--top", "1", *plain)
    assert len(several.stdout.splitlines()) == 1 + len(list((photos / "things").iterdir()))


def test_an_undo_and_a_folder_contradict_each_other(here: Run, photos: Path) -> None:
    done = here("duplicates", "photos", "--undo", "x.log", "--dry-run")
    assert done.returncode == 2 and "--undo is a task of its own; leave out DIR" in done.stderr


def test_the_index_of_info_is_optional_and_help_says_so(here: Run, photos: Path) -> None:
    text = here("info", "--help").stdout
    assert "info [OPTIONS] [INDEX]" in text and "index.csv unless" in text
    assert here("index", "photos").returncode == 0
    assert here("info").stdout.startswith("index     index.csv ")


def test_it_is_told_what_is_left_out_without_a_word(here: Run) -> None:
    assert "Hidden files and folders are left out." in here("index", "--help").stdout
    page = here("docs", "formats").stdout
    assert "hidden files and folders" in page and "files that are not regular" in page
