"""The ignore file: what was judged different stays apart, and what people wrote stays."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.errors import CbirError
from cbir.duplicates.exclusions import ExclusionList, mark_different, read_exclusions
from cbir.duplicates.model import ImageRecord


def record(path: Path) -> ImageRecord:
    data = path.read_bytes()
    return ImageRecord(str(path), hashlib.sha256(data).digest(), len(data), 0, 4, 3, 100)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.jpg" for name in ("a", "b", "c")]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_a_marked_pair_stays_apart_in_either_order(files: list[Path], tmp_path: Path) -> None:
    ignore = str(tmp_path / "ignore.txt")
    a, b, c = map(record, files)
    assert mark_different(ignore, a.path, b.path)
    exclusions = read_exclusions(ignore)
    assert exclusions.is_excluded(a, b) and exclusions.is_excluded(b, a)
    assert len(exclusions.pairs) == 1
    assert not any(exclusions.is_excluded(*pair) for pair in ((a, c), (c, b), (a, a)))


def test_a_pair_is_added_once(files: list[Path], tmp_path: Path) -> None:
    ignore = tmp_path / "ignore.txt"
    a, b, _ = map(str, files)
    assert mark_different(str(ignore), a, b)
    before = ignore.read_bytes()
    assert not mark_different(str(ignore), b, a)
    assert ignore.read_bytes() == before


def test_pairs_are_known_by_their_bytes_wherever_they_are(
    files: list[Path], tmp_path: Path
) -> None:
    ignore = str(tmp_path / "ignore.txt")
    mark_different(ignore, str(files[0]), str(files[1]))
    twin = tmp_path / "twin.jpg"
    twin.write_bytes(files[0].read_bytes())
    moved = files[1].rename(tmp_path / "moved.jpg")
    assert read_exclusions(ignore).is_excluded(record(twin), record(moved))


def test_a_missing_file_holds_nothing(files: list[Path], tmp_path: Path) -> None:
    exclusions = read_exclusions(str(tmp_path / "missing.txt"))
    assert exclusions == ExclusionList() and not exclusions.is_excluded(
        record(files[0]), record(files[1])
    )


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
def test_what_people_wrote_stays(files: list[Path], tmp_path: Path, ending: bytes) -> None:
    ignore = tmp_path / "ignore.txt"
    a, b, c = map(record, files)
    pair = b"\t".join(one.sha256.hex().upper().encode() for one in (b, a))
    written = b"\xef\xbb\xbf# mine \xff\r\n\n   \n" + pair + b"#no space" + ending
    ignore.write_bytes(written)
    assert mark_different(str(ignore), c.path, a.path)
    assert ignore.read_bytes().startswith(written)
    exclusions = read_exclusions(str(ignore))
    assert (
        exclusions.is_excluded(a, b)
        and exclusions.is_excluded(a, c)
        and not exclusions.is_excluded(b, c)
    )


def test_a_new_file_explains_itself_and_names_the_files(files: list[Path], tmp_path: Path) -> None:
    ignore = tmp_path / "ignore.txt"
    mark_different(str(ignore), str(files[0]), str(files[1]))
    lines = ignore.read_text().splitlines()
    assert lines[0].startswith("# ") and "SHA-256" in ignore.read_text()
    assert lines[-1].endswith(f"# {files[0]} | {files[1]}")


@pytest.mark.parametrize("name", ["new\nline.jpg", "#|#.jpg", " .jpg", os.fsdecode(b"\xff.jpg")])
def test_odd_names_break_nothing(files: list[Path], tmp_path: Path, name: str) -> None:
    ignore, odd = tmp_path / "ignore.txt", tmp_path / name
    odd.write_bytes(b"odd")
    assert mark_different(str(ignore), str(odd), str(files[0]))
    assert not mark_different(str(ignore), str(files[0]), str(odd))
    assert ignore.read_text("utf-8").count("\n") == 6
    assert read_exclusions(str(ignore)).is_excluded(record(odd), record(files[0]))


A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (A, "1 SHA-256 instead of two"),
        (f"{A} {B} {A}", "3 SHA-256 instead of two"),
        (f"{A} {A.upper()}", "are the same"),
        (f"{A} {B[1:]}", "bbb… is no SHA-256"),
        (f"{A} a.jpg", r"a\.jpg is no SHA-256"),
        ("\x1b\udcff", r"\\x1b\\xff is no SHA-256"),
    ],
)
def test_a_malformed_line_is_named(
    files: list[Path], tmp_path: Path, line: str, reason: str
) -> None:
    ignore = tmp_path / "ignore.txt"
    written = f"# fine\n{A} {B}\n{line}\n".encode(errors="surrogateescape")
    ignore.write_bytes(written)
    expected = rf"ignore\.txt: line 3: .*{reason}; write two"
    with pytest.raises(CbirError, match=expected):
        read_exclusions(str(ignore))
    with pytest.raises(CbirError, match=expected):
        mark_different(str(ignore), str(files[0]), str(files[1]))
    assert ignore.read_bytes() == written


def test_identical_files_cannot_be_told_apart(files: list[Path], tmp_path: Path) -> None:
    files[1].write_bytes(files[0].read_bytes())
    with pytest.raises(CbirError, match="the same bytes"):
        mark_different(str(tmp_path / "ignore.txt"), str(files[0]), str(files[1]))
    assert not (tmp_path / "ignore.txt").exists()


def test_impossible_files_are_told(files: list[Path], tmp_path: Path) -> None:
    a, b, _ = map(str, files)
    with pytest.raises(CbirError, match=r"gone\.jpg: cannot read the image: no such file"):
        mark_different(str(tmp_path / "ignore.txt"), a, str(tmp_path / "gone.jpg"))
    with pytest.raises(CbirError, match="cannot write the ignore file: no such file"):
        mark_different(str(tmp_path / "nowhere" / "ignore.txt"), a, b)
    with pytest.raises(CbirError, match="cannot read the ignore file: is a directory"):
        read_exclusions(str(tmp_path))
    with pytest.raises(CbirError, match="null"):
        mark_different(str(tmp_path / "ignore.txt"), "a\0", b)


def test_a_link_to_an_ignore_file_stays_one(files: list[Path], tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_bytes(b"# mine\n")
    link.symlink_to(real)
    assert mark_different(str(link), str(files[0]), str(files[1]))
    assert link.is_symlink() and len(read_exclusions(str(real)).pairs) == 1


@given(st.sets(st.tuples(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))))
def test_apart_is_symmetric_and_holds_for_nothing_else(pairs: set[tuple[bytes, bytes]]) -> None:
    exclusions = ExclusionList(frozenset((min(pair), max(pair)) for pair in pairs))
    blank = ImageRecord("", b"\0" * 31 + b"x", 1, 0, 1, 1, 0)
    for first, second in pairs:
        one, other = ImageRecord("", first, 1, 0, 1, 1, 0), ImageRecord("", second, 1, 0, 1, 1, 0)
        assert exclusions.is_excluded(one, other) and exclusions.is_excluded(other, one)
        assert exclusions.is_excluded(one, blank) == (
            (min(first, blank.sha256), max(first, blank.sha256)) in exclusions.pairs
        )


def test_marks_made_at_once_are_all_kept(files: list[Path], tmp_path: Path) -> None:
    ignore, others = str(tmp_path / "ignore.txt"), []
    for number in range(12):
        others.append(tmp_path / f"{number}.jpg")
        others[-1].write_bytes(b"%d" % number)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda other: mark_different(ignore, str(files[0]), str(other)), others))
    assert len(read_exclusions(ignore).pairs) == 12
