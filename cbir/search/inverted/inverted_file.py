"""The inverted file: for each visual word, the images that have it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cbir.core.locks import LockedError
from cbir.core.progress import ProgressListener
from cbir.core.threads import growing_batches, one_thread_each, ordered_map, threads
from cbir.descriptors.encoders.sparse_code import SparseCode, WordKernel
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.key_places import KeyPlaces, Keys, as_keys
from cbir.search.inverted.merging import Live, due
from cbir.search.inverted.scorings import scoring_of
from cbir.search.inverted.segment import Segment
from cbir.search.inverted.segment_builder import RUN_BYTES, SegmentBuilder
from cbir.search.inverted.segment_folder import SegmentFolder
from cbir.search.inverted.segment_layout import MOST_IMAGES, Bytes

Encode = Callable[[bytes], SparseCode | None]
"""Returns the code of the image with this SHA-256, or None when it cannot be made; several threads
call it at once."""


class InvertedFile:
    """The codes of many images by word, in segments that do not change any more.

    It is a cache: what is damaged, foreign or missing is made again. An image is known by the
    SHA-256 of its file. Threads may share it.

    Parameters
    ----------
    folders : sequence of Path
        Where it may lie, the preferred one first; where none can be written, what is missing is
        held in memory. The folders hold nothing else.
    kernel : WordKernel
        How codes are compared, and the vocabulary's weights.
    fingerprint : str
        Of all that makes the codes: others are foreign.
    run_bytes : int
        Of entries that are sorted at a time; building takes about five times as much memory.

    Attributes
    ----------
    damage : list of str
        A message for each damaged part that was met.

    References
    ----------
    J. Zobel, A. Moffat, "Inverted files for text search engines", ACM Computing Surveys 2006, for
    runs that are sorted and then merged, and for merging by size.

    Examples
    --------
    >>> from cbir.descriptors.encoders.sparse_code import CountKernel
    >>> kernel = CountKernel(np.ones(100, np.float32), payload_bytes=1)
    >>> code = SparseCode(np.array([3, 7], np.uint16), np.array([[1], [2]], np.uint8))
    >>> inverted = InvertedFile([], kernel, "words")
    >>> inverted.update([bytes(32)], lambda key: code)
    >>> len(inverted)
    1
    """

    def __init__(
        self,
        folders: Sequence[Path],
        kernel: WordKernel,
        fingerprint: str,
        run_bytes: int = RUN_BYTES,
    ) -> None:
        self.damage: list[str] = []
        self._scoring = scoring_of(kernel)
        self.codes = CodeFormat.of(kernel, self._scoring.norms, fingerprint)
        self._folders = [SegmentFolder(Path(folder), self.codes) for folder in folders]
        self._memory: tuple[Segment, ...] = ()
        self._run_bytes = run_bytes
        self._lock = threading.Lock()
        self._places = KeyPlaces(())
        self._load()

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments as they are now; they stay readable whatever happens to their files."""
        return (*(one for folder in self._folders for one in folder.segments), *self._memory)

    @property
    def places(self) -> KeyPlaces:
        """Where each image is among the segments as they are now."""
        segments, places = self.segments, self._places
        if segments != places.segments:
            places = self._places = KeyPlaces(segments)
        return places

    def update(
        self,
        wanted: Sequence[bytes] | Keys,
        encode: Encode,
        workers: int | None = None,
        wait: bool = True,
        progress: ProgressListener | None = None,
    ) -> None:
        """Add the images that are missing, and forget most of those that are not wanted.

        What is finished is kept, also when the update is killed.

        Parameters
        ----------
        wanted : sequence of bytes or ndarray of uint8, shape (n, 32)
            The SHA-256 of all images; a key may be there several times.
        encode : callable
        workers : int, optional
            Threads that encode: as many as there are cores unless told otherwise.
        wait : bool
            Wait for another updater; else what it has not done yet is held in memory.
        progress : ProgressListener, optional

        Raises
        ------
        ValueError
            When a key or a code is none.
        """
        keys = as_keys(wanted)
        with self._lock, contextlib.ExitStack() as held:
            self._load()
            found = self.places.find(keys)
            if (found >= 0).all() and not any(self._due(one, found) for one in self._folders):
                for one in self._folders:
                    one.sweep()
                return
            # Who lacks nothing does not wait, only to tidy up.
            folder = self._writable(held, wait and bool((found < 0).any()))
            if folder is not None:
                self._load()  # the updater before may have done it
                folder.clear()
                self._write_memory(folder)
                found = self.places.find(keys)
            lacking = _once(keys[found < 0])
            codes = self._encoded(lacking, encode, threads(workers), ProgressListener.of(progress))
            self._add(codes, folder, keys)
            self._tidy(folder, keys)

    def inspect(self) -> list[str]:
        """Read everything that is kept; return messages about damage."""
        with self._lock:
            for folder in self._folders:
                folder.forget()
            return self._load()

    def _load(self) -> list[str]:
        """See what is there now; return messages about damage."""
        damage = [message for folder in self._folders for message in folder.load()]
        self.damage += [message for message in damage if message not in self.damage]
        return damage

    def _writable(self, held: contextlib.ExitStack, wait: bool) -> SegmentFolder | None:
        """Lock the first folder that can be written, if there is one."""
        for folder in self._folders:
            try:
                held.enter_context(folder.locked(wait))
            except LockedError:
                return None
            except OSError:
                continue
            return folder
        return None

    def _write_memory(self, folder: SegmentFolder) -> None:
        """Write what was held in memory when nothing could be written."""
        memory, self._memory = self._memory, ()
        for segment in memory:
            self._keep(segment.raw, folder)

    def _encoded(
        self, keys: Keys, encode: Encode, workers: int, progress: ProgressListener
    ) -> Iterator[tuple[bytes, SparseCode | None]]:
        if not len(keys):
            return
        progress.begin("encoding", len(keys))
        names = (row.tobytes() for row in keys)
        for batch in growing_batches(names, workers):
            with one_thread_each():
                codes = list(ordered_map(encode, batch, workers, batch=4))
            yield from zip(batch, codes, strict=True)
            progress.advance(len(batch))
        progress.end()

    def _add(
        self,
        codes: Iterator[tuple[bytes, SparseCode | None]],
        folder: SegmentFolder | None,
        keys: Keys,
    ) -> None:
        builder = SegmentBuilder(self.codes, self._scoring, self._run_bytes)
        for key, code in codes:
            if code is not None:
                builder.add(key, code)
            if builder.is_full:
                self._keep(builder.take(), folder)
                if folder is not None and _small_images(folder) >= MOST_IMAGES:
                    self._tidy(folder, keys)
        if len(builder):
            self._keep(builder.take(), folder)

    def _keep(self, raw: Bytes, folder: SegmentFolder | None) -> None:
        """Write a segment, or hold it in memory where that cannot be done."""
        if folder is not None:
            with contextlib.suppress(OSError):
                folder.add(raw)
                return
        self._memory = (*self._memory, Segment.of(raw, self.codes))

    def _tidy(self, folder: SegmentFolder | None, keys: Keys) -> None:
        """Merge what is due; a disk that is full keeps the segments as they are."""
        if folder is not None:
            with contextlib.suppress(OSError):
                while groups := self._due(folder, self.places.find(keys)):
                    for group in groups:
                        folder.replace(group)

    def _due(self, folder: SegmentFolder, found: NDArray[np.intp]) -> list[list[Live]]:
        """Return which segments are to be merged, by the places of the images that are wanted."""
        places = self.places
        wanted = np.zeros(len(places), bool)
        wanted[found[found >= 0]] = True
        lives = []
        for segment, start in zip(places.segments, places.starts.tolist(), strict=False):
            if segment in folder.segments:
                mask = np.zeros(MOST_IMAGES, bool)
                mask[: len(segment)] = wanted[start : start + len(segment)]
                lives.append(Live(segment, mask))
        return due(lives)


def _once(keys: Keys) -> Keys:
    """Return keys, each once and in order."""
    first = np.unique(keys.view("V32").reshape(-1), return_index=True)[1]
    return keys[np.sort(first)]


def _small_images(folder: SegmentFolder) -> int:
    """Return how many images are in segments that may be merged."""
    return sum(len(one) for one in folder.segments if len(one) <= MOST_IMAGES // 2)
