"""The images among which duplicates are looked for: of a dataset, and of references."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.arguments import one_of, path_of, text_of, tuple_of
from cbir.core.digests import digest
from cbir.core.errors import (
    IncompleteIndexError,
    UnreadableImageError,
    UsageError,
    printable,
)
from cbir.core.folders import shortest
from cbir.core.messages import Call, Parameter
from cbir.core.progress import ProgressListener
from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.duplicates.described_contents import (
    DescribedContents,
    alias_in,
    check_same,
    missing_in,
)
from cbir.duplicates.image_content import EXTRACTOR, HASH, Content, ContentCache
from cbir.duplicates.indexed_images import IndexedImage, Selection, hash_alias, images_of
from cbir.duplicates.model import COPY_LEVELS, CopyLevel, ImageRecord
from cbir.indexing.build import build_index
from cbir.stores import open_store
from cbir.stores.features.kept import KeptFeatures
from cbir.stores.features.store import FeatureStore
from cbir.stores.model import Snapshot


@dataclass(frozen=True, slots=True)
class Collection:
    """Images with what is known of them.

    Attributes
    ----------
    records : tuple of ImageRecord
        The files, each once, sorted by the bytes of their paths.
    contents : tuple of Content
        The contents, each once, sorted by the bytes of their first path.
    content_ids : ndarray of int64, shape (records,)
        Of each record the place of its content in `contents`.
    cache : ContentCache
    root : str
        The dataset's folder, as it was given.
    unreadable : tuple of UnreadableImageError
        What could not be read; the listener was told.
    described : DescribedContents or None
        The contents by one more descriptor, whose nearest are candidates, too.
    """

    records: tuple[ImageRecord, ...]
    contents: tuple[Content, ...]
    content_ids: NDArray[np.int64]
    cache: ContentCache
    root: str
    unreadable: tuple[UnreadableImageError, ...] = ()
    described: DescribedContents | None = None


@contextlib.contextmanager
def open_collection(
    dataset: str | None,
    index: str | None,
    references: str | Sequence[str] = (),
    level: CopyLevel = "near",
    *,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    where: str | None = None,
    columns: str | Sequence[str] = (),
    candidates: str | None = None,
    workers: int | None = None,
    wait: bool = False,
    listener: ProgressListener | None = None,
) -> Iterator[Collection]:
    """Index what is needed, and open it.

    Parameters
    ----------
    dataset : str or None
        A folder of images. None: the index is used as it is.
    index : str or None
        Where to keep what is computed. None: in a temporary folder.
    references : str or sequence of str
        Folders of images that are kept.
    level : CopyLevel
        For which there must be enough in the index.
    include, exclude : str or sequence of str
        Shell patterns for the dataset.
    where : str, optional
        Only images of the dataset take part for which this condition on their metadata holds.
    columns : str or sequence of str
        Columns of metadata that the images of the dataset are to have.
    candidates : str, optional
        A descriptor, by which each image is compared with its nearest besides; at ``edited``.
    workers : int, optional
    wait : bool
        Wait for another process that writes to the index.
    listener : ProgressListener, optional

    Raises
    ------
    UsageError
        When neither a dataset nor an index is given, or there is no such level.
    CbirError
        When there is no image, or the index lacks what the level needs.
    """
    listener = ProgressListener.of(listener)
    if dataset is None and index is None:
        raise UsageError(
            "give a folder with ", Parameter("dataset"), ", or an index with ", Parameter("index")
        )
    dataset = dataset if dataset is None else path_of(dataset, "a dataset")
    index = index if index is None else path_of(index, "an index")
    references = tuple_of(references, "a reference", path_of)
    include, exclude = tuple_of(include, "a pattern"), tuple_of(exclude, "a pattern")
    selection = Selection(include, exclude, where, tuple_of(columns, "a column"))
    one_of(level, COPY_LEVELS, "level")
    if candidates is not None and level != "edited":
        raise UsageError(Parameter("candidates"), " is for the level edited")
    more = [] if candidates is None else [text_of(candidates, "a descriptor")]
    with contextlib.ExitStack() as stack:
        kept = index or os.path.join(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="cbir-")), "index.csv"
        )
        unreadable: list[UnreadableImageError] = []

        def update(folder: str, path: str, patterns: bool) -> Snapshot:
            report = build_index(
                folder,
                path,
                [*missing_descriptors(path), *missing_in(path, more)],
                include=include if patterns else (),
                exclude=exclude if patterns else (),
                keep_others=True,
                workers=workers,
                features=EXTRACTOR if level == "edited" else None,
                wait=wait,
                listener=listener,
            )
            unreadable.extend(report.unreadable)
            return open_store(path).snapshot()

        if dataset is None:
            snapshot = open_store(kept).snapshot()
            check_complete(snapshot, level)
        else:
            snapshot = update(dataset, kept, patterns=True)
        root = dataset if dataset is not None else shortest(snapshot.root)
        named = None if candidates is None else snapshot.descriptor(alias_in(kept, candidates))
        alias = None if named is None else named.alias
        images = images_of(snapshot, root, False, selection, alias)
        stores = [snapshot.features(EXTRACTOR)] if level == "edited" else []
        for reference in references:
            snapshot = update(reference, _index_of_reference(kept, reference), patterns=False)
            if named is not None:
                check_same(snapshot.descriptor(named.alias), named, reference)
            images += images_of(snapshot, reference, True, Selection(), alias)
            stores += [snapshot.features(EXTRACTOR)] if level == "edited" else []
        merged = _merged(images, ContentCache(_Features(stores)), root, unreadable, listener)
        if named is not None:
            rows = {image.record.sha256: image.row for image in reversed(images)}
            matrix = np.array([rows[content.sha256] for content in merged.contents])
            merged = replace(merged, described=DescribedContents(named, matrix))
        yield merged


def missing_descriptors(path: str) -> list[str]:
    """Return the descriptors to add to an index, so that it holds the hash."""
    store = open_store(path)
    stored = store.snapshot(accept_edited=True).manifest.entries if store.exists() else ()
    if any(one.fingerprint == HASH.fingerprint for one in stored):
        return []
    old = next((one for one in stored if one.alias == "phash"), None)
    spec = "phash:bits=256"
    return [spec] if old is None or old.parameters == HASH.parameters else [f"phash256={spec}"]


def collection_of(
    snapshot: Snapshot,
    level: CopyLevel = "near",
    *,
    root: str | None = None,
    where: str | None = None,
    columns: str | Sequence[str] = (),
    listener: ProgressListener | None = None,
) -> Collection:
    """Return the images of one commit of an index, which is used as it is.

    Parameters
    ----------
    snapshot : Snapshot
    level : CopyLevel
        For which there must be enough in the index.
    root : str, optional
        Where the dataset is now, if it has moved since it was indexed.
    where : str, optional
        Only images take part for which this condition on their metadata holds.
    columns : str or sequence of str
        Columns of metadata that the images are to have.
    listener : ProgressListener, optional

    Raises
    ------
    CbirError
        When there is no such image, or the index lacks what the level needs.
    """
    one_of(level, COPY_LEVELS, "level")
    check_complete(snapshot, level)
    folder = shortest(snapshot.root) if root is None else path_of(root, "a dataset")
    selection = Selection(where=where, columns=tuple_of(columns, "a column"))
    images = images_of(snapshot, folder, False, selection, None)
    stores = [snapshot.features(EXTRACTOR)] if level == "edited" else []
    cache = ContentCache(_Features(stores))
    return _merged(images, cache, folder, [], ProgressListener.of(listener))


def check_complete(snapshot: Snapshot, level: CopyLevel) -> None:
    """Make sure that an index holds what a search for duplicates at a level needs.

    Raises
    ------
    IncompleteIndexError
        When it does not.
    """
    missing = []
    if hash_alias(snapshot) is None:
        missing.append("hashes")
    if level == "edited":
        features = snapshot.features(EXTRACTOR)
        if any(sha256.tobytes() not in features for sha256 in snapshot.rows.facts["sha256"]):
            missing.append("local features")
    if missing:
        raise IncompleteIndexError(
            f"{printable(snapshot.path)}: the index lacks {' and '.join(missing)} of its images;"
            " add them with: ",
            Call("open_collection", dataset=snapshot.root, index=snapshot.path, level=level),
        )


def _index_of_reference(index: str, reference: str) -> str:
    """Return where the index of a reference is kept: with the state of the dataset's index."""
    name = digest(os.fsencode(os.path.realpath(reference)))
    folder = f"{os.path.realpath(index)}.cbir/references/{name}"
    os.makedirs(folder, exist_ok=True)
    return f"{folder}/index.csv"


