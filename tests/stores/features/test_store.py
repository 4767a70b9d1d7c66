"""The store of features keeps what it was given, whatever happens to its files or its writer."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.core.errors import BrokenIndexError, CbirError
from cbir.stores.features import store
from cbir.stores.features.segment import Segment, framed
from cbir.stores.features.store import FeatureStore
from tests.conftest import PROJECT

FIELDS = {"points": "(4,)<f4", "descriptors": "(128,)u1", "size": "<i4", "thumbnail": "u1"}
Record = dict[str, np.ndarray]


def key_of(number: int) -> bytes:
    """Keys whose first eight bytes are all the same, for the index to tell apart."""
    return bytes(24) + number.to_bytes(8, "big")


def record_of(number: int, features: int | None = None) -> Record:
    rng = np.random.default_rng(number)
    count = number % 4 if features is None else features
    return {
        "points": rng.random((count, 4), np.float32),
        "descriptors": rng.integers(0, 256, (count, 128), np.uint8),
        "size": np.array([640, number], np.int32),
        "thumbnail": np.frombuffer(b"JPEG" * (number % 3) + b"x", np.uint8),
    }


def same(one: Record, other: Record) -> bool:
    return list(one) == list(other) and all(
        one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name])
        for name in one
    )


def opened(folder: Path, segment_bytes: int = store.SEGMENT_BYTES) -> FeatureStore:
    return FeatureStore(str(folder), FIELDS, segment_bytes)


def filled(folder: Path, numbers: range, segment_bytes: int = store.SEGMENT_BYTES) -> None:
    with opened(folder, segment_bytes) as store:
        for number in numbers:
            store.append(key_of(number), record_of(number))


def anything(_: object) -> bool:
    return True


def sound_numbers(store: FeatureStore) -> list[int]:
    """The numbers of the records that can be read, in order; their contents are compared."""
    numbers = []
    for key in list(store.keys()):
        with contextlib.suppress(KeyError):
            record = store.get(key)
            numbers.append(int.from_bytes(key, "big"))
            assert same(record, record_of(numbers[-1]))
    return numbers


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write every record when it comes."""
    monkeypatch.setattr(store, "_PATIENCE", 0.0)


STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 11)),
    st.tuples(st.just("reopen"), st.just(0)),
    st.tuples(st.just("sync"), st.just(0)),
    st.tuples(st.just("tableless"), st.just(0)),
    st.tuples(st.just("compact"), st.sets(st.integers(0, 11))),
)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=25), st.sampled_from([1, 1500, 1 << 20]))
def test_it_does_what_a_dict_does(
    tmp_path_factory: Any, steps: list[tuple[str, Any]], segment_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("features") / "new" / "folder"
    store, expected = opened(folder, segment_bytes), set[int]()
    for step, argument in steps:
        if step == "append":
            store.append(key_of(argument), record_of(argument))
            expected.add(argument)
        elif step == "compact":
            store.compact([key_of(number) for number in argument], share=0)
            expected &= argument
        elif step == "sync":
            store.sync()
        else:
            store.close()
            if step == "tableless":
                for table in folder.glob("*.table"):
                    table.unlink()
            store = opened(folder, segment_bytes)
        assert len(list(store.keys())) == len(expected)
        assert all((key_of(number) in store) == (number in expected) for number in range(12))
    assert sorted(sound_numbers(store)) == sorted(expected)
    store.close()
    assert sorted(sound_numbers(opened(folder))) == sorted(expected)
    assert store.damage == []


def test_keys_come_in_the_order_of_appending(tmp_path: Path) -> None:
    with opened(tmp_path, 1000) as store:
        for number in (5, 3, 9, 3, 1):
            store.append(key_of(number), record_of(number))
        assert sound_numbers(store) == [5, 3, 9, 1]
    assert sound_numbers(opened(tmp_path)) == [5, 3, 9, 1]


def test_arrays_are_aligned_and_read_only_and_may_be_empty(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.append(key_of(4), record_of(4, features=0))
        store.append(key_of(7), record_of(7))
        for current in (store, opened(tmp_path)):
            assert current is not store or same(current.get(key_of(7)), record_of(7))
    for key, number in ((key_of(4), 4), (key_of(7), 7)):
        record = opened(tmp_path).get(key)
        assert same(record, record_of(number))
        for array in record.values():
            assert not array.flags.writeable and array.ctypes.data % 16 == 0
    assert opened(tmp_path).get(key_of(4))["descriptors"].shape == (0, 128)


def test_a_key_that_is_there_is_ignored(tmp_path: Path) -> None:
    filled(tmp_path, range(3))
    before = (tmp_path / "00000000.segment").read_bytes()
    filled(tmp_path, range(3))
    assert (tmp_path / "00000000.segment").read_bytes() == before


def test_equal_appends_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        filled(tmp_path / name, range(20), 2000)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    store = opened(tmp_path / "nowhere")
    assert list(store.keys()) == [] and key_of(1) not in store
    with pytest.raises(KeyError):
        store.get(key_of(1))
    assert b"short" not in store and "text" not in store
    store.close()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (b"short", {}),
        (key_of(1), {"points": np.zeros((3, 4))}),
        (key_of(1), {"points": np.zeros((3, 5), np.float32)}),
        (key_of(1), {"other": np.zeros(3)}),
    ],
)
def test_records_that_are_none_are_refused(tmp_path: Path, key: bytes, change: Record) -> None:
    with opened(tmp_path) as store, pytest.raises(ValueError, match=r"must be|has"):
        store.append(key, {**record_of(1), **change})
    with pytest.raises(ValueError, match="objects"):
        FeatureStore(str(tmp_path), {"a": object})


