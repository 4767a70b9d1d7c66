"""A folder of segments, and the manifest that says which of them are an inverted file.

A segment is written aside and renamed; it is there when the manifest, which takes the place of the
last one by a rename as well, names it. Readers take no lock: they see one manifest or another, and
what they have mapped stays readable when it is removed. Nothing is flushed to the disk, for what a
crash leaves has other checksums, and is made again.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cbir.core.atomic_files import written_aside
from cbir.core.errors import printable, reason_of
from cbir.core.json_text import read_checked, write_checked
from cbir.core.locks import LockedError, locked_file
from cbir.core.private_folders import make_folder
from cbir.core.threads import cores, ordered_map
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.merging import Live, merge
from cbir.search.inverted.segment import SUFFIX, Segment, name_of
from cbir.search.inverted.segment_layout import HEADER_BYTES, Bytes, DamagedSegmentError

_MANIFEST = "segments.json"
_NAMES = "segments"
_NAME = re.compile(rf"[0-9a-f]{{16}}\{SUFFIX}")

_ATTEMPTS = 20
"""How often a reader starts again because an updater removed a segment meanwhile."""


class SegmentFolder:
    """The segments of one folder; it is made when the first of them comes.

    Parameters
    ----------
    path : Path
    codes : CodeFormat
        Of the codes that they hold.

    Attributes
    ----------
    segments : tuple of Segment
        As they were loaded or committed the last time.
    """

    def __init__(self, path: Path, codes: CodeFormat) -> None:
        self.path = path
        self.segments: tuple[Segment, ...] = ()
        self._codes = codes

    def load(self) -> list[str]:
        """See which segments there are now, all of them sound; return messages about damage."""
        known = {segment.name: segment for segment in self.segments}
        for _ in range(_ATTEMPTS):
            names, damage = self._names()
            found = self._opened(names, known, damage)
            # An updater may have removed a segment meanwhile: then there is another manifest.
            if len(found) == len(names) or self._names()[0] == names:
                break
        self.segments = self._sound(found, damage)
        return damage

    def forget(self) -> None:
        """Look at everything anew the next time."""
        self.segments = ()

    def clear(self) -> None:
        """Remove what no manifest names: an updater that was killed left it. Hold the lock."""
        for path in self._left():
            with contextlib.suppress(OSError):
                path.unlink()

    def sweep(self) -> None:
        """Remove what a killed updater left, unless another one is at work."""
        if self._left():
            with contextlib.suppress(OSError, LockedError), self.locked(wait=False):
                self.load()
                self.clear()

    def _left(self) -> list[Path]:
        names = {segment.name for segment in self.segments}
        with contextlib.suppress(OSError):
            return [
                path
                for path in self.path.iterdir()
                if path.suffix == ".new" or (path.suffix == SUFFIX and path.name not in names)
            ]
        return []

    @contextlib.contextmanager
    def locked(self, wait: bool) -> Iterator[None]:
        """Hold the lock of the only updater; its death releases it.

        Raises
        ------
        LockedError
            When somebody else holds it and `wait` is false.
        OSError
            When nothing can be written there.
        """
        make_folder(self.path)
        with locked_file(str(self.path / "lock"), wait):
            yield

    def add(self, raw: Bytes) -> None:
        """Write one more segment, and commit it."""
        path = self.path / name_of(raw[:HEADER_BYTES].tobytes())
        with written_aside(str(path), durable=False) as file:
            file.write(raw.data)
        self._commit([*self.segments, self._made(path)])

    def replace(self, group: Sequence[Live]) -> None:
        """Write what is wanted of some segments as one, and commit it in their place."""
        old = {one.segment.name for one in group}
        kept = [segment for segment in self.segments if segment.name not in old]
        if any(one.images for one in group):
            places: list[Path] = []

            def named(aside: str, _: str) -> None:
                with open(aside, "rb") as file:
                    places.append(self.path / name_of(file.read(HEADER_BYTES)))
                os.replace(aside, places[0])

            with written_aside(str(self.path / "merged"), durable=False, place=named) as file:
                merge(group, self._codes.digest, file)
            kept.append(self._made(places[0]))
        self._commit(kept)
        self.clear()

    def _made(self, path: Path) -> Segment:
        try:
            segment = Segment.open(path, self._codes)
        except DamagedSegmentError as error:  # the disk did not keep what it was given
            raise OSError(str(error)) from None
        segment.checked = True  # its checksums were just computed
        return segment

    def _commit(self, segments: Sequence[Segment]) -> None:
        write_checked(self.path / _MANIFEST, _NAMES, [segment.name for segment in segments])
        self.segments = tuple(segments)

    def _names(self) -> tuple[list[str], list[str]]:
        """Return the names in the manifest, and messages about damage."""
        path = self.path / _MANIFEST
        names = read_checked(path, _NAMES)
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return [name for name in dict.fromkeys(names) if _NAME.fullmatch(name)], []
        return [], [self._told(_MANIFEST, "it is damaged")] if path.exists() else []

    def _opened(
        self, names: Sequence[str], known: dict[str, Segment], damage: list[str]
    ) -> list[Segment]:
        for name in names:
            if name not in known:
                try:
                    known[name] = Segment.open(self.path / name, self._codes)
                except OSError as error:
                    damage.append(self._told(name, reason_of(error)))
                except DamagedSegmentError as error:
                    damage.append(self._told(name, str(error)))
        return [known[name] for name in names if name in known]

    def _sound(self, segments: Sequence[Segment], damage: list[str]) -> tuple[Segment, ...]:
        is_sound = list(ordered_map(Segment.check, segments, cores(), batch=1))
        pairs = list(zip(segments, is_sound, strict=True))
        damage += [self._told(one.name, "it is damaged") for one, sound in pairs if not sound]
        return tuple(one for one, sound in pairs if sound)

    def _told(self, name: str, reason: str) -> str:
        return f"{printable(str(self.path / name))}: {reason}; this part of the cache is made again"
