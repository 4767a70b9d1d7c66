"""Relevance judgments in the format of TREC: ``query 0 document grade``, a line each."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import text_of, tuple_of
from cbir.core.errors import CbirError, UsageError, excerpt, printable
from cbir.core.progress import ProgressListener
from cbir.evaluation.relevance import GroundTruth
from cbir.tables.image_keys import image_key, match_keys

_DIGITS = 4
_GRADE = re.compile(rf"[+-]?[0-9]{{1,{_DIGITS}}}")
_ITERATION = re.compile("(?i:q?[0-9]+)")

Judgments = dict[str, dict[str, int]]
"""Grades by topic and document."""


class Qrels(GroundTruth):
    """What somebody judged right for each topic; a topic is the image that queries.

    Parameters
    ----------
    spec : str
        The file.
    judgments : dict
        Grades by topic and document. A negative one, which some use for spam, is a 0.
    paths : sequence of str
        Of the index.
    listener : ProgressListener
        Told of documents that are not in the index. Nothing could find them, so they count for
        nothing.

    Raises
    ------
    CbirError
        When no document is in the index.
    """

    has_classes = False

    def __init__(
        self, spec: str, judgments: Judgments, paths: Sequence[str], listener: ProgressListener
    ) -> None:
        self.spec = spec
        self._judgments = judgments
        documents = {document for grades in judgments.values() for document in grades}
        keys = match_keys(documents, paths, spec)
        self._rows = {key: row for row, key in enumerate(keys) if key is not None}
        self._size = len(paths)
        unknown = sorted(documents - self._rows.keys())
        if len(unknown) == len(documents):
            raise CbirError(
                f"{printable(spec)}: no document of it is in the index, not even"
                f" {excerpt(unknown[0])}; name them by path or name, as"
                f" {printable(paths[0]) if paths else 'a/b.jpg'}"
            )
        if unknown:
            listener.warn(
                f"{printable(spec)}: {len(unknown)} of {len(documents)} documents are not in the"
                f" index, {excerpt(unknown[0])} for one; they are left out"
            )

    def topics(self, names: Sequence[str]) -> list[str | None]:
        """Return the topic of each query; see :meth:`GroundTruth.topics`."""
        return match_keys(self._judgments, tuple_of(names, "a path"), self.spec)

    def unqueried_topics(self, topics: Sequence[str | None]) -> list[str]:
        """Return the topics that no image queries about."""
        return sorted(self._judgments.keys() - set(topics))

    def grades(self, topic: str) -> NDArray[np.integer]:
        """Return the grades for a topic; see :meth:`GroundTruth.grades`."""
        if text_of(topic, "a topic") not in self._judgments:
            raise UsageError(f"{printable(self.spec)}: it has no topic {excerpt(topic)}")
        grades = np.zeros(self._size, np.int64)
        for document, grade in self._judgments[topic].items():
            row = self._rows.get(document)
            if row is not None:
                grades[row] = max(grade, 0)
        return grades


def looks_like_qrels(text: str) -> bool:
    """Say whether the first line that is not blank has the four fields of a judgment.

    Whether its grade makes sense is not asked: a file of judgments with a slip is no CSV.

    Examples
    --------
    >>> looks_like_qrels("q1 0 a.jpg nan"), looks_like_qrels("file, label, x, y")
    (True, False)
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    fields = first.split()
    return len(fields) == 4 and ("," not in first or bool(_ITERATION.fullmatch(fields[1])))


def read_qrels(spec: str, text: str, paths: Sequence[str], listener: ProgressListener) -> Qrels:
    """Read judgments.

    Parameters
    ----------
    spec : str
        The file, for messages.
    text : str
        What is in it.
    paths : sequence of str
        Of the index.
    listener : ProgressListener

    Raises
    ------
    CbirError
        When a line is no judgment, or contradicts another one.
    """
    judgments: Judgments = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        topic, document, grade = _judgment(spec, number, line)
        if judgments.setdefault(topic, {}).setdefault(document, grade) != grade:
            raise CbirError(
                f"{printable(spec)}: line {number} gives {excerpt(document)} another grade for"
                f" {excerpt(topic)} than a line before; leave one"
            )
    return Qrels(spec, judgments, paths, listener)


def _judgment(spec: str, number: int, line: str) -> tuple[str, str, int]:
    fields = line.split()
    if len(fields) != 4:
        raise CbirError(
            f"{printable(spec)}: line {number} is no judgment: {excerpt(line)}; it needs a"
            " query, 0, a document and a whole number, with spaces between them and none within"
        )
    topic, _, document, grade = fields
    if not _GRADE.fullmatch(grade):
        raise CbirError(
            f"{printable(spec)}: line {number} is no judgment: {excerpt(grade, 40)!r} is no"
            f" grade; give a whole number of up to {_DIGITS} digits"
        )
    return image_key(topic), image_key(document), int(grade)
