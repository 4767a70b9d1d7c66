"""Fuzzed: the files of an index."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
import zlib
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pyarrow.parquet
from hypothesis import strategies as st

from cbir.core.errors import CbirError
from cbir.indexing.build import build_index
from cbir.search.engine import open_index
from cbir.stores.features.segment import Layout, framed
from cbir.stores.features.store import FeatureStore
from cbir.stores.inspection import inspect
from cbir.stores.journal import Journal, JournalRecord
from tests.fuzz.arrays import noise
from tests.fuzz.mutations import as_json, damaged, damaged_json
from tests.fuzz.target import Target

DESCRIPTORS = ("layout", "phash:bits=64", "dhash")

_FRAME = struct.Struct("<II")


class _InIndex(Target):
    """A file of an index of three images."""

    examples = 6
    index_name: ClassVar[str] = "index.csv"

    @property
    def index(self) -> Path:
        """The index that is going to be damaged."""
        return self.folder / "used" / self.index_name

    @property
    def state(self) -> Path:
        """What belongs to it."""
        return self.folder / "used" / f"{self.index_name}.cbir"

    @cached_property
    def made(self) -> Path:
        """An index as the program makes it, in a folder of its own."""
        images, made = self.folder / "photos", self.folder / "made"
        images.mkdir()
        made.mkdir()
        for turn, name in enumerate(("a.png", "-ö, b.png", "NA")):
            assert cv2.imwrite(str(self.folder / "p.png"), np.rot90(noise(), turn))
            shutil.move(self.folder / "p.png", images / name)
        build_index(str(images), str(made / self.index_name), DESCRIPTORS, workers=1)
        return made

    def restore(self, cache: bool = False) -> None:
        """Put the index as it was made where it is going to be damaged."""
        self.index.parent.mkdir(exist_ok=True)
        shutil.rmtree(self.state, ignore_errors=True)
        left_out = None if cache else shutil.ignore_patterns("cache")
        shutil.copytree(self.made / f"{self.index_name}.cbir", self.state, ignore=left_out)
        shutil.copy2(self.made / self.index_name, self.index)

    def answers(self) -> list[list[tuple[str, float]]]:
        """Search by every descriptor, also fused."""
        index = open_index(str(self.index), str(self.folder / "photos"))
        query = str(self.folder / "photos" / "NA")
        aliases = [*index.descriptors, "+".join(index.descriptors[:2])]
        results = [index.search(query, 5, descriptor=alias) for alias in aliases]
        found = [[(one.path, one.distance) for one in result.matches] for result in results]
        assert all(np.isfinite(distance) for one in found for _, distance in one)
        return found

    def use(self) -> None:
        """Do everything with the index that reads it; one refusal does not keep from the next."""
        refusal = None
        for way in (self.answers, self._inspect, self._update):
            try:
                way()
            except CbirError as error:
                refusal = refusal or error
        if refusal is not None:
            raise refusal

    def _inspect(self) -> None:
        faults = inspect(str(self.index)).faults
        if faults:
            raise CbirError("; ".join(faults))

    def _update(self) -> None:
        build_index(str(self.folder / "photos"), str(self.index), workers=1)


class Csv(_InIndex):
    """The index itself."""

    name = "csv"
    tokens = (
        b"path_base64",
        b"./",
        b"//",
        b"/etc/passwd",
        b"\na.png,1,1,1,1,",
        b"layout_0",
        b"h00",
    )

    @cached_property
    def seeds(self) -> list[bytes]:
        whole = (self.made / "index.csv").read_bytes()
        header, *lines = whole.decode().splitlines()
        own = [f"{header},mine", *(f'{line},"x,{i}"' for i, line in enumerate(lines))]
        return [whole, "\r\n".join([*own, ""]).encode()]

    def parse(self, data: bytes) -> None:
        self.restore()
        self.index.write_bytes(data)
        self.use()


class ParquetIndex(_InIndex):
    """The index itself as Parquet; as a tool writes it that leaves out checksums."""

    name, index_name = "parquet-index", "index.parquet"
    tokens = (b"PAR1", b"path", b"../a.png", b"layout", b"\x15\x02", b"\xff\xff\xff\xff\x0f")

    @cached_property
    def seeds(self) -> list[bytes]:
        whole, plain = self.made / self.index_name, self.folder / "plain.parquet"
        pyarrow.parquet.write_table(
            pyarrow.parquet.read_table(whole), plain, compression="none", row_group_size=2
        )
        return [whole.read_bytes(), plain.read_bytes()]

    def parse(self, data: bytes) -> None:
        self.restore()
        self.index.write_bytes(data)
        self.use()


class GenerationFile(_InIndex):
    """The manifest of a content of the index."""

    name = "generation"

    @cached_property
    def seeds(self) -> list[bytes]:
        (path,) = (self.made / "index.csv.cbir").glob("generation-*.json")
        return [path.read_bytes()]

    def inputs(self) -> st.SearchStrategy[bytes]:
        document = json.loads(self.seeds[0])
        document["tableSchema"]["columns"] = document["tableSchema"]["columns"][:2]
        values = ["<f8", "|O", "|V99999999999", "global", "local", "orb", "hsv", 10**9, "path"]
        return super().inputs() | damaged_json([document], values).map(as_json)

    def parse(self, data: bytes) -> None:
        self.restore()
        (path,) = self.state.glob("generation-*.json")
        path.write_bytes(data)
        self.use()


class JournalFile(_InIndex):
    """What a killed run has described."""

    name = "journal"

    @cached_property
    def records(self) -> list[JournalRecord]:
        (self.folder / "made.journal").unlink(missing_ok=True)
        facts = {"size": 5, "mtime": 7, "width": 4, "height": 3, "sha256": bytes(32)}
        rows = {entry["fingerprint"]: bytes(33) for entry in self.entries}
        return [JournalRecord(name, rows=rows, **facts) for name in ("a.png", "new.png")]  # type: ignore[arg-type]

    @property
    def entries(self) -> list[dict[str, Any]]:
        (path,) = (self.made / "index.csv.cbir").glob("generation-*.json")
        return json.loads(path.read_bytes())["cbir:descriptors"]

    @cached_property
    def seeds(self) -> list[bytes]:
        path = self.folder / "made.journal"
        journal = Journal(str(path), "../photos")
        for record in self.records:
            journal.append(record)
        journal.flush()
        whole = path.read_bytes()
        self.head, self.payloads = _taken_apart(whole)
        return [whole]

    def inputs(self) -> st.SearchStrategy[bytes]:
        payloads = damaged(self._sound_payloads)
        return super().inputs() | st.lists(payloads, min_size=1, max_size=2).map(self._framed)

    @property
    def _sound_payloads(self) -> list[bytes]:
        return self.payloads if self.seeds else []

    def _framed(self, payloads: list[bytes]) -> bytes:
        frames = [_FRAME.pack(len(one), zlib.crc32(one)) + one for one in payloads]
        return self.head + b"".join(frames)

    def parse(self, data: bytes) -> None:
        self.restore()
        (self.state / "journal").write_bytes(data)
        Journal(str(self.state / "journal"), "../photos").read()
        shutil.copy2(self.folder / "photos" / "a.png", self.folder / "photos" / "new.png")
        try:
            self._update()
            found = self.answers()
        finally:
            (self.folder / "photos" / "new.png").unlink()
        assert all(len(one) == 4 for one in found)


def _taken_apart(journal: bytes) -> tuple[bytes, list[bytes]]:
    """Return the line that a journal begins with, and what its frames hold."""
    head, _, rest = journal.partition(b"\n")
    payloads = []
    while rest:
        length, _ = _FRAME.unpack_from(rest)
        payloads.append(rest[_FRAME.size : _FRAME.size + length])
        rest = rest[_FRAME.size + length :]
    return head + b"\n", payloads


class _Cached(_InIndex):
    """Files of the cache: an answer is the right one, whatever is in them."""

    pattern: ClassVar[str]

    @cached_property
    def names(self) -> list[Path]:
        """The files, relative to the index's folder."""
        self.restore()
        self.answers()
        self._inspect()
        shutil.copytree(
            self.state / "cache", self.made / "index.csv.cbir/cache", dirs_exist_ok=True
        )
        cache = self.made / "index.csv.cbir" / "cache"
        return sorted(path.relative_to(self.made) for path in cache.rglob(self.pattern))

    @cached_property
    def right(self) -> list[list[tuple[str, float]]]:
        """What is found with a sound cache."""
        self.restore()
        return self.answers()

    @cached_property
    def seeds(self) -> list[bytes]:
        return [bytes([place]) + self._bytes(name) for place, name in enumerate(self.names)]

    def _bytes(self, name: Path) -> bytes:
        return (self.made / name).read_bytes()

    def inputs(self) -> st.SearchStrategy[bytes]:
        number = st.integers(0, len(self.seeds) - 1)
        return number.flatmap(
            lambda place: damaged([self.seeds[place][1:]]).map(lambda data: bytes([place]) + data)
        )

    def parse(self, data: bytes) -> None:
        right, name = self.right, self.names[data[0] % len(self.names)]
        self.restore(cache=True)
        (self.index.parent / name).write_bytes(data[1:])
        assert self.answers() == right
        self._update()
        assert self.index.read_bytes() == (self.made / "index.csv").read_bytes()


