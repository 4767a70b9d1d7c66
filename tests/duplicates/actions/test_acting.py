"""Acting on copies: what is done, skipped and reported."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from cbir.changes import files, step_execution
from cbir.core.errors import CbirError
from cbir.core.progress import ProgressListener
from cbir.duplicates.actions import Action, act, read_log, undo
from cbir.duplicates.loss import Loss
from cbir.images.discovery import find_images
from tests.duplicates.actions.helpers import ODD_NAMES, acted, planned, removal, tree, write

ACTIONS: list[Action] = ["move", "hardlink", "symlink"]


def test_move_keeps_paths_times_and_never_overwrites(root: Path, tmp_path: Path) -> None:
    write(root, "a.jpg")
    write(root, "x/b.jpg", mtime=5_000_000_123)
    taken = write(tmp_path, "moved/x/b.jpg", b"mine")
    report = acted(root, "move", removal(root, "a.jpg", "x/b.jpg"))
    assert len(report.done) == 1 and report.bytes_freed == 0
    assert taken.read_bytes() == b"mine" and not (root / "x" / "b.jpg").exists()
    moved = tmp_path / "moved" / "x" / "b (2).jpg"
    assert moved.read_bytes() == b"same" and moved.stat().st_mtime_ns == 5_000_000_123


def test_hardlink_and_symlink_lead_to_the_kept_image(root: Path) -> None:
    kept = write(root, "a/kept.jpg")
    write(root, "x/b.jpg")
    write(root, "x/c.jpg")
    acted(root, "hardlink", removal(root, "a/kept.jpg", "x/b.jpg"))
    acted(root, "symlink", removal(root, "a/kept.jpg", "x/c.jpg"))
    assert (root / "x" / "b.jpg").samefile(kept)
    assert os.readlink(root / "x" / "c.jpg") == "../a/kept.jpg"
    assert sorted(os.listdir(root / "x")) == ["b.jpg", "c.jpg"]


def test_a_symbolic_link_out_of_the_dataset_is_absolute(root: Path, tmp_path: Path) -> None:
    kept = write(tmp_path, "elsewhere/a.jpg")
    write(root, "b.jpg")
    acted(root, "symlink", removal(root, str(kept), "b.jpg"))
    assert os.readlink(root / "b.jpg") == str(kept)


def test_delete_goes_to_the_trash_unless_permanently(
    root: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    odd = os.fsdecode(ODD_NAMES[1])
    for name in ("a", odd, "c"):
        write(root, name)
    acted(root, "delete", removal(root, "a", odd))
    assert (tmp_path / "share" / "Trash" / "files" / odd).read_bytes() == b"same"
    acted(root, "delete", removal(root, "a", "c"), permanently=True)
    assert os.listdir(root) == ["a"]
    report = undo(str(tmp_path / "log"))
    assert [told.reason for told in report.left] == ["it was deleted for good"]
    assert report.undone == (str(root / odd),) and (root / odd).read_bytes() == b"same"


def test_a_trash_that_fails_deletes_nothing(root: Path, monkeypatch: Any) -> None:
    class Broken:
        @staticmethod
        def send2trash(path: str) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setitem(sys.modules, "send2trash", Broken)
    write(root, "a")
    write(root, "b")
    report = acted(root, "delete", removal(root, "a", "b"))
    assert report.failed[0].reason.startswith("it cannot be put in the trash: permission denied;")
    assert (root / "b").exists() and [step.state for step in read_log(report.log)] == ["failed"]


@pytest.mark.parametrize("action", [*ACTIONS, "delete"])
def test_nothing_happens_to_what_has_changed(root: Path, action: Action, tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e", "f", "g", "h"):
        write(root, name)
    pairs = [removal(root, *pair) for pair in (("a", "b"), ("c", "d"), ("e", "f"), ("g", "h"))]
    made = planned(root, action, *pairs, permanently=action == "delete")
    (root / "a").unlink()
    write(root, "c", b"else")
    write(root, "f", b"else")
    (root / "h").unlink()
    os.link(root / "g", root / "h")
    before = tree(root)
    report = act(made, str(tmp_path / "log"))
    assert tree(root) == before and not report.done and not report.failed
    assert [told.reason for told in report.skipped] == [
        "the kept image a cannot be read: no such file or directory",
        "the kept image c was changed since the images were compared",
        "it was changed since the images were compared",
        "it is one file with g by now",
    ]


def test_a_copy_that_became_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    for name in "abc":
        write(root, name)
    made = planned(root, "move", removal(root, "a", "b"))
    (root / "b").unlink()
    (root / "b").symlink_to("c")
    report = act(made, str(tmp_path / "log"))
    assert report.skipped[0].reason == "it cannot be read: it is a symbolic link"


def test_exact_copies_with_other_bytes_must_have_the_same_pixels(
    root: Path, noise: np.ndarray
) -> None:
    Image.fromarray(noise).save(root / "a.png")
    Image.fromarray(noise).save(root / "b.bmp")
    Image.fromarray(noise).save(root / "c.jpg")
    Image.fromarray(np.dstack([noise, noise[:, :, 0]])).save(root / "e.png")
    Image.fromarray(np.dstack([noise, np.full_like(noise[:, :, 0], 255)])).save(root / "f.png")
    (root / "g.png").write_bytes((root / "a.png").read_bytes()[:-400])
    names = ("b.bmp", "c.jpg", "e.png", "f.png", "g.png")
    report = acted(root, "move", *(removal(root, "a.png", name) for name in names))
    assert [step.removal.copy for step in report.done] == ["b.bmp", "f.png"]
    told = {each.path: each.reason for each in report.skipped}
    assert told["c.jpg"] == "neither its bytes nor its pixels are those of the kept image"
    assert sorted(told) == ["c.jpg", "e.png", "g.png"]
    near = acted(root, "move", removal(root, "a.png", "c.jpg", "near"))
    assert len(near.done) == 1


def test_a_moving_image_is_no_copy_of_its_first_frame(root: Path) -> None:
    first, second = Image.new("RGB", (9, 9), "red"), Image.new("RGB", (9, 9), "blue")
    first.save(root / "a.gif")
    first.save(root / "b.gif", save_all=True, append_images=[second])
    report = acted(root, "move", removal(root, "a.gif", "b.gif"))
    assert report.skipped[0].reason == (
        "it shows what the kept image does not: frames: 1 of 1 further frames or pages"
    )
    assert (root / "b.gif").exists()


def test_more_bits_or_transparency_than_the_kept_image_has_are_not_lost(root: Path) -> None:
    white = np.full((8, 8, 4), 255, np.uint8)
    Image.fromarray(white[:, :, :3]).save(root / "a.png")
    white[2, 2] = (10, 20, 30, 0)  # seen on white, there is no difference
    Image.fromarray(white).save(root / "b.png")
    report = acted(root, "move", removal(root, "a.png", "b.png"))
    assert report.skipped[0].reason.endswith("the kept image is opaque")


def test_what_is_found_only_when_it_comes_to_it_is_not_lost(root: Path) -> None:
    fine = np.random.default_rng(0).integers(0, 65536, (30, 40), dtype=np.uint16)
    cv2.imwrite(str(root / "b.png"), fine)
    cv2.imwrite(str(root / "c.tif"), fine)
    Image.fromarray((fine >> 8).astype(np.uint8)).save(root / "a.png")
    Image.fromarray((fine >> 8).astype(np.uint8)).save(root / "d.png", icc_profile=b"odd")
    depth = Loss("depth", "16 bits a channel; the kept image has 8")
    pairs = [removal(root, "a.png", name) for name in ("b.png", "d.png")]
    report = acted(root, "move", *pairs)
    assert not report.done and len(report.skipped) == 2
    assert report.skipped[0].reason == f"it shows what the kept image does not: {depth}"
    assert "gamut: " in report.skipped[1].reason
    allowed = [removal(root, "b.png", "c.tif"), dataclasses.replace(pairs[0], losses=(depth,))]
    with pytest.raises(CbirError):
        acted(root, "move", *allowed, allow_loss={"depth"})
    assert len(acted(root, "move", allowed[0]).done) == 1
    assert len(acted(root, "move", allowed[1], allow_loss={"depth"}).done) == 1


@pytest.mark.parametrize("action", ACTIONS)
def test_odd_names_are_acted_on_and_taken_back(root: Path, action: Action, tmp_path: Path) -> None:
    write(root, "a.jpg")
    names = [os.fsdecode(name) for name in ODD_NAMES]
    for name in names:
        write(root, name, mtime=77_000_000_001)
    before = tree(root)
    report = acted(root, action, *(removal(root, "a.jpg", name) for name in names))
    assert len(report.done) == len(names) and not report.failed
    steps = read_log(report.log)
    assert {os.path.basename(step.path) for step in steps} == set(names)
    assert {step.state for step in steps} == {"done"}
    assert Path(report.log).read_bytes().isascii()
    assert len(undo(report.log).undone) == len(names)
    assert tree(root) == before and not (tmp_path / "moved").exists()


def test_a_long_name_that_is_taken_still_gets_a_number(root: Path, tmp_path: Path) -> None:
    name = os.fsdecode(ODD_NAMES[-1])
    write(root, "a.jpg")
    write(root, name)
    write(tmp_path, f"moved/{name}", b"mine")
    report = acted(root, "move", removal(root, "a.jpg", name))
    assert len(report.done) == 1 and len(os.listdir(tmp_path / "moved")) == 2


def test_across_file_systems_the_copy_is_verified_before_the_source_goes(
    root: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    across(monkeypatch, root)
    write(root, "a")
    write(root, "b", mtime=123_456_789).chmod(0o640)
    before = tree(root)
    report = acted(root, "move", removal(root, "a", "b"))
    moved = tmp_path / "moved" / "b"
    assert len(report.done) == 1 and not (root / "b").exists()
    assert moved.stat().st_mtime_ns == 123_456_789
    assert stat.S_IMODE(moved.stat().st_mode) == 0o640
    assert os.listdir(tmp_path / "moved") == ["b"]
    assert len(undo(report.log).undone) == 1 and tree(root) == before
    monkeypatch.setattr(files, "holds", lambda *_: False)
    report = act(planned(root, "move", removal(root, "a", "b")), str(tmp_path / "log2"))
    assert "other contents" in report.failed[0].reason and tree(root) == before


def across(monkeypatch: Any, root: Path) -> None:
    """Let renames in or out of the dataset fail as between file systems."""
    real = files.rename_new

    def rename(source: str, target: str) -> None:
        if (str(root) + os.sep in source) != (str(root) + os.sep in target):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    monkeypatch.setattr(files, "rename_new", rename)


def test_what_fails_is_told_and_the_rest_goes_on(
    root: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    for name in "abcd":
        write(root, name)
    real = step_execution.move_new

    def move(source: str, *rest: Any) -> None:
        if source.endswith("c"):
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, *rest)

    monkeypatch.setattr(step_execution, "move_new", move)

    lines = []
    listener = ProgressListener()
    monkeypatch.setattr(listener, "warn", lines.append)
    made = planned(root, "move", *(removal(root, "a", name) for name in "bcd"))
    report = act(made, str(tmp_path / "log"), listener)
    assert [step.removal.copy for step in report.done] == ["b", "d"]
    assert lines == ["c: cannot move it: permission denied"]
    assert [step.state for step in read_log(report.log)] == ["done", "failed", "done"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("action", [*ACTIONS, "delete"])
def test_a_folder_that_is_read_only_is_told(root: Path, action: Action, tmp_path: Path) -> None:
    write(root, "a")
    folder = write(root, "x/b").parent
    write(root, "unreadable").chmod(0)
    pair = removal(root, "a", "x/b")
    closed = dataclasses.replace(removal(root, "a", "a"), copy="unreadable")
    folder.chmod(0o555)
    try:
        report = acted(root, action, pair, closed, permanently=action == "delete")
    finally:
        folder.chmod(0o755)
    assert [told.path for told in report.failed] == ["x/b"]
    assert "permission denied" in report.failed[0].reason
    assert "permission denied" in report.skipped[0].reason
    assert (folder / "b").exists() and os.listdir(folder) == ["b"]
    assert not (tmp_path / "moved").exists()


@pytest.mark.parametrize("after", [False, True])
def test_an_interrupt_leaves_a_log_that_is_complete(
    root: Path, tmp_path: Path, monkeypatch: Any, after: bool
) -> None:
    for name in "abcd":
        write(root, name)
    before = tree(root)
    real = step_execution.move_new

    def move(source: str, *rest: Any) -> None:
        if source.endswith("c") and not after:
            raise KeyboardInterrupt
        real(source, *rest)
        if source.endswith("c"):
            raise KeyboardInterrupt

    monkeypatch.setattr(step_execution, "move_new", move)
    report = acted(root, "move", *(removal(root, "a", name) for name in "bcd"))
    assert report.interrupted and len(report.done) == 1 + after
    states = [(step.state, step.open) for step in read_log(report.log)]
    assert states == [("done", False), ("done" if after else "failed", False)]
    undo(report.log)
    assert tree(root) == before


def test_a_file_of_the_users_is_not_taken_for_a_log(root: Path, tmp_path: Path) -> None:
    write(root, "a")
    write(root, "b")
    made = planned(root, "move", removal(root, "a", "b"))
    mine = write(tmp_path, "mine.csv", b"path,bytes\n")
    with pytest.raises(CbirError, match="no log"):
        act(made, str(mine))
    with pytest.raises(CbirError, match="cannot write the log"):
        act(made, str(tmp_path / "no" / "log"))
    assert mine.read_bytes() == b"path,bytes\n" and (root / "b").exists()


def test_nothing_is_lost_of_many_odd_files(root: Path) -> None:
    """Copies, hard links, links to files and folders, and files that vanish or change."""
    images = {f"{i % 9}/{i}.jpg": str(i // 4).encode() for i in range(200)}
    for name, data in images.items():
        write(root, name, data)
    for i in range(0, 40, 4):
        name = f"{i % 9}/{i}.jpg"
        os.link(root / name, root / f"hard-{i}.jpg")
        (root / f"soft-{i}.jpg").symlink_to(name)
    (root / "linked").symlink_to("3", target_is_directory=True)
    found = [each.path for each in find_images(str(root))]
    assert len(found) == 220
    first_names: dict[bytes, str] = {}
    pairs = []
    for name in [*found, "linked/3.jpg"]:
        kept = first_names.setdefault((root / name).read_bytes(), name)
        if kept != name:
            pairs.append(removal(root, kept, name))
    made = planned(root, "delete", *pairs, permanently=True)
    shutil.rmtree(root / "8")
    report = act(made, str(root.parent / "log"))
    assert len({os.stat(step.kept).st_ino for step in report.done}) > 30
    left = {path.read_bytes() for path in root.rglob("*.jpg") if path.exists()}
    assert left == {data for name, data in images.items()}
