"""Actions on copies from the command line: planned, asked for, done, told, taken back."""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cbir.changes import Addition, Deletion, change, plan_changes
from cbir.cli.duplicates.actions import act_on
from cbir.cli.duplicates.command import duplicates
from cbir.cli.duplicates.options import Options
from cbir.cli.progress import TerminalProgress
from cbir.duplicates.actions import read_log
from cbir.duplicates.collection import open_collection
from cbir.duplicates.grouping import find_groups
from tests.conftest import Run, can_be_interrupted
from tests.duplicates.actions.helpers import tree

MOVE = ["duplicates", "-d", "photos", "--action", "move", "--move-to", "copies"]


@pytest.fixture
def copied(photos: Path) -> Path:
    """Twelve photographs, a twin of one, and a recompressed copy of another."""
    shutil.copy2(photos / "sky" / "galaxies-1.jpg", photos / "sky" / "twin.jpg")
    os.utime(photos / "sky" / "galaxies-1.jpg", (10, 10))
    with Image.open(photos / "cats" / "cat-1.jpg") as image:
        image.resize((image.width // 2, image.height // 2)).save(photos / "small.jpg")
    return photos


class Terminal:
    """A terminal on which the command runs, until it ends or asks."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._end, other = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cbir", *arguments],
            cwd=folder, stdin=other, stderr=other, stdout=subprocess.PIPE,
            preexec_fn=can_be_interrupted,
        )  # fmt: skip
        os.close(other)
        self.shown = ""

    def read(self, until: str = "[y/N] ", seconds: float = 60) -> str:
        """Return what is shown, when it ends with `until` or nothing more can come."""
        deadline = time.monotonic() + seconds
        while not self.shown.endswith(until):
            if not select.select([self._end], [], [], max(0, deadline - time.monotonic()))[0]:
                self.process.kill()
                pytest.fail(f"no {until!r} within {seconds} s after {self.shown!r}")
            try:
                self.shown += os.read(self._end, 4096).decode()
            except OSError:  # the other end is closed
                break
        return self.shown

    def interrupt(self) -> None:
        """Press Ctrl-C when the process waits for an answer.

        A signal between the last look at signals and the start of the read would only be seen after
        the read, and the question is shown before that: a person is never so quick, a test is.
        """
        status = Path(f"/proc/{self.process.pid}/status")
        while "State:\tS" not in status.read_text():
            time.sleep(0.01)
        self.process.send_signal(signal.SIGINT)

    def answer(self, text: str) -> int:
        self.read()
        os.write(self._end, text.encode())
        return self.finish()

    def finish(self) -> int:
        self.read(until="never shown")
        stdout, _ = self.process.communicate(timeout=100)
        os.close(self._end)
        assert stdout == b""
        return self.process.returncode


def test_a_move_and_back(run: Run, copied: Path, tmp_path: Path) -> None:
    before = tree(copied)
    done = run(*MOVE, "--yes", "--log", "log")
    assert done.returncode == 0 and done.stdout == "", done.stderr
    assert f"move  small.jpg -> {tmp_path}/copies/small.jpg" in done.stderr
    assert "2 images moved\nLog: log\n" in done.stderr
    assert done.stderr.endswith("To take it back: cbir duplicates --undo log\n")
    moved = sorted(path.name for path in (tmp_path / "copies").rglob("*.jpg"))
    assert moved == ["small.jpg", "twin.jpg"] and not (copied / "small.jpg").exists()
    assert run(*MOVE, "--yes").stderr.endswith("Nothing to do\n")
    done = run("duplicates", "--undo", "log", "--yes")
    assert done.returncode == 0 and done.stdout == ""
    assert done.stderr.startswith(f"move back  {copied}/small.jpg   (from {tmp_path}/copies/")
    assert done.stderr.endswith("2 files as before\n")
    assert tree(copied) == before
    assert run("duplicates", "--undo", "log", "--yes").stderr == "Nothing to take back\n"


def test_links_and_back(here: Run, copied: Path, tmp_path: Path) -> None:
    before = tree(copied)
    for action, log in (("hardlink", "a.log"), ("symlink", "b.log")):
        done = here("duplicates", "-d", "photos", "--action", action, "--yes", "--log", log)
        assert done.returncode == 0 and "1 image linked, " in done.stderr
        assert "skip  small.jpg   (its bytes are not those of cats/cat-1.jpg" in done.stderr
        one, other = copied / "sky" / "galaxies-1.jpg", copied / "sky" / "twin.jpg"
        assert one.samefile(other) and other.is_symlink() == (action == "symlink")
        done = here("duplicates", "--undo", log, "--yes")
        assert "(a file of its own again" in done.stderr and tree(copied) == before


def test_deleting_for_good_is_told_by_the_log(here: Run, copied: Path, tmp_path: Path) -> None:
    flags = ["duplicates", "-d", "photos", "--action", "delete", "--permanently", "--yes"]
    done = here(*flags, "--level", "exact", "--log", "log")
    assert done.returncode == 0 and "delete for good  sky/twin.jpg" in done.stderr
    assert not (copied / "sky" / "twin.jpg").exists() and (copied / "small.jpg").exists()
    assert [step.state for step in read_log(str(tmp_path / "log"))] == ["done"]
    done = here("duplicates", "--undo", "log", "--yes")
    assert done.returncode == 1 and "(deleted for good)" in done.stderr


def test_the_log_has_a_name_of_its_own(here: Run, copied: Path, tmp_path: Path) -> None:
    done = here(*MOVE, "--yes")
    (log,) = tmp_path.glob("cbir-duplicates-*.log")
    assert f"Log: {log.name}\n" in done.stderr


def test_the_results_are_printed_on_demand(here: Run, copied: Path) -> None:
    done = here(*MOVE, "--yes", "--format", "json", "--quiet")
    assert done.stderr == "" and done.returncode == 0
    assert [group["keep"] for group in json.loads(done.stdout)] == [
        "photos/cats/cat-1.jpg", "photos/sky/galaxies-1.jpg",
    ]  # fmt: skip
    assert here("duplicates", "-d", "photos").stdout == ""


def test_a_dry_run_does_nothing(here: Run, copied: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    done = here(*MOVE, "--dry-run", "--yes", "--quiet")
    assert done.returncode == 0 and "move  small.jpg" in done.stderr
    assert done.stderr.endswith(": not done, because of --dry-run\n")
    assert tree(tmp_path) == before
    here(*MOVE, "--yes", "--log", "log")
    before = tree(tmp_path)
    done = here("duplicates", "--undo", "log", "--dry-run")
    assert done.returncode == 0 and "Take back 2 steps: not done" in done.stderr
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("answer", "code", "moved"), [("y\n", 0, True), ("\n", 1, False), ("no\n", 1, False)]
)
def test_a_terminal_is_asked(
    copied: Path, tmp_path: Path, answer: str, code: int, moved: bool
) -> None:
    terminal = Terminal(tmp_path, *MOVE, "--log", "log")
    assert terminal.answer(answer) == code
    assert "Move 2 images (" in terminal.shown
    assert (copied / "small.jpg").exists() is not moved
    assert (tmp_path / "log").exists() is moved
    assert ("Nothing was done" in terminal.shown) is not moved
    if moved:
        terminal = Terminal(tmp_path, "duplicates", "--undo", "log")
        assert terminal.answer("yes\n") == 0 and "Take back 2 steps?" in terminal.shown
        assert (copied / "small.jpg").exists()


def test_a_terminal_that_stays_silent_fails_the_test_in_time(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "duplicates", "--undo", "gone.log")
    with pytest.raises(pytest.fail.Exception, match="no 'never shown' within 0 s"):
        terminal.read(until="never shown", seconds=0)
    terminal.process.communicate(timeout=100)
    assert terminal.process.returncode == -signal.SIGKILL


def test_an_interrupted_question_does_nothing(copied: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    terminal = Terminal(tmp_path, *MOVE)
    terminal.read()
    terminal.interrupt()
    assert terminal.finish() == 130 and "Interrupted." in terminal.shown
    assert "Traceback" not in terminal.shown and tree(tmp_path) == before


def options(*arguments: str) -> Options:
    context = duplicates.make_context("duplicates", list(arguments))
    values = {name: value for name, value in context.params.items() if name != "folder"}
    return Options(**values)


def test_an_interrupted_action_tells_what_was_done(
    copied: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    def interrupt(listener: TerminalProgress, steps: int = 1) -> None:
        raise KeyboardInterrupt

    with open_collection(str(copied), None) as collection:
        groups = find_groups(collection)
    monkeypatch.setattr(TerminalProgress, "advance", interrupt)
    place, log = str(tmp_path / "copies"), str(tmp_path / "log")
    given = options("-d", str(copied), "--action", "move", "--move-to", place, "--log", log)
    code = act_on(groups, collection.root, Options(**{**vars(given), "yes": True, "quiet": True}))
    assert code == 130
    assert "Interrupted: 1 image moved, 1 not begun\n" in capsys.readouterr().err
    assert [step.state for step in read_log(log)] == ["done"]


def test_references_are_never_planned(here: Run, copied: Path, tmp_path: Path) -> None:
    shutil.copytree(copied / "sky", tmp_path / "reference")
    before = tree(tmp_path / "reference")
    done = here(*MOVE, "--reference", "reference", "--reference", "photos/cats", "--yes")
    assert done.returncode == 0, done.stderr
    moved = sorted(path.name for path in (tmp_path / "copies").rglob("*.jpg"))
    assert moved == ["galaxies-1.jpg", "small.jpg", "twin.jpg"]
    assert tree(tmp_path / "reference") == before
    assert len(list((copied / "cats").iterdir())) == 3


def test_strict_does_nothing_beside_an_unreadable_image(
    here: Run, copied: Path, tmp_path: Path
) -> None:
    (copied / "text.jpg").write_text("text")
    before = tree(tmp_path)
    assert here(*MOVE, "--yes", "--strict").returncode == 1
    assert tree(tmp_path) == before


def test_what_fails_is_told(here: Run, copied: Path, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "sky").write_text("no folder")
    done = here(*MOVE, "--yes")
    assert done.returncode == 1 and "Warning: sky/twin.jpg: " in done.stderr
    assert "1 image moved, 1 failed\n" in done.stderr
    assert (copied / "sky" / "twin.jpg").exists() and not (copied / "small.jpg").exists()


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--move-to", "photos/copies"], "inside of the dataset"),
        (["--move-to", "photos/small.jpg"], "no folder"),
        (["--move-to", "copies", "--log", "no/where/log"], "no such folder for the log"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_work(
    here: Run, copied: Path, tmp_path: Path, more: list[str], word: str
) -> None:
    before = tree(tmp_path)
    done = here("duplicates", "-d", "photos", "--action", "move", "--yes", *more)
    assert done.returncode == 1 and word in done.stderr and len(done.stderr.splitlines()) == 1
    assert tree(tmp_path) == before


def test_an_index_alone_knows_where_its_images_are(run: Run, copied: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run("duplicates", "-d", "photos", "-i", "kept.csv")
    flags = ["duplicates", "-i", "../kept.csv", "--action", "move", "--move-to", "../copies"]
    done = run(*flags, "--yes", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "copies").rglob("*.jpg"))) == 2


def test_an_undo_of_what_is_no_log(here: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("text\n")
    for name, reason in (("text.txt", "this is no log"), ("gone.log", "no such file")):
        done = here("duplicates", "--undo", name, "--yes")
        assert done.returncode == 1 and f"{name}: " in done.stderr and reason in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_what_was_added_and_deleted_is_undone_by_the_same_command(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        monkeypatch.delitem(sys.modules, name)
    before = tree(photos)
    gone = "cats/cat-1.jpg"
    seen = hashlib.sha256((photos / gone).read_bytes()).digest()
    made = plan_changes(str(photos), [Addition("new/a.jpg", b"new")], [Deletion(gone, seen)])
    change(made, str(tmp_path / "changes.log"))
    assert (photos / "new" / "a.jpg").exists() and not (photos / gone).exists()
    shown = run("duplicates", "--undo", str(tmp_path / "changes.log"), "--yes")
    assert f"remove  {photos}/new/a.jpg   (was added; to the desktop's trash)" in shown.stderr
    assert f"restore  {photos}/{gone}   (from the desktop's trash)" in shown.stderr
    assert shown.returncode == 0 and "2 files as before" in shown.stderr
    assert tree(photos) == before and not (photos / "new").exists()
