"""Damage of a segment or of its table costs what it hits, and is never taken for a record."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stores.features.test_store import filled, opened, sound_numbers


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
