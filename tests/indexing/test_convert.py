"""Conversions: nothing of an index is lost, and nothing of another one is overwritten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas
import pytest

import cbir
from cbir.core.errors import BrokenIndexError, CbirError, UsageError
from cbir.core.progress import ProgressListener
from cbir.descriptors.local_features.registry import extractor_of
from cbir.indexing.convert import convert
from cbir.stores import open_store
from cbir.stores.inspection import inspect
from cbir.stores.journal import Journal, JournalRecord
from tests.stores.single_file.test_store import hold

DESCRIPTORS = ["hsv", "phash", "small=orb:words=50", "asmk"]
KEPT = "sift:count=40"


class Told(ProgressListener):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> Path:
    """An index with all that there may be in one."""
    path = tmp_path / "made" / "index.csv"
    path.parent.mkdir()
    (photos / os.fsdecode(b"b\xff.jpg")).write_bytes((photos / "cats" / "cat-1.jpg").read_bytes())
    table = tmp_path / "table.csv"
    table.write_text('file,price,note\ncat-1.jpg,7.50,"say ""a, b"""\nkite-1.jpg,,\n')
    cbir.index(
        str(photos), str(path), DESCRIPTORS, metadata=str(table), key="file", dba=2, features=KEPT
    )
    return path


def there_and_back(index: Path) -> tuple[Path, Path]:
    folder = index.parent.parent / "elsewhere" / "deep"
    folder.mkdir(parents=True)
    parquet, back = folder / "index.parquet", index.parent / "back.csv"
    convert(str(index), str(parquet))
    convert(str(parquet), str(back))
    return parquet, back


def test_nothing_is_lost_there_and_back(index: Path, photos: Path) -> None:
    parquet, back = there_and_back(index)
    assert back.read_bytes() == index.read_bytes()
    before, there, after = (open_store(str(path)).snapshot() for path in (index, parquet, back))
    assert before.manifest == after.manifest
    assert there.root == str(photos) and there.manifest.dba == 2
    assert there.rows.metadata == before.rows.metadata
    for entry in before.manifest.entries:
        assert np.array_equal(there.matrix(entry.alias), before.matrix(entry.alias))
        named = there.descriptor(entry.alias).descriptor
        assert named.fingerprint == before.descriptor(entry.alias).descriptor.fingerprint
    assert inspect(str(parquet)).faults == []


def test_all_local_features_are_taken_along(index: Path) -> None:
    parquet, _ = there_and_back(index)
    before, there = (open_store(str(path)).snapshot() for path in (index, parquet))
    extractor = extractor_of(KEPT)
    found, expected = (one.features(extractor) for one in (there, before))
    assert set(found.keys()) == set(expected.keys()) and len(list(found.keys())) == 12
    for key in list(expected.keys()):
        one, other = (extractor.from_record(store.get(key)) for store in (found, expected))
        assert np.array_equal(one.descriptors, other.descriptors)
    assert there.all_features().keys() == before.all_features().keys()


def test_a_converted_index_is_up_to_date(index: Path, photos: Path) -> None:
    parquet, _ = there_and_back(index)
    before = parquet.read_bytes()
    report = cbir.index(str(photos), str(parquet))
    assert (report.reused, report.described) == (13, 0)
    assert parquet.read_bytes() == before


@pytest.mark.parametrize("descriptor", ["hsv", "phash", "small", "asmk", "hsv+phash+asmk"])
def test_searches_find_the_same(index: Path, photos: Path, descriptor: str) -> None:
    parquet, _ = there_and_back(index)
    query = str(photos / "cats" / "cat-2.jpg")
    found = [
        cbir.open(str(path)).search(query, 13, descriptor=descriptor).matches
        for path in (index, parquet)
    ]
    pairs = [[(one.path, one.distance) for one in matches] for matches in found]
    assert pairs[0] == pairs[1] and len(pairs[0]) == 13


def test_an_edited_parquet_index_is_converted_as_it_is_now(index: Path, tmp_path: Path) -> None:
    parquet, _ = there_and_back(index)
    frame = pandas.read_parquet(parquet)
    frame = frame[frame["price"] != ""].assign(stars=[5])
    frame.to_parquet(parquet)
    convert(str(parquet), str(tmp_path / "few.csv"))
    rows = pandas.read_csv(tmp_path / "few.csv")
    assert rows[["path", "price", "stars"]].to_numpy().tolist() == [["cats/cat-1.jpg", 7.5, 5]]


