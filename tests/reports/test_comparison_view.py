"""Evaluations side by side: runs of the same kind stand together, and doubts are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cbir.evaluation.document import write_evaluation
from cbir.evaluation.model import Run
from cbir.evaluation.stored import read_evaluation
from cbir.evaluation.stored_model import StoredEvaluation
from cbir.reports.comparison_view import comparison_view
from tests.evaluations import evaluation, run


def stored(photos: Path, name: str, *runs: Run) -> StoredEvaluation:
    path = str(photos.parent / f"{name}.json")
    write_evaluation(path, evaluation(photos, *runs))
    return read_evaluation(path)


def test_runs_of_the_same_kind_stand_together_the_best_first(photos: Path) -> None:
    before = stored(
        photos, "before", run(photos, averages=(0.5,)), run(photos, "hog", averages=(np.nan,))
    )
    after = stored(
        photos, "after", run(photos, "phash", "hamming", (0.75,)), run(photos, averages=(1.0,))
    )
    view = comparison_view([before, after])
    assert [row[:3] for row in view.rows] == [
        ["hsv", "chi2", "after"],
        ["hsv", "chi2", "before"],
        ["phash", "hamming", "after"],
        ["hog", "chi2", "before"],
    ]
    assert all(len(row) == len(view.columns) for row in view.rows)
    assert [curve.label for curve in view.chart.curves] == [
        "before: hsv, chi2: mAP 0.500",
        "after: hsv, chi2: mAP 1.000",
        "after: phash, hamming: mAP 0.750",
    ]


def test_what_makes_measures_incomparable_is_told(photos: Path) -> None:
    one = stored(photos, "one", run(photos))
    other = replace(one, name="other", truth="numbers:4", images=1200, where="year > 2000")
    assert comparison_view([one, replace(one, name="same", dataset="elsewhere")]).differences == []
    assert comparison_view([one, other]).differences == [
        "truth: folders in one, numbers:4 in other",
        "where: all images in one, year > 2000 in other",
        "images: 12 in one, 1,200 in other",
    ]


def test_of_many_runs_the_best_ones_are_drawn(photos: Path) -> None:
    runs = [run(photos, f"d{number}", averages=(0.5,)) for number in range(8)]
    view = comparison_view([stored(photos, "many", *runs), stored(photos, "one", run(photos))])
    assert len(view.rows) == 9 and len(view.chart.curves) == 2
