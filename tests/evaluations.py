"""An evaluation of the sample images with made-up numbers, to print and to draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cbir.evaluation.model import MEASURES, Evaluation, Hit, Run, sorted_runs
from cbir.evaluation.scores import Scores


def scores(averages: list[float]) -> Scores:
    """Return scores whose measures are all equal to the average precisions."""
    values = np.array(averages, np.float64)
    return Scores({name: values.copy() for name in MEASURES})


def run(
    folder: Path,
    descriptor: str = "hsv",
    metric: str = "chi2",
    averages: tuple[float, ...] = (1.0, 0.25, np.nan, 0.125),
    without_duplicates: tuple[float, ...] | None = None,
) -> Run:
    """Return a run that the first images of a folder query, whose answers take turns."""
    images = [str(path) for path in sorted(folder.rglob("*.jpg"))]
    queries = images[: len(averages)]
    hits = [Hit(path, place / 8, place % 2 == 0) for place, path in enumerate(images[:10])]
    return Run(
        descriptor,
        metric,
        queries,
        [Path(path).parent.name for path in queries],
        scores(list(averages)),
        scores(list(without_duplicates or averages)),
        np.linspace(1, 0, 101) * scores(list(averages)).mean("map"),
        [hits] * len(queries),
        1.5,
        1440,
    )


def evaluation(folder: Path, *runs: Run) -> Evaluation:
    """Return an evaluation with these runs."""
    return Evaluation(str(folder), 12, "all", "folders", sorted_runs(runs or [run(folder)]))
