"""From a dataset to an index: walk, compare with what is indexed, decode, describe, write."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from cbir.core import stderr_capture
from cbir.core.amounts import counted
from cbir.core.arguments import check_type, path_of, several
from cbir.core.errors import (
    BrokenIndexError,
    CbirError,
    UnreadableImageError,
    first_few,
    printable,
)
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, threads
from cbir.core.version import __version__
from cbir.descriptors import presets
from cbir.descriptors.base import TrainedDescriptor
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.images.discovery import ImageFile, find_images
from cbir.indexing.buffer import Table, counts, left_behind
from cbir.indexing.describe_stage import Collector, Keeper
from cbir.indexing.reuse import Known, is_same_dataset, outside, with_unreachable
from cbir.indexing.selection import Source, choose, make_ready
from cbir.stores import open_store
from cbir.stores.csv.codec import naming
from cbir.stores.default_path import is_kept
from cbir.stores.journal import Journal, JournalRecord
from cbir.stores.model import DescriptorEntry, IndexStore, Metadata, Rows, Snapshot, Writer


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run of indexing did.

    Attributes
    ----------
    index, dataset : str
        Their paths.
    images : int
        In the index now.
    added, updated, reused : int
        Of these: new ones; known ones that were described again, for their content changed or a
        descriptor came; and those that were taken over as they were.
    renamed, removed : int
        Images known by their content under a new path; images that left.
    described : int
        Images that this run decoded; an interrupted run may have described more.
    unreadable : tuple of UnreadableImageError
        Files that could not be read, with their reasons.
    warned : tuple of str
        Paths of images that this run described, though a warning was told about them.
    left_out : mapping of str to int
        Files of formats that are not read, by extension; see ``docs/formats.md``.
    seconds : float
        From the walk to the commit.
    """

    index: str
    dataset: str
    images: int
    added: int
    updated: int
    reused: int
    renamed: int
    removed: int
    described: int
    unreadable: tuple[UnreadableImageError, ...]
    warned: tuple[str, ...]
    left_out: Mapping[str, int]
    seconds: float

    @property
    def rate(self) -> float:
        """Images described a second."""
        return self.described / self.seconds


