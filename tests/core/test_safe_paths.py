"""Paths that no program takes for something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbir.core.safe_paths import is_formula, path_for_arguments, path_for_csv

FORMULAS = ["=1+1.jpg", "@SUM(A1).jpg", "+1.jpg", "-1.jpg", "\t=1.jpg", " =1.jpg", "＝1.jpg", "-"]
PLAIN = ["a=1.jpg", "a/=1.jpg", "/=1.jpg", "./=1.jpg", "1-2.jpg", "ä.jpg"]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_gets_a_prefix_and_stays_the_same_file(name: str) -> None:
    assert is_formula(name) and path_for_csv(name) == f"./{name}"
    assert os.path.abspath(path_for_csv(name)) == os.path.abspath(name)


@pytest.mark.parametrize("name", PLAIN)
def test_other_paths_stay_as_they_are(name: str) -> None:
    assert path_for_csv(name) == path_for_arguments(name) == name


@pytest.mark.parametrize("name", ["NA", "-1", "+1e5", "true", "-inf"])
def test_a_number_is_no_formula_but_no_path_either(name: str) -> None:
    assert not is_formula(name) and path_for_csv(name) == f"./{name}"


@pytest.mark.parametrize("name", ["-rf", "+1.jpg", "@files", "--help"])
def test_an_option_becomes_a_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("here")
    assert path_for_arguments(name) == f"./{name}"
    assert Path(path_for_arguments(name)).read_text() == "here"
