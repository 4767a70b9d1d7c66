"""The images among which duplicates are looked for: of a dataset, and of references."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.arguments import one_of, path_of, several
from cbir.core.errors import CbirError, UnreadableImageError, UsageError, printable
from cbir.core.folders import shortest
from cbir.core.progress import ProgressListener
from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.duplicates.image_content import EXTRACTOR, HASH, ContentCache, ImageContent
from cbir.duplicates.model import LEVELS, Entry, Level
from cbir.images.discovery import is_selected
from cbir.indexing.build import build_index
from cbir.stores import open_store
from cbir.stores.model import Snapshot


@dataclass(frozen=True, slots=True)
class Collection:
    """Images with what is known of them.

    Attributes
    ----------
    entries : tuple of Entry
        The files, each once, sorted by the bytes of their paths.
    contents : tuple of ImageContent
        The contents, each once, sorted by the bytes of their first path.
    content_ids : ndarray of int64, shape (entries,)
        Of each entry the place of its content in `contents`.
    cache : ContentCache
    root : str
        The dataset's folder, as it was given.
    unreadable : tuple of UnreadableImageError
        What could not be read; the listener was told.
    """

    entries: tuple[Entry, ...]
    contents: tuple[ImageContent, ...]
    content_ids: NDArray[np.int64]
    cache: ContentCache
    root: str
    unreadable: tuple[UnreadableImageError, ...] = ()


@contextlib.contextmanager
def open_collection(
    dataset: str | None,
    index: str | None,
    references: str | Sequence[str] = (),
    level: Level = "near",
    *,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
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
    level : Level
        For which there must be enough in the index.
    include, exclude : str or sequence of str
        Shell patterns for the dataset.
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
        raise UsageError("give a folder with --dataset, or an index with --index")
    dataset = dataset if dataset is None else path_of(dataset, "a dataset")
    index = index if index is None else path_of(index, "an index")
    references = several(references, "a reference", path_of)
    include, exclude = several(include, "a pattern"), several(exclude, "a pattern")
    one_of(level, LEVELS, "level")
    with contextlib.ExitStack() as stack:
        kept = index or os.path.join(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="cbir-")), "index.csv"
        )
        unreadable: list[UnreadableImageError] = []

        def update(folder: str, path: str, patterns: bool) -> Snapshot:
            report = build_index(
                folder,
                path,
                _lacking(path),
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
            _check(snapshot, level)
        else:
            snapshot = update(dataset, kept, patterns=True)
        root = dataset if dataset is not None else shortest(snapshot.root)
        parts = [_Part(snapshot, root, False, level, include, exclude)]
        for reference in references:
            path = _index_of_reference(kept, reference)
            parts.append(_Part(update(reference, path, patterns=False), reference, True, level))
        yield _joined(parts, root, unreadable, listener)


def _lacking(path: str) -> list[str]:
    """Return the descriptors to add to an index, so that it holds the hash."""
    store = open_store(path)
    records = store.snapshot(accept_edited=True).metadata.records if store.exists() else ()
    if any(record.fingerprint == HASH.fingerprint for record in records):
        return []
    taken = {record.alias: record for record in records}
    old = taken.get("phash")
    spec = "phash:bits=256"
    return [spec] if old is None or old.parameters == HASH.parameters else [f"phash256={spec}"]


def _check(snapshot: Snapshot, level: Level) -> None:
    lacks = []
    if _alias(snapshot) is None:
        lacks.append("hashes")
    if level == "edited":
        features = snapshot.features(EXTRACTOR)
        if any(sha256.tobytes() not in features for sha256 in snapshot.rows.facts["sha256"]):
            lacks.append("local features")
    if lacks:
        raise CbirError(
            f"{printable(snapshot.path)}: the index lacks {' and '.join(lacks)} of its images;"
            f" add them with: cbir duplicates --dataset {printable(snapshot.root)}"
            f" --index {printable(snapshot.path)} --level {level}"
        )


def _alias(snapshot: Snapshot) -> str | None:
    for record in snapshot.metadata.records:
        if record.fingerprint == HASH.fingerprint:
            return record.alias
    return None


def _index_of_reference(index: str, reference: str) -> str:
    """Return where the index of a reference is kept: with the state of the dataset's index."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(reference))).hexdigest()[:16]
    folder = f"{os.path.realpath(index)}.cbir/references/{name}"
    os.makedirs(folder, exist_ok=True)
    return f"{folder}/index.csv"


