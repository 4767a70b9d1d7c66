"""From a query to ranked results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

from cbir.core.arguments import check_type, one_of, path_of, text_of
from cbir.core.errors import CbirError, UnreadableImageError, UsageError, printable
from cbir.core.folders import below, current_folder, shortest
from cbir.core.messages import Parameter
from cbir.descriptors.base import Row
from cbir.search.answering import Answering
from cbir.search.candidates import RowMask
from cbir.search.catalog import Catalog
from cbir.search.filters.asked_metadata import AskedMetadata
from cbir.search.filters.columns import ImageColumns
from cbir.search.filters.metadata_filter import MetadataFilter
from cbir.search.fused_searcher import FusedSearcher
from cbir.search.fusion.options import Weights
from cbir.search.locations import ImageLocations
from cbir.search.request import QuerySource, SearchOptions, SearchRequest
from cbir.search.results import Match, SearchResult
from cbir.search.searcher_pool import SearcherPool
from cbir.search.searchers import Searcher, SingleSearcher
from cbir.search.stage_options import NO_STAGES, Stages
from cbir.stores import open_store
from cbir.stores.metadata import ColumnType
from cbir.stores.model import Snapshot
from cbir.stores.presets import ready_presets

if TYPE_CHECKING:  # few searches verify what they found
    from cbir.search.image_features import ImageFeatures


class Index:
    """An index that can be searched.

    It can be pickled, as its path: it is opened again where it is unpickled, as it is then.

    Parameters
    ----------
    snapshot : Snapshot
        What is committed.
    result_path : str, optional
        Where the images are now, if the dataset has moved since it was indexed.
    """

    def __init__(self, snapshot: Snapshot, result_path: str | None = None) -> None:
        check_type(snapshot, Snapshot, "a snapshot")
        if result_path is not None and not os.path.isdir(path_of(result_path, "a dataset")):
            raise CbirError(f"{printable(result_path)}: there is no such folder of images")
        self._snapshot = snapshot
        self._result_path = result_path
        self._opened_in = current_folder()
        self._images = ImageLocations(
            snapshot.rows.paths,
            snapshot.rows.facts,
            os.path.realpath(result_path) if result_path else snapshot.root,
            result_path or shortest(snapshot.root),
        )
        self._columns = ImageColumns(snapshot.rows)
        self._filter = MetadataFilter(self._columns, len(snapshot.rows))
        self._searchers = SearcherPool(snapshot)

    def __reduce__(self) -> tuple[Any, ...]:
        # What it holds open stays in this process.
        return _reopened, (self._opened_in, self.path, self._result_path)

    def __repr__(self) -> str:
        return f"<Index {self.path}: {len(self):,} images by {', '.join(self.descriptors)}>"

    def __len__(self) -> int:
        return len(self._snapshot.rows)

    @property
    def path(self) -> str:
        """The index file."""
        return self._snapshot.path

    @property
    def generation(self) -> str:
        """What identifies the commit of the index file that was opened."""
        return self._snapshot.content

    @property
    def snapshot(self) -> Snapshot:
        """The commit of the index that was opened."""
        return self._snapshot

    @property
    def catalog(self) -> Catalog:
        """The images of the index, to be listed and counted."""
        return Catalog(self._snapshot.rows, self._columns, self._filter)

    @property
    def root(self) -> str:
        """Where the images are supposed to be."""
        return self._images.root

    @property
    def has_images(self) -> bool:
        """Whether there is a folder at :attr:`root`."""
        return os.path.isdir(self.root)

    @property
    def descriptors(self) -> tuple[str, ...]:
        """The aliases of what the index holds, the default first."""
        return tuple(entry.alias for entry in self._snapshot.manifest.entries)

    @cached_property
    def presets(self) -> list[str]:
        """The names of the presets that it is ready for."""
        return ready_presets(self._snapshot)

    @property
    def paths(self) -> list[str]:
        """The paths of the images, relative to the dataset."""
        return list(self._snapshot.rows.paths)

    @property
    def hashes(self) -> list[bytes]:
        """The SHA-256 of each file, in the order of :attr:`paths`."""
        return [digest.tobytes() for digest in self._snapshot.rows.facts["sha256"]]

    def shown(self, path: str) -> str:
        """Return one of :attr:`paths` as it opens from the current folder."""
        return below(self._images.shown_root(), text_of(path, "a path"))

    def path_in_dataset(self, match: Match) -> str:
        """Return which of :attr:`paths` a match of a search is."""
        return self._images.within_dataset(match.path)

    def vectors(self, descriptor: str | None = None) -> Row:
        """Return the stored rows of a descriptor, in the order of :attr:`paths`."""
        return self._snapshot.matrix(self._searchers.alias(descriptor))

    @property
    def columns(self) -> dict[str, ColumnType]:
        """The columns by which images can be filtered, grouped and told of, with their types."""
        return {name: column.type for name, column in self._columns.items()}

    def matching(self, where: str) -> RowMask:
        """Return for which images a condition holds, in the order of :attr:`paths`.

        Parameters
        ----------
        where : str
            An SQL expression over :attr:`columns`.

        Returns
        -------
        ndarray of bool, shape (n,)
            Not to be written to.

        Raises
        ------
        UsageError
            When it is no condition, names no column, or has something that is not allowed.
        CbirError
            When the optional package duckdb is missing, or it takes too long.
        """
        return self._filter.matching(where)

    def about_nothing(self, where: str) -> str:
        """Say that a condition holds for no image, and which values its columns have."""
        return self._filter.about_nothing(where)

    def labels(self, column: str, parameter: str = "label") -> list[str]:
        """Return what a column says of each image, as text, in the order of :attr:`paths`.

        Parameters
        ----------
        column : str
        parameter : str
            What asks for it, for the message.

        Raises
        ------
        UsageError
            When there is no such column.
        """
        return self._columns.named(column, parameter).texts()

    def search(
        self, query: QuerySource | None = None, top: int = 3, **options: Unpack[SearchOptions]
    ) -> SearchResult:
        """Find the images most similar to one.

        Parameters
        ----------
        query : path, ndarray of uint8 of shape (height, width, 3), PIL.Image.Image, \
                EncodedImage or IndexedImage
            An image file, RGB pixels, a Pillow image, a file in memory, or an image of the index.
            None with `like`: what is like those.
        top : int
            How many to return at most.
        **options
            What else :class:`SearchRequest` takes: `descriptor`, `metric`, `max_distance`,
            `exclude_self`, `exclude_identical`, `preset`, `fusion`, `weights`, `adaptive`, `where`,
            `columns`, `group_by`, `facets`, `region`, `augment`, `like`, `unlike`, `expand`,
            `rerank`, `verify`, `dba`, `approximate`.

        Returns
        -------
        SearchResult

        Raises
        ------
        UnreadableImageError
            When the query is no image, or the region reaches beyond it.
        UsageError
            When an option makes no sense.
        CbirError
            When the index does not hold the descriptor.
        """
        queries = [] if query is None else [query]
        if not (queries or options.get("like") or options.get("unlike")):
            raise UsageError("give an image to search for, or one with ", Parameter("like"))
        return self._only(self.search_all(queries, top, **options))

    def search_together(
        self, queries: Iterable[QuerySource], top: int = 3, **options: Unpack[SearchOptions]
    ) -> SearchResult:
        """Search for several images at once; the parameters are those of :meth:`search`.

        What is near to one of them is found, and what is near to several before it: see
        :mod:`cbir.search.examples.formulas`.
        """
        options["together"] = True
        return self._only(self.search_all(queries, top, **options))

    @staticmethod
    def _only(answers: Iterator[SearchResult | UnreadableImageError]) -> SearchResult:
        (answer,) = answers
        if isinstance(answer, UnreadableImageError):
            raise answer
        return answer

    def search_all(
        self, queries: Iterable[QuerySource], top: int = 3, **options: Unpack[SearchOptions]
    ) -> Iterator[SearchResult | UnreadableImageError]:
        """Search for many images; the parameters are those of :meth:`search`."""
        for option in options:
            one_of(option, SearchOptions.__annotations__, "option")
        return self.answer(SearchRequest(queries, top, **options))

    def answer(self, request: SearchRequest) -> Iterator[SearchResult | UnreadableImageError]:
        """Yield the result of each query of a request, or why it cannot be read, in order.

        Raises
        ------
        UsageError
            When the request makes no sense.
        CbirError
            When the index does not hold the descriptor.
        """
        check_type(request, SearchRequest, "a request")
        searcher = self.searcher_for(request)
        asked = AskedMetadata(request, self._columns, self._filter)
        yield from Answering.of(request, searcher, asked, self._images).answers()

    def searcher_for(self, request: SearchRequest) -> Searcher[Any]:
        """Return what a request is answered by, but for its examples; made once and kept."""
        return self.searcher(
            request.descriptor,
            request.metric,
            preset=request.preset,
            fusion=request.fusion,
            weights=request.weights,
            adaptive=request.adaptive,
            stages=request.stages,
            approximate=request.approximate,
        )

    def searcher(
        self,
        descriptor: str | None = None,
        metric: str | None = None,
        *,
        preset: str | None = None,
        fusion: str | None = None,
        weights: Weights | None = None,
        adaptive: bool = False,
        stages: Stages = NO_STAGES,
        approximate: bool = False,
    ) -> Searcher[Any]:
        """Return what searches by one descriptor or by a fusion; made once and kept.

        The parameters are those of :class:`SearchRequest`; `stages` is what follows.
        """
        return self._searchers.searcher(
            descriptor,
            metric,
            preset=preset,
            fusion=fusion,
            weights=weights,
            adaptive=adaptive,
            stages=stages,
            approximate=approximate,
        )

    def image_features(
        self, descriptor: str | None = None, preset: str | None = None
    ) -> ImageFeatures:
        """Return what has local features of images: those that the index keeps, or else new ones.

        Parameters
        ----------
        descriptor, preset : str, optional
            What was searched by: its features are taken before those of other descriptors.
        """
        return self._searchers.image_features(descriptor, preset)

    def single_searcher(
        self, descriptor: str | None = None, metric: str | None = None
    ) -> SingleSearcher[Any]:
        """Return what searches by one descriptor, the first unless told otherwise."""
        return self._searchers.single_searcher(descriptor, metric)

    def single_searchers(
        self,
        descriptor: str | None = None,
        metric: str | None = None,
        *,
        preset: str | None = None,
    ) -> list[SingleSearcher[Any]]:
        """Return what searches by each of the descriptors that are asked for."""
        return self._searchers.single_searchers(descriptor, metric, preset)

    def fused_searcher(
        self,
        descriptor: str | None = None,
        preset: str | None = None,
        approximate: bool = False,
    ) -> FusedSearcher:
        """Return what searches by several descriptors, without stages and means of rows."""
        return self._searchers.fused_searcher(descriptor, preset, approximate)


def open_index(path: str = "index.csv", result_path: str | None = None) -> Index:
    """Open an index for searching.

    Parameters
    ----------
    path : str
        The index file.
    result_path : str, optional
        Where the images are now, if the dataset has moved since.

    Raises
    ------
    BrokenIndexError
        When there is none, or it cannot be read.
    """
    return Index(open_store(path_of(path, "an index")).snapshot(), result_path)


def _reopened(folder: str, path: str, result_path: str | None) -> Index:
    """Open an index that was opened in a folder, by paths that may be relative to that."""
    if folder != current_folder():
        path = os.path.join(folder, path)
        result_path = result_path and os.path.join(folder, result_path)
    return open_index(path, result_path)