def build_index(
    dataset: str,
    index: str = "index.csv",
    descriptors: str | Sequence[str] = (),
    *,
    preset: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    vocabulary: str | Sequence[str] | None = None,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    workers: int | None = None,
    rebuild: bool = False,
    retrain: bool = False,
    features: SiftExtractor | None = None,
    keep_others: bool = False,
    wait: bool = False,
    listener: ProgressListener | None = None,
) -> IndexReport:
    """Make the index of a folder of images, or bring it up to date.

    Images that are unchanged are not described again, those that are gone leave, and those that
    were renamed are recognized by their content.

    Parameters
    ----------
    dataset : str
        The folder; it is searched for images at any depth.
    index : str
        The index file.
    descriptors : str or sequence of str
        Descriptors to add, as ``NAME``, ``NAME:key=value`` or ``ALIAS=NAME:…``. A new index
        without any gets ``hsv``. The first one of an index is what searches use by default.
    preset : str or sequence of str
        Presets whose descriptors to add, after the others.
    drop : str or sequence of str
        Aliases of descriptors to remove.
    vocabulary : str or sequence of str, optional
        Vocabularies or models: ``.npz`` files, folders of them, or indexes that have one. Where one
        is needed and none of these fits, the index goes on with what it has, or takes what comes
        with the package, or else trains one.
    include, exclude : str or sequence of str
        Shell patterns of images to take and to leave.
    workers : int, optional
        Threads; all cores unless told otherwise. The index does not depend on it.
    rebuild : bool
        Start from nothing; only columns that the user added are kept.
    retrain : bool
        Train vocabularies and models on these images, whatever there is.
    features : SiftExtractor, optional
        Also keep the local features that this extracts of each image.
    keep_others : bool
        Images of the index that the patterns leave out stay in it.
    wait : bool
        Wait for another process that writes to the index.
    listener : ProgressListener, optional
        Told of progress and of unreadable files.

    Returns
    -------
    IndexReport

    Raises
    ------
    CbirError
        When there is nothing to index, or the index cannot be written. The old one survives.
    """
    start = time.perf_counter()
    listener = ProgressListener.of(listener)
    dataset, index = path_of(dataset, "a dataset"), path_of(index, "an index")
    workers = threads(workers)
    unreadable = _Unreadable(listener)
    given, drop = several(descriptors, "a descriptor"), several(drop, "an alias to drop")
    of_presets = [presets.get(name).specs for name in several(preset, "a preset")]
    descriptors = [*given, *chain.from_iterable(of_presets)]
    include, exclude = several(include, "a pattern"), several(exclude, "a pattern")
    models = () if vocabulary is None else several(vocabulary, "a vocabulary", path_of)
    if features is not None:
        check_type(features, SiftExtractor, "features")
    for spec in descriptors:
        parse(spec)  # a typing error is told before anything is touched
    left_out: Counter[str] = Counter()
    found = _find(dataset, include, exclude, unreadable, left_out)
    store = open_store(index)
    root = _relative_root(dataset, index)
    with naming(dataset), store.writer(wait) as writer, stderr_capture.caught(), one_thread_each():
        previous = _previous(store, writer, rebuild, listener)
        base, moved = None if rebuild else previous, False
        if base is not None:
            moved = _check_root(base, root, dataset, found, listener)
            if keep_others:
                found = outside(found, base, include, exclude)
            found = with_unreachable(found, base, dataset, unreadable.errors)
        entries = _entries_before(store, previous, keep=base is not None or not descriptors)
        chosen = choose(entries, descriptors, drop, previous.rows.user_columns if previous else ())
        ready = make_ready(
            chosen,
            base,
            models,
            retrain,
            Source(dataset, found, workers),
            listener,
        )
        journal = writer.journal(root)
        keeper = Keeper(writer, features) if features else None
        known = Known(base, _journal_records(journal, rebuild, listener), ready, moved)
        if base is not None:
            _tell(base, listener)
        table = Table(len(found), ready)
        with _kept_if_interrupted(journal):
            collector = Collector(dataset, known, table, journal, keeper, listener, unreadable)
            collector.run(found, workers)
            if not table.count:
                raise CbirError(
                    f"{printable(dataset)}: none of {counted(len(found), 'file')} could be read"
                )
            same_root = previous is not None and previous.metadata.root == root
            sources = table.sources(previous, same_root)
            rows = table.rows(previous, sources)
            _keep_what_was_typed(store, left_behind(previous, sources), listener)
            metadata = Metadata(root, _metadata_entries(ready, writer), __version__)
            if base is None or table.described.any() or not _is_current(base, metadata, rows):
                writer.commit(metadata, rows, table.matrices)
            else:
                writer.keep(base)
            if keeper:
                keeper.forget_all_but(rows.facts["sha256"])
    _warn_of_drift(ready, table, listener)
    _tell_left_out(left_out, listener)
    changes = counts(rows.paths, table, known.paths)
    return IndexReport(
        index=index,
        dataset=dataset,
        images=len(rows),
        described=int(table.described.sum()),
        unreadable=tuple(unreadable.errors),
        warned=tuple(collector.warned),
        left_out=dict(sorted(left_out.items())),
        seconds=time.perf_counter() - start,
        **changes,
    )


def _find(
    dataset: str,
    include: Sequence[str],
    exclude: Sequence[str],
    unreadable: _Unreadable,
    left_out: Counter[str],
) -> list[ImageFile]:
    found = find_images(dataset, include, exclude, unreadable, left_out)
    if not found:
        hint = (
            "nothing matches --include, or all is left out by --exclude"
            if include or exclude
            else "images are known by extensions like .jpg and .png, or by --include"
        )
        raise CbirError(f"{printable(dataset)}: there is no image in the dataset; {hint}")
    return found


def _journal_records(
    journal: Journal, rebuild: bool, listener: ProgressListener
) -> list[JournalRecord]:
    """Return what an interrupted run has described, unless nothing of it is wanted."""
    if rebuild:
        journal.discard()
    records = journal.read()
    if records:
        listener.note(
            f"Continuing an interrupted run: {counted(len(records), 'image')} described already"
        )
    return records


class _Unreadable:
    """Collects what cannot be read, and tells the listener at once."""

    def __init__(self, listener: ProgressListener) -> None:
        self.errors: list[UnreadableImageError] = []
        self._listener = listener

    def __call__(self, error: UnreadableImageError) -> None:
        self.errors.append(error)
        self._listener.unreadable(error)


