"""What commands say reads well: no "0.0 MB", no "1 images", no "0 images/s"."""

from __future__ import annotations

import ast
import os
import re
import shutil
from pathlib import Path

import click
import pytest
from PIL import Image

from cbir.cli.group import cli
from cbir.cli.wording import command_of, worded
from cbir.core.command_words import _COMMANDS, _OPTIONS, POSITIONAL, _option
from cbir.core.messages import Call, Message, Parameter
from tests.conftest import DATA, PROJECT, Run


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A dataset of one small image."""
    folder = tmp_path / "one"
    folder.mkdir()
    Image.new("RGB", (8, 8), "red").save(folder / "red.png")
    return folder


def test_one_is_no_plural_and_no_size_or_rate_is_nothing(here: Run, one: Path) -> None:
    first = here("index", "--dataset", one)
    assert re.search(r": 1 image: 1 added.* images/s\n$", first.stderr)
    again = here("index", "--dataset", one)
    assert ": 1 image: 0 added, 1 reused" in again.stderr
    assert "images/s" not in again.stderr  # none was described
    info = here("info")
    size = os.path.getsize(one / "red.png")
    assert f"images    1 ({size} bytes)" in info.stdout
    texts = first.stderr + again.stderr + info.stdout
    assert not re.search(r"(?<![\d.])0(\.0+)? (MB|kB|images/s|s\b)", texts)
    assert not re.search(r"(?<![\d.])1 (images|files|queries)\b", texts)


def test_a_copy_of_few_bytes_has_a_size(here: Run, one: Path) -> None:
    (one / "again.png").write_bytes((one / "red.png").read_bytes())
    done = here("duplicates", "--dataset", one)
    size = os.path.getsize(one / "red.png")
    assert f"1 group with 1 removable copy ({size} bytes)" in done.stderr


def test_the_summary_of_copies_leaves_out_what_says_nothing(here: Run, tmp_path: Path) -> None:
    folder = tmp_path / "found"
    folder.mkdir()
    shutil.copy(DATA / "cats" / "cat-1.jpg", folder / "b.jpg")
    with Image.open(folder / "b.jpg") as image:
        image.convert("L").save(folder / "a.jpg", quality=95)
    find = ("duplicates", "found", "--keep", "first")
    start = "1 group without a removable copy; 1 copy that would lose something stays"
    assert here(*find).stderr.startswith(start)
    shutil.copy(folder / "a.jpg", folder / "a2.jpg")
    assert "1 group with 1 removable copy (" in here(*find).stderr
    assert "); 1 copy that would lose something stays" in here(*find).stderr
    (folder / "b.jpg").unlink()
    assert here(*find).stderr.endswith("B)\n")


def test_links_to_images_are_left_out_in_plain_words(here: Run, one: Path) -> None:
    os.link(one / "red.png", one / "link.png")
    done = here("duplicates", "--dataset", one)
    assert "Left out 1 link to images that take part under another name" in done.stderr


def test_a_single_query_is_counted_in_the_singular(here: Run, one: Path) -> None:
    done = here("duplicates", "--dataset", one, "--query", one / "red.png")
    assert done.stderr == "0 of 1 query with copies\n"


@pytest.mark.parametrize(
    "parameter, option",
    [
        (Parameter("rebuild", True), "--rebuild"),
        (Parameter("adaptive", False), "--no-adaptive"),
        (Parameter("max_distance", 0.5), "--max-distance 0.5"),
        (Parameter("index", ...), "--index"),
        (Parameter("drop"), "--drop"),
        (Parameter("descriptors", ["hsv", "orb:words=50"]), "--descriptor hsv --descriptor orb"),
        (Parameter("truth", "groups:^(a+)"), "--truth 'groups:^(a+)'"),
    ],
)
def test_a_parameter_is_said_as_an_option(parameter: Parameter, option: str) -> None:
    assert worded(Message("give ", parameter)).startswith(f"give {option}")


def test_a_call_is_said_as_a_command_that_can_be_typed() -> None:
    call = Call("index", dataset="my data", index="\udcff.csv", drop=["hsv", "hog"])
    assert command_of(call) == (
        "index --dataset 'my data' --index '\\xff.csv' --drop hsv --drop hog"
    )
    assert worded("plain text") == "plain text"


def test_a_dataset_left_open_is_that_of_the_command(here: Run, one: Path) -> None:
    (one.parent / "index.csv").write_text("")
    for command in (["index", "one"], ["index", "-d", "one"]):
        done = here(*command)
        assert done.returncode == 1
        assert re.search(r": index --dataset one --index \S+ --rebuild\n$", done.stderr)
    assert "again: index --dataset DIR --index " in here("info").stderr


def _commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_whatever_messages_name_is_an_option_or_a_command() -> None:
    commands = _commands()
    options = {name for one in commands.values() for param in one.params for name in param.opts}
    assert {name.removeprefix("cbir ") for name in _COMMANDS.values()} <= set(commands)
    assert set(_OPTIONS.values()) <= options
    for path in (PROJECT / "cbir").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            first = node.args[0] if node.args else None
            if node.func.id == "Parameter" and isinstance(first, ast.Constant):
                assert _option(str(first.value)) in options, path
            elif node.func.id == "Call" and isinstance(first, ast.Constant):
                assert str(first.value).rpartition(".")[2] in _COMMANDS, path
                named = {
                    _option(str(one.arg)) for one in node.keywords if one.arg not in POSITIONAL
                }
                assert named <= options, path