def test_other_fields_are_refused(tmp_path: Path) -> None:
    filled(tmp_path, range(2))
    with pytest.raises(BrokenIndexError, match=r"00000000.segment: it holds other .* remove"):
        FeatureStore(str(tmp_path), {"points": "(4,)<f4"})


def test_damage_is_told_and_can_be_mended(tmp_path: Path) -> None:
    filled(tmp_path, range(5), 1000)
    path = tmp_path / "00000000.segment"
    raw = bytearray(path.read_bytes())
    raw[-1 - 16 * 8] ^= 1
    path.write_bytes(raw)
    with opened(tmp_path) as store:
        lost = [number for number in range(5) if number not in sound_numbers(store)]
        assert len(lost) == 1 and len(list(store.keys())) == 4 and key_of(lost[0]) not in store
        assert len(store.damage) == 1
        assert "00000000.segment: damaged at byte" in store.damage[0]
        assert key_of(lost[0]).hex() in store.damage[0]
        store.append(key_of(lost[0]), record_of(lost[0]))
        assert len(list(store.keys())) == 5 and same(store.get(key_of(lost[0])), record_of(lost[0]))
        store.sync()
        assert len(list(store.keys())) == 5 and same(store.get(key_of(lost[0])), record_of(lost[0]))
    assert sorted(sound_numbers(opened(tmp_path))) == list(range(5))
    with opened(tmp_path) as store:
        assert store.compact(list(store.keys()), share=0) > 0
        assert len(sound_numbers(store)) == 5 and store.damage == []


def test_records_are_checked_again_only_where_their_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    filled(tmp_path, range(20), 2000)
    paths = sorted(tmp_path.glob("*.segment"))
    assert len(paths) > 2
    read: list[Path] = []
    frame = Segment.frame

    def watched(self: Segment, *place: Any) -> memoryview | None:
        read.append(self.path)
        return frame(self, *place)

    monkeypatch.setattr(Segment, "frame", watched)
    for expected in (set(paths), set()):
        read.clear()
        with opened(tmp_path) as store:
            store.check_changed(anything)
        assert set(read) == expected and not store.damage
    raw = bytearray(paths[1].read_bytes())
    raw[-1 - 16 * 8] ^= 1
    paths[1].write_bytes(raw)
    for _ in range(2):  # what is damaged is never noted as sound
        read.clear()
        with opened(tmp_path) as store:
            store.check_changed(anything)
            assert len(store.damage) == 1 and len(list(store.keys())) == 19
        assert set(read) == {paths[1]}
    (tmp_path / "checked.json").write_bytes(b"{")
    read.clear()
    with opened(tmp_path) as store:
        store.check_changed(anything)
    assert set(read) == set(paths)


@pytest.mark.parametrize("payload", [bytes(16), b"\xff" * 32, (3).to_bytes(8, "little") * 4])
def test_a_record_that_does_not_fit_its_frame_is_damaged(tmp_path: Path, payload: bytes) -> None:
    """Its checksum is right: some other program wrote it."""
    filled(tmp_path, range(2))
    with open(tmp_path / "00000000.segment", "ab") as file:
        file.write(framed(key_of(7), payload))
    with opened(tmp_path) as store:
        assert len(list(store.keys())) == 3
        with pytest.raises(KeyError):
            store.get(key_of(7))
        assert key_of(7).hex() in store.damage[0] and sound_numbers(store) == [0, 1]


def test_a_reader_sees_what_was_there_and_goes_on_while_all_is_compacted(tmp_path: Path) -> None:
    filled(tmp_path, range(20), 2000)
    reader = opened(tmp_path)
    first = reader.get(key_of(3))
    with opened(tmp_path, 2000) as writer:
        writer.append(key_of(30), record_of(30))
        writer.sync()
        old = {path.name for path in tmp_path.glob("*.segment")}
        assert writer.compact([key_of(number) for number in range(0, 20, 2)], share=0) > 0
        assert not old & {path.name for path in tmp_path.glob("*.segment")}
        assert sound_numbers(reader) == list(range(20))
        assert same(first, record_of(3)) and key_of(30) not in reader
    assert sorted(sound_numbers(opened(tmp_path))) == list(range(0, 20, 2))


