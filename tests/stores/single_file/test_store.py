"""The store: commits, generations, caches, locks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import BrokenIndexError, CbirError
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.descriptors.registry import parse
from cbir.stores import open_store
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import FILE_DTYPE, Manifest, Rows, Snapshot
from cbir.stores.paths import PathList

HSV = DescriptorEntry.of(parse("hsv:layout=none"), None, "index.csv")


def content(*paths: str, shade: int = 0) -> tuple[Rows, dict[str, np.ndarray]]:
    facts = np.zeros(len(paths), FILE_DTYPE)
    facts["bytes"] = range(len(paths))
    facts["sha256"] = np.array([path.encode().ljust(32) for path in paths]).view("V32")
    matrix = np.full((len(paths), HSV.width), shade, np.uint8)
    return Rows(PathList.of(paths), facts), {"hsv": matrix}


def commit(path: Path, *paths: str, shade: int = 0) -> None:
    with open_store(str(path)).writer() as writer:
        writer.commit(Manifest("data", (HSV,), "test"), *content(*paths, shade=shade))


def snapshot(path: Path) -> Snapshot:
    return open_store(str(path)).snapshot()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "index.csv"
    commit(path, "a.jpg", "b.jpg", shade=1)
    return path


def test_what_is_committed_is_read(index: Path) -> None:
    read = snapshot(index)
    assert list(read.rows.paths) == ["a.jpg", "b.jpg"]
    assert (read.matrix("hsv") == 1).all()
    assert read.manifest.entries == (HSV,)
    assert read.root == str(index.parent / "data")


def test_how_searches_average_is_kept_and_nothing_else_is_read(index: Path) -> None:
    assert snapshot(index).manifest.dba == 0
    for dba in (7, 0):
        with open_store(str(index)).writer() as writer:
            writer.commit(Manifest("data", (HSV,), "test", dba=dba), *content("a.jpg"))
        assert snapshot(index).manifest.dba == dba
    for wrong in (-1, 101, "7", None, 1.5):
        with open_store(str(index)).writer() as writer:
            forged = Manifest("data", (HSV,), "test", dba=wrong)  # type: ignore[arg-type]
            writer.commit(forged, *content("a.jpg", shade=3))
        if wrong is not None:  # which is written like none
            with pytest.raises(BrokenIndexError, match="neighbors"):
                snapshot(index)


def test_the_cache_and_the_csv_say_the_same(index: Path) -> None:
    store = open_store(str(index))
    assert store.snapshot().inspect().faults == []
    shutil.rmtree(index.parent / "index.csv.cbir" / "cache")
    again = store.snapshot()
    assert np.array_equal(again.matrix("hsv"), snapshot(index).matrix("hsv"))
    assert (again.rows.facts == snapshot(index).rows.facts).all()


def test_features_stand_beside_the_rows(index: Path) -> None:
    extractor = SiftExtractor(7)
    record = extractor.as_record(extractor.extract(np.zeros((9, 8, 3), np.uint8)))
    rows, before = index.read_bytes(), snapshot(index).features(extractor)
    assert list(before.keys()) == []
    assert not (index.parent / "index.csv.cbir" / "features").exists()
    with open_store(str(index)).writer() as writer, writer.features(extractor) as store:
        store.append(bytes(32), record)
    read = snapshot(index).features(extractor)
    assert list(read.keys()) == [bytes(32)] and index.read_bytes() == rows
    assert extractor.from_record(read.get(bytes(32))).width == 8
    # Readers see what was there when they opened; other extractors have a place of their own.
    others = snapshot(index).features(SiftExtractor(8))
    assert list(before.keys()) == list(others.keys()) == []
    commit(index, "c.jpg")
    assert bytes(32) in snapshot(index).features(extractor)
    assert snapshot(index).inspect().faults == []


def test_a_search_after_a_commit_need_not_parse_the_csv(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.stores.csv.csv_format.read_csv", None)
    assert len(snapshot(index).rows) == 2


def test_a_damaged_cache_is_made_again(index: Path) -> None:
    for path in (index.parent / "index.csv.cbir" / "cache").rglob("*.npy"):
        os.truncate(path, path.stat().st_size - 1)
    assert (snapshot(index).matrix("hsv") == 1).all()
    assert snapshot(index).inspect().faults == []


def cached(index: Path, pattern: str) -> Path:
    return next((index.parent / "index.csv.cbir" / "cache").rglob(pattern))


def test_numbers_of_a_damaged_cache_are_never_given(index: Path) -> None:
    """As after a lost write: the header is there, the numbers are zeros."""
    path = cached(index, "*.matrix.npy")
    raw = path.read_bytes()
    for damaged in (raw[:128] + bytes(len(raw) - 128), raw[:-1] + b"\0"):
        path.write_bytes(damaged)
        read = snapshot(index)
        assert (read.matrix("hsv") == 1).all()
        assert "hsv" not in read.damage and "was damaged; it is made again" in read.damage[0]
        assert path.read_bytes() == raw and snapshot(index).damage == []


def test_a_damaged_cache_of_an_index_that_was_changed_since_is_an_error(index: Path) -> None:
    path = cached(index, "*.matrix.npy")
    opened = snapshot(index)
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\0")
    commit(index, "c.jpg", "d.jpg", shade=2)
    with pytest.raises(BrokenIndexError, match=r"cache is damaged.*open it again"):
        opened.matrix("hsv")


def test_a_snapshot_stays_readable_while_others_are_committed(index: Path) -> None:
    old = snapshot(index)
    for shade in (2, 3):
        commit(index, "c.jpg", shade=shade)
    assert list(old.rows.paths) == ["a.jpg", "b.jpg"]
    assert (old.matrix("hsv") == 1).all()
    assert (snapshot(index).matrix("hsv") == 3).all()


def test_a_commit_leaves_nothing_of_the_one_before(index: Path) -> None:
    before = sorted(path.name for path in (index.parent / "index.csv.cbir").rglob("*"))
    commit(index, "a.jpg", "b.jpg", "c.jpg", shade=2)
    after = sorted(path.name for path in (index.parent / "index.csv.cbir").rglob("*"))
    assert len(after) == len(before)


def test_rows_deleted_by_hand_are_gone(index: Path) -> None:
    header, _, b = index.read_text().splitlines()
    index.write_text(f"{header}\n{b}\n")
    assert list(snapshot(index).rows.paths) == ["b.jpg"]
    assert len(snapshot(index).matrix("hsv")) == 1


def test_index_and_folder_can_be_moved_together(index: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("index.csv", "index.csv.cbir"):
        shutil.move(tmp_path / name, moved / name)
    assert snapshot(moved / "index.csv").root == str(moved / "data")
    copied = tmp_path / "copied"
    shutil.copytree(moved, copied)
    os.utime(copied / "index.csv", (0, 0))
    assert (snapshot(copied / "index.csv").matrix("hsv") == 1).all()


def test_the_metadata_is_csv_on_the_web(index: Path) -> None:
    path = next((index.parent / "index.csv.cbir").glob("generation-*.json"))
    document = json.loads(path.read_text())
    assert document["@context"] == "http://www.w3.org/ns/csvw"
    assert (path.parent / document["url"]).resolve() == index
    columns = [column["name"] for column in document["tableSchema"]["columns"]]
    header = index.read_text().splitlines()[0].split(",")
    assert [name for name in columns if name != "path_base64"] == header


def test_without_its_folder_the_index_is_refused_with_the_remedy(index: Path) -> None:
    shutil.rmtree(index.parent / "index.csv.cbir")
    with pytest.raises(BrokenIndexError, match=r"index\.csv\.cbir.* rebuild=True\)"):
        snapshot(index)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "damaged"),
        (lambda text: text.replace('"cbir:format": 1', '"cbir:format": 99'), "format 99"),
        (lambda text: "{}", "damaged"),
    ],
)
def test_metadata_that_cannot_be_read_is_refused(index: Path, change: object, message: str) -> None:
    path = next((index.parent / "index.csv.cbir").glob("generation-*.json"))
    path.write_text(change(path.read_text()))  # type: ignore[operator]
    with pytest.raises(BrokenIndexError, match=message):
        snapshot(index)


def test_a_missing_or_impossible_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenIndexError, match="does not exist; make one with"):
        snapshot(tmp_path / "index.csv")
    with pytest.raises(BrokenIndexError, match="is a folder"):
        snapshot(tmp_path)


def test_a_generation_of_a_killed_run_is_not_chosen(index: Path) -> None:
    folder = index.parent / "index.csv.cbir"
    other = index.parent / "other.csv"
    commit(other, "x.jpg", shade=9)
    leftover = next((index.parent / "other.csv.cbir").glob("generation-*.json"))
    shutil.copy(leftover, folder)
    assert (snapshot(index).matrix("hsv") == 1).all()
    commit(index, "a.jpg", shade=2)
    assert len(list(folder.glob("generation-*.json"))) == 1


def test_a_failing_commit_leaves_the_old_index(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = index.read_bytes()

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cbir.stores.csv.csv_format.write_csv", fail)
    with pytest.raises(CbirError, match="no space left on device; free some space"):
        commit(index, "c.jpg")
    assert index.read_bytes() == before
    assert not list((index.parent / "index.csv.cbir").glob("*.new"))


def test_permissions_and_links_of_the_old_index_are_kept(index: Path, tmp_path: Path) -> None:
    index.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(index)
    commit(link, "z.jpg")
    assert link.is_symlink() and list(snapshot(index).rows.paths) == ["z.jpg"]
    assert index.stat().st_mode & 0o777 == 0o640


HOLDER = """
import sys, time
from cbir.stores import open_store
with open_store(sys.argv[1]).writer():
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(index: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(index), str(seconds)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
    return holder


def test_a_second_writer_is_refused_and_told_of_the_first(index: Path) -> None:
    with hold(index, 60) as holder:
        with pytest.raises(CbirError, match=rf"process {holder.pid} is writing .*wait=True"):
            commit(index, "c.jpg")
        assert len(snapshot(index).rows) == 2
        holder.kill()
    commit(index, "c.jpg")
    assert len(snapshot(index).rows) == 1


def test_a_second_writer_can_wait(index: Path) -> None:
    with hold(index, 0.5), open_store(str(index)).writer(wait=True) as writer:
        assert writer.previous() is not None


def test_where_the_folder_is_read_only_the_cache_is_elsewhere(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = index.parent / "index.csv.cbir"
    shutil.rmtree(folder / "cache")
    (folder / "cache").write_text("in the way of the folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert len(snapshot(index).rows) == 2
    assert list((tmp_path / "user" / "cbir").rglob("*.npy"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert len(snapshot(index).rows) == 2


def test_a_csv_from_another_time_is_refused(index: Path) -> None:
    """Its columns fit, but its numbers are not those that the folder tells of."""
    old = index.read_bytes()
    commit(index, "a.jpg", "b.jpg", shade=2)
    index.write_bytes(old)
    with pytest.raises(BrokenIndexError, match=r"not those of the\s+descriptors.*another time"):
        snapshot(index)


def test_after_a_killed_rebuild_an_edited_index_is_still_its_own(index: Path) -> None:
    other = index.parent / "other.csv"
    with open_store(str(other)).writer() as writer:
        rows = content("x.jpg", "y.jpg")
        writer.commit(Manifest("elsewhere", (HSV,), "test"), *rows)
    for leftover in (index.parent / "other.csv.cbir").glob("generation-*.json"):
        shutil.copy(leftover, index.parent / "index.csv.cbir" / "generation-0000.json")
        shutil.copy(leftover, index.parent / "index.csv.cbir" / "generation-zzzz.json")
    header, a, _ = index.read_text().splitlines()
    index.write_text(f"{header}\n{a}\n")
    assert snapshot(index).root == str(index.parent / "data")


@pytest.mark.parametrize("size", [0, 10])
def test_a_cache_file_that_was_cut_off_is_made_again(index: Path, size: int) -> None:
    for path in (index.parent / "index.csv.cbir" / "cache").rglob("*.npy"):
        os.truncate(path, size)
    assert len(snapshot(index).rows) == 2


def test_an_index_without_rows_can_be_opened(index: Path) -> None:
    index.write_text(index.read_text().splitlines()[0] + "\n")
    assert len(snapshot(index).rows) == 0
    assert snapshot(index).matrix("hsv").shape == (0, HSV.width)


def edit(index: Path, line: int, column: str, value: str) -> None:
    lines = [text.split(",") for text in index.read_text().splitlines()]
    lines[line][lines[0].index(column)] = value
    index.write_text("\n".join(map(",".join, lines)) + "\n")


@pytest.mark.parametrize(
    ("column", "value"),
    [("hsv_7", "2"), ("width", "5"), ("bytes", "9"), ("mtime", "9"), ("sha256", "ab" * 32)],
)
def test_a_single_number_that_was_edited_is_noticed_in_whatever_row(
    tmp_path: Path, column: str, value: str
) -> None:
    """Once only the rows of a sample of 64 images were looked at."""
    index = tmp_path / "index.csv"
    commit(index, *(f"{number:03}.jpg" for number in range(100)), shade=1)
    edit(index, 51, column, value)
    with pytest.raises(
        BrokenIndexError, match=r"a row was edited by hand: 050\.jpg; .*cbir\.index\("
    ):
        snapshot(index)
    store = open_store(str(index))
    read = store.snapshot(accept_edited=True)
    assert read.edited.tolist() == [50]
    assert "edited by hand: 050.jpg" in read.inspect().faults[0]


def test_a_path_that_was_edited_is_noticed(index: Path) -> None:
    edit(index, 1, "path", "aa.jpg")
    with pytest.raises(BrokenIndexError, match=r"edited by hand: aa\.jpg"):
        snapshot(index)


def test_what_may_be_edited_is_no_fault(index: Path) -> None:
    header, a, b = index.read_text().splitlines()
    for text in (f"{header}\n{b}\n{a}\n", f"{header},mine\n{a},1\n{b},\n", f"{header}\n{b}\n"):
        index.write_text(text)
        store = open_store(str(index))
        assert store.snapshot().inspect().faults == []


@pytest.fixture
def old_index(index: Path) -> Path:
    """As a program wrote it that knew no digests and no checksums."""
    folder = index.parent / "index.csv.cbir"
    for path in folder.glob("*.digests"):
        path.unlink()
    path = next(folder.glob("generation-*.json"))
    document = json.loads(path.read_text())
    del document["cbir:checksum"]
    path.write_text(json.dumps(document))
    return index


def test_an_older_index_is_read_and_gets_digests_by_the_next_run(old_index: Path) -> None:
    store = open_store(str(old_index))
    found = store.snapshot().inspect()
    assert found.faults == [] and "no digests of its rows" in found.warnings[0]
    with store.writer() as writer:
        writer.keep(store.snapshot())
    assert store.snapshot().inspect().warnings == []


def test_what_a_killed_commit_left_is_cleared_by_a_run_that_changes_nothing(index: Path) -> None:
    folder = index.parent / "index.csv.cbir"
    before = {path.relative_to(folder) for path in folder.rglob("*")}

    (folder / "index.csv.new").write_text("half of it")
    other = index.parent / "other.csv"
    commit(other, "x.jpg", shade=9)
    for path in (index.parent / "other.csv.cbir").glob("generation-*"):
        shutil.copy(path, folder)
    store = open_store(str(index))
    with store.writer() as writer:
        writer.keep(store.snapshot())
    assert {path.relative_to(folder) for path in folder.rglob("*")} == before


def test_a_copied_index_is_hashed_once(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = index.parent / "copy.csv"
    shutil.copy(index, copy)
    shutil.copytree(f"{index}.cbir", f"{copy}.cbir")
    os.utime(copy, (1_000_000, 1_000_000))
    assert len(snapshot(copy).rows) == 2
    with monkeypatch.context() as patch:
        patch.setattr("cbir.stores.single_file.store.content_of", None)
        assert list(snapshot(copy).rows.paths) == ["a.jpg", "b.jpg"]
    header, a, _ = copy.read_text().splitlines()
    copy.write_text(f"{header}\n{a}\n")
    os.utime(copy, (2_000_000, 2_000_000))
    for _ in range(2):
        assert list(snapshot(copy).rows.paths) == ["a.jpg"]


def test_a_remembered_stamp_that_is_damaged_is_not_believed(index: Path) -> None:
    os.utime(index, (1_000_000, 1_000_000))
    assert len(snapshot(index).rows) == 2
    path = index.parent / "index.csv.cbir" / "cache" / "stamp.json"
    raw = path.read_text()
    for text in (raw.replace("generation-", "generation+"), "[" * 100_000, "{}", "null"):
        path.write_text(text)
        assert (snapshot(index).matrix("hsv") == 1).all()


@pytest.mark.parametrize("text", ["[" * 100_000, "null", "[]", '"text"', "1" * 5000, "\xff"])
def test_metadata_that_does_harm_is_refused(index: Path, text: str) -> None:
    path = next((index.parent / "index.csv.cbir").glob("generation-*.json"))
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BrokenIndexError, match="damaged"):
        snapshot(index)


def test_a_changed_letter_in_the_metadata_is_noticed(index: Path) -> None:
    path = next((index.parent / "index.csv.cbir").glob("generation-*.json"))
    path.write_text(path.read_text().replace('"cbir:dataset": "data"', '"cbir:dataset": "dato"'))
    with pytest.raises(BrokenIndexError, match="checksum"):
        snapshot(index)


def test_what_was_written_where_no_csv_was_is_not_overwritten(tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    with open_store(str(new)).writer() as writer:
        assert writer.previous() is None
        new.write_text("precious")
        with pytest.raises(CbirError, match="changed while this run was at work"):
            writer.commit(Manifest("data", (HSV,), "test"), *content("z.jpg"))
    assert new.read_text() == "precious"


def test_an_empty_file_may_become_an_index(tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.touch()
    with open_store(str(new)).writer() as writer:
        with pytest.raises(BrokenIndexError, match="empty"):
            writer.previous()
        writer.commit(Manifest("data", (HSV,), "test"), *content("z.jpg"))
    assert list(snapshot(new).rows.paths) == ["z.jpg"]


def test_what_was_written_into_the_csv_meanwhile_is_not_overwritten(index: Path) -> None:
    before = index.read_bytes()
    with open_store(str(index)).writer() as writer:
        writer.previous()
        index.write_bytes(before + b"\n")
        with pytest.raises(CbirError, match="changed while this run was at work"):
            writer.commit(Manifest("data", (HSV,), "test"), *content("z.jpg"))
    assert index.read_bytes() == before + b"\n"
    assert list(snapshot(index).rows.paths) == ["a.jpg", "b.jpg"]
