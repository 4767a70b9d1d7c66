"""The journal keeps what it says it keeps, whatever happens to its end."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.stores.journal import Journal, JournalRecord

NAMES = st.binary(min_size=1, max_size=20).filter(
    lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..")
)
"""Names that a file can have."""

ENTRIES = st.lists(
    st.builds(
        JournalRecord,
        st.lists(NAMES, min_size=1, max_size=3).map(lambda names: os.fsdecode(b"/".join(names))),
        st.integers(0, 2**60),
        st.integers(0, 2**60),
        st.integers(1, 60_000),
        st.integers(1, 60_000),
        st.binary(min_size=32, max_size=32),
        st.dictionaries(
            st.text("abcdef0123456789", min_size=1), st.binary(max_size=50), max_size=3
        ),
    ),
    min_size=1,
    max_size=5,
)


def written(path: Path, records: list[JournalRecord]) -> Journal:
    path.unlink(missing_ok=True)
    journal = Journal(str(path), "data")
    for record in records:
        journal.append(record)
    journal.flush()
    return Journal(str(path), "data")


@given(ENTRIES)
def test_entries_come_back(tmp_path_factory: object, records: list[JournalRecord]) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"  # type: ignore[attr-defined]
    assert written(path, records).read() == records


@given(records=ENTRIES, data=st.data())
def test_a_torn_end_costs_the_torn_entry_only(
    tmp_path_factory: object, records: list[JournalRecord], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"  # type: ignore[attr-defined]
    whole = written(path, records[:-1]).path
    sound = path.stat().st_size if len(records) > 1 else 0
    journal = written(path, records)
    size = path.stat().st_size
    os.truncate(whole, data.draw(st.integers(sound, size - 1)))
    assert journal.read() == records[:-1]
    journal.append(records[-1])
    journal.flush()
    assert journal.read() == records


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    record = JournalRecord("a.jpg", 1, 2, 3, 4, bytes(32), {"f": b"abc"})
    journal = written(tmp_path / "journal", [record, record])
    raw = bytearray((tmp_path / "journal").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "journal").write_bytes(raw)
    assert journal.read() == [record]


def test_a_file_that_is_no_journal_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"something else entirely")
    journal = Journal(str(tmp_path / "journal"), "data")
    assert journal.read() == []
    assert journal.read() == []


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"), "data")
    assert journal.read() == []
    journal.discard()


def test_entries_about_another_dataset_are_not_read(tmp_path: Path) -> None:
    record = JournalRecord("a.jpg", 1, 2, 3, 4, bytes(32), {"f": b"abc"})
    written(tmp_path / "journal", [record])
    assert Journal(str(tmp_path / "journal"), "other").read() == []
    assert Journal(str(tmp_path / "journal"), "data").read() == []


def test_a_failing_write_is_told_once(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "nowhere" / "journal"), "data")
    journal.append(JournalRecord("a.jpg", 1, 2, 3, 4, bytes(32), {"f": b"abc"}))
    with pytest.raises(OSError, match="No such file"):
        journal.flush()
    journal.flush()


def test_a_journal_that_cannot_be_parted_from_a_backup_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, backup = tmp_path / "journal", tmp_path / "backup"
    record = JournalRecord("a.jpg", 1, 2, 3, 4, bytes(32), {})
    journal = written(path, [record])
    backup.hardlink_to(path)
    kept = backup.read_bytes()
    with monkeypatch.context() as full_disk:
        full_disk.setattr(shutil, "copyfileobj", no_space)
        assert journal.read() == []
    journal.append(record)
    journal.flush()
    assert backup.read_bytes() == kept and journal.read() == [record]


def no_space(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("side", [0, 1 << 31, True])
def test_impossible_sides_of_an_image_are_not_read(tmp_path: Path, side: int) -> None:
    record = JournalRecord("a.jpg", 1, 2, 3, 4, bytes(32), {})
    journal = written(tmp_path / "journal", [record, replace(record, width=side)])
    assert journal.read() == [record]
