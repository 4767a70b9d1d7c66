"""Logs that are damaged or forged: what an undo cannot prove to be its own work stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.changes import read_log, undo
from cbir.core.errors import CbirError
from tests.changes.helpers import changed
from tests.duplicates.actions.helpers import acted, removal, tree, write

Line = dict[str, Any]

FORGERIES: dict[str, Callable[[Line], object]] = {
    "NUL in a path": lambda line: line.update(path=line["path"] + "\0"),
    "a digest of other letters": lambda line: line.update(sha256="zz" * 32),
    "a short digest": lambda line: line.update(sha256="zz"),
    "no target": lambda line: line.update(target=None),
    "a number for a path": lambda line: line.update(path=7),
    "a relative path": lambda line: line.update(path="b"),
    "a path with dots": lambda line: line.update(path=line["path"] + "/../b"),
    "a surrogate that is no byte": lambda line: line.update(path="/\ud800"),
    "an unknown action": lambda line: line.update(action="format"),
    "an action of another kind": lambda line: line.update(action=["move"]),
    "another action": lambda line: line.update(action="symlink"),
    "a time beyond all times": lambda line: line.update(mtime_ns=10**40),
    "a time that is infinite": lambda line: line.update(mtime_ns=float("inf")),
    "a mode that is none": lambda line: line.update(mode=True),
    "an owner that is none": lambda line: line.update(uid=-1),
    "a size that is a text": lambda line: line.update(size="4"),
    "an aside of the user's": lambda line: line.update(aside=line["kept"]),
    "an aside of another step": lambda line: line.update(aside=line["aside"] + "1"),
    "an aside elsewhere": lambda line: line.update(aside="/tmp/" + os.path.basename(line["aside"])),
    "a target out of the destination": lambda line: line.update(target="/tmp/b"),
    "a target of another kind": lambda line: line.update(target=line["target"] + ".exe"),
    "a hidden file": lambda line: line.update(
        path=os.path.join(os.path.dirname(line["path"]), ".profile")
    ),
    "a file in a hidden folder": lambda line: line.update(
        path=os.path.join(os.path.dirname(line["path"]), ".ssh", "keys")
    ),
    "folders elsewhere": lambda line: line.update(made=["/etc"]),
    "folders that are a text": lambda line: line.update(made="/tmp"),
    "a link for a move": lambda line: line.update(link="a"),
    "a kept image that is the copy": lambda line: line.update(kept=line["path"]),
    "attributes that are none": lambda line: line.update(attributes={"user.a": "?"}),
    "too many attributes": lambda line: line.update(attributes={"user.a": "AAAA" * 30_000}),
    "a step without a number": lambda line: line.pop("step"),
    "a step of many digits": lambda line: line.update(step=10**400),
    "the same step again": lambda line: line.update(step=line["step"] + 1),
}


OF_AN_ADDITION: dict[str, Callable[[Line], object]] = {
    "a kept image": lambda line: line.update(kept=os.path.dirname(line["path"]) + "/a"),
    "another action": lambda line: line.update(action="move"),
    "an action that needs a kept image": lambda line: line.update(action="hardlink"),
    "for good": lambda line: line.update(action="delete", permanently=True, made=[]),
    "a sidecar": lambda line: line.update(companion=True),
    "a file out of the dataset": lambda line: line.update(path="/tmp/b.jpg", made=[]),
    "a file that is the dataset": lambda line: line.update(
        path=os.path.dirname(os.path.dirname(line["path"]))
    ),
    "a hidden file": lambda line: line.update(path=os.path.dirname(line["path"]) + "/.b"),
    "folders out of the dataset": lambda line: line.update(
        made=[os.path.dirname(os.path.dirname(os.path.dirname(line["path"])))]
    ),
    "the dataset among the folders": lambda line: line.update(
        made=[os.path.dirname(os.path.dirname(line["path"])), *line["made"]]
    ),
    "folders beside it": lambda line: line.update(made=[line["path"] + "x"]),
    "a target": lambda line: line.update(target=line["path"]),
    "an aside elsewhere": lambda line: line.update(aside="/tmp/" + os.path.basename(line["aside"])),
    "no kept image named": lambda line: line.pop("kept"),
}


def moved(root: Path) -> Path:
    """Move two copies; return the log."""
    for name in "abc":
        write(root, name)
    return Path(acted(root, "move", removal(root, "a", "b"), removal(root, "a", "c")).log)


def rewrite(log: Path, change: Callable[[Line], object], number: int = 1) -> None:
    """Change a line of a log."""
    lines = log.read_bytes().split(b"\n")
    line = json.loads(lines[number])
    change(line)
    lines[number] = json.dumps(line).encode()
    log.write_bytes(b"\n".join(lines))


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_intent_that_no_run_writes_is_refused(root: Path, forgery: str) -> None:
    log = moved(root)
    rewrite(log, FORGERIES[forgery])
    before = tree(root.parent)
    for read in (read_log, undo):
        with pytest.raises(CbirError, match=r"line [124] is damaged"):
            read(str(log))
    assert tree(root.parent) == before


@pytest.mark.parametrize("forgery", OF_AN_ADDITION)
def test_an_addition_that_no_run_logs_is_refused(root: Path, forgery: str) -> None:
    log = Path(changed(root, {"x/b.jpg": b"new"}).log)
    rewrite(log, OF_AN_ADDITION[forgery])
    before = tree(root.parent)
    for read in (read_log, undo):
        with pytest.raises(CbirError, match="line 2 is damaged"):
            read(str(log))
    assert tree(root.parent) == before


def test_of_an_addition_that_is_not_finished_only_its_own_file_is_cleared_up(
    root: Path, trash: Path
) -> None:
    log = Path(changed(root, {"x/b.jpg": b"new"}).log)
    (root / "x" / "b.jpg").unlink()
    log.write_bytes(b"\n".join(log.read_bytes().split(b"\n")[:2]) + b"\n")  # killed in the step
    aside = Path(json.loads(log.read_bytes().split(b"\n")[1])["aside"])
    write(root, f"x/{aside.name}", b"an image that another step set aside")
    (root / "x" / f"{aside.name}-link").symlink_to("nothing")
    write(root, f"x/{aside.name}-new", b"ne")
    undo(str(log))
    assert sorted(os.listdir(root / "x")) == [aside.name, f"{aside.name}-link"]


def test_what_has_other_contents_than_were_added_does_not_go(root: Path, trash: Path) -> None:
    mine = write(root, "mine.jpg", b"mine")
    log = Path(changed(root, {"b.jpg": b"new"}).log)
    rewrite(log, lambda line: line.update(path=str(mine)))
    assert len(undo(str(log)).left) == 1 and mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b'{"step": 1, "event": "done", "reason": [1]}',
        b'{"step": 1, "event": []}',
        b'{"step": 99, "event": "done", "path": "/a\\u0000"}',
        b'{"cbir": "1", "log": "1"}',
        b'{"cbir": 1, "log": 99}',
        b'{"cbir": "1", "log": 1, "root": null}',
        b'{"cbir": "1", "log": 1, "root": "relative"}',
        b'"' + b"x" * 2_000_000 + b'"',
        b"\xff\xfe",
    ],
)
def test_a_line_that_no_run_writes_is_refused(root: Path, line: bytes) -> None:
    log = moved(root)
    log.write_bytes(log.read_bytes() + line + b"\n")
    before = tree(root.parent)
    for read in (read_log, undo):
        with pytest.raises(CbirError, match="line 6 is damaged"):
            read(str(log))
    assert tree(root.parent) == before


@settings(max_examples=50)
@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: object
) -> None:
    line = data if isinstance(data, bytes) else json.dumps(data).encode()
    log = tmp_path_factory.getbasetemp() / "any.log"
    log.write_bytes(b'{"cbir": "1", "log": 2, "action": "undo"}\n' + line + b"\n")
    try:
        assert read_log(str(log)) == []
    except CbirError as error:
        assert str(log) in str(error)


@pytest.mark.parametrize("action", ["hardlink", "symlink", "move"])
def test_an_aside_is_removed_only_when_it_is_proved_to_be_ours(root: Path, action: Any) -> None:
    for name in "ab":
        write(root, name)
    log = Path(acted(root, action, removal(root, "a", "b")).log)
    aside = Path(json.loads(log.read_bytes().split(b"\n")[1])["aside"])
    log.write_bytes(b"\n".join(log.read_bytes().split(b"\n")[:2]) + b"\n")  # killed in the step
    for name in (aside, root / aside.name, root / f"{aside.name}-link"):
        name.write_bytes(b"mine")
    report = undo(str(log))
    assert aside.read_bytes() == b"mine" and (root / aside.name).read_bytes() == b"mine"
    assert (root / f"{aside.name}-link").read_bytes() == b"mine"
    assert (root / "a").read_bytes() == b"same"
    if report.left:
        assert "cannot be taken back" in report.left[0].reason
        assert (root / "b").samefile(root / "a")


@pytest.mark.parametrize("action", ["hardlink", "symlink"])
def test_what_has_other_contents_is_not_replaced(root: Path, tmp_path: Path, action: Any) -> None:
    """A log names a file of the user's, with two names, as the link that it made."""
    for name in "ab":
        write(root, name)
    log = Path(acted(root, action, removal(root, "a", "b")).log)
    write(root, "secret", b"secret")
    os.link(root / "secret", root / "secret2")

    def forge(line: Line) -> None:
        line.update(path=str(root / "secret"), kept=str(root / "secret2"))
        line.update(link="secret2" if action == "symlink" else None)

    rewrite(log, forge)
    before = tree(root)
    report = undo(str(log))
    assert not report.undone and len(report.left) == 1 and tree(root) == before