def _merged(
    images: Sequence[IndexedImage],
    cache: ContentCache,
    root: str,
    unreadable: list[UnreadableImageError],
    listener: ProgressListener,
) -> Collection:
    # What the dataset's own index says of a content comes before what those of references say.
    bits = {image.record.sha256: image.bits for image in reversed(images)}
    records = _without_links([image.record for image in images], listener)
    contents: dict[bytes, Content] = {}
    for record in records:
        if record.sha256 not in contents:
            contents[record.sha256] = Content(
                record.sha256,
                record.path,
                record.width,
                record.height,
                bits[record.sha256],
                record.quality,
            )
    places = {sha256: place for place, sha256 in enumerate(contents)}
    content_ids = np.array([places[record.sha256] for record in records], np.int64)
    return Collection(
        tuple(records), tuple(contents.values()), content_ids, cache, root, tuple(unreadable)
    )


class _Features:
    """Looks local features up in several indexes; threads may share it."""

    def __init__(self, stores: Sequence[FeatureStore]) -> None:
        self._kept = [KeptFeatures(store, EXTRACTOR) for store in stores]

    def __call__(self, sha256: bytes) -> SiftFeatures | None:
        found = (kept.get(sha256) for kept in self._kept)
        return next((features for features in found if features is not None), None)


def _without_links(records: list[ImageRecord], listener: ProgressListener) -> list[ImageRecord]:
    """Keep one name of each file: references first, real names before links, then by path.

    A file under two names frees nothing when one is removed, and where one is a link to the other,
    the image itself might be.
    """
    files: dict[tuple[int, int], list[ImageRecord]] = {}
    gone = []
    for record in records:
        try:
            status = os.stat(record.path)
        except OSError:
            gone.append(record)
            continue
        files.setdefault((status.st_dev, status.st_ino), []).append(record)

    def rank(record: ImageRecord) -> tuple[bool, bool, bytes]:
        return not record.reference, os.path.islink(record.path), os.fsencode(record.path)

    kept = [min(names, key=rank) for names in files.values()]
    more = len(records) - len(gone) - len(kept)
    if more:
        links = counted(more, "link")
        listener.note(f"Left out {links} to images that take part under another name")
    if gone:
        listener.warn(f"{counted(len(gone), 'image')} of the index no longer there; update it")
    return sorted(kept, key=lambda record: os.fsencode(record.path))
