"""The stored evaluations of a server: what they are called, and when they are read again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from cbir.evaluation.document import write_evaluation
from cbir.web.evaluations import BrokenEvaluationError, Evaluations, NoSuchEvaluationError
from tests.evaluations import evaluation, run


def test_names_are_those_of_the_files_and_no_two_are_the_same(tmp_path: Path) -> None:
    paths = ["a/kept.json", "b/kept.json", "kept-2.json", "c/kept", ".json", "", "x.y.json"]
    names = [one.name for one in Evaluations([str(tmp_path / path) for path in paths]).listed()]
    assert names[:5] == ["kept", "kept-2", "kept-2-2", "kept-3", ".json"]
    assert names[6] == "x.y" and len(set(names)) == len(names)
    assert [one.name for one in Evaluations([""]).listed()] == ["evaluation"]


def test_a_file_is_read_again_when_it_has_changed(photos: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "kept.json")
    shown = Evaluations([path])
    assert [one.problem for one in shown.listed()] == ["no such file or directory"]
    with pytest.raises(BrokenEvaluationError, match=r"^kept: no such file"):
        shown.get("kept")
    write_evaluation(path, evaluation(photos, run(photos)))
    first = shown.get("kept")
    assert first.stored.runs[0].descriptor == "hsv"
    assert shown.get("kept") is first
    made = evaluation(photos, run(photos, "phash", "hamming", (0.5,)))
    write_evaluation(path, replace(made, truth="numbers:4"))
    (listed,) = shown.listed()
    assert listed.summary is not None and listed.summary.truth == "numbers:4"
    assert listed.summary.best is not None and listed.summary.best.descriptor == "phash"
    assert shown.get("kept").stored.runs[0].descriptor == "phash"
    os.truncate(path, os.path.getsize(path) // 2)
    (listed,) = shown.listed()
    assert listed.summary is None and listed.problem.startswith("no evaluation, or a damaged one")


def test_nothing_but_what_was_named_is_read(photos: Path, tmp_path: Path) -> None:
    for name in ("kept", "other"):
        write_evaluation(str(tmp_path / f"{name}.json"), evaluation(photos, run(photos)))
    shown = Evaluations([str(tmp_path / "kept.json")])
    for name in ("other", "kept.json", str(tmp_path / "other.json"), "../kept", "", "KEPT"):
        with pytest.raises(NoSuchEvaluationError):
            shown.get(name)


def test_many_are_listed_though_few_are_kept_whole(photos: Path, tmp_path: Path) -> None:
    names = [f"run {number}" for number in range(9)]
    for number, name in enumerate(names):
        made = evaluation(photos, run(photos, averages=(number / 10,)))
        write_evaluation(str(tmp_path / f"{name}.json"), made)
    shown = Evaluations([str(tmp_path / f"{name}.json") for name in names])
    for _ in range(2):
        means = [one.summary.best.map for one in shown.listed() if one.summary and one.summary.best]
        assert means == [number / 10 for number in range(9)]
        assert [shown.get(name).stored.name for name in names] == names
