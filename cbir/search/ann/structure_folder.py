"""Where structures are kept: in the user's private cache folder, and nowhere else.

The libraries that read structures trust their files: one that somebody made to do harm could. So a
structure never lies beside an index, which may come from anybody, and the folder is used only if
nobody but its owner may write to it. It is one of each index, by its path.

A structure is a record, the file of its engine and one of arrays. The files have a random token in
their names, and the record names it; it is written last, under a name that stays. So a run that is
killed leaves the structure of before, and files that the next run removes.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.atomic_files import explained, save_arrays
from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.json_text import read_checked, write_checked
from cbir.core.json_values import DamageError, object_of
from cbir.core.locks import LockedError, locked_file
from cbir.core.npz import load_arrays
from cbir.core.private_folders import is_private, make_folder
from cbir.search.ann.record import VERSION, StructureRecord
from cbir.stores.single_file.array_files import file_checksum

_RECORD = f"structure{VERSION}"
_FUSION = f"fusion{VERSION}"
"""The names of what is kept in a document, with the version of all that belongs to it."""

_MOST_ARRAYS = 1 << 33
"""Bytes that the arrays of a structure may take: eight of each image."""

_FILE = re.compile(r"[0-9a-f]+-[a-z0-9]+-(?P<token>[0-9a-f]{12})\.(structure|npz)")


@dataclass(frozen=True, slots=True)
class KeptStructure:
    """What was read of a structure, but for the file of its engine.

    Attributes
    ----------
    record : StructureRecord
    path : str
        The file of the engine.
    arrays : mapping of str to ndarray
        ``keys``, which image each vector is of, and what the projection needs.
    """

    record: StructureRecord
    path: str
    arrays: Mapping[str, NDArray[Any]]


class StructureFolder:
    """The structures of one index.

    Parameters
    ----------
    path : Path
        The folder; it need not be there.

    Attributes
    ----------
    damage : list of str
        A message for each structure that was met damaged; it is as good as absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []

    def records(self) -> list[StructureRecord]:
        """Return what is known of all structures."""
        if not self._is_private():
            return []
        found = (self._record(path) for path in sorted(self.path.glob(f"*.{_RECORD}.json")))
        return [record for record in found if record is not None]

    def record(self, fingerprint: str, metric: str) -> StructureRecord | None:
        """Return what is known of one structure, or None where there is none."""
        return self._record(self._record_path(fingerprint, metric)) if self._is_private() else None

    def read(self, fingerprint: str, metric: str) -> KeptStructure | None:
        """Return the structure of a descriptor's rows and a metric, or None where there is none."""
        record = self.record(fingerprint, metric)
        if record is None:
            return None
        path = self._data_path(record, "structure")
        try:
            arrays = load_arrays(str(self._data_path(record, "npz")), _MOST_ARRAYS)
            sizes = size_of(path), sum(array.nbytes for array in arrays.values())
            if sizes != (record.bytes, record.array_bytes) or _checksum(path) != record.checksum:
                raise DamageError("other files than were written")
            keys = arrays["keys"]
            if (keys.shape, keys.dtype) != ((record.images,), np.dtype(np.uint64)):
                raise DamageError("not one key an image")
        except (OSError, ValueError, KeyError):
            self.tell(record)
            return None
        return KeptStructure(record, str(path), arrays)

    def write(
        self,
        record: StructureRecord,
        save: Callable[[str], None],
        arrays: Mapping[str, NDArray[Any]],
    ) -> StructureRecord:
        """Keep a structure in the place of the one that was there; hold the lock.

        Parameters
        ----------
        record : StructureRecord
            But for its sizes and token.
        save : callable
            Writes the file of the engine.
        arrays : mapping of str to ndarray

        Returns
        -------
        StructureRecord
            With sizes and token.
        """
        record = replace(record, token=secrets.token_hex(6))
        path = self._data_path(record, "structure")
        with explained(str(path), "write"):
            save(str(path))
            save_arrays(str(self._data_path(record, "npz")), arrays)
            array_bytes = sum(array.nbytes for array in arrays.values())
            record = replace(
                record, bytes=size_of(path), checksum=_checksum(path), array_bytes=array_bytes
            )
            write_checked(
                self._record_path(record.fingerprint, record.metric), _RECORD, asdict(record)
            )
        self._clear()
        return record

    def write_fusion(self, name: str, content: dict[str, Any]) -> None:
        """Keep what was measured of a fusion."""
        path = self._fusion_path(name)
        with explained(str(path), "write"):
            write_checked(path, _FUSION, content)

    def read_fusion(self, name: str) -> dict[str, Any] | None:
        """Return what was measured of a fusion, or None."""
        if not self._is_private():
            return None
        content = read_checked(self._fusion_path(name), _FUSION)
        return content if isinstance(content, dict) else None

    def remove(self, fingerprints: set[str] | None = None) -> int:
        """Remove structures, all unless told of which descriptors; return how many were there."""
        removed = 0
        with explained(str(self.path), "remove"):
            for record in self.records():
                if fingerprints is None or record.fingerprint in fingerprints:
                    self._record_path(record.fingerprint, record.metric).unlink(missing_ok=True)
                    removed += 1
            if fingerprints is None:
                for path in self.path.glob(f"*.{_FUSION}.json"):
                    path.unlink(missing_ok=True)
        self._clear()
        return removed

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, and make it if it is missing.

        Raises
        ------
        CbirError
            When it cannot be made, others may write to it, or another run holds it.
        """
        with explained(str(self.path), "write"):
            make_folder(self.path)
        if not self._is_private():
            raise CbirError(self.damage.pop())
        with contextlib.ExitStack() as held:
            try:
                with explained(str(self.path), "lock"):
                    held.enter_context(locked_file(str(self.path / "lock"), wait=False))
            except LockedError as holder:
                raise CbirError(
                    f"{printable(str(self.path))}: structures are being made ({holder}); wait for"
                    " that to end"
                ) from None
            yield

    def tell(self, record: StructureRecord) -> None:
        """Note that a structure is damaged."""
        path = printable(str(self._record_path(record.fingerprint, record.metric)))
        self.damage.append(f"{path}: what is kept for approximate search was damaged")

    def _record(self, path: Path) -> StructureRecord | None:
        if not path.exists():
            return None
        try:
            record = StructureRecord.from_document(object_of(read_checked(path, _RECORD), "it"))
        except ValueError:
            self.damage.append(
                f"{printable(str(path))}: what is kept for approximate search was damaged"
            )
            return None
        return record if self._record_path(record.fingerprint, record.metric) == path else None

    def _is_private(self) -> bool:
        """Say whether there is a folder to which nobody but its owner may write."""
        try:
            if is_private(self.path):
                return True
        except FileNotFoundError:
            return False
        except OSError as error:
            self.damage.append(f"{printable(str(self.path))}: {reason_of(error)}")
            return False
        self.damage.append(
            f"{printable(str(self.path))}: it is not used, for others than you may write there, or"
            " it is a link; remove it"
        )
        return False

    def _clear(self) -> None:
        """Remove the files that no record names."""
        named = {record.token for record in self.records()}
        for path in self.path.iterdir() if self.path.is_dir() else ():
            match = _FILE.fullmatch(path.name)
            if match is None or match["token"] in named:
                continue
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _record_path(self, fingerprint: str, metric: str) -> Path:
        return self.path / f"{fingerprint}-{metric}.{_RECORD}.json"

    def _fusion_path(self, name: str) -> Path:
        return self.path / f"{name}.{_FUSION}.json"

    def _data_path(self, record: StructureRecord, suffix: str) -> Path:
        return self.path / f"{record.fingerprint}-{record.metric}-{record.token}.{suffix}"


def _checksum(path: Path) -> int:
    """Return a checksum of a file, or of all files in a folder."""
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
        return zlib.crc32(repr([file_checksum(one) for one in files]).encode())
    return file_checksum(path)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size
