"""Describe the images of a dataset, as far as they are not known, and collect what comes out."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence

from cbir.core import stderr_capture
from cbir.core.atomic_files import explained
from cbir.core.errors import UnreadableImageError, printable
from cbir.core.progress import ProgressListener
from cbir.core.threads import ordered_map
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.decoders import EncodedImage
from cbir.images.discovery import ImageFile
from cbir.indexing.buffer import Outcome, Table
from cbir.indexing.reuse import Item, Known
from cbir.stores.journal import Journal, JournalRecord
from cbir.stores.model import Writer


class Keeper:
    """Keeps the local features of images in the index's state.

    Parameters
    ----------
    writer : Writer
        Of the index.
    extractor : SiftExtractor
    """

    def __init__(self, writer: Writer, extractor: SiftExtractor) -> None:
        self._extractor = extractor
        self._store = writer.features(extractor)
        self._store.check_changed()  # what is damaged is missing from then on
        self._kept = frozenset(self._store.keys())

    def lacks(self, sha256: bytes) -> bool:
        """Say whether a content's features are not kept since before this run."""
        return sha256 not in self._kept

    def extract(self, image: EncodedImage) -> SiftFeatures:
        """Extract the features of an image."""
        return self._extractor.extract(image.pixels(self._extractor.working_size))

    def add(self, sha256: bytes, features: SiftFeatures) -> None:
        """Keep features; those of equal images are kept once."""
        self._store.append(sha256, self._extractor.as_record(features))

    def close(self) -> None:
        """Make everything durable."""
        self._store.close()

    def forget_all_but(self, contents: Iterable[bytes]) -> None:
        """Free the space of images that are gone, when it is worth the work."""
        self._store.compact(frozenset(bytes(content) for content in contents))


class Collector:
    """Describes images, in order, and puts everything into the table.

    Parameters
    ----------
    dataset : str
        The folder of the images.
    known : Known
        What need not be computed.
    table : Table
        Gets the rows.
    journal : Journal
        Gets what is described, so that an interrupted run can be resumed.
    keeper : Keeper, optional
        Gets the local features, if they are wanted.
    listener : ProgressListener
        Told of progress and of damage.
    unreadable : callable
        Called with each image that cannot be read.

    Attributes
    ----------
    warned : list of str
        The images that were described although something is wrong with them.
    """

    def __init__(
        self,
        dataset: str,
        known: Known,
        table: Table,
        journal: Journal,
        keeper: Keeper | None,
        listener: ProgressListener,
        unreadable: Callable[[UnreadableImageError], None],
    ) -> None:
        self._dataset = dataset
        self._known = known
        self._table = table
        self._journal = journal
        self._keeper = keeper
        self._listener = listener
        self._unreadable = unreadable
        self.warned: list[str] = []

    def run(self, found: Sequence[ImageFile], workers: int) -> None:
        """Describe what is not known of the images that were found."""
        suspects: list[str] = []
        self._listener.begin("describing", len(found))
        try:
            for outcome in ordered_map(self._attempt, found, workers):
                self._listener.advance()
                if isinstance(outcome, UnreadableImageError):
                    self._unreadable(outcome)
                elif outcome is not None:
                    self._take(outcome)
                    if outcome.suspect:
                        suspects.append(os.path.join(self._dataset, outcome.found.path))
        finally:
            if self._keeper:
                self._keeper.close()
        self._listener.end()
        for path in suspects:
            if _warn_of_damage(path, self._table.named, self._listener):
                self.warned.append(path)

    def _take(self, outcome: Outcome) -> None:
        if outcome.described:
            with explained(self._journal.path, "write the journal"):
                self._journal.append(_entry(outcome))
        if self._keeper and outcome.features is not None:
            self._keeper.add(outcome.item.sha256, outcome.features)
        self._table.add(outcome)

    def _attempt(self, found: ImageFile) -> Outcome | UnreadableImageError | None:
        try:
            return self._describe(found)
        except UnreadableImageError as error:
            return error

    def _describe(self, found: ImageFile) -> Outcome | None:
        """Describe an image as far as it is not known; None for a montage of our own."""
        item = self._known.at(found)
        if item is not None and not self._missing(item) and not self._lacks_features(item):
            return Outcome(found, item, described=False)
        image = EncodedImage.open(os.path.join(self._dataset, found.path))
        sha256 = hashlib.sha256(image.data).digest()
        item = self._known.with_content(sha256) or Item(sha256, 0, 0, {})
        missing, wanted = self._missing(item), self._lacks_features(item)
        if not missing and not wanted:
            return Outcome(found, item, described=False)
        header = image.header
        if header.own:
            return None
        rows = dict(item.rows)
        for one in missing:
            rows[one.descriptor.fingerprint] = one.describe(image)
        features = self._keeper.extract(image) if self._keeper and wanted else None
        item = Item(sha256, header.width, header.height, rows, item.origin)
        return Outcome(found, item, bool(missing), image.suspect, features)

    def _missing(self, item: Item) -> list[NamedDescriptor]:
        return [one for one in self._table.named if one.descriptor.fingerprint not in item.rows]

    def _lacks_features(self, item: Item) -> bool:
        return self._keeper is not None and self._keeper.lacks(item.sha256)


def _warn_of_damage(
    path: str, named: Sequence[NamedDescriptor], listener: ProgressListener
) -> bool:
    """Decode an image once more, with nothing beside, and tell what is wrong with it, if any."""

    known = ""

    def decode() -> None:
        nonlocal known
        image = EncodedImage.open(path)
        for one in named:
            image.pixels(one.descriptor.working_size)
        known = image.damage

    with contextlib.suppress(UnreadableImageError):
        heard = stderr_capture.noise_of(decode)
        if damage := known or heard:
            listener.warn(f"{printable(path)}: {damage}")
            return True
    return False


def _entry(outcome: Outcome) -> JournalRecord:
    found, item = outcome.found, outcome.item
    rows = {fingerprint: row.tobytes() for fingerprint, row in item.rows.items()}
    return JournalRecord(
        found.path, found.size, found.mtime, item.width, item.height, item.sha256, rows
    )
