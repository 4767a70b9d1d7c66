"""Adding and deleting images: what is done, skipped and undone."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from io import FileIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.changes import Addition, change, list_logs, plan_changes, read_log, step_execution, undo
from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError, NoSpaceError, NoWritingError
from cbir.core.folder_locks import locked_folders
from tests.changes.helpers import changed, deletion
from tests.duplicates.actions.helpers import ODD_NAMES, tree, write


def names(folder: Path) -> list[str]:
    """Return all files below a folder, hidden ones and folders too."""
    return sorted(os.path.relpath(path, folder) for path in folder.rglob("*"))


def test_images_are_added_with_their_folders_and_undone(root: Path, trash: Path) -> None:
    write(root, "old/a.jpg")
    before = tree(root)
    report = changed(root, {"x/y/b.jpg": b"b", "x/c.png": b"", "old/d.jpg": b"same"})
    assert [step.change.path for step in report.done] == ["old/d.jpg", "x/c.png", "x/y/b.jpg"]
    assert not report.skipped and not report.failed and not report.interrupted
    assert names(root) == ["old", "old/a.jpg", "old/d.jpg", "x", "x/c.png", "x/y", "x/y/b.jpg"]
    assert (root / "x" / "y" / "b.jpg").read_bytes() == b"b"
    assert {step.state for step in read_log(report.log)} == {"done"}
    assert (root / "x" / "c.png").stat().st_mode & 0o777 == 0o666 & ~_umask()
    first, second = undo(report.log), undo(report.log)
    assert len(first.undone) == 3 and not first.left
    assert not second.undone and second.already == 3
    assert tree(root) == before and names(root) == ["old", "old/a.jpg"]
    assert sorted(path.read_bytes() for path in trash.iterdir()) == [b"", b"b", b"same"]


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_images_go_to_the_trash_and_come_back(root: Path, trash: Path) -> None:
    write(root, "x/a.jpg", b"a", mtime=5_000_000_123).chmod(0o640)
    write(root, "b.jpg", b"b")
    before = tree(root)
    report = changed(root, {}, ("b.jpg", "x/a.jpg"))
    assert len(report.done) == 2 and names(root) == ["x"]
    assert sorted(path.read_bytes() for path in trash.iterdir()) == [b"a", b"b"]
    assert len(undo(report.log).undone) == 2 and tree(root) == before


@pytest.mark.parametrize("content", [b"new", b"old"])
def test_a_name_is_free_again_when_its_image_is_deleted(
    root: Path, trash: Path, content: bytes
) -> None:
    """Undone, it comes back itself, although what was added since is in the trash as well."""
    write(root, "a.jpg", b"old")
    before = tree(root)
    changed(root, {}, ("a.jpg",))
    report = changed(root, {"a.jpg": content})
    assert (root / "a.jpg").read_bytes() == content
    assert [step.state for step in read_log(report.log)] == ["done", "done"]
    assert len(undo(report.log).undone) == 2 and tree(root) == before


def test_odd_names_are_added_deleted_and_undone(root: Path, trash: Path) -> None:
    odd = [os.fsdecode(name) for name in ODD_NAMES if len(name) < 200]
    for name in odd:
        write(root, name)
    before = tree(root)
    added = {f"{name}/new{name}.jpg".replace(" ", "_"): b"new" for name in odd if name[0] != "-"}
    report = changed(root, {f"n/{name}": data for name, data in added.items()}, tuple(odd))
    assert len(report.done) == len(added) + len(odd)
    assert Path(report.log).read_bytes().isascii()
    assert len(undo(report.log).undone) == len(report.done) and tree(root) == before


def test_what_was_edited_since_it_was_added_is_left(root: Path, trash: Path) -> None:
    report = changed(root, {"x/a.jpg": b"a", "x/b.jpg": b"b", "x/c.jpg": b"c"})
    (root / "x" / "a.jpg").write_bytes(b"edited")
    (root / "x" / "b.jpg").unlink()
    undone = undo(report.log)
    assert [os.path.basename(path) for path in undone.undone] == ["c.jpg", "b.jpg"]
    assert undone.left[0].reason == "it is not the file that was added, any more"
    assert names(root) == ["x", "x/a.jpg"] and os.listdir(trash) == ["c.jpg"]


def test_what_was_put_where_a_deleted_image_was_is_left(root: Path, trash: Path) -> None:
    write(root, "a.jpg", b"old")
    report = changed(root, {}, ("a.jpg",))
    write(root, "a.jpg", b"new")
    assert "something else is there" in undo(report.log).left[0].reason
    assert (root / "a.jpg").read_bytes() == b"new"
    shutil.rmtree(trash)
    (root / "a.jpg").unlink()
    assert "cannot be found in the desktop's trash" in undo(report.log).left[0].reason


def test_nothing_happens_where_the_dataset_has_changed_since_the_plan(
    root: Path, trash: Path
) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write(root, name)
    gone = [deletion(root, name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    made = plan_changes(str(root), [Addition("d.jpg", b"d"), Addition("x/e.jpg", b"e")], gone)
    write(root, "a.jpg", b"edited")
    (root / "b.jpg").unlink()
    (root / "c.jpg").rename(root / "z.jpg")
    (root / "c.jpg").symlink_to("z.jpg")
    write(root, "d.jpg", b"another")
    write(root, "x", b"a file")
    before = tree(root)
    report = change(made, str(root.parent / "log"))
    assert not report.done and tree(root) == before
    told = {left.path: left.reason for left in (*report.skipped, *report.failed)}
    assert told["a.jpg"] == "it was changed since it was seen"
    assert told["b.jpg"] == "it cannot be read: no such file or directory"
    assert told["c.jpg"] == "it cannot be read: it is a symbolic link"
    assert told["d.jpg"] == "something else is there by now"
    assert len(told) == 5 and not undo(report.log).undone and tree(root) == before


@pytest.mark.parametrize("when", ["before", "between", "while it is written"])
def test_a_folder_that_becomes_a_link_leads_nowhere(
    root: Path, trash: Path, monkeypatch: Any, when: str
) -> None:
    """The link leads to a folder with a file of the same name."""
    write(root, "x/kept.jpg")
    mine = write(root.parent, "elsewhere/a.jpg", b"new")
    made = plan_changes(str(root), [Addition("x/a.jpg", b"new")])

    def swap() -> None:
        (root / "x").rename(root / "y")
        (root / "x").symlink_to(root.parent / "elsewhere")

    if when == "before":
        swap()
    else:
        place = "add" if when == "between" else "rename_new"
        module = "changing" if when == "between" else "step_execution"
        real = getattr(step_execution, place)

        def swapped(*arguments: Any) -> None:
            if when == "between":
                swap()
            real(*arguments)
            if when == "while it is written":
                swap()

        monkeypatch.setattr(f"cbir.changes.{module}.{place}", swapped)
    report = change(made, str(root.parent / "log"))
    assert not report.done and "symbolic link" in report.skipped[0].reason
    assert not undo(report.log, follow_links=True).undone
    assert mine.read_bytes() == b"new" and os.listdir(mine.parent) == ["a.jpg"]


@pytest.mark.parametrize("content", [b"theirs", b"new"])
def test_of_two_writers_the_second_replaces_nothing(
    root: Path, trash: Path, monkeypatch: Any, content: bytes
) -> None:
    """Another program writes the name just before; even the same bytes are its own."""
    real = step_execution.rename_new

    def late(source: str, target: str) -> None:
        Path(target).write_bytes(content)
        real(source, target)

    monkeypatch.setattr(step_execution, "rename_new", late)
    report = changed(root, {"x/a.jpg": b"new"})
    assert [left.reason for left in report.skipped] == ["something else is there by now"]
    assert names(root) == ["x", "x/a.jpg"] and (root / "x" / "a.jpg").read_bytes() == content
    assert not undo(report.log).undone and names(root) == ["x", "x/a.jpg"]


def test_many_writers_at_once_add_each_image_once(root: Path, trash: Path) -> None:
    def write_all(writer: int) -> None:
        for i in range(12):
            addition = Addition(f"{i % 3}/{i}.jpg", b"%d" % writer)
            made = plan_changes(str(root), [addition])
            change(made, str(root.parent / f"cbir-{writer}-{i}.log"), wait=True)

    writers = [threading.Thread(target=write_all, args=(writer,)) for writer in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert len([path for path in root.rglob("*") if path.is_file()]) == 12
    summaries = list_logs(str(root.parent))
    assert len(summaries) == 48 and sum(summary.done.get("add", 0) for summary in summaries) == 12
    for summary in summaries:
        assert not undo(summary.path).left
    assert not any(path.is_file() for path in root.rglob("*"))


def test_a_dataset_that_is_being_changed_is_locked(root: Path, tmp_path: Path) -> None:
    made = plan_changes(str(root), [Addition("a.jpg", b"a")])
    with locked_folders([str(root)]), pytest.raises(CbirError, match="another run"):
        change(made, str(tmp_path / "log"))
    assert not (tmp_path / "log").exists() and not names(root)


def test_a_run_is_stopped_from_elsewhere_and_so_is_an_undo(root: Path, trash: Path) -> None:
    answers = iter([False, False, True])
    report = changed(root, {f"{i}.jpg": b"" for i in range(5)}, stopped=lambda: next(answers))
    assert report.interrupted and [step.change.path for step in report.done] == ["0.jpg", "1.jpg"]
    answers = iter([False, True])
    undone = undo(report.log, stopped=lambda: next(answers))
    assert undone.interrupted and names(root) == ["0.jpg"]
    assert len(undo(report.log).undone) == 1 and names(root) == []


def test_an_interrupt_leaves_a_log_that_is_complete(
    root: Path, trash: Path, monkeypatch: Any
) -> None:
    real = step_execution.rename_new

    def interrupted(source: str, target: str) -> None:
        if target.endswith("b.jpg"):
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(step_execution, "rename_new", interrupted)
    report = changed(root, {"a.jpg": b"a", "x/b.jpg": b"b", "x/c.jpg": b"c"})
    assert report.interrupted and names(root) == ["a.jpg"]
    assert [step.state for step in read_log(report.log)] == ["done", "failed"]


def test_a_trash_that_fails_changes_nothing(root: Path, monkeypatch: Any) -> None:
    class Broken:
        @staticmethod
        def send2trash(path: str) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setitem(sys.modules, "send2trash", Broken)
    write(root, "a.jpg")
    report = changed(root, {"b.jpg": b"b"}, ("a.jpg",))
    assert report.failed[0].reason == "it cannot be put in the trash: permission denied"
    left = undo(report.log).left
    assert [one.reason for one in left] == ["it cannot be taken back: permission denied"]
    assert names(root) == ["a.jpg", "b.jpg"]


FULL = """
import resource, sys
from cbir.changes import Addition, change, plan_changes
limit = int(sys.argv[1])
made = plan_changes("photos", [Addition(f"x{i}/{i}.jpg", b"i" * 5000 * i) for i in range(4)])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
report = change(made, "changes.log")
print([step.change.path for step in report.done], *report.failed, sep="\\n")
"""


@pytest.mark.parametrize("limit", [9_000, 3_000, 600, 50])
def test_a_full_disk_leaves_whole_images_or_nothing(
    root: Path, trash: Path, tmp_path: Path, limit: int
) -> None:
    pytest.importorskip("resource")
    command = [sys.executable, "-c", FULL, str(limit)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if limit == 9_000:
        assert "['x0/0.jpg', 'x1/1.jpg']" in done.stdout and "file too large" in done.stdout
        assert names(root) == ["x0", "x0/0.jpg", "x1", "x1/1.jpg"]
    else:
        last = done.stderr.strip().splitlines()[-1:] or ["changes.log: file too large"]
        assert "changes.log: " in last[0] and "file too large" in last[0]
    assert not list(root.rglob(".cbir*"))
    assert all(path.stat().st_size % 5000 == 0 for path in root.rglob("*.jpg"))
    if (tmp_path / "changes.log").exists():
        assert not undo(str(tmp_path / "changes.log")).left
        assert names(root) == []


paths = st.sampled_from(["a.jpg", "b.jpg", "x/a.jpg", "x/y/a.jpg", "x/y/b.png", "z/z/z/c.gif"])


@settings(max_examples=30)
@given(
    st.dictionaries(paths, st.binary(max_size=2)),
    st.lists(st.tuples(st.dictionaries(paths, st.binary(max_size=2)), st.sets(paths)), max_size=3),
)
def test_undo_restores_exactly_what_there_was(
    files: dict[str, bytes], runs: list[tuple[dict[str, bytes], set[str]]]
) -> None:
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        del sys.modules[name]
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("os.fsync"),
        mock.patch.dict(os.environ, XDG_DATA_HOME=folder, XDG_STATE_HOME=folder),
    ):
        root = Path(folder, "photos")
        root.mkdir()
        for path, data in files.items():
            write(root, path, data)
        before, all_before = tree(root), names(root)
        expected = dict(files)
        for added, deleted in runs:
            going = tuple(deleted & expected.keys())
            changed(root, {p: d for p, d in added.items() if p not in expected}, going)
            expected |= {p: d for p, d in added.items() if p not in expected}
            for path in going:
                del expected[path]
            found = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.*")}
            assert found == expected
        if runs:
            assert not undo(str(root.parent / "log")).left
        assert tree(root) == before and names(root) == all_before


class FullFile(FileIO):
    """A file on a disk that has room for some bytes only, and is full then."""

    room = 0

    def write(self, data: Any) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = super().write(bytes(data)[: self.room])
        self.room -= written
        return written


@pytest.mark.parametrize("room", [0, 1, 50, 300, 400])
def test_a_full_disk_leaves_no_log_without_a_step(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    def opened(path: str, create: bool) -> FullFile:
        file = FullFile(path, "w+")
        file.room = room
        return file

    monkeypatch.setattr("cbir.changes.log.open_private", opened)
    with pytest.raises(NoSpaceError, match="no space left"):
        changed(root, {"x.jpg": b"x"})
    assert not (tmp_path / "log").exists() and not any(root.iterdir())


def test_a_folder_that_cannot_be_written_is_told(root: Path) -> None:
    with pytest.raises(NoWritingError, match="read-only"), explained("log", "write"):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("parts", [2, 64, 65, 1500])
def test_only_paths_of_some_parts_are_added_and_only_one_folder_is_noted(
    root: Path, trash: Path, parts: int
) -> None:
    path = "/".join(["d"] * (parts - 1) + ["x.jpg"])
    planned = plan_changes(str(root), [Addition(path, b"x")])
    assert bool(planned.refused) == (parts > 64)
    if not planned.refused:
        log = change(planned, str(root.parent / "log")).log
        (step,) = read_log(log)
        assert step.intent is not None and step.intent.made == (str(root / "d"),)
        assert len(undo(log).undone) == 1 and not any(root.iterdir())


def test_a_step_that_a_log_could_not_tell_again_is_not_taken(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.changes.log.LONGEST_LINE", 700)
    report = changed(root, {"x.jpg": b"x", "y" * 120 + "/" + "y" * 120 + ".jpg": b"y"})
    assert [step.change.path for step in report.done] == ["x.jpg"]
    assert "too long" in report.skipped[0].reason
    assert [step.state for step in read_log(report.log)] == ["done", "skipped"]
