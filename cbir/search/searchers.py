"""What searches an index: by one descriptor, or by a fusion of several.

Both are used alike: `describe` a query, or take the description of an `indexed` image; then
`rank` the images for it, or compute its `distances` to all of them.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import check_type, path_of
from cbir.core.checks import check_number, check_whole
from cbir.core.errors import UsageError
from cbir.core.folders import below, current_folder, shortest
from cbir.core.threads import one_thread_each
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.decoders import ArrayImage, EncodedImage, Source, open_image
from cbir.search import metrics
from cbir.search.exact.flat import Distances, Space, nearest
from cbir.search.fusion.backgrounds import Background
from cbir.search.fusion.formulas import (
    CURVE,
    ReciprocalRanks,
    Rows,
    Scale,
    WeightedSum,
    adaptive_weight,
    factors,
)
from cbir.search.fusion.options import METRICS, Fusion
from cbir.search.results import FUSED_MEANINGS, Match, Part, SearchResult
from cbir.stores.model import PathList

Query = Source

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Images:
    """The images of an index.

    Attributes
    ----------
    paths : PathList
        Relative to the dataset.
    digests : ndarray of 32 bytes, shape (n,)
        The SHA-256 of each file.
    root : str
        The folder of the dataset, absolute and without links.
    named_root : str
        The same folder as the user named it.
    """

    paths: PathList
    digests: NDArray[np.void]
    root: str
    named_root: str
    absolute_root: str = field(init=False)
    """The same folder, absolute; links in it are left as they are."""
    _opened_in: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "absolute_root", os.path.abspath(self.named_root))
        object.__setattr__(self, "_opened_in", current_folder())

    def shown_root(self) -> str:
        """Return the folder of the dataset as results show it: from the current folder."""
        if current_folder() == self._opened_in:
            return self.named_root
        return shortest(self.absolute_root)

    def path(self, row: int) -> str:
        """Return an image's absolute path."""
        return os.path.join(self.absolute_root, self.paths[row])

    def rows_with_bytes_of(self, query: str) -> NDArray[np.intp]:
        """Return the rows of the images whose bytes are those of a file, wherever they lie."""
        try:
            with open(query, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        except (OSError, ValueError):  # it was there when it was described, or is an array
            return np.empty(0, np.intp)
        return np.flatnonzero(self.digests == np.void(digest))

    def row_of(self, query: str) -> int | None:
        """Return the query's own row, by its path, whichever links lead to it."""
        folder, name = os.path.split(os.path.abspath(query))
        root = os.path.realpath(self.root)
        for path, base in (
            (os.path.join(folder, name), self.absolute_root),
            (os.path.join(os.path.realpath(folder), name), root),
            (os.path.realpath(query), root),
        ):
            row = self.paths.find(os.path.relpath(path, base).replace(os.sep, "/"))
            if row is not None:
                return row
        return None


def check_limits(top: int, max_distance: float | None) -> None:
    """Refuse limits with which nothing could be found.

    Raises
    ------
    UsageError
    """
    check_whole("top", top)
    if max_distance is not None:
        check_number("max_distance", max_distance)


class Searcher(ABC, Generic[D]):
    """Searches an index; a query is described as something of type `D`.

    Attributes
    ----------
    images : Images
    label : str
        The alias of the descriptor, several joined by ``+``, or the name of a preset.
    metric_name : str
        Of its distances.
    meaning : str
        What a distance of 0 and what a large one says, in words.
    weights : mapping of str to float
        Of a fusion: what each descriptor counts, by alias. Of one descriptor: empty.
    adaptive : bool
        Of a fusion: whether each query changes these weights.
    """

    images: Images
    label: str
    metric_name: str
    meaning: str
    weights: Mapping[str, float] = MappingProxyType({})
    adaptive: bool = False

    @property
    @abstractmethod
    def bytes_per_image(self) -> int:
        """Bytes that the matrices take an image."""

    def describe(self, query: Query) -> D:
        """Describe a query as the index describes its images.

        Raises
        ------
        UnreadableImageError
            When it is no image.
        """
        with one_thread_each():
            return self.describe_image(open_image(query))

    @abstractmethod
    def describe_image(self, image: EncodedImage | ArrayImage) -> D:
        """Describe an image that is open already."""

    @abstractmethod
    def indexed(self, row: int) -> D:
        """Return what the index stores of an image, by its number in the order of the paths.

        Raises
        ------
        UsageError
            When there is no such number.
        """

    @abstractmethod
    def space_for(self, description: D) -> Space[D]:
        """Return the rows of the index, ready to be compared with a described query.

        Raises
        ------
        UsageError
            When that is nothing that :meth:`describe` or :meth:`indexed` returns.
        """

    def parts(
        self, space: Space[D], description: D, rows: NDArray[np.intp]
    ) -> Sequence[Mapping[str, Part] | None]:
        """Return what the descriptors of a fusion add to the distances of some rows."""
        return [None] * len(rows)

    def distances(self, description: D) -> Distances:
        """Return the exact distances of a described query to all images.

        Returns
        -------
        ndarray of float64, shape (n,)
            In the order of the paths. Those of :meth:`rank` are the same.
        """
        return self.space_for(description).exact(description, np.arange(len(self.images.paths)))

    def rank(
        self,
        query: Query,
        description: D,
        top: int = 3,
        max_distance: float | None = None,
        exclude_self: bool = False,
        exclude_identical: bool = False,
    ) -> SearchResult:
        """Rank the index's images for a described query; see :meth:`cbir.Index.search`."""
        check_limits(top, max_distance)
        is_path = isinstance(query, str | os.PathLike)
        name = path_of(query, "a query") if is_path else "<array>"
        own, identical = self._same(name) if exclude_self or exclude_identical else ([], [])
        excluded = np.array([*own, *(identical if exclude_identical else [])], np.intp)
        space = self.space_for(description)
        ranked = nearest(space, description, top, max_distance, excluded)
        parts = self.parts(space, description, np.array([row for row, _ in ranked], np.intp))
        folder, paths = self.images.shown_root(), self.images.paths
        return SearchResult(
            name,
            self.label,
            self.metric_name,
            tuple(
                Match(rank, self.images.path(row), distance, some, below(folder, paths[row]))
                for rank, ((row, distance), some) in enumerate(zip(ranked, parts, strict=True), 1)
            ),
            self.meaning,
            len({row for row, _ in ranked}.intersection(identical)),
        )

    def _same(self, name: str) -> tuple[list[int], list[int]]:
        """Return the query's own row, and those of the images that have its very bytes."""
        own = self.images.row_of(name)
        return [] if own is None else [own], self.images.rows_with_bytes_of(name).tolist()


class SingleSearcher(Searcher[Row]):
    """Searches by one descriptor and one metric.

    Parameters
    ----------
    images : Images
    named : NamedDescriptor
        The descriptor.
    metric : Metric
    matrix : ndarray, shape (n, width)
        The stored rows.
    space : Space
        The same, ready to be compared.
    """

    def __init__(
        self,
        images: Images,
        named: NamedDescriptor,
        metric: metrics.Metric,
        matrix: Row,
        space: Space[Row],
    ) -> None:
        self.images = images
        self.named = named
        self.metric = metric
        self.label = named.alias
        self.metric_name = metric.name
        is_usual = metric.name == named.descriptor.metrics[0]
        self.meaning = named.descriptor.meaning if is_usual else metric.range
        self._matrix = matrix
        self.space = space

    @property
    def bytes_per_image(self) -> int:
        """Bytes of a row."""
        return self._matrix.shape[1] * self._matrix.itemsize

    def describe_image(self, image: EncodedImage | ArrayImage) -> Row:
        """Describe an image by the descriptor."""
        check_type(image, EncodedImage | ArrayImage, "an image that is open")
        return self.named.describe(image)

    def indexed(self, row: int) -> Row:
        """Return a row of the matrix."""
        return self._matrix[check_whole("row", row, 0, len(self._matrix) - 1)]

    def space_for(self, description: Row) -> Space[Row]:
        """Return the rows; they are the same for every query."""
        wanted = self._matrix.shape[1:], self._matrix.dtype
        is_array = isinstance(description, np.ndarray)
        if not is_array or (description.shape, description.dtype) != wanted:
            raise _not_described(self.label)
        return self.space


class FusedSearcher(Searcher[Rows]):
    """Searches by several descriptors, each by its default metric, and fuses their distances.

    Parameters
    ----------
    searchers : sequence of SingleSearcher
        Of one index.
    fusion : Fusion
    label : str, optional
        The name of the preset, if it is one.
    """

    def __init__(
        self, searchers: Sequence[SingleSearcher], fusion: Fusion, label: str | None = None
    ) -> None:
        aliases = [searcher.label for searcher in searchers]
        self.images = searchers[0].images
        self.label = label or "+".join(aliases)
        self.metric_name = METRICS[fusion.method]
        self.meaning = FUSED_MEANINGS[self.metric_name]
        self.weights = dict(zip(aliases, fusion.weights, strict=True))
        self.adaptive = fusion.adaptive
        self.fusion = fusion
        self._searchers = tuple(searchers)
        self._spaces = tuple(searcher.space for searcher in searchers)
        self._count = len(self.images.paths)
        self._backgrounds = [
            Background.of(one.named.descriptor, one.metric, one.space, self._count)
            for one in (searchers if fusion.method == "scores" else ())
        ]

    @property
    def bytes_per_image(self) -> int:
        """Bytes of the rows of all descriptors."""
        return sum(searcher.bytes_per_image for searcher in self._searchers)

    def describe_image(self, image: EncodedImage | ArrayImage) -> Rows:
        """Describe an image by each descriptor; it is decoded once for each working size."""
        return tuple(searcher.describe_image(image) for searcher in self._searchers)

    def indexed(self, row: int) -> Rows:
        """Return a row of each matrix."""
        return tuple(searcher.indexed(row) for searcher in self._searchers)

    def space_for(self, description: Rows) -> WeightedSum | ReciprocalRanks:
        """Return the rows, weighted for this query."""
        if not isinstance(description, tuple) or len(description) != len(self._searchers):
            raise _not_described(self.label)
        for searcher, row in zip(self._searchers, description, strict=True):
            searcher.space_for(row)
        weights = self.fusion.weights
        if self.fusion.method == "ranks":
            return ReciprocalRanks(self._spaces, weights, description, self._count)
        backgrounds = [
            background.distances(row)
            for background, row in zip(self._backgrounds, description, strict=True)
        ]
        if self.fusion.adaptive:
            weights = self._adapted(description, backgrounds)
        return WeightedSum(self._spaces, factors(weights, [Scale.of(one) for one in backgrounds]))

    def parts(
        self, space: Space[Rows], description: Rows, rows: NDArray[np.intp]
    ) -> list[dict[str, Part]]:
        """Return what each descriptor adds to the distances of some rows."""
        assert isinstance(space, WeightedSum | ReciprocalRanks)
        found: list[dict[str, Part]] = [{} for _ in rows]
        parts = space.parts(description, rows)
        for searcher, (distances, shares) in zip(self._searchers, parts, strict=True):
            for some, distance, share in zip(found, distances, shares, strict=True):
                some[searcher.label] = Part(float(distance), float(share))
        return found

    def _adapted(self, description: Rows, backgrounds: Sequence[Distances]) -> tuple[float, ...]:
        """Return the weights, multiplied by what the score curves say."""
        weights = []
        for weight, space, row, background in zip(
            self.fusion.weights, self._spaces, description, backgrounds, strict=True
        ):
            # The query itself, and copies of it, say nothing of how well others are found.
            ranked = [distance for _, distance in nearest(space, row, CURVE) if distance > 0]
            weights.append(weight * adaptive_weight(np.array(ranked), background, self._count))
        return tuple(weights)


def _not_described(label: str) -> UsageError:
    return UsageError(f"{label}: give a description as describe() or indexed() returns it")
