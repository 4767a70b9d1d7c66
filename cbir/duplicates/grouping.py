"""Groups of copies, each around the image that is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cbir.core import stderr_capture
from cbir.core.arguments import check_type, one_of
from cbir.core.errors import UnreadableImageError
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, ordered_map, threads
from cbir.duplicates.candidates import find_candidates
from cbir.duplicates.collection import Collection
from cbir.duplicates.copy_classifier import CopyClassifier
from cbir.duplicates.detail import DetailCache
from cbir.duplicates.image_content import Content
from cbir.duplicates.keep_policy import CopyCluster, keep_order, order_by_detail
from cbir.duplicates.loss import Loss, LossKind, kinds_of, refused
from cbir.duplicates.losses.detector import LossDetector
from cbir.duplicates.model import (
    KEEP_POLICIES,
    CopyLevel,
    CopyMatch,
    Duplicate,
    Group,
    ImageRecord,
    KeepPolicy,
)
from cbir.duplicates.shortlists import Shortlists, unpacked
from cbir.verification.geometry import inverted

IsExcluded = Callable[[ImageRecord, ImageRecord], bool]
"""Says that two images were judged different."""

FindLosses = Callable[[Content, Content, CopyMatch], tuple[Loss, ...]]
"""``find_losses(kept, copy, match)``: what the copy shows, and the kept image does not."""


def nothing_excluded(*_: ImageRecord) -> bool:
    """Say of no two images that they were judged different."""
    return False


def find_groups(
    collection: Collection,
    level: CopyLevel = "near",
    *,
    threshold: int | None = None,
    keep: KeepPolicy = "best",
    is_excluded: IsExcluded = nothing_excluded,
    allow_loss: LossKind | Iterable[LossKind] = (),
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> list[Group]:
    """Group the copies of a collection.

    The images are put in the order of the keep policy, references first. Each one joins the
    first image before it that is kept, that it is a copy of and that holds all that it shows;
    else it is kept itself. So every member is a copy of the group's kept image: groups do not
    chain. They do not depend on the order in which the images were found. One that shows more than
    the first image that it is a copy of is listed in that one's group, too, but stays.

    Parameters
    ----------
    collection : Collection
    level : CopyLevel
        The most generous that counts.
    threshold : int, optional
        The largest distance at `level`, 0 to 256, instead of the default.
    keep : KeepPolicy
        Which image of a group is kept; see :func:`cbir.duplicates.keep_policy.keep_order`.
    is_excluded : callable
        ``is_excluded(first, second)``: two images that must not be in one group as copies.
    allow_loss : str or iterable of str
        Kinds of :class:`cbir.duplicates.loss.Loss` that do not matter. ``smallest`` allows
        the loss of detail.
    workers : int, optional
    listener : ProgressListener, optional

    Returns
    -------
    list of Group
        In the order of the paths of the kept images. Files of equal content are copies of each
        other at every level.
    """
    check_type(collection, Collection, "a collection")
    check_type(is_excluded, Callable, "is_excluded")
    workers, listener = threads(workers), ProgressListener.of(listener)
    allowed = kinds_of(allow_loss)
    if one_of(keep, KEEP_POLICIES, "policy to keep") == "smallest":
        allowed |= {"detail"}  # who asks for that knows what it costs
    classifier = CopyClassifier(collection.cache, level, threshold)
    with stderr_capture.capture(), one_thread_each():
        order = keep_order(collection, keep, workers)
        contents, content_of = collection.contents, collection.content_ids
        content_ids = list(dict.fromkeys(content_of[order].tolist()))
        shortlists = find_candidates(
            contents, classifier, workers, listener, content_ids, described=collection.described
        )
        details, matches = DetailCache(), MatchCache(contents, classifier, listener)
        losses = LossDetector(collection.cache, details)

        def search() -> _Search:
            firsts = dict(zip(content_of[order[::-1]].tolist(), order[::-1], strict=True))
            files = [collection.records[firsts[i]] for i in range(len(firsts))]
            while True:
                found = _Search(files, shortlists, matches, is_excluded, losses.between, allowed)
                found.run(content_ids, workers, listener)
                # That a kept image is made of several others shows when all of these were found.
                if not found.find_composites(losses):
                    return found

        found = search()
        if keep == "best":
            # Which one is better can be said only of images that show the same.
            order = order_by_detail(
                collection, order, found.clusters(content_ids), details, workers, listener
            )
            content_ids = list(dict.fromkeys(content_of[order].tolist()))
            shortlists = shortlists.in_order(content_ids)
            found = search()
    return _groups(collection, order, found)


@dataclass(frozen=True, slots=True)
class _Found:
    """A kept image that a content is a copy of."""

    kept: int
    match: CopyMatch
    losses: tuple[Loss, ...]


class MatchCache:
    """Which pairs match; each is looked at once. Threads may share it.

    Parameters
    ----------
    contents : sequence of Content
    classifier : CopyClassifier
    listener : ProgressListener
        Told, once, of images that cannot be read.
    """

    def __init__(
        self, contents: Sequence[Content], classifier: CopyClassifier, listener: ProgressListener
    ) -> None:
        self.contents = contents
        self._classifier = classifier
        self._listener = listener
        self._matches: dict[tuple[int, int], CopyMatch | None] = {}
        self._warned: set[str] = set()

    def between(self, kept: int, content_id: int, hypotheses: int) -> CopyMatch | None:
        """Match two contents, always in the same direction: both ways give the same."""
        first, second = pair = min(kept, content_id), max(kept, content_id)
        if pair not in self._matches:
            try:
                match = self._classifier.classify(
                    self.contents[first], self.contents[second], unpacked(hypotheses)
                )
            except UnreadableImageError as error:
                self.warn(error)
                match = None
            self._matches[pair] = match
        found = self._matches[pair]
        return found if found is None or first == kept else reversed_match(found)

    def warn(self, error: UnreadableImageError) -> None:
        """Tell of an image that cannot be read, once."""
        message = str(error)
        if message not in self._warned:
            self._warned.add(message)
            self._listener.warn(message)


@dataclass
class _Search:
    """Decides which content joins which, in rounds.

    In each round all those are decided whose possible kept images are decided: so threads can share
    the work, and the outcome is that of going through the contents one by one.
    """

    files: Sequence[ImageRecord]
    """Of each content the one that stands for it."""
    shortlists: Shortlists
    matches: MatchCache
    is_excluded: IsExcluded
    find_losses: FindLosses
    allowed: frozenset[LossKind]
    joined: dict[int, _Found] = field(default_factory=dict)
    staying: dict[int, _Found] = field(default_factory=dict)
    """Those that are copies, but show more, with the first kept image of each."""

    def run(self, order: Sequence[int], workers: int, listener: ProgressListener) -> None:
        """Decide all contents, given in the order of the keep policy."""
        rank = {content_id: place for place, content_id in enumerate(order)}
        starts, later = self.shortlists.later()
        waiting = np.diff(self.shortlists.starts)
        ready = [content_id for content_id in order if not waiting[content_id]]
        listener.begin("comparing", len(order))
        while ready:
            following: list[int] = []
            for content_id, found in zip(
                ready, ordered_map(self._first_match, ready, workers, batch=1), strict=True
            ):
                listener.advance()
                if found is not None:
                    stays = refused(found.losses, self.allowed)
                    (self.staying if stays else self.joined)[content_id] = found
                others = later[starts[content_id] : starts[content_id + 1]]
                waiting[others] -= 1
                following += others[waiting[others] == 0].tolist()
            ready = sorted(following, key=rank.__getitem__)
        listener.end()

    def clusters(self, order: Sequence[int]) -> list[CopyCluster]:
        """Return what joined each kept image, and what stays beside it, in the order given."""
        clusters: dict[int, CopyCluster] = {}
        for content_id in order:
            found = self.joined.get(content_id) or self.staying.get(content_id)
            if found:
                cluster = clusters.setdefault(found.kept, CopyCluster(found.kept, {}, {}))
                members = cluster.joined if content_id in self.joined else cluster.staying
                members[content_id] = found.match
        return [clusters[content_id] for content_id in order if content_id in clusters]

    def find_composites(self, losses: LossDetector) -> bool:
        """Find the images that are made of several others; say whether any are new.

        One that stays beside a part of it may be made of that and of a copy of its own.
        """
        contents = self.matches.contents
        members = defaultdict[int, list[tuple[Content, CopyMatch]]](list)
        for content_id, one in (self.joined | self.staying).items():
            members[one.kept].append((contents[content_id], one.match))
        for content_id, one in self.staying.items():
            if content_id in members:
                members[content_id].append((contents[one.kept], reversed_match(one.match)))
        found = False
        for kept, copies in members.items():
            if len(copies) > 1:
                found |= losses.find_composites(contents[kept], copies)
        return found

    def _first_match(self, content_id: int) -> _Found | None:
        """Return the first kept content that this one is a copy of, and why.

        One that holds all that this one shows has precedence.
        """
        contents = self.matches.contents
        file, first = self.files[content_id], None
        for kept, hypotheses in () if file.reference else self.shortlists.of(content_id):
            if kept in self.joined or self.is_excluded(self.files[kept], file):
                continue
            match = self.matches.between(kept, content_id, hypotheses)
            if match is None:
                continue
            try:
                losses = self.find_losses(contents[kept], contents[content_id], match)
            except UnreadableImageError as error:
                self.matches.warn(error)
                continue
            found = _Found(kept, match, losses)
            if not refused(losses, self.allowed):
                return found
            first = first or found
        return first


def reversed_match(match: CopyMatch) -> CopyMatch:
    """Return a match as seen from the other image."""
    if match.transform is None:
        return match
    return replace(match, transform=inverted(match.transform))


def _groups(collection: Collection, order: Sequence[int], search: _Search) -> list[Group]:
    """Put the files into groups, as their contents are."""
    firsts: dict[int, int] = {}
    members = defaultdict[int, list[Duplicate]](list)
    for file in order:
        content_id, record = int(collection.content_ids[file]), collection.records[file]
        found, stays = search.joined.get(content_id), False
        if found is None and content_id in firsts:
            found = _Found(content_id, CopyMatch("exact", 0, "same bytes"), ())
        elif found is None:
            firsts[content_id] = file
            found, stays = search.staying.get(content_id), True
        if found and (stays or not record.reference):
            members[found.kept].append(Duplicate(record, found.match, found.losses, stays))
    kept_ids = sorted(members, key=lambda content_id: firsts[content_id])
    return [
        Group(number, collection.records[firsts[kept]], tuple(members[kept]))
        for number, kept in enumerate(kept_ids, 1)
    ]
