"""The log of what was done to files: an intent before each step, what came of it after.

A log is lines of JSON in ASCII; paths keep bytes that are not UTF-8 as escaped surrogates. The
first line says what was asked for. Each step has a line ``intent``, which is on the disk before
anything is touched, and a line ``done``, ``skipped`` or ``failed``. When the program was killed
in between, :func:`read_log` looks at the files and tells which it was.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, BinaryIO, Literal, get_args

import cbir
from cbir.actions.files import holds, same_file
from cbir.actions.planning import Action
from cbir.core.regular_files import read_regular
from cbir.errors import CbirError, printable
from cbir.stores.files import explained, sync_folder

FORMAT = 1
"""Version of the log's format."""

_HEAD = b'{"cbir": '

State = Literal["done", "not done", "both", "unclear", "skipped", "failed", "undone"]
"""What became of a step.

``both``: killed in the middle of a move, the picture is whole at the old place and at the new one.
``unclear``: the files are neither as before the step nor as after it.
"""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a step is about to do, with all that is needed to tell it afterwards and to undo it.

    Attributes
    ----------
    number : int
        Of the step, in this log.
    action : {"move", "hardlink", "symlink", "delete"}
    copy, keeper : str
        Absolute paths.
    target : str or None
        Where the copy is moved to.
    link : str or None
        The text of the symbolic link.
    aside : str
        The temporary name that the step may use.
    made : tuple of str
        Folders that have to be made for `target`.
    sha256 : str
        Of the copy, in hexadecimal digits.
    size, mtime_ns, mode, uid, gid : int
        The copy's status.
    permanently : bool
        It is deleted for good.
    """

    number: int
    action: Action
    copy: str
    keeper: str
    target: str | None
    link: str | None
    aside: str
    made: tuple[str, ...]
    sha256: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    permanently: bool

    @property
    def digest(self) -> bytes:
        """The copy's SHA-256."""
        return bytes.fromhex(self.sha256)


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """What a log, and where it leaves that open the disk, tells of a step.

    Attributes
    ----------
    number : int
    copy : str
        The absolute path.
    state : State
    reason : str
        Why it was skipped, or failed.
    intent : Intent or None
        None for a step that was skipped before it began.
    open : bool
        The program was killed in this step: `state` was read off the disk.
    undoing : bool
        What was told last is that it is being taken back.
    """

    number: int
    copy: str
    state: State
    reason: str = ""
    intent: Intent | None = None
    open: bool = False
    undoing: bool = False


def settle(intent: Intent) -> State:
    """Tell by looking at the files whether a step was done."""
    if intent.action == "hardlink" and same_file(intent.copy, intent.keeper):
        return "done"
    if intent.action == "symlink" and os.path.islink(intent.copy):
        return "done" if os.readlink(intent.copy) == intent.link else "unclear"
    there = holds(intent.copy, intent.digest)
    if intent.action == "move" and intent.target and holds(intent.target, intent.digest):
        return "both" if there else "done"
    if there:
        return "not done"
    gone = not os.path.lexists(intent.copy)
    return "done" if intent.action == "delete" and gone else "unclear"


def read_log(path: str) -> list[LoggedStep]:
    """Tell what became of each step of a log, in the order in which they were taken.

    Parameters
    ----------
    path : str
        What :func:`cbir.actions.act` wrote. A torn last line is ignored.

    Raises
    ------
    CbirError
        When it cannot be read, or is no such log.
    """
    with explained(path, "read the log"):
        data = read_regular(path)
    return _steps(path, data)


