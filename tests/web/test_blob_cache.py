"""Bytes that are kept for a while: bounded, shared, and never in the way."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.web import blob_cache
from cbir.web.blob_cache import BlobCache

KEYS = st.sampled_from("abcdefgh")


def kept(cache: BlobCache, key: str, make: Callable[[], bytes]) -> bytes:
    """Return the bytes of a key, made and kept if they are not there."""
    found = cache.find(key)
    if found is None:
        found = make()
        cache.put(key, found)
    return found


def stored_bytes(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT coalesce(sum(length(data)), 0) FROM blobs").fetchone()
    connection.close()
    return int(found[0])


@given(st.lists(st.tuples(KEYS, st.binary(max_size=300))), st.integers(0, 600))
def test_what_is_found_is_what_was_put_last_and_there_is_never_too_much(
    puts: list[tuple[str, bytes]], most: int
) -> None:
    cache, known = BlobCache([], "x", most), dict[str, bytes]()
    for key, data in puts:
        cache.put(key, data)
        if len(data) <= most:
            known[key] = data
        found = {one: cache.find(one) for one in known}
        assert all(value in (None, known[one]) for one, value in found.items())
        assert sum(len(value) for value in found.values() if value is not None) <= most
    cache.close()


def test_it_stays_on_the_disk(tmp_path: Path) -> None:
    cache = BlobCache([tmp_path], "x.sqlite", 100)
    cache.put("a", b"1")
    cache.close()
    again = BlobCache([tmp_path], "x.sqlite", 100)
    assert again.find("a") == b"1" and again.find("b") is None
    again.close()


def test_what_was_not_used_for_longest_leaves_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = iter(range(1000))
    monkeypatch.setattr(blob_cache, "_now", lambda: next(hour))
    cache = BlobCache([tmp_path], "x.sqlite", 100)
    for key in "abc":
        cache.put(key, bytes(30))
    assert cache.find("a") is not None
    cache.put("d", bytes(30))
    assert [key for key in "abcd" if cache.find(key) is not None] == ["a", "c", "d"]
    cache.close()


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100, None])
def test_a_damaged_file_is_as_good_as_absent(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "x.sqlite"
    cache = BlobCache([tmp_path], path.name, 1_000_000)
    for number in range(50):
        cache.put(str(number), random.Random(number).randbytes(5000))
    cache.close()
    whole = path.read_bytes()
    middle = whole[:4096] + random.Random(1).randbytes(len(whole) - 4096)
    path.write_bytes(middle if damage is None else damage)
    cache = BlobCache([tmp_path], path.name, 1_000_000)
    for number in range(50):
        expected = random.Random(number).randbytes(5000)
        assert cache.find(str(number)) in (None, expected)
        assert kept(cache, str(number), lambda expected=expected: expected) == expected
    cache.close()


def test_where_nothing_can_be_written_it_lies_elsewhere_or_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    folders = [tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc")]
    in_memory = BlobCache(folders, "x.sqlite", 100)
    in_memory.put("a", b"1")
    assert in_memory.find("a") == b"1"
    in_memory.close()
    elsewhere = BlobCache([*folders, tmp_path / "new"], "x.sqlite", 100)
    elsewhere.put("a", b"1")
    elsewhere.close()
    assert stored_bytes(tmp_path / "new" / "x.sqlite") == 1


def test_a_full_disk_keeps_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    cache = BlobCache([tmp_path], "x.sqlite", 10_000_000)
    cache.put("a", bytes(1000))
    cache._connection.execute("PRAGMA max_page_count = 20")  # as on a disk that is full
    for number in range(100):
        data = random.Random(number).randbytes(5000)
        assert kept(cache, f"b{number}", lambda data=data: data) == data
    assert cache.find("a") == bytes(1000)
    cache.close()


def test_threads_share_it(tmp_path: Path) -> None:
    cache = BlobCache([tmp_path], "x.sqlite", 50_000)

    def use(number: int) -> bool:
        data = random.Random(number % 40).randbytes(2000)
        return kept(cache, str(number % 40), lambda: data) == data

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(2000)))
    cache.close()
    assert stored_bytes(tmp_path / "x.sqlite") <= 50_000


_OTHER = """
import random, sys
from pathlib import Path
from cbir.web.blob_cache import BlobCache
cache = BlobCache([Path(sys.argv[1])], "x.sqlite", 50_000)
for number in range(300):
    key = random.Random(int(sys.argv[2]) * 1000 + number).randrange(60)
    data = random.Random(key).randbytes(2000)
    if (found := cache.find(str(key))) is None:
        cache.put(str(key), data)
    assert found in (None, data)
cache.close()
"""


def test_processes_share_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OTHER, str(tmp_path)]
    others = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [other.wait(100) for other in others] == [0, 0, 0]
    # Each counts what the others write only when it makes room itself.
    assert 0 < stored_bytes(tmp_path / "x.sqlite") <= 3 * 50_000


@pytest.mark.parametrize("part", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("plant", [os.symlink, os.link])
@pytest.mark.parametrize("content", [b"", b"text of mine" * 1000, None])
def test_what_is_planted_in_its_place_is_not_touched(
    tmp_path: Path, part: str, plant: Callable[[Path, Path], None], content: bytes | None
) -> None:
    mine, folder = tmp_path / "mine", tmp_path / "cache"
    folder.mkdir()
    if content is None:
        with contextlib.closing(sqlite3.connect(mine)) as made:
            made.execute("CREATE TABLE mine (a)")
        content = mine.read_bytes()
    mine.write_bytes(content)
    plant(mine, folder / f"it{part}")
    cache = BlobCache([folder], "it", 1000)
    assert kept(cache, "a", lambda: b"first") == b"first" == cache.find("a")
    cache.close()
    assert mine.read_bytes() == content