class CacheLists(_Cached):
    """Which arrays are cached."""

    name, pattern = "cache-lists", "*.json"


class CacheArrays(_Cached):
    """The arrays themselves."""

    name, pattern = "cache-arrays", "*.npy"


class Segment(Target):
    """A file of local features, and the table beside it."""

    name = "segment"
    fields: ClassVar[dict[str, Any]] = {"points": "(4,)<f4", "bits": "(2,)u1", "text": "u1"}
    tokens = (b"cbir features\n\n\n", b"cbir table    1\n", bytes(16))
    suffix: ClassVar[str] = ".segment"

    @cached_property
    def records(self) -> dict[bytes, dict[str, Any]]:
        """Three records of different sizes."""
        return {
            bytes([count]) * 32: {
                "points": np.full((count, 4), count, np.float32),
                "bits": np.full((count, 2), count, np.uint8),
                "text": np.frombuffer(b"x" * count, np.uint8),
            }
            for count in (0, 1, 5)
        }

    @cached_property
    def made(self) -> Path:
        """A store as the program makes it."""
        made = self.folder / "made"
        with FeatureStore(str(made), self.fields) as store:
            for key, record in self.records.items():
                store.append(key, record)
        return made

    @cached_property
    def seeds(self) -> list[bytes]:
        (path,) = self.made.glob(f"*{self.suffix}")
        return [path.read_bytes()]

    def parse(self, data: bytes) -> None:
        folder = self.folder / "features"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.made, folder)
        (path,) = folder.glob(f"*{self.suffix}")
        path.write_bytes(data)
        store = FeatureStore(str(folder), self.fields)
        self.compare_sound(store)
        with FeatureStore(str(folder), self.fields) as store:
            for key, record in self.records.items():
                store.append(key, record)
            self.compare_sound(store)
            for key, record in self.records.items():
                store.append(key, record)
            store.compact(self.records.keys(), 0)
        store = FeatureStore(str(folder), self.fields)
        for key in self.records:
            self.compare(key, store.get(key))

    def compare_sound(self, store: FeatureStore) -> None:
        """Read all records; those that are damaged are missing from then on."""
        for key in list(store.keys()):
            with contextlib.suppress(KeyError):
                self.compare(key, store.get(key))

    def compare(self, key: bytes, record: dict[str, Any]) -> None:
        """Look whether a record that was read is the one that was written."""
        for name, array in self.records.get(key, {}).items():
            assert np.array_equal(record[name], array)


class Table(Segment):
    """The table of a file of local features."""

    name, suffix = "segment-table", ".table"


class Frames(Segment):
    """Frames whose checksums are right, and whose contents are not."""

    name = "segment-frames"

    def inputs(self) -> st.SearchStrategy[bytes]:
        layout = Layout(self.fields)
        payloads = [layout.encode(record) for record in self.records.values()]

        def joined(damages: list[bytes]) -> bytes:
            aligned = [payload + bytes(-len(payload) % 16) for payload in damages]
            keyed = zip(self.keys, aligned, strict=False)
            return layout.head + b"".join(framed(key, payload) for key, payload in keyed)

        return st.lists(damaged(payloads), min_size=1, max_size=3).map(joined)

    keys: ClassVar[tuple[bytes, ...]] = (b"a" * 32, b"b" * 32, b"c" * 32)