@dataclass(slots=True)
class _Track:
    """A step, while its lines are read."""

    number: int
    copy: str
    intent: Intent | None = None
    state: State = "unclear"
    reason: str = ""
    open: bool = False
    undoing: bool = False

    def follow(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        self.open = kind in ("intent", "undo")
        self.undoing = kind == "undo"
        if kind == "intent":
            values = {field.name: event[field.name] for field in fields(Intent)[1:]}
            self.intent = Intent(self.number, **{**values, "made": tuple(values["made"])})
        elif kind in get_args(State):
            self.state, self.reason = kind, event.get("reason", "")
        elif kind not in ("undo", "left"):
            raise ValueError(kind)

    def told(self) -> LoggedStep:
        state = self.state
        if self.open and self.intent is not None:
            state = settle(self.intent)
            if state == "not done" and self.undoing:
                state = "undone"
        return LoggedStep(
            self.number, self.copy, state, self.reason, self.intent, self.open, self.undoing
        )


def _steps(path: str, data: bytes) -> list[LoggedStep]:
    """Read the lines of a log; those that begin a run or an undo tell nothing of steps."""
    if not _HEAD.startswith(data[: len(_HEAD)]):
        raise CbirError(f"{printable(path)}: this is no log of actions on duplicates")
    tracks = dict[int, _Track]()
    for i, line in enumerate(data.split(b"\n")[:-1], 1):  # a line without its end is torn
        try:
            event = json.loads(line)
            if "cbir" in event:
                _check_format(path, event)
                continue
            number = event["step"]
            if number not in tracks:
                tracks[number] = _Track(number, event["copy"])
            tracks[number].follow(event)
        except (KeyError, TypeError, ValueError):
            raise CbirError(
                f"{printable(path)}: line {i} is damaged; remove that line, and look after the"
                " file that it was about yourself"
            ) from None
    return [track.told() for track in tracks.values()]


def _check_format(path: str, head: dict[str, Any]) -> None:
    if head["log"] > FORMAT:
        raise CbirError(
            f"{printable(path)}: this log was written by cbir {head['cbir']}; use that version"
        )


class ActionLog:
    """A log that is written; use :meth:`opened`.

    Parameters
    ----------
    path : str
    file : file object
        Positioned at its end.
    steps : list of LoggedStep
        What it told when it was opened.
    """

    def __init__(self, path: str, file: BinaryIO, steps: list[LoggedStep]) -> None:
        self.path = path
        self.steps = steps
        self.token = secrets.token_hex(4)
        self._file = file
        self._next = max((step.number for step in steps), default=0) + 1

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: str, head: dict[str, Any], new: bool) -> Iterator[ActionLog]:
        """Open a log, and write the line that says what is going to be done.

        A log that is there already is continued.

        Raises
        ------
        CbirError
            When it cannot be written, another process is writing to it, or something else than a
            log is there; when there is none although `new` is false.
        """
        with explained(path, "write the log"):
            file = open(path, "a+b" if new else "r+b")  # noqa: SIM115 - the next line closes it
        with file:
            _lock(path, file)
            with explained(path, "write the log"):
                file.seek(0)
                data = file.read()
                steps = _steps(path, data) if data or not new else []
                file.truncate(data.rfind(b"\n") + 1)
                file.seek(0, os.SEEK_END)
            log = cls(path, file, steps)
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            log._write({"cbir": cbir.__version__, "log": FORMAT, "time": now, **head})
            sync_folder(os.path.dirname(path))
            yield log
            with explained(path, "write the log"):
                os.fsync(file.fileno())

    def number(self) -> int:
        """Return the next step's number."""
        self._next += 1
        return self._next - 1

    def begin(self, intent: Intent) -> None:
        """Write, durably, that a step begins."""
        line = asdict(intent)
        self._write({"step": line.pop("number"), "event": "intent", **line})

    def begin_undo(self, number: int) -> None:
        """Write, durably, that a step is going to be taken back."""
        self._write({"step": number, "event": "undo"})

    def end(self, number: int, event: State | Literal["left"], reason: str = "") -> None:
        """Write what came of a step; it is durable when the next one begins."""
        self._write({"step": number, "event": event, **_reason(reason)}, durable=False)

    def skip(self, copy: str, reason: str) -> None:
        """Write that a step was not begun."""
        line = {"step": self.number(), "event": "skipped", "copy": copy, **_reason(reason)}
        self._write(line, durable=False)

    def _write(self, event: dict[str, Any], durable: bool = True) -> None:
        with explained(self.path, "write the log"):
            self._file.write(json.dumps(event).encode("ascii") + b"\n")
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())


def _reason(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}


def _lock(path: str, file: BinaryIO) -> None:
    """Keep other processes from writing; the lock goes with the file."""
    try:
        import fcntl
    except ImportError:  # not on this system
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CbirError(
            f"{printable(path)}: another process is writing to this log; wait until it is done"
        ) from None
    except OSError:  # a file system without locks
        pass