def test_modes_that_change_who_runs_a_program_are_not_restored(root: Path) -> None:
    for name in "ab":
        write(root, name)
    log = Path(acted(root, "hardlink", removal(root, "a", "b")).log)
    rewrite(log, lambda line: line.update(mode=0o7755))
    assert len(undo(str(log)).undone) == 1
    assert (root / "b").stat().st_mode & 0o7777 == 0o755


def test_only_attributes_of_users_are_restored(root: Path) -> None:
    for name in "ab":
        write(root, name)
    log = Path(acted(root, "hardlink", removal(root, "a", "b")).log)
    rewrite(log, lambda line: line.update(attributes={"trusted.x": "AAAA"}))
    undo(str(log))
    names = os.listxattr(root / "b") if hasattr(os, "listxattr") else []
    assert "trusted.x" not in names and not (root / "b").samefile(root / "a")


def test_nothing_outside_of_the_dataset_is_touched_unless_told(root: Path, tmp_path: Path) -> None:
    log = moved(root)
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    rewrite(log, lambda line: line.update(path=str(outside / "b")))
    report = undo(str(log))
    assert [Path(path).name for path in report.undone] == ["c"]
    assert "outside of the dataset" in report.left[0].reason
    assert "follow_links=True" in report.left[0].reason
    assert os.listdir(outside) == [] and (tmp_path / "moved" / "b").exists()


