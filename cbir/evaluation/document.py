"""An evaluation as a JSON document: what programs read, and what is kept of it in a file.

The document that is kept has all that the other one has, and besides what a page shows: the curve
of each run, and its worst queries with what they returned. :mod:`cbir.evaluation.stored` reads it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cbir.core.checks import check_whole
from cbir.core.errors import printable
from cbir.core.messages import Message, Parameter
from cbir.core.overwriting import Output
from cbir.core.text import as_utf8
from cbir.core.version import __version__
from cbir.evaluation.model import Evaluation, Hit, Run
from cbir.evaluation.scores import nan_to_none
from cbir.evaluation.statistics import Difference
from cbir.search.results import path_fields

FORMAT, VERSION = "cbir evaluation", 1
"""The first two fields of a document that is kept."""

WORST = 20
"""Queries of each run that are kept, and shown, unless told otherwise."""

_PACKAGES = ("numpy", "opencv-python-headless", "scipy")


def evaluation_document(evaluation: Evaluation, by_class: bool = False) -> dict[str, Any]:
    """Return the measures, ready for JSON.

    Parameters
    ----------
    evaluation : Evaluation
    by_class : bool
        Also those of each class.
    """
    document = {**evaluation.to_dict(), **path_fields("dataset", evaluation.dataset)}
    for run, fields in zip(evaluation.runs, document["runs"], strict=True):
        if not by_class:
            del fields["classes"]
        best = evaluation.best(run)
        fields["compared_with_best"] = None if run is best else _difference(run.compare(best))
    document["versions"] = _versions()
    return document


def write_evaluation(path: str, evaluation: Evaluation, *, worst: int = WORST) -> None:
    """Keep an evaluation in a file, with its curves and its worst queries.

    The paths in it are relative to the dataset, so that they are those of its index.

    Parameters
    ----------
    path : str
        The file; it must end with .json.
    evaluation : Evaluation
    worst : int
        Queries of each run that are kept: those with the lowest average precision.

    Raises
    ------
    UsageError
        When the name ends otherwise.
    CbirError
        When the file cannot be written, or is there and is no evaluation of ours.
    """
    check_whole("worst", worst, least=0)
    document = evaluation_document(evaluation, by_class=True)
    for run, fields in zip(evaluation.runs, document["runs"], strict=True):
        fields["curve"] = [nan_to_none(float(value)) for value in run.curve]
        fields["worst"] = [_query(evaluation, run, row) for row in run.worst(worst)]
    kept = {"format": FORMAT, "version": VERSION, **document, "columns": list(evaluation.columns)}
    text = json.dumps(kept, ensure_ascii=False, allow_nan=False, indent=1)
    with STORED.written(path) as file:
        file.write(as_utf8(text).decode(errors="replace").encode())
        file.write(b"\n")


def _query(evaluation: Evaluation, run: Run, row: int) -> dict[str, Any]:
    label = run.labels[row]
    return {
        **_image(evaluation, run.queries[row]),
        **({} if (region := run.region(row)) is None else {"region": str(region)}),
        "label": None if label is None else printable(label),
        "map": float(run.scores.of("map")[row]),
        "hits": [_hit(evaluation, hit) for hit in run.hits[row]],
    }


def _hit(evaluation: Evaluation, hit: Hit) -> dict[str, Any]:
    return {
        **_image(evaluation, hit.path),
        "distance": hit.distance if math.isfinite(hit.distance) else None,
        "relevant": hit.relevant,
        "texts": [printable(text) for text in hit.texts],
    }


def _image(evaluation: Evaluation, path: str) -> dict[str, Any]:
    """Return the path of an image below the dataset; queries may be elsewhere."""
    relative = os.path.relpath(path, evaluation.folder).replace(os.sep, "/")
    if relative.split("/", 1)[0] == "..":
        return {**path_fields("path", path), "outside": True}
    return path_fields("path", relative)


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "queries": found.queries,
        "map": nan_to_none(found.mean),
        "interval": [nan_to_none(found.low), nan_to_none(found.high)],
        "p_value": found.p_value,
    }


def _versions() -> dict[str, str]:
    versions = {"cbir": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):  # another build of OpenCV
            versions[package] = version(package)
    return versions


def _is_ours(path: str) -> bool:
    start = f'{{\n "format": "{FORMAT}",'.encode()
    with open(path, "rb") as file:
        return file.read(len(start)) == start


STORED = Output(
    "the evaluation", Message("name another with ", Parameter("save")), _is_ours, (".json",)
)
"""What guards a file with an evaluation against replacing others."""
