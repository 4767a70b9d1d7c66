"""Damage of a segment or of its table costs what it hits, and is never taken for a record."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from cbir.stores.features.segment import ENTRIES, FRAME_BYTES, MOST_BYTES
from tests.stores.features.test_store import filled, key_of, opened, record_of, sound_numbers


@pytest.mark.parametrize("table", [True, False])
def test_a_torn_end_costs_the_torn_record_only(tmp_path: Path, table: bool) -> None:
    numbers = range(4, 8)
    ends = []
    for number in numbers:
        filled(tmp_path, range(4, number + 1))
        ends.append((tmp_path / "00000000.segment").stat().st_size)
    path = tmp_path / "00000000.segment"
    whole = path.read_bytes()
    if not table:
        (tmp_path / "00000000.table").unlink()
    for size in reversed(range(len(whole))):
        os.truncate(path, size)
        expected = [number for number, end in zip(numbers, ends, strict=True) if end <= size]
        assert sound_numbers(opened(tmp_path)) == expected
        assert path.stat().st_size == size


@pytest.mark.parametrize("size", [0, 5, 40, 300, 700, 1500])
def test_a_torn_end_is_cut_off_by_the_next_writer(tmp_path: Path, size: int) -> None:
    filled(tmp_path, range(4, 10))
    whole = (tmp_path / "00000000.segment").read_bytes()
    os.truncate(tmp_path / "00000000.segment", size)
    filled(tmp_path, range(4, 10))
    assert (tmp_path / "00000000.segment").read_bytes() == whole
    assert sound_numbers(opened(tmp_path)) == list(range(4, 10))


@pytest.mark.parametrize("table", [True, False])
def test_flipped_bits_are_noticed(tmp_path: Path, table: bool) -> None:
    filled(tmp_path, range(5))
    path = tmp_path / "00000000.segment"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7 if table else 29):
        if not table:
            (tmp_path / "00000000.table").unlink(missing_ok=True)
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        store = opened(tmp_path)
        numbers = sound_numbers(store)
        if table:
            assert len(numbers) >= 4 and len(list(store.keys())) == len(numbers)
            assert len(numbers) + len(store.damage) == 5
        else:
            assert numbers == list(range(len(numbers))) or len(numbers) == 4
            filled(tmp_path, range(5))
            assert len(list(opened(tmp_path).keys())) == 5


@pytest.mark.parametrize("place", [0, 20, 25, 33, 70, 200])
def test_a_damaged_table_is_not_believed(tmp_path: Path, place: int) -> None:
    filled(tmp_path, range(6))
    raw = bytearray((tmp_path / "00000000.table").read_bytes())
    for damaged in (raw[:place], raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :]):
        (tmp_path / "00000000.table").write_bytes(damaged)
        assert sound_numbers(opened(tmp_path)) == list(range(6))


def test_a_table_of_a_longer_segment_is_not_believed(tmp_path: Path) -> None:
    filled(tmp_path / "long", range(6))
    filled(tmp_path / "short", range(3))
    os.replace(tmp_path / "long" / "00000000.table", tmp_path / "short" / "00000000.table")
    assert sound_numbers(opened(tmp_path / "short")) == list(range(3))


LENGTHS = [2**63 + 1, 2**44, 2**40, MOST_BYTES + 16]


def long_header(key: bytes, length: int) -> bytes:
    """What announces zeros of any length, with checksums that are right where it is feasible."""
    checksum = zlib.crc32(bytes(length)) if length < 2**30 else 0
    header = struct.pack("<32sQI", key, length, checksum)
    return header + struct.pack("<I", zlib.crc32(header))


@pytest.mark.parametrize("length", LENGTHS)
def test_a_head_of_a_forged_length_is_damage(tmp_path: Path, length: int) -> None:
    filled(tmp_path, range(4))
    path = tmp_path / "00000000.segment"
    raw = path.read_bytes()
    path.write_bytes(raw[:16] + long_header(bytes(32), length) + raw[64:])
    assert sound_numbers(opened(tmp_path)) == list(range(4))
    filled(tmp_path, range(5))
    assert path.read_bytes()[:64] == raw[:64]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("table", [True, False])
def test_a_record_of_a_forged_length_is_damage(tmp_path: Path, length: int, table: bool) -> None:
    """Also where the file is as long, which a sparse one may be, and the table tells of it."""
    filled(tmp_path, range(4))
    path = tmp_path / "00000000.segment"
    end = path.stat().st_size
    with path.open("ab") as file:
        file.write(long_header(key_of(9), length))
    size = end + FRAME_BYTES + min(length, 2**40)
    os.truncate(path, size)
    if table:
        entries = opened(tmp_path)._segments[0].entries
        forged = np.array([(key_of(9), end, (FRAME_BYTES + length) % 2**64)], ENTRIES)
        raw = np.concatenate([entries, forged]).tobytes()
        checksum = zlib.crc32(raw, zlib.crc32(struct.pack("<Q", size)))
        head = struct.pack("<16sQII", b"cbir table    1\n", size, checksum, 0)
        path.with_suffix(".table").write_bytes(head + raw)
    else:
        path.with_suffix(".table").unlink()
    assert sound_numbers(opened(tmp_path)) == list(range(4))


def test_a_table_of_more_entries_than_frames_fit_is_not_read(tmp_path: Path) -> None:
    filled(tmp_path, range(4))
    os.truncate(tmp_path / "00000000.table", 2**42)
    assert sound_numbers(opened(tmp_path)) == list(range(4))


def test_a_record_that_could_not_be_read_again_is_not_kept(tmp_path: Path) -> None:
    record = record_of(1) | {"thumbnail": np.zeros(MOST_BYTES, np.uint8)}
    with opened(tmp_path) as store, pytest.raises(ValueError, match="at most"):
        store.append(key_of(1), record)