class _Part:
    """The images of one index."""

    def __init__(
        self,
        snapshot: Snapshot,
        root: str,
        reference: bool,
        level: Level,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> None:
        alias = _alias(snapshot)
        if alias is None:
            raise CbirError(f"{printable(snapshot.path)}: the index has no hashes")
        # The index may hold more than what is asked for: patterns never shrink it.
        paths = list(snapshot.rows.paths)
        chosen = [row for row, path in enumerate(paths) if is_selected(path, include, exclude)]
        self.matrix = snapshot.matrix(alias)[chosen]
        self.features = snapshot.features(EXTRACTOR) if level == "edited" else None
        self.entries = [
            Entry(
                path if root == "." else os.path.join(root, path),
                fact["sha256"].tobytes(),
                int(fact["bytes"]),
                int(fact["mtime"]),
                int(fact["width"]),
                int(fact["height"]),
                int(row[-1]),
                reference,
            )
            for path, fact, row in zip(
                (paths[row] for row in chosen),
                snapshot.rows.facts[chosen],
                self.matrix,
                strict=True,
            )
        ]


def _joined(
    parts: Sequence[_Part],
    root: str,
    unreadable: list[UnreadableImageError],
    listener: ProgressListener,
) -> Collection:
    bits = {
        entry.sha256: row[:-1]
        for part in reversed(parts)
        for entry, row in zip(part.entries, part.matrix, strict=True)
    }
    entries = _once([entry for part in parts for entry in part.entries], listener)
    contents: dict[bytes, ImageContent] = {}
    content_ids = np.empty(len(entries), np.int64)
    places: dict[bytes, int] = {}
    for i, entry in enumerate(entries):
        if entry.sha256 not in contents:
            places[entry.sha256] = len(contents)
            contents[entry.sha256] = ImageContent(
                entry.sha256,
                entry.path,
                entry.width,
                entry.height,
                bits[entry.sha256],
                entry.quality,
            )
        content_ids[i] = places[entry.sha256]
    cache = ContentCache(_Features(parts))
    return Collection(
        tuple(entries),
        tuple(contents.values()),
        content_ids,
        cache,
        root,
        tuple(unreadable),
    )


class _Features:
    """Looks local features up in the indexes of all parts; threads may share it."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._stores = [part.features for part in parts if part.features is not None]
        self._lock = threading.Lock()

    def __call__(self, sha256: bytes) -> SiftFeatures | None:
        with self._lock:
            for store in self._stores:
                with contextlib.suppress(KeyError):
                    return EXTRACTOR.from_record(store.get(sha256))
        return None


def _once(entries: list[Entry], listener: ProgressListener) -> list[Entry]:
    """Keep one name of each file: references first, real names before links, then by path.

    A file under two names frees nothing when one is removed, and where one is a link to the other,
    the image itself might be.
    """
    files: dict[tuple[int, int], list[Entry]] = {}
    gone = []
    for entry in entries:
        try:
            status = os.stat(entry.path)
        except OSError:
            gone.append(entry)
            continue
        files.setdefault((status.st_dev, status.st_ino), []).append(entry)

    def rank(entry: Entry) -> tuple[bool, bool, bytes]:
        return not entry.reference, os.path.islink(entry.path), os.fsencode(entry.path)

    kept = [min(names, key=rank) for names in files.values()]
    # A reference stays one, whichever of its names is the first.
    kept = [
        replace(one, reference=True) if any(name.reference for name in names) else one
        for one, names in zip(kept, files.values(), strict=True)
    ]
    more = len(entries) - len(gone) - len(kept)
    if more:
        links = counted(more, "link")
        listener.note(f"Left out {links} to images that take part under another name")
    if gone:
        listener.warn(f"{counted(len(gone), 'image')} of the index no longer there; update it")
    return sorted(kept, key=lambda entry: os.fsencode(entry.path))
