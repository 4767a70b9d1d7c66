"""Ground truth that brings its own queries, each a box of an image: Oxford, Paris and the like.

What is right for a query is a list of images; another one is junk, which is set aside before
anything is measured: it counts neither as right nor as wrong. One list of queries may be measured
in several setups, which differ in what is right and what is junk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.arguments import text_of, tuple_of
from cbir.core.errors import CbirError, UsageError, excerpt, printable
from cbir.core.progress import ProgressListener
from cbir.evaluation.relevance import GroundTruth, about_truth
from cbir.images.region import Region
from cbir.tables.image_keys import match_keys


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of the answers to a query, in one setup.

    Attributes
    ----------
    right, junk : frozenset of str
        Names of images, as keys of a table are; none is in both.
    """

    right: frozenset[str]
    junk: frozenset[str]


@dataclass(frozen=True, slots=True)
class BoxedQuery:
    """A query of the truth.

    Attributes
    ----------
    topic : str
        Its name; no other query has it.
    image : str
        The name of the image.
    region : Region
        The box.
    judged : mapping of str to Judged
        By setup.
    label : str or None
        What it shows, for means by class.
    """

    topic: str
    image: str
    region: Region
    judged: Mapping[str, Judged]
    label: str | None = None


class BoxedTruth(GroundTruth):
    """What is right for queries that the truth itself names.

    Parameters
    ----------
    spec : str
        As it was given.
    protocol : str
        What the choice of its queries is called.
    queries : sequence of BoxedQuery
    paths : sequence of str
        Of the index.
    listener : ProgressListener
        Told of images that are not in the index. Nothing could find them, so they count for
        nothing.
    setups : sequence of str
        The names of the setups; that of an only one is empty.
    outside : frozenset of str
        Names of images that are nobody's answer: they are set aside for every query.

    Raises
    ------
    CbirError
        When no image that it judges is in the index.
    """

    has_classes = False

    def __init__(
        self,
        spec: str,
        protocol: str,
        queries: Sequence[BoxedQuery],
        paths: Sequence[str],
        listener: ProgressListener,
        *,
        setups: Sequence[str],
        outside: frozenset[str] = frozenset(),
    ) -> None:
        self.spec = spec
        self.own_protocol = protocol
        self.queries = tuple(queries)
        self._by_topic = {query.topic: query for query in queries}
        self._size = len(paths)
        judged = frozenset[str]().union(
            *(one.right | one.junk for query in queries for one in query.judged.values())
        )
        known = judged | outside | {query.image for query in queries}
        keys = match_keys(known, paths, spec)
        self._rows = {key: row for row, key in enumerate(keys) if key is not None}
        self._outside = self._rows_of(outside)
        self._tell_of_absent(judged, paths, listener)
        self._setups = tuple(_Setup(self, name) for name in setups)

    @property
    def setups(self) -> tuple[GroundTruth, ...]:
        """The same truth in each of its setups."""
        return self._setups

    def topics(self, names: Sequence[str]) -> list[str | None]:
        """Return the first query that each image is; see :meth:`GroundTruth.topics`."""
        first: dict[str, str] = {}
        for query in self.queries:
            first.setdefault(query.image, query.topic)
        found = match_keys(first, tuple_of(names, "a path"), self.spec)
        return [None if key is None else first[key] for key in found]

    def unqueried_topics(self, topics: Sequence[str | None]) -> list[str]:
        """Return the queries whose image is not there."""
        return sorted(self._by_topic.keys() - set(topics))

    def label(self, topic: str) -> str | None:
        """Return what a query shows."""
        return self._query(topic).label

    def grades(self, topic: str) -> NDArray[np.integer]:
        """Return the grades for a query in the first setup; see :meth:`GroundTruth.grades`."""
        return self._setups[0].grades(topic)

    def row_of(self, image: str) -> int | None:
        """Return the row of the index that an image is, by its name in the truth."""
        return self._rows.get(image)

    def mark(self, topic: str, setup: str) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
        """Return the grade of each image of the index, and whether it is set aside."""
        judged = self._query(topic).judged[setup]
        grades, aside = np.zeros(self._size, np.int8), np.zeros(self._size, bool)
        grades[self._rows_of(judged.right)] = 1
        aside[self._rows_of(judged.junk)] = True
        aside[self._outside] = True
        return grades, aside

    def _query(self, topic: str) -> BoxedQuery:
        if text_of(topic, "a topic") not in self._by_topic:
            raise UsageError(f"{printable(self.spec)}: it has no query {excerpt(topic)}")
        return self._by_topic[topic]

    def _rows_of(self, names: frozenset[str]) -> list[int]:
        return sorted(self._rows[name] for name in names if name in self._rows)

    def _tell_of_absent(
        self, judged: frozenset[str], paths: Sequence[str], listener: ProgressListener
    ) -> None:
        absent = sorted(judged - self._rows.keys())
        if len(absent) == len(judged):
            example = f", not even {excerpt(absent[0])}" if absent else ""
            reason = (
                f"no image that it judges is in the index{example}; index the images that it was"
                f" made for{f', not {printable(paths[0])} and the like' if paths else ''}"
            )
            raise CbirError(about_truth(self.spec, reason))
        if absent:
            reason = (
                f"{len(absent)} of {counted(len(judged), 'image')} that it judges are not in the"
                f" index, {excerpt(absent[0])} for one; they are left out, so that the measures"
                " are not those of the whole data"
            )
            listener.warn(about_truth(self.spec, reason))


class _Setup(GroundTruth):
    """One setup of a truth."""

    has_classes = False

    def __init__(self, truth: BoxedTruth, name: str) -> None:
        self.spec = truth.spec
        self.setup = name or None
        self._truth = truth
        self._name = name

    def topics(self, names: Sequence[str]) -> list[str | None]:
        return self._truth.topics(names)

    def label(self, topic: str) -> str | None:
        return self._truth.label(topic)

    def grades(self, topic: str) -> NDArray[np.integer]:
        return self._truth.mark(topic, self._name)[0]

    def set_aside(self, topic: str) -> NDArray[np.bool_]:
        return self._truth.mark(topic, self._name)[1]