@contextlib.contextmanager
def _kept_if_interrupted(journal: Journal) -> Iterator[None]:
    """Write what the journal holds when the work ends before its time."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            journal.close()
        raise


def _previous(
    store: IndexStore, writer: Writer, rebuild: bool, listener: ProgressListener
) -> Snapshot | None:
    """Open the index so far; one that is broken is set aside when it is to be rebuilt."""
    try:
        return writer.previous()
    except BrokenIndexError as error:
        if not rebuild:
            raise
        listener.warn(f"{error}. It is kept as {printable(store.set_aside())}")
        return None


def _tell(base: Snapshot, listener: ProgressListener) -> None:
    """Tell what is wrong with the index so far, and is mended."""
    for message in base.damage:
        listener.note(message)
    if len(base.edited):
        listener.warn(f"{base.edited_message}; what was edited is described again")


def _entries_before(
    store: IndexStore, previous: Snapshot | None, keep: bool
) -> tuple[DescriptorEntry, ...]:
    """Return the descriptors that the index is to keep, as far as it can be known."""
    if not keep:
        return ()
    if previous is not None:
        return previous.metadata.entries
    return store.known_entries() if store.exists() else ()


def _relative_root(dataset: str, index: str) -> str:
    """Return the dataset relative to the index, so that both can be moved together.

    The cache folder moves without the datasets: an index that is kept there has the whole path.
    """
    root, folder = os.path.realpath(dataset), os.path.dirname(os.path.realpath(index))
    if is_kept(index):
        return root.replace(os.sep, "/")
    return os.path.relpath(root, folder).replace(os.sep, "/")


def _check_root(
    previous: Snapshot,
    root: str,
    dataset: str,
    found: Sequence[ImageFile],
    listener: ProgressListener,
) -> bool:
    """Say whether the dataset of an index was moved; refuse another one."""
    if previous.metadata.root == root:
        return False
    gone = not os.path.isdir(previous.root)
    if gone and is_same_dataset(previous, dataset, found):
        listener.note(
            f"{printable(previous.path)}: the dataset was at {printable(previous.root)}; its"
            " images are recognized by their content"
        )
        return True
    reason = (
        ", which is not there any more, and most images here have other contents" if gone else ""
    )
    raise CbirError(
        f"{printable(previous.path)}: this is the index of {printable(previous.root)},"
        f" not of {printable(dataset)}{reason}; name another file with --index,"
        " or replace it with --rebuild"
    )


def _metadata_entries(
    ready: Sequence[NamedDescriptor], writer: Writer
) -> tuple[DescriptorEntry, ...]:
    """Describe the descriptors for the metadata, and keep what they learned."""
    entries = []
    for named in ready:
        state, descriptor = None, named.descriptor
        if isinstance(descriptor, TrainedDescriptor) and descriptor.state is not None:
            state = writer.save_state(descriptor.state, f"{descriptor.state_name}-{named.alias}")
        entries.append(DescriptorEntry.of(named, state))
    return tuple(entries)


def _keep_what_was_typed(
    store: IndexStore, gone: Sequence[str], listener: ProgressListener
) -> None:
    """Keep the index so far if images leave it of which it has something that no program made."""
    if gone:
        listener.warn(
            f"{counted(len(gone), 'image')} with text in columns of your own"
            f" {'leaves' if len(gone) == 1 else 'leave'} the index: {first_few(gone)}; the index so"
            f" far is kept as {printable(store.set_aside())}"
        )


def _is_current(previous: Snapshot, metadata: Metadata, rows: Rows) -> bool:
    """Say whether the index would not change."""
    return (
        previous.metadata == metadata
        and list(previous.rows.paths) == list(rows.paths)
        and bool((previous.rows.facts == rows.facts).all())
    )


def _tell_left_out(left_out: Counter[str], listener: ProgressListener) -> None:
    if left_out:
        listed = ", ".join(
            f"{count:,} {extension}"
            for extension, count in sorted(left_out.items(), key=lambda one: (-one[1], one[0]))
        )
        listener.note(
            f"Left out, for these formats are not read: {listed}; docs/formats.md lists the others"
        )


def _warn_of_drift(
    ready: Sequence[NamedDescriptor], table: Table, listener: ProgressListener
) -> None:
    for named in ready:
        descriptor = named.descriptor
        if isinstance(descriptor, TrainedDescriptor):
            drift = descriptor.drift(table.matrices[named.alias])
            if drift > descriptor.drift_limit:
                listener.warn(
                    f"{named.alias}: the images differ much from those that its"
                    f" {descriptor.state_name} was trained on (drift {drift:.2f}, expected up to"
                    f" {descriptor.drift_limit:.2f}); train again with --retrain"
                )
