"""The guides that help names come with the package and can be read."""

from __future__ import annotations

import configparser
import re

import pytest

from cbir.cli.docs import INSTALLED
from cbir.cli.group import _BUILT_IN
from tests.conftest import PROJECT, Run

GUIDES = sorted(path.stem for path in (PROJECT / "docs").glob("*.md"))


def test_all_guides_are_listed_and_printed(here: Run) -> None:
    listed = [line.split()[0] for line in here("docs").stdout.splitlines()]
    assert listed == GUIDES and "duplicates" in GUIDES
    text = (PROJECT / "docs" / "duplicates.md").read_text(encoding="utf-8")
    assert here("docs", "duplicates").stdout == text


def test_a_mistyped_guide_is_answered_by_the_nearest(here: Run) -> None:
    done = here("docs", "duplicate")
    assert done.returncode == 2 and "; did you mean 'duplicates'?" in done.stderr


def test_all_guides_are_installed() -> None:
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg")
    pattern = config["options.data_files"][INSTALLED]
    assert sorted(path.stem for path in PROJECT.glob(pattern)) == GUIDES


@pytest.mark.parametrize("name", [name for name in _BUILT_IN if name != "docs"])
def test_help_names_only_guides_that_come_along(here: Run, name: str) -> None:
    text = " ".join(here(name, "--help").stdout.split())
    assert ".md" not in text
    named = re.findall(r"cbir docs ([a-z-]+)", text)
    assert set(named) <= set(GUIDES) and (named or name != "evaluate")
