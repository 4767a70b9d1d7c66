"""The stored evaluations that a server shows: read again when their files have changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cbir.core.errors import CbirError
from cbir.core.lru_cache import LruCache

if TYPE_CHECKING:
    from cbir.evaluation.stored_model import StoredEvaluation, StoredRun

_KEPT = 4
"""Evaluations that are kept whole; of all others only what a list tells."""

_Stamp = tuple[int, ...] | None
"""What of a file changes when its contents do; None where there is no file."""


class NoSuchEvaluationError(CbirError):
    """The server shows no evaluation of this name."""


class BrokenEvaluationError(CbirError):
    """The file of an evaluation is missing or damaged."""


@dataclass(frozen=True, slots=True)
class BestRun:
    """The best run of an evaluation.

    Attributes
    ----------
    descriptor, metric : str
    map : float
        NaN of no query.
    interval : (float, float)
    text : str
        The last two, as tables show them.
    """

    descriptor: str
    metric: str
    map: float
    interval: tuple[float, float]
    text: str


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What a list tells of an evaluation.

    Attributes
    ----------
    truth, protocol : str
    where : str or None
    images, queries, runs : int
    best : BestRun or None
        None where nothing was measured.
    """

    truth: str
    protocol: str
    where: str | None
    images: int
    queries: int
    runs: int
    best: BestRun | None


@dataclass(frozen=True, slots=True)
class ListedEvaluation:
    """An evaluation of the list: its summary, or why it cannot be shown."""

    name: str
    summary: EvaluationSummary | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReadEvaluation:
    """An evaluation, and its document as JSON."""

    stored: StoredEvaluation
    document: bytes


class Evaluations:
    """The evaluations that a server shows; threads may share them.

    Parameters
    ----------
    paths : sequence of str
        Their files. Each is called by its name, without folder and ending; no two are called the
        same.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths: dict[str, str] = {}
        for path in paths:
            self._paths[_free_name(path, self._paths)] = path
        self._summaries: LruCache[ListedEvaluation] = LruCache(max(1, len(self._paths)))
        self._read: LruCache[ReadEvaluation] = LruCache(_KEPT)

    def listed(self) -> list[ListedEvaluation]:
        """Return all of them, in the order in which they were named."""
        return [self._listed(name, _stamp(path)) for name, path in self._paths.items()]

    def get(self, name: str) -> ReadEvaluation:
        """Return one of them.

        Raises
        ------
        NoSuchEvaluationError
            When none is called so.
        BrokenEvaluationError
            When its file cannot be read, or has anything else in it.
        """
        if name not in self._paths:
            raise NoSuchEvaluationError("the server shows no evaluation of this name")
        stamp = _stamp(self._paths[name])
        listed = self._listed(name, stamp)  # what is damaged is not read again and again
        if listed.problem:
            raise BrokenEvaluationError(f"{name}: {listed.problem}")
        try:
            return self._whole(name, stamp)
        except CbirError as error:  # damaged since
            raise BrokenEvaluationError(f"{name}: {_reason(error)}") from None

    def _listed(self, name: str, stamp: _Stamp) -> ListedEvaluation:
        return self._summaries.get((name, stamp), lambda: self._told(name, stamp))

    def _told(self, name: str, stamp: _Stamp) -> ListedEvaluation:
        try:
            return ListedEvaluation(name, _summary(self._whole(name, stamp).stored))
        except CbirError as error:
            return ListedEvaluation(name, None, _reason(error))

    def _whole(self, name: str, stamp: _Stamp) -> ReadEvaluation:
        return self._read.get((name, stamp), lambda: _read(name, self._paths[name]))


def _read(name: str, path: str) -> ReadEvaluation:
    from cbir.evaluation.stored import read_document

    stored, document = read_document(path)
    return ReadEvaluation(replace(stored, name=name), document)


def _summary(stored: StoredEvaluation) -> EvaluationSummary:
    best = _best(stored.runs[0]) if stored.runs else None
    return EvaluationSummary(
        stored.truth,
        stored.protocol,
        stored.where,
        stored.images,
        stored.queries,
        len(stored.runs),
        best,
    )


def _best(run: StoredRun) -> BestRun:
    from cbir.evaluation.headings import with_interval

    mean, interval = run.means["map"], run.intervals["map"]
    return BestRun(run.descriptor, run.metric, mean, interval, with_interval(mean, *interval))


def _free_name(path: str, taken: dict[str, str]) -> str:
    from cbir.evaluation.stored import stem

    name = first = stem(path) or "evaluation"
    number = 1
    while name in taken:
        number += 1
        name = f"{first}-{number}"
    return name


def _reason(error: CbirError) -> str:
    """Return what is wrong with a file, without the folder in which it is."""
    from cbir.evaluation.stored import UnreadableEvaluationError

    return error.reason if isinstance(error, UnreadableEvaluationError) else str(error)


def _stamp(path: str) -> _Stamp:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
