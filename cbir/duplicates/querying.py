"""The copies of given images in a collection."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from cbir.core import stderr_capture
from cbir.core.arguments import check_type, path_text_of, tuple_of
from cbir.core.errors import UnreadableImageError
from cbir.core.progress import ProgressListener
from cbir.core.threads import growing_batches, one_thread_each, ordered_map, threads
from cbir.duplicates.candidates import HashCandidates, index_of_features
from cbir.duplicates.collection import Collection
from cbir.duplicates.copy_classifier import CopyClassifier
from cbir.duplicates.detail import DetailCache
from cbir.duplicates.grouping import IsExcluded, nothing_excluded
from cbir.duplicates.loss import LossKind, kinds_of, refused
from cbir.duplicates.losses.detector import LossDetector
from cbir.duplicates.model import COPY_LEVELS, CopyLevel, Duplicate, ImageRecord, QueryCopies


def find_copies(
    collection: Collection,
    queries: str | Sequence[str],
    level: CopyLevel = "near",
    *,
    threshold: int | None = None,
    is_excluded: IsExcluded = nothing_excluded,
    allow_loss: LossKind | Iterable[LossKind] = (),
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> Iterator[QueryCopies | UnreadableImageError]:
    """Find the copies of each query; yield them, or why a query cannot be read, in order.

    A query that is itself a file of the collection is not its own copy; other files of equal
    content are.

    Parameters
    ----------
    collection : Collection
    queries : str or sequence of str
        Image files.
    level, threshold, apart, allow_loss, workers, listener
        As for :func:`cbir.duplicates.grouping.find_groups`.
    """
    check_type(collection, Collection, "a collection")
    check_type(is_excluded, Callable, "is_excluded")
    workers, listener = threads(workers), ProgressListener.of(listener)
    queries = tuple_of(queries, "a query", path_text_of)
    with stderr_capture.capture(), one_thread_each():
        classifier = CopyClassifier(collection.cache, level, threshold)
        search = _Search(collection, classifier, is_excluded, kinds_of(allow_loss), listener)
    listener.begin("comparing", len(queries))
    for some in growing_batches(queries, workers):
        with stderr_capture.capture(), one_thread_each():
            found = list(ordered_map(search.copies, some, workers, batch=1))
        for one in found:
            listener.advance()
            yield one
    listener.end()


class _Search:
    """Searches a collection for copies of one query after the other."""

    def __init__(
        self,
        collection: Collection,
        classifier: CopyClassifier,
        is_excluded: IsExcluded,
        allow_loss: Container[LossKind],
        listener: ProgressListener,
    ) -> None:
        self._collection = collection
        self._losses = LossDetector(collection.cache, DetailCache())
        self._allowed = allow_loss
        self._classifier = classifier
        self._is_excluded = is_excluded
        self._listener = listener
        contents, cache = collection.contents, collection.cache
        self._hash_candidates = HashCandidates(contents, classifier)
        self._features = (
            index_of_features(contents, cache, listener) if classifier.level == "edited" else None
        )
        self._files: list[list[ImageRecord]] = [[] for _ in contents]
        for record, content_id in zip(collection.records, collection.content_ids, strict=True):
            self._files[content_id].append(record)

    def copies(self, path: str) -> QueryCopies | UnreadableImageError:
        """Return the copies of the image at `path`."""
        cache, level = self._collection.cache, self._classifier.level
        try:
            query = cache.load(path, with_features=level == "edited")
        except UnreadableImageError as error:
            return error
        candidates = self._hash_candidates.candidates(query)
        if self._features is not None:
            for candidate in self._features.candidates(cache.features(query)):
                candidates[candidate.image].feature_votes.add(candidate.mirrored)
            if self._collection.described is not None:
                for content_id in self._collection.described.nearest_to(path):
                    candidates[content_id].feature_votes.update((False, True))
        this = ImageRecord(path, query.sha256, 0, 0, query.width, query.height, query.quality)
        found: list[Duplicate] = []
        for content_id in sorted(candidates):
            content = self._collection.contents[content_id]
            try:
                match = self._classifier.classify(query, content, candidates[content_id])
                if match is None:
                    continue
                losses = self._losses.between(query, content, match)
            except UnreadableImageError as error:
                self._listener.warn(error.message)
                continue
            stays = bool(refused(losses, self._allowed))
            found += [
                Duplicate(record, match, losses, stays)
                for record in self._files[content_id]
                if not _same_file(path, record.path) and not self._is_excluded(this, record)
            ]
        return QueryCopies(path, tuple(sorted(found, key=_rank)))


def _rank(copy: Duplicate) -> tuple[int, int, bytes]:
    return COPY_LEVELS.index(copy.match.level), copy.match.distance, os.fsencode(copy.record.path)


def _same_file(first: str, second: str) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False