def test_where_a_file_is_nothing_is_overwritten_without_being_asked(
    index: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new.parquet"
    target.write_bytes(b"precious")
    with pytest.raises(CbirError, match=r"is there already; .* replace=True"):
        convert(str(index), str(target))
    with pytest.raises(BrokenIndexError, match="not an index"):
        convert(str(index), str(target), replace=True)
    assert target.read_bytes() == b"precious"
    assert not (tmp_path / "new.parquet.cbir").exists()


def test_an_index_is_replaced_where_that_is_asked(index: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.parquet"
    for _ in range(2):
        report = convert(str(index), str(target), replace=True)
    assert (report.images, report.bytes_after) == (13, target.stat().st_size)
    assert not list(tmp_path.glob("*.old"))


def test_what_somebody_wrote_into_the_replaced_index_is_kept(index: Path, tmp_path: Path) -> None:
    target, told = tmp_path / "new.parquet", Told()
    convert(str(index), str(target))
    frame = pandas.read_parquet(target)
    frame["note"] = "mine"
    frame.to_parquet(target)
    edited = target.read_bytes()
    convert(str(index), str(target), replace=True, listener=told)
    assert (tmp_path / "new.parquet.old").read_bytes() == edited
    assert "new.parquet.old" in told.warnings[0]
    (tmp_path / "new.parquet").write_bytes(b"PAR1 damaged")
    convert(str(index), str(target), replace=True, listener=told)
    assert (tmp_path / "new.parquet.old1").read_bytes() == b"PAR1 damaged"
    assert inspect(str(target)).faults == []


def test_an_index_is_not_converted_into_itself(index: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(index)
    with pytest.raises(UsageError, match="the index itself"):
        convert(str(index), str(tmp_path / "link.csv"), replace=True)


def test_an_interrupted_run_is_told_of(index: Path, tmp_path: Path) -> None:
    told = Told()
    journal = Journal(f"{index}.cbir/journal", "../photos")
    journal.append(JournalRecord("new.jpg", 1, 1, 1, 1, bytes(32), {}))
    journal.flush()
    convert(str(index), str(tmp_path / "new.csv"), listener=told)
    assert "an interrupted run" in told.notes[0]


def test_a_name_that_both_formats_cannot_have_is_refused(photos: Path, tmp_path: Path) -> None:
    index, target = str(tmp_path / "index.csv"), tmp_path / "index.parquet"
    cbir.index(str(photos), index, "layout")
    frame = pandas.read_csv(index, dtype=str, keep_default_na=False)
    frame.assign(layout="mine").to_csv(index, index=False)
    with pytest.raises(CbirError, match="in a Parquet file two columns would be called 'layout'"):
        convert(index, str(target))
    assert not target.exists()


def test_a_source_that_changes_meanwhile_is_told(index: Path, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.csv"
    with hold(target, 60) as holder, ThreadPoolExecutor(1) as pool:
        converting = pool.submit(convert, str(index), str(target), wait=True)
        time.sleep(1)  # it waits for the target by now
        (photos / "cats" / "cat-1.jpg").unlink()
        cbir.index(str(photos), str(index))
        holder.kill()
        with pytest.raises(CbirError, match="changed while it was read; do the same again"):
            converting.result()
    assert not target.exists()


def test_damaged_features_are_told_of_and_left_behind(index: Path, tmp_path: Path) -> None:
    told = Told()
    segment = max(Path(f"{index}.cbir/features").glob("*/*.segment"), key=os.path.getsize)
    raw = bytearray(segment.read_bytes())
    raw[-5] ^= 0xFF
    segment.write_bytes(raw)
    convert(str(index), str(tmp_path / "new.parquet"), listener=told)
    assert len(told.warnings) == 1 and "damaged at byte" in told.warnings[0]


CONVERTER = """
import sys
from cbir.indexing.convert import convert
print("ready", flush=True)
convert(*sys.argv[1:3], replace=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_conversion_that_is_killed_leaves_both_indexes_whole(index: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.parquet"
    convert(str(index), str(target))
    before, old = index.read_bytes(), target.read_bytes()
    command = [sys.executable, "-c", CONVERTER, str(index), str(target)]
    for pause in np.linspace(0, 0.3, 12).tolist():
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None and running.stdout.readline() == "ready\n"
            time.sleep(pause)
            running.send_signal(signal.SIGKILL)
        assert index.read_bytes() == before and target.read_bytes() == old
        assert inspect(str(target)).faults == []
    convert(str(index), str(target), replace=True)
    assert not list((tmp_path / "new.parquet.cbir").glob("*.new"))
