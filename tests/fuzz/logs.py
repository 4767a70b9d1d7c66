"""Fuzzed: the logs of actions. Whatever one says, undo loses nothing and leaves the rest alone."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from unittest import mock

from hypothesis import strategies as st

from cbir.changes import Addition, change, plan_changes
from cbir.changes.files import sha256_of
from cbir.duplicates.actions import Action, Removal, act, plan, read_log, undo
from tests.fuzz.mutations import as_json, damaged_json
from tests.fuzz.target import Target

ACTIONS: tuple[Action, ...] = ("move", "hardlink", "symlink", "delete")

_State = dict[str, tuple[str, bytes, int]]


class Log(Target):
    """A log, whole or cut off in the middle of a step."""

    name = "log"
    examples = 120

    @cached_property
    def made(self) -> dict[str, Path]:
        """For each action what it leaves behind."""
        made = dict[str, Path]()
        for action in ACTIONS:
            self._fresh()
            destination = str(self.folder / "it" / "moved") if action == "move" else None
            digests = {name: sha256_of(str(self.photos / name)) for name in ("a.jpg", "b.jpg")}
            removal = Removal("a.jpg", "b.jpg", digests["a.jpg"], digests["b.jpg"], "exact")
            steps = plan([removal], action, str(self.photos), destination, action == "delete")
            act(steps, str(self.folder / "it" / "log"))
            made[action] = self.folder / action
            shutil.copytree(self.folder / "it", made[action], symlinks=True)
        self._fresh()
        change(
            plan_changes(str(self.photos), [Addition("x/d.jpg", b"added")]),
            str(self.folder / "it" / "log"),
        )
        made["add"] = self.folder / "add"
        shutil.copytree(self.folder / "it", made["add"], symlinks=True)
        return made

    @property
    def photos(self) -> Path:
        """The dataset."""
        return self.folder / "it" / "photos"

    def _fresh(self) -> None:
        shutil.rmtree(self.folder / "it", ignore_errors=True)
        self.photos.mkdir(parents=True)
        for name, data in (("a.jpg", b"same"), ("b.jpg", b"same"), ("c.jpg", b"another")):
            (self.photos / name).write_bytes(data)
        (self.folder / "it" / "outside").mkdir()
        (self.folder / "it" / "outside" / "mine.jpg").write_bytes(b"same")
        (self.folder / "it" / "outside" / "yours.jpg").write_bytes(b"of somebody else")

    @cached_property
    def seeds(self) -> list[bytes]:
        logs = [(path / "log").read_bytes() for path in self.made.values()]
        return [*logs, *(log[: log[:-1].rindex(b"\n") + 1] for log in logs)]

    def inputs(self) -> st.SearchStrategy[bytes]:
        documents = [[json.loads(line) for line in seed.splitlines()] for seed in self.seeds]
        it = self.folder / "it"
        values = [str(it / "outside" / name) for name in ("mine.jpg", "yours.jpg", "new.jpg")]
        values += [str(self.photos / name) for name in ("a.jpg", "b.jpg", "c.jpg", "new/x.jpg")]
        values += ["intent", "undo", "done", "failed", "both"]
        values += ["hardlink", "symlink", "move", "delete", "add"]
        lines = damaged_json(documents, values, most=3)
        return super().inputs() | lines.map(
            lambda some: b"".join(as_json(one) + b"\n" for one in some)
        )

    def parse(self, data: bytes) -> None:
        names = [action for action in self.made if b'"action": "%s"' % action.encode() in data]
        for action in names[:1] or ACTIONS[:1]:
            shutil.rmtree(self.folder / "it", ignore_errors=True)
            shutil.copytree(self.made[action], self.folder / "it", symlinks=True)
            if action == "hardlink":
                (self.photos / "b.jpg").unlink()
                os.link(self.photos / "a.jpg", self.photos / "b.jpg")
            with _trash_in(self.folder / "it" / "trash"):
                self._undone(data)

    def _undone(self, data: bytes) -> None:
        log = self.folder / "it" / "log"
        log.write_bytes(data)
        before = self._state()
        try:
            read_log(str(log))
            undo(str(log))
        finally:
            after = self._state()
            lost = _contents(before) - _contents(after)
            assert not lost, f"contents are lost: {lost}"
            trashed = _contents({path: was for path, was in after.items() if _in_trash(path)})
            for path, was in before.items():
                if "outside" in path or path.endswith(("a.jpg", "c.jpg")):
                    # What a log calls added goes to the trash if it has the contents that it tells.
                    gone = path not in after and "outside" not in path and was[1] in trashed
                    assert gone or after.get(path) == was, f"{path} was touched"
            strange = after.keys() - before.keys() - {str(self.photos / "b.jpg")}
            strange = {path for path in strange if not _in_trash(path)}
            assert not strange, f"files appeared: {strange}"
            assert all(not mode & (stat.S_ISUID | stat.S_ISGID) for _, _, mode in after.values())

    def _state(self) -> _State:
        state: _State = {}
        for path in sorted((self.folder / "it").rglob("*")):
            if path.is_symlink():
                state[str(path)] = ("link", os.fsencode(path.readlink()), 0)
            elif path.is_file() and path.name != "log":
                state[str(path)] = ("file", path.read_bytes(), path.stat().st_mode)
        return state


@contextmanager
def _trash_in(folder: Path) -> Iterator[None]:
    """Let the desktop's trash be in a folder; its program looks for it when it is imported."""
    with mock.patch.dict(os.environ, XDG_DATA_HOME=str(folder), XDG_STATE_HOME=str(folder)):
        _forget_trash()
        try:
            yield
        finally:
            _forget_trash()


def _forget_trash() -> None:
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        del sys.modules[name]


def _in_trash(path: str) -> bool:
    return "/it/trash/" in path


def _contents(state: _State) -> set[bytes]:
    return {data for kind, data, _ in state.values() if kind == "file"}
