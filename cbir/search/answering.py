"""From a request to its results: describe what is asked for, rank the images, tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from cbir.core import stderr_capture
from cbir.core.arguments import each_of
from cbir.core.errors import UnreadableImageError, UsageError
from cbir.core.folders import below
from cbir.core.messages import Parameter
from cbir.core.threads import cores, growing_batches, one_thread_each, ordered_map
from cbir.search.candidates import RowMask, RowNumbers
from cbir.search.described_query import DescribedQuery, describe_query
from cbir.search.filters.asked_metadata import AskedMetadata
from cbir.search.locations import ImageLocations
from cbir.search.request import MOST_EXAMPLES, IndexedImage, QuerySource, SearchRequest
from cbir.search.results import Match, SearchedImage, SearchResult
from cbir.search.searchers import RankedRow, Searcher

if TYPE_CHECKING:  # few searches verify
    from cbir.search.verified_match import VerifiedMatch

_FED_BACK = "; then more near what is not wanted, and less elsewhere"
"""What is added to the meaning of distances where something is disliked."""

_MOST_MARKS = 1 << 26
"""Images that are marked as eligible at a time, over all queries: 64 megabytes."""

Answer = SearchResult | UnreadableImageError


@dataclass(frozen=True, slots=True)
class _Feedback:
    """What is liked and what is not, described."""

    liked: Sequence[DescribedQuery] = ()
    unliked: Sequence[DescribedQuery] = ()


@dataclass(frozen=True, slots=True)
class _Question:
    """What is to be ranked by.

    Attributes
    ----------
    queries : sequence of DescribedQuery
        One, several that are asked for together, or none.
    feedback : _Feedback
    description : Any
        Of all of them, for the searcher.
    identical : list of int
        The rows with the very bytes of a query.
    eligible : ndarray of bool, shape (n,), or None
        Which images may be found; None: all.
    """

    queries: Sequence[DescribedQuery]
    feedback: _Feedback
    description: Any
    identical: list[int]
    eligible: RowMask | None


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers one request.

    Attributes
    ----------
    request : SearchRequest
    searcher : Searcher
        What the request is to be answered by, but for its examples.
    asked : AskedMetadata
    images : ImageLocations
    """

    request: SearchRequest
    searcher: Searcher[Any]
    asked: AskedMetadata
    images: ImageLocations

    @classmethod
    def of(
        cls,
        request: SearchRequest,
        searcher: Searcher[Any],
        asked: AskedMetadata,
        images: ImageLocations,
    ) -> Answering:
        """Return what answers a request, by several examples if it has some."""
        if request.has_examples:
            from cbir.search.examples.searcher import ExamplesSearcher  # few searches need it

            searcher = ExamplesSearcher(searcher, request.augment)
        return cls(request, searcher, asked, images)

    def answers(self) -> Iterator[Answer]:
        """Yield the result of each query, or of all together, or why it cannot be read.

        Raises
        ------
        UnreadableImageError
            When something that is liked or disliked cannot be read.
        UsageError
            When the request makes no sense.
        """
        request = self.request
        feedback = _Feedback(self._readable(request.like), self._readable(request.unlike))
        queries = each_of(request.queries, "an image to search for")
        if request.together:
            yield self._together(list(islice(queries, MOST_EXAMPLES + 1)), feedback)
            return
        is_answered = False
        for some in growing_batches(queries, cores()):
            with self._describing(some) as described:
                answers = list(self._answers(list(described), feedback))
            is_answered = True
            yield from answers
        if not is_answered and (request.like or request.unlike):
            yield self._without_query(feedback)

    def _together(self, queries: Sequence[QuerySource], feedback: _Feedback) -> Answer:
        if len(queries) < 2:
            raise UsageError(
                Parameter("together"), " is for several images to search for; give two or more,"
                " or leave it out",
            )  # fmt: skip
        self._check_count(len(queries))
        with self._describing(queries) as described:
            return self._answer(list(described), feedback)

    def _without_query(self, feedback: _Feedback) -> Answer:
        if not feedback.liked:
            raise UsageError(
                Parameter("unlike"), " says only what is not wanted; give an image to search for,"
                " or one with ", Parameter("like"),
            )  # fmt: skip
        if self.request.region is not None:
            raise UsageError(
                Parameter("region"), " is a part of an image to search for, and there is none"
            )  # fmt: skip
        with one_thread_each():
            return self._answer([], feedback)

    def _check_count(self, queries: int) -> None:
        count = queries + len(self.request.like) + len(self.request.unlike)
        if count > MOST_EXAMPLES:
            raise UsageError(f"one search is by up to {MOST_EXAMPLES} images together; give fewer")

    def _readable(self, images: Sequence[QuerySource]) -> list[DescribedQuery]:
        """Describe all of some images; without each of them, the search would be another."""
        self._check_count(0)
        found = []
        with self._describing(images, whole=True) as described:
            for one in described:
                if isinstance(one, UnreadableImageError):
                    raise one
                found.append(one)
        return found

    @contextmanager
    def _describing(
        self, some: Sequence[QuerySource], whole: bool = False
    ) -> Iterator[Iterable[DescribedQuery | UnreadableImageError]]:
        """Describe images, or the region of each, while a block works on what is described."""
        describe = partial(
            describe_query,
            region=None if whole else self.request.region,
            searcher=self.searcher,
            images=self.images,
            decode=self.request.augment,
        )
        # Nothing is decoded of images of the index, so nothing is printed about them.
        is_decoded = self.request.augment or not all(isinstance(one, IndexedImage) for one in some)
        with stderr_capture.capture() if is_decoded else nullcontext(), one_thread_each():
            workers = min(cores(), len(some))
            yield (
                ordered_map(describe, some, workers, -(-len(some) // (4 * workers)))
                if workers > 1
                else map(describe, some)
            )

    def _answers(
        self, queries: Sequence[DescribedQuery | UnreadableImageError], feedback: _Feedback
    ) -> Iterator[Answer]:
        """Yield the result for each query; what is asked for together, is compared together."""
        step = max(1, _MOST_MARKS // max(1, len(self.images.paths)))
        for start in range(0, len(queries), step):
            some = queries[start : start + step]
            questions = [
                self._question([one], feedback) for one in some if isinstance(one, DescribedQuery)
            ]
            ranked = self.searcher.top_k_of_each(
                [one.description for one in questions],
                self.request.top,
                self.request.max_distance,
                [one.eligible for one in questions],
                self.asked.groups,
            )
            results = map(self._result, questions, ranked)
            for one in some:
                yield one if isinstance(one, UnreadableImageError) else next(results)

    def _answer(
        self, queries: Sequence[DescribedQuery | UnreadableImageError], feedback: _Feedback
    ) -> Answer:
        """Return the result for one query, for several together, or for none."""
        readable: list[DescribedQuery] = []
        for query in queries:
            if isinstance(query, UnreadableImageError):
                return query
            readable.append(query)
        request, question = self.request, self._question(readable, feedback)
        ranked = self.searcher.top_k(
            question.description,
            request.top,
            request.max_distance,
            question.eligible,
            self.asked.groups,
        )
        return self._result(question, ranked)

    def _question(self, queries: Sequence[DescribedQuery], feedback: _Feedback) -> _Question:
        excluded, identical = self._own_rows(queries or feedback.liked)
        for one in feedback.unliked:
            for rows in self.images.own_rows(one.query):
                excluded += rows
        eligible = self.asked.eligible_without(excluded, len(self.images.paths))
        description = self._description(queries, feedback)
        return _Question(queries, feedback, description, identical, eligible)

    def _result(self, question: _Question, ranked: Sequence[RankedRow]) -> SearchResult:
        searcher, asked = self.searcher, self.asked
        queries, feedback = question.queries, question.feedback
        rows = [one.row for one in ranked]
        wanted = [*queries, *feedback.liked]
        folder, paths = self.images.shown_root(), self.images.paths
        names, liked, unliked = map(self._names, (queries, feedback.liked, feedback.unliked))
        return SearchResult(
            (names or liked)[0],
            searcher.label,
            searcher.metric_name,
            tuple(
                Match(
                    rank,
                    self.images.path(one.row),
                    one.distance,
                    one.components,
                    below(folder, paths[one.row]),
                    *asked.of_match(one.row),
                    orientation=one.orientation,
                    verification=self._verified(one, wanted),
                )
                for rank, one in enumerate(ranked, 1)
            ),
            searcher.meaning + (_FED_BACK if unliked else ""),
            len(set(rows).intersection(question.identical)),
            asked.facets(self._counted_rows(question, rows)) if asked.counts else {},
            queries[0].region if queries else None,
            names if len(names) > 1 else (),
            liked,
            unliked,
            self._several(wanted),
            tuple(searcher.lacking(one.description) for one in wanted),
        )

    def _several(self, wanted: Sequence[DescribedQuery]) -> tuple[SearchedImage, ...]:
        """Return the images that results are to be like, if they are several."""
        if len(wanted) < 2:
            return ()
        names = self._names(wanted)
        return tuple(
            SearchedImage(name, one.region) for name, one in zip(names, wanted, strict=True)
        )

    def _verified(self, one: RankedRow, wanted: Sequence[DescribedQuery]) -> VerifiedMatch | None:
        """Tell in pixels of the upright images what verification found."""
        if one.found is None or (query := wanted[one.found.example]).size is None:
            return None
        from cbir.images.region import PixelRegion
        from cbir.search.verified_match import VerifiedMatch

        part = query.region or PixelRegion(0, 0, *query.size)
        return VerifiedMatch.of(one.found, part, self.images.size(one.row))

    def _description(self, queries: Sequence[DescribedQuery], feedback: _Feedback) -> Any:
        if not self.request.has_examples:
            return queries[0].description
        from cbir.search.examples.examples import Examples  # few searches need it

        wanted = [one.description for one in (*queries, *feedback.liked)]
        return Examples.of(wanted, [one.description for one in feedback.unliked])

    def _own_rows(self, queries: Sequence[DescribedQuery]) -> tuple[list[int], list[int]]:
        """Return the rows that are left out for queries, and those with their very bytes."""
        request = self.request
        excluded: list[int] = []
        identical: list[int] = []
        if request.exclude_self or request.exclude_identical:
            for one in queries:
                own, same = self.images.own_rows(one.query)
                excluded += own
                identical += same
        if request.exclude_identical:
            excluded += identical
        return excluded, identical

    def _names(self, images: Sequence[DescribedQuery]) -> tuple[str, ...]:
        return tuple(self.images.name_of(one.query) for one in images)

    def _counted_rows(self, question: _Question, found: Sequence[int]) -> RowNumbers:
        """Return the images whose values are counted: all that are near, or what was found."""
        if self.request.max_distance is None:
            return np.array(found, np.intp)
        return self.searcher.within(
            question.description, self.request.max_distance, question.eligible
        )