@pytest.mark.parametrize("place", ["old", "new"])
def test_an_undo_does_not_follow_a_folder_that_became_a_link(
    root: Path, tmp_path: Path, place: str
) -> None:
    write(root, "a")
    write(root, "x/b")
    log = acted(root, "move", removal(root, "a", "x/b")).log
    elsewhere = tmp_path / "elsewhere"
    changed = root / "x" if place == "old" else tmp_path / "moved" / "x"
    changed.rename(elsewhere)
    changed.symlink_to(elsewhere)
    before = tree(tmp_path)
    report = undo(log)
    del before[os.fsencode(log)]
    after = tree(tmp_path)
    del after[os.fsencode(log)]
    assert "linked folder" in report.left[0].reason and after == before
    assert len(undo(log, follow_links=True).undone) == 1
    assert (root / "x" / "b").read_bytes() == b"same"


def test_an_open_step_never_removes_a_twin_that_a_move_did_not_make(
    root: Path, tmp_path: Path
) -> None:
    """The log of a killed move names two files of the user's that are the same."""
    for name in "ab":
        write(root, name)
    log = Path(acted(root, "move", removal(root, "a", "b")).log)
    log.write_bytes(b"\n".join(log.read_bytes().split(b"\n")[:2]) + b"\n")
    write(root, "b")
    report = undo(str(log))
    assert (root / "b").exists() and (tmp_path / "moved" / "b").exists()
    assert not report.undone and "still at" in report.left[0].reason


@pytest.mark.skipif(not hasattr(os, "chown") or os.geteuid() != 0, reason="needs another user")
def test_nothing_goes_into_a_hidden_folder_by_a_log_from_elsewhere(tmp_path: Path) -> None:
    """Such a log may come in an archive, with a key or a program to be planted."""
    folder = tmp_path / ".config" / "photos"
    folder.mkdir(parents=True)
    log = moved(folder).rename(tmp_path / "log")
    before = tree(folder)
    report = undo(str(log))
    assert not report.undone and tree(folder) == before
    assert all("hidden folder" in told.reason for told in report.left)
    inside = log.rename(tmp_path / ".config" / "log")
    assert len(undo(str(inside)).undone) == 2 and (folder / "b").exists()


def test_a_file_from_a_far_future_comes_back(root: Path) -> None:
    for name in "ab":
        write(root, name)
    os.utime(root / "b", ns=(10**19 + 5, 10**19 + 5))
    log = acted(root, "move", removal(root, "a", "b")).log
    assert len(undo(log).undone) == 1 and (root / "b").exists()


def test_the_log_of_another_user_is_not_followed(root: Path) -> None:
    log = moved(root)
    os.chown(log, 12345, 12345)
    with pytest.raises(CbirError, match="belongs to another user"):
        undo(str(log))
    assert not (root / "b").exists()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs devices")
def test_a_device_or_a_pipe_is_no_log(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", "/dev/full", str(tmp_path / "pipe"), str(tmp_path)):
        for read in (read_log, undo):
            with pytest.raises(CbirError, match="no regular file"):
                read(path)


FULL = """
import resource, sys
from cbir.duplicates.actions import Removal, act, plan
import hashlib
digest = hashlib.sha256(b"same").digest()
made = plan([Removal("a", name, digest, digest, "exact") for name in "bcd"], "hardlink", "photos")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
act(made, "links.log")
"""


@pytest.mark.parametrize("limit", [50, 300, 900])
def test_a_full_disk_is_told_with_the_name_of_the_log(
    root: Path, tmp_path: Path, limit: int
) -> None:
    pytest.importorskip("resource")
    for name in "abcd":
        write(root, name)
    before = tree(root)
    command = [sys.executable, "-c", FULL, str(limit)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("cbir.core.errors.CbirError: ") and f"{tmp_path}/links.log: " in last
    assert "file too large" in last and "what was done before is in it" in last
    assert not list(root.glob(".cbir*"))
    if (tmp_path / "links.log").exists():
        assert not undo(str(tmp_path / "links.log")).left
    assert tree(root) == before
