"""From a query to ranked results."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cbir import metrics, native
from cbir.descriptors.base import Row
from cbir.descriptors.registry import Named
from cbir.errors import CbirError, UnreadableImageError, UsageError, printable
from cbir.images import Pixels, open_picture
from cbir.parallel import cores, ordered_map
from cbir.spaces import Space, nearest, open_space
from cbir.stores import open_store
from cbir.stores.base import Snapshot

if TYPE_CHECKING:
    import pandas

Query = str | os.PathLike[str] | Pixels


@dataclass(frozen=True, slots=True)
class Match:
    """A picture of the index that is like the query.

    Attributes
    ----------
    rank : int
        From 1, the most similar.
    path : str
        Opens from the current folder.
    distance : float
        By the search's metric; 0 for equal descriptions.
    """

    rank: int
    path: str
    distance: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The pictures most similar to a query.

    Attributes
    ----------
    query : str
        The query's path, as it was given.
    descriptor : str
        The alias of what was compared.
    metric : str
        How.
    matches : tuple of Match
        The nearest first; equal distances by path.
    """

    query: str
    descriptor: str
    metric: str
    matches: tuple[Match, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON.

        Examples
        --------
        >>> SearchResult("q.jpg", "hsv", "chi2", (Match(1, "a.jpg", 0.5),)).to_dict()["results"]
        [{'rank': 1, 'path': 'a.jpg', 'distance': 0.5}]
        """
        return {
            **path_fields("query", self.query),
            "descriptor": self.descriptor,
            "metric": self.metric,
            "results": [
                {"rank": match.rank, **path_fields("path", match.path), "distance": match.distance}
                for match in self.matches
            ],
        }

    def to_frame(self) -> pandas.DataFrame:
        """Return the matches as a pandas frame with the columns rank, path and distance."""
        import pandas

        return pandas.DataFrame(self.to_dict()["results"], columns=["rank", "path", "distance"])


def path_fields(name: str, path: str) -> dict[str, str]:
    """Return `path` as a JSON field; its bytes in a second one if they are not UTF-8.

    Examples
    --------
    >>> path_fields("path", "ä.jpg")
    {'path': 'ä.jpg'}
    """
    raw = os.fsencode(path)
    try:
        return {name: raw.decode()}
    except UnicodeDecodeError:
        encoded = base64.b64encode(raw).decode()
        return {name: raw.decode(errors="replace"), f"{name}_base64": encoded}


def distance_text(metric: str, distance: float) -> str:
    """Return a distance for people: bits are whole numbers."""
    return f"{distance:.0f}" if metric == "hamming" else f"{distance:.4f}"


class Index:
    """An index that can be searched.

    Parameters
    ----------
    snapshot : Snapshot
        What is committed.
    result_path : str, optional
        Where the pictures are now, if the dataset has moved since it was indexed.
    """

    def __init__(self, snapshot: Snapshot, result_path: str | None = None) -> None:
        self._snapshot = snapshot
        self._root = os.path.realpath(result_path) if result_path else snapshot.root
        self._shown_root = result_path or shortest(snapshot.root)
        self._searcher = lru_cache(self._make_searcher)

    def __len__(self) -> int:
        return len(self._snapshot.rows)

    @property
    def root(self) -> str:
        """Where the pictures are supposed to be."""
        return self._root

    @property
    def has_pictures(self) -> bool:
        """Whether there is a folder at :attr:`root`."""
        return os.path.isdir(self._root)

    @property
    def descriptors(self) -> tuple[str, ...]:
        """The aliases of what the index holds, the default first."""
        return tuple(record.alias for record in self._snapshot.metadata.records)

    @property
    def paths(self) -> list[str]:
        """The paths of the pictures, relative to the dataset."""
        return list(self._snapshot.rows.paths)

    def vectors(self, descriptor: str | None = None) -> Row:
        """Return the stored rows of a descriptor, in the order of :attr:`paths`."""
        return self._snapshot.matrix(descriptor or self.descriptors[0])

    def search(
        self,
        query: Query,
        top: int = 3,
        *,
        descriptor: str | None = None,
        metric: str | None = None,
        max_distance: float | None = None,
        exclude_self: bool = False,
    ) -> SearchResult:
        """Find the pictures most similar to one.

        Parameters
        ----------
        query : path or ndarray of uint8, shape (height, width, 3)
            A picture file, or RGB pixels.
        top : int
            How many to return at most.
        descriptor : str, optional
            An alias; the index's first unless told otherwise.
        metric : str, optional
            The descriptor's own unless told otherwise.
        max_distance : float, optional
            Leave out what is farther.
        exclude_self : bool
            Leave out the query's own row. A copy of it under another path stays.

        Returns
        -------
        SearchResult

        Raises
        ------
        UnreadableImageError
            When the query is no picture.
        CbirError
            When the index does not hold the descriptor, or the metric makes no sense for it.
        """
        searcher = self.searcher(descriptor, metric)
        with native.caught():
            row = searcher.describe(query)
        return searcher.rank(query, row, top, max_distance, exclude_self)

    def search_all(
        self,
        queries: Iterable[str],
        top: int = 3,
        *,
        descriptor: str | None = None,
        metric: str | None = None,
        max_distance: float | None = None,
        exclude_self: bool = False,
    ) -> Iterator[SearchResult | UnreadableImageError]:
        """Search for many pictures; yield each one's result, or why it cannot be read, in order.

        The parameters are those of :meth:`search`.
        """
        searcher = self.searcher(descriptor, metric)

        def describe(query: str) -> tuple[str, Row | UnreadableImageError]:
            try:
                return query, searcher.describe(query)
            except UnreadableImageError as error:
                return query, error

        with native.caught():
            for query, row in ordered_map(describe, queries, cores()):
                if isinstance(row, UnreadableImageError):
                    yield row
                else:
                    yield searcher.rank(query, row, top, max_distance, exclude_self)

    def searcher(self, descriptor: str | None = None, metric: str | None = None) -> Searcher:
        """Return what searches by one descriptor and one metric; made once and kept."""
        return self._searcher(descriptor or self.descriptors[0], metric)

    def _make_searcher(self, alias: str, metric: str | None) -> Searcher:
        named = self._snapshot.descriptor(alias)
        chosen = _allowed_metric(named, metric)

        def derive(name: str, build: Any) -> Any:
            return self._snapshot.derive(alias, name, build)

        space = open_space(named.descriptor, self._snapshot.matrix(alias), chosen, derive)
        return Searcher(self._snapshot, named, chosen, space, self._root, self._shown_root)


@dataclass(frozen=True, slots=True)
class Searcher:
    """Searches an index by one descriptor and one metric."""

    snapshot: Snapshot
    named: Named
    metric: metrics.Metric
    space: Space
    root: str
    shown_root: str

    def describe(self, query: Query) -> Row:
        """Describe a query as the index describes its pictures."""
        return self.named.describe(open_picture(query))

    def rank(
        self,
        query: Query,
        row: Row,
        top: int = 3,
        max_distance: float | None = None,
        exclude_self: bool = False,
    ) -> SearchResult:
        """Rank the index's pictures for a described query; see :meth:`Index.search`."""
        name = "<array>" if not isinstance(query, str | os.PathLike) else os.fspath(query)
        excluded = self._row_of(name) if exclude_self else None
        ranked = nearest(self.space, row, top, max_distance, excluded)
        paths = self.snapshot.rows.paths
        return SearchResult(
            name,
            self.named.alias,
            self.metric.name,
            tuple(
                Match(rank, os.path.join(self.shown_root, paths[row]).removeprefix("./"), distance)
                for rank, (row, distance) in enumerate(ranked, 1)
            ),
        )

    def _row_of(self, query: str) -> int | None:
        """Return the query's own row, by its path, whichever links lead to it."""
        folder, name = os.path.split(os.path.abspath(query))
        root = os.path.realpath(self.root)
        for path, base in (
            (os.path.join(folder, name), os.path.abspath(self.shown_root)),
            (os.path.join(os.path.realpath(folder), name), root),
            (os.path.realpath(query), root),
        ):
            row = self.snapshot.rows.paths.find(os.path.relpath(path, base).replace(os.sep, "/"))
            if row is not None:
                return row
        return None


def open_index(path: str = "index.csv", result_path: str | None = None) -> Index:
    """Open an index for searching.

    Parameters
    ----------
    path : str
        The index file.
    result_path : str, optional
        Where the pictures are now, if the dataset has moved since.

    Raises
    ------
    BrokenIndexError
        When there is none, or it cannot be read.
    """
    if result_path is not None and not os.path.isdir(result_path):
        raise CbirError(f"{printable(result_path)}: there is no such folder of pictures")
    return Index(open_store(path).snapshot(), result_path)


def list_queries(source: str) -> list[str]:
    """Return the pictures that a query names: itself, or all below it if it is a folder."""
    from cbir.walking import find_pictures

    if not os.path.isdir(source):
        return [source]
    found = [os.path.join(source, one.path) for one in find_pictures(source)]
    if not found:
        raise CbirError(f"{printable(source)}: there is no picture in this folder")
    return found


def _allowed_metric(named: Named, metric: str | None) -> metrics.Metric:
    allowed = named.descriptor.metrics
    if metric is not None and metric not in allowed:
        metrics.get(metric)
        raise UsageError(
            f"{metric} makes no sense for {named.alias}; these do: {', '.join(allowed)}"
        )
    return metrics.get(metric or allowed[0])


def shortest(root: str) -> str:
    """Return the shorter of the absolute and the relative path of a folder."""
    relative = os.path.relpath(root)
    return relative if len(relative) <= len(root) else root
