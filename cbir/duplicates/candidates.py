"""Which contents may be copies of each other: the pairs that are worth a closer look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.errors import UnreadableImageError
from cbir.core.progress import ProgressListener
from cbir.core.threads import ordered_map
from cbir.descriptors.hashes.dihedral import ORIENTATIONS, orientations
from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.duplicates.copy_classifier import ORIENTED_DISTANCE, CopyClassifier, Hypotheses
from cbir.duplicates.described_contents import DescribedContents
from cbir.duplicates.image_content import EXTRACTOR, HASH, Content, ContentCache
from cbir.duplicates.shortlists import (
    MOST_FIRST,
    MOST_NEAREST,
    ShortlistBuilder,
    Shortlists,
    feature_vote_bit,
    orientation_bit,
)
from cbir.search.hamming.pairs import neighbors_within, pairs_within
from cbir.search.inverted.lsh_index import LshIndex
from cbir.search.metrics import hamming


def find_candidates(
    contents: Sequence[Content],
    classifier: CopyClassifier,
    workers: int,
    listener: ProgressListener,
    order: Sequence[int] | None = None,
    most_first: int = MOST_FIRST,
    most_nearest: int = MOST_NEAREST,
    described: DescribedContents | None = None,
) -> Shortlists:
    """Find, for each content, those before it that it may be a copy of.

    Parameters
    ----------
    contents : sequence of Content
    classifier : CopyClassifier
        What it will look at.
    workers : int
    listener : ProgressListener
        Told where contents have more candidates than are compared.
    order : sequence of int, optional
        The contents in the order of the keep policy; as they are, unless told otherwise.
    most_first, most_nearest : int
        Candidates a content, by the order and by their hashes: memory and time do not grow with
        the square of the number of images that look alike.
    described : DescribedContents, optional
        At ``edited``, the nearest by these are candidates, too.
    """
    content_ids = np.arange(len(contents)) if order is None else np.array(order, np.int64)
    rank = np.empty(len(contents), np.int64)
    rank[content_ids] = np.arange(len(contents))
    found = ShortlistBuilder(content_ids, most_first, most_nearest)
    pairing = _Pairing(contents, classifier.cache, rank, found, workers, listener)
    pairing.pair_equal_pixels(content_ids.tolist())
    # In the order of the policy, so that what is left out is dropped as it comes.
    textured = np.array([i for i in content_ids.tolist() if not contents[i].textureless], np.int64)
    if len(textured):
        hashes = np.stack([contents[i].bits for i in textured])
        ranks = rank[textured]
        for part in pairs_within(hashes, classifier.hash_radius, workers):
            found.add(ranks[part.first], ranks[part.second], orientation_bit(0), part.distance)
        if classifier.level == "edited":
            pairing.pair_by_orientation(hashes, textured)
            pairing.pair_by_features()
            if described is not None:
                pairing.pair_by_descriptor(described)
    lists, crowded = found.finish()
    if crowded:
        listener.warn(
            f"{counted(crowded, 'image')} may be a copy of more than {most_first:,} others: only "
            f"the first {most_first:,} and the nearest {most_nearest:,} are compared, so that "
            "copies may be missed"
        )
    return lists


class HashCandidates:
    """Finds the candidates of a query: the contents whose hashes are near to its own.

    Parameters
    ----------
    contents : sequence of Content
        The contents to search.
    classifier : CopyClassifier
        What will look at them.
    """

    def __init__(self, contents: Sequence[Content], classifier: CopyClassifier) -> None:
        self._radius = classifier.hash_radius
        self._tries_orientations = classifier.level == "edited"
        self._numbers = {content.sha256: number for number, content in enumerate(contents)}
        self._textured = np.array(
            [i for i, content in enumerate(contents) if not content.textureless], np.intp
        )
        bits = [contents[i].bits for i in self._textured]
        self._hashes = np.array(bits, np.uint8).reshape(-1, HASH.dimension // 8)
        self._textureless = _textureless(contents, range(len(contents)))

    def candidates(self, query: Content) -> dict[int, Hypotheses]:
        """Return the candidates of a query by number, each with its hypotheses."""
        found: dict[int, Hypotheses] = defaultdict(Hypotheses)
        if query.sha256 in self._numbers:
            found[self._numbers[query.sha256]].orientations.add(0)
        if query.textureless:
            for i in self._textureless.get((query.width, query.height), ()):
                found[i].orientations.add(0)
            return found
        for orientation, oriented in enumerate(orientations(query.bits[None])[0]):
            radius = ORIENTED_DISTANCE if orientation else self._radius
            if orientation == 0 or self._tries_orientations:
                for i in self._textured[hamming(oriented, self._hashes) <= radius].tolist():
                    found[i].orientations.add(orientation)
        return found


def _textureless(
    contents: Sequence[Content], order: Iterable[int]
) -> dict[tuple[int, int], list[int]]:
    """List the contents without structure by width and height, each list in the order given."""
    sizes = defaultdict[tuple[int, int], list[int]](list)
    for i in order:
        if contents[i].textureless:
            sizes[contents[i].width, contents[i].height].append(i)
    return sizes


@dataclass(frozen=True, slots=True)
class _Pairing:
    """Adds pairs of contents that may be copies of each other, in several ways."""

    contents: Sequence[Content]
    cache: ContentCache
    rank: NDArray[np.int64]
    """Of each content, in the order of the keep policy."""
    found: ShortlistBuilder
    workers: int
    listener: ProgressListener

    def pair_equal_pixels(self, order: Sequence[int]) -> None:
        """Pair the images without structure that are the same, pixel by pixel.

        Their hashes say nothing, so that all of them might have to be compared with all others.
        Each is paired with the first of its kind only, which is the one that will be kept.
        """
        pairs: list[tuple[int, int]] = []
        for alike in _textureless(self.contents, order).values():
            if len(alike) > 1:
                first: dict[bytes, int] = {}
                for i in alike:
                    try:
                        other = first.setdefault(self.cache.pixels_digest(self.contents[i]), i)
                    except UnreadableImageError as error:
                        self.listener.warn(error.message)
                        continue
                    if other != i:
                        pairs.append((other, i))
        one, another = self.rank[np.array(pairs, np.int64).reshape(-1, 2)].T
        self.found.add(one, another, orientation_bit(0), np.zeros(len(pairs), np.uint16))

    def pair_by_orientation(self, hashes: NDArray[np.uint8], textured: NDArray[np.int64]) -> None:
        """Pair those of which one's hash is near to one that the other would have if turned."""
        oriented, ranks = orientations(hashes), self.rank[textured]
        for orientation in range(1, len(ORIENTATIONS)):
            queries = np.ascontiguousarray(oriented[:, orientation])
            for part in neighbors_within(queries, hashes, ORIENTED_DISTANCE, self.workers):
                # A pair is matched from the lower number to the higher one.
                kept = textured[part.first] < textured[part.second]
                first, second = ranks[part.first[kept]], ranks[part.second[kept]]
                self.found.add(first, second, orientation_bit(orientation))

    def pair_by_features(self) -> None:
        """Pair those for which local features vote."""
        index = index_of_features(self.contents, self.cache, self.listener)

        def vote(i: int) -> tuple[int, list[int], list[int]]:
            candidates = index.candidates(_features(self.contents[i], self.cache), excluded=i)
            hypotheses = [feature_vote_bit(one.mirrored) for one in candidates]
            return i, [one.image for one in candidates], hypotheses

        self.listener.begin("looking for candidates", len(self.contents))
        for i, others, hypotheses in ordered_map(vote, range(len(self.contents)), self.workers):
            self.listener.advance()
            other = self.rank[np.array(others, np.int64)]
            self.found.add(
                np.full_like(other, self.rank[i]), other, np.array(hypotheses, np.uint16)
            )
        self.listener.end()

    def pair_by_descriptor(self, described: DescribedContents) -> None:
        """Pair each with the nearest by a descriptor, as though local features voted for them."""
        hypotheses = feature_vote_bit(False) | feature_vote_bit(True)
        everything = range(len(self.contents))
        for i, others in zip(
            everything, ordered_map(described.nearest_of, everything, self.workers), strict=True
        ):
            other = self.rank[np.array(others, np.int64)]
            self.found.add(np.full_like(other, self.rank[i]), other, hypotheses)


def index_of_features(
    contents: Sequence[Content], cache: ContentCache, listener: ProgressListener
) -> LshIndex:
    """Return the index of the local features of contents; those of lost images are none."""
    return LshIndex(_features(content, cache, listener) for content in contents)


def _features(
    content: Content, cache: ContentCache, listener: ProgressListener | None = None
) -> SiftFeatures:
    try:
        return cache.features(content)
    except UnreadableImageError as error:
        if listener:
            listener.warn(error.message)
        return EXTRACTOR.nothing()