def test_a_reader_that_opens_during_a_compaction_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, range(20), 2000)
    listed = os.listdir

    def listing(folder: Any) -> list[str]:
        names = listed(folder)
        monkeypatch.setattr(os, "listdir", listed)
        with opened(tmp_path, 2000) as writer:
            writer.compact([key_of(number) for number in range(10)], share=0)
        return names

    monkeypatch.setattr(os, "listdir", listing)
    assert sorted(sound_numbers(opened(tmp_path))) == list(range(10))


def test_segments_with_little_that_is_dead_stay(tmp_path: Path) -> None:
    filled(tmp_path, range(20), 2000)
    before = {path.name for path in tmp_path.glob("*.segment")}
    with opened(tmp_path) as store:
        assert store.compact([key_of(number) for number in range(1, 20)], share=0.5) == 0
        assert sorted(sound_numbers(store)) == list(range(20))
    assert {path.name for path in tmp_path.glob("*.segment")} == before


def test_a_compaction_that_stops_anywhere_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = [key_of(number) for number in range(0, 12, 2)]
    calls = ("fsync", "replace", "unlink")
    for stop in range(60):
        folder = tmp_path / str(stop)
        filled(folder, range(12), 1500)
        with monkeypatch.context() as patched, contextlib.suppress(_KilledError):
            countdown = iter(range(stop, -1, -1))
            for call in calls:
                patched.setattr(os, call, _stopping(getattr(os, call), countdown))
            opened(folder, 1500).compact(keep, share=0)
            break
        left = sound_numbers(opened(folder))
        assert set(range(0, 12, 2)) <= set(left) and len(left) == len(set(left))
        with opened(folder, 1500) as store:
            store.compact(keep, share=0)
            assert sorted(sound_numbers(store)) == list(range(0, 12, 2))
        assert not list(folder.glob("*.new"))
        assert len(list(folder.glob("*.table"))) == len(list(folder.glob("*.segment")))
    assert 5 < stop < 59


class _KilledError(BaseException):
    """Nothing of the program runs after it."""


def _stopping(function: Any, countdown: Iterator[int]) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        if next(countdown, 0) == 0:
            raise _KilledError
        return function(*arguments, **options)

    return call


WRITER = """
import sys
sys.path.insert(0, {project!r})
from cbir.stores.features import store
from tests.stores.features.test_store import key_of, opened, record_of
store._PATIENCE = 0.002
store = opened({folder!r}, 200_000)
for number in range({start}, 1_000_000):
    store.append(key_of(number), record_of(number))
    if number % 50 == 0:
        store.sync()
        print(number, flush=True)
    if number % 300 == 0:
        store.compact([key for key in store.keys() if key[-1] % 7], share=0)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_writer_leaves_all_that_it_had_written(tmp_path: Path) -> None:
    wait, folder, start = random.Random(0), tmp_path / "features", 0
    for _ in range(4):
        code = WRITER.format(project=str(PROJECT), folder=str(folder), start=start)
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told = process.stdout.readline()
            time.sleep(wait.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
            told += process.stdout.read()
        start = int(told.split()[-1]) + 1
        store = opened(folder)
        numbers = sound_numbers(store)
        assert len(numbers) == len(list(store.keys())) and store.damage == []
        assert {number for number in range(start) if number % 256 % 7} <= set(numbers)


@pytest.mark.usefixtures("at_once")
def test_a_full_disk_is_explained_and_costs_what_was_not_written(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(tmp_path) as store:
        for number in range(3):
            store.append(key_of(number), record_of(number))
        size = (tmp_path / "00000000.segment").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limits[1]))
        try:
            for _ in range(2):
                with pytest.raises(CbirError, match="cannot write the features: file too large;"):
                    store.append(key_of(3), record_of(3))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert sound_numbers(store) == [0, 1, 2] == sound_numbers(opened(tmp_path))
        store.append(key_of(4), record_of(4))
        assert sound_numbers(store) == [0, 1, 2, 4]
    assert sound_numbers(opened(tmp_path)) == [0, 1, 2, 4]


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CbirError, match=r"file: cannot (read|write) the features: not a directory"):
        opened(tmp_path / "file")


def test_leftovers_of_a_killed_writer_are_cleared(tmp_path: Path) -> None:
    filled(tmp_path, range(3))
    for name in ("00000000.table.17.new", "00000007.table"):
        (tmp_path / name).write_bytes(b"leftover")
    assert sound_numbers(opened(tmp_path)) == [0, 1, 2]
    assert (tmp_path / "00000007.table").exists()
    filled(tmp_path, range(4))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["00000000.segment", "00000000.table"]


@pytest.mark.usefixtures("at_once")
def test_a_store_opened_before_another_wrote_does_not_overwrite(tmp_path: Path) -> None:
    early = opened(tmp_path)
    filled(tmp_path, range(5))
    with early:
        early.append(key_of(9), record_of(9))
    assert sound_numbers(opened(tmp_path)) == [0, 1, 2, 3, 4, 9]
