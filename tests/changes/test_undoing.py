"""Taking back what was done."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.changes import read_log, undo
from cbir.core.errors import CbirError
from cbir.duplicates.actions import Action, act, plan
from tests.duplicates.actions.helpers import acted, removal, tree, write

ACTIONS: list[Action] = ["move", "hardlink", "symlink"]


@pytest.mark.parametrize("action", ACTIONS)
def test_everything_is_as_it_was_and_a_second_time_nothing_happens(
    root: Path, action: Action, tmp_path: Path
) -> None:
    write(root, "a", mtime=1)
    write(root, "x/b", mtime=2_222_222_222).chmod(0o604)
    write(root, "x/c", mtime=3)
    before = tree(root)
    report = acted(root, action, removal(root, "a", "x/b"), removal(root, "a", "x/c"))
    first, second = undo(report.log), undo(report.log)
    assert tree(root) == before
    assert first.undone == (str(root / "x" / "c"), str(root / "x" / "b")) and not first.left
    assert not second.undone and not second.left and second.already == 2
    assert {step.state for step in read_log(report.log)} == {"undone"}
    assert sorted(os.listdir(tmp_path)) == ["log", "photos"]
    assert not (root / "a").samefile(root / "x" / "b")
    assert len(acted(root, action, removal(root, "a", "x/b")).done) == 1
    undo(report.log)
    assert tree(root) == before


def test_a_folder_that_is_gone_is_made_again(root: Path) -> None:
    write(root, "a")
    write(root, "x/y/b")
    report = acted(root, "move", removal(root, "a", "x/y/b"))
    (root / "x" / "y").rmdir()
    (root / "x").rmdir()
    undo(report.log)
    assert (root / "x" / "y" / "b").exists()


def test_what_is_at_the_old_place_now_is_not_overwritten(root: Path, tmp_path: Path) -> None:
    write(root, "a")
    write(root, "b")
    write(root, "c")
    report = acted(root, "move", removal(root, "a", "b"), removal(root, "a", "c"))
    write(root, "b", b"new")
    write(root, "c", b"same")
    undone = undo(report.log)
    assert not undone.undone and len(undone.left) == 2
    assert "something else is there by now; it is still at" in undone.left[0].reason
    assert (root / "b").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path / "moved")) == ["b", "c"]
    (root / "b").unlink()
    assert len(undo(report.log).undone) == 1


def test_what_was_changed_since_is_left_alone(root: Path, tmp_path: Path) -> None:
    for name in "abcdefg":
        write(root, name)
    log = acted(root, "move", removal(root, "a", "b"), removal(root, "a", "c")).log
    acted(root, "symlink", removal(root, "a", "d"), removal(root, "e", "f"))
    acted(root, "hardlink", removal(root, "a", "g"))
    write(tmp_path, "moved/b", b"edited")
    (tmp_path / "moved" / "c").unlink()
    (root / "a").write_bytes(b"edited")
    (root / "f").unlink()
    (root / "f").symlink_to("d")
    before = tree(tmp_path)
    report = undo(log)
    del before[os.fsencode(log)]
    after = tree(tmp_path)
    del after[os.fsencode(log)]
    assert after == before and not report.undone
    told = {os.path.basename(each.path): each.reason for each in report.left}
    assert sorted(told) == ["b", "c", "d", "f", "g"]
    assert "the kept image was changed" in told["d"] and "the kept image was changed" in told["g"]


def test_links_whose_kept_images_were_renamed(root: Path) -> None:
    for name in "abc":
        write(root, name)
    log = acted(root, "hardlink", removal(root, "a", "b")).log
    acted(root, "symlink", removal(root, "a", "c"))
    (root / "a").rename(root / "z")
    report = undo(log)
    assert [os.path.basename(path) for path in report.undone] == ["b"]
    assert (root / "b").stat().st_nlink == 1
    assert [os.path.basename(told.path) for told in report.left] == ["c"]


def test_a_log_that_is_missing_or_none(tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="no such file"):
        undo(str(tmp_path / "log"))
    assert not (tmp_path / "log").exists()
    mine = write(tmp_path, "mine", b"text\n")
    with pytest.raises(CbirError, match="no log"):
        undo(str(mine))


places = st.sampled_from(["", "x/", "x/y/", "h/", "z/"])
steps = st.lists(
    st.tuples(places, st.integers(0, 3), st.integers(1, 2**50), st.sampled_from([0o600, 0o644])),
    min_size=2,
    max_size=12,
)


@settings(max_examples=25)
@given(steps, st.lists(st.sampled_from([*ACTIONS]), min_size=1, max_size=3), st.data())
def test_undo_restores_exactly_what_there_was(
    files: list[tuple[str, int, int, int]], actions: list[Action], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder, mock.patch("os.fsync"):
        root, log = Path(folder, "photos"), str(Path(folder, "log"))
        for i, (place, content, mtime, mode) in enumerate(files):
            write(root, f"{place}{i}.jpg", bytes([content]), mtime).chmod(mode)
        before = tree(root)
        names = [f"{place}{i}.jpg" for i, (place, *_) in enumerate(files)]
        first_names: dict[int, str] = {}
        for name, (_, content, *_) in zip(names, files, strict=True):
            first_names.setdefault(content, name)
        pairs = [
            removal(root, first_names[content], name)
            for name, (_, content, *_) in zip(names, files, strict=True)
            if first_names[content] != name
        ]
        for action in actions:
            taken = [pair for pair in pairs if data.draw(st.booleans())]
            pairs = [pair for pair in pairs if pair not in taken]
            destination = str(Path(folder, "moved")) if action == "move" else None
            made = plan(taken, action, str(root), destination)
            assert len(act(made, log).done) == len(taken)
        undo(log)
        assert tree(root) == before
        assert sorted(os.listdir(folder)) == ["log", "photos"]
        assert undo(log).undone == ()
