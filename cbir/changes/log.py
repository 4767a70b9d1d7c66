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
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import FileIO
from typing import Any, Literal

from cbir.changes.log_lines import LONGEST_LINE, add_event, header_of, parsed, text_of
from cbir.changes.logged_steps import Intent, LoggedStep, RunHeader, State
from cbir.changes.places import below, is_real
from cbir.changes.recovery import recover, state_on_disk
from cbir.changes.refusals import StepRefusedError
from cbir.core.atomic_files import explained, sync_folder
from cbir.core.errors import CbirError, printable
from cbir.core.locks import LockedError, flock
from cbir.core.messages import Parameter
from cbir.core.private_files import open_private
from cbir.core.real_paths import real_path
from cbir.core.regular_files import open_regular
from cbir.core.version import __version__

FORMAT = 4
"""Version of the log's format. In version 1, nothing was set aside; up to version 2, `kept` was
called `keeper`; up to version 3, `path` was called `copy`, and nothing was added."""

_START = b'{"cbir": '


class ForeignLogError(CbirError):
    """A log tells of files of another dataset than the one that it is to be about."""


def read_log(path: str) -> list[LoggedStep]:
    """Tell what became of each step of a log, in the order in which they were taken.

    Parameters
    ----------
    path : str
        What :func:`cbir.changes.change` or :func:`cbir.duplicates.actions.act` wrote. A torn last
        line is ignored.

    Raises
    ------
    CbirError
        When it cannot be read, or is no such log.
    """
    _check_regular(path)
    with explained(path, "read the log"), open_regular(path) as file:
        steps, _ = _read(path, file)
        return _looked_up(steps)


def _check_format(path: str, header: dict[str, Any]) -> None:
    if not isinstance(header["log"], int):
        raise ValueError(header["log"])
    if header["log"] > FORMAT:
        raise CbirError(
            f"{printable(path)}: this log was written by cbir"
            f" {printable(text_of(header, 'cbir'))}; use that version"
        )


def _ended(step: LoggedStep, end: Callable[[Intent], State]) -> LoggedStep:
    """Return a step in which a run was killed with the state in which `end` finds its files."""
    if step.intent is None:
        return step
    state = end(step.intent)
    return replace(step, state="undone" if state == "not done" and step.undoing else state)


def _looked_up(steps: Iterable[LoggedStep]) -> list[LoggedStep]:
    """Return steps with the states of those that are open, by their files."""
    return [_ended(step, state_on_disk) if step.open else step for step in steps]


def _read(path: str, file: FileIO) -> tuple[Iterable[LoggedStep], int]:
    """Return what the lines of a log tell, and where the last one that is whole ends."""
    steps, end = dict[int, LoggedStep](), 0
    header: RunHeader | None = None
    with open(file.fileno(), "rb", closefd=False) as reader:
        if not _START.startswith(reader.peek(len(_START))[: len(_START)]):
            raise CbirError(f"{printable(path)}: this is no log of actions of cbir")
        lines = iter(lambda: reader.readline(LONGEST_LINE + 1), b"")
        for i, line in enumerate(lines, 1):
            if not line.endswith(b"\n") and len(line) <= LONGEST_LINE:
                break  # torn
            try:
                event = parsed(line)
                if "cbir" in event:
                    _check_format(path, event)
                    header = header_of(event)
                else:
                    add_event(steps, event, header)
            except (KeyError, ValueError):
                raise CbirError(
                    f"{printable(path)}: line {i} is damaged; remove that line, and look after the"
                    " file that it was about yourself"
                ) from None
            end += len(line)
    return steps.values(), end


def _check_regular(path: str) -> None:
    """Never read a device or a pipe, which may have no end."""
    with explained(path, "read the log"):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise CbirError(f"{printable(path)}: this is no regular file, and no log of actions")


def _check_owner(path: str, file: FileIO) -> None:
    """Follow no log of another user, who could have any file moved by it."""
    if hasattr(os, "geteuid") and os.fstat(file.fileno()).st_uid != os.geteuid():
        raise CbirError(
            f"{printable(path)}: this log belongs to another user; if you trust it, copy it, and"
            " name the copy"
        )


class ActionLog:
    """A log that is written; use :meth:`opened`.

    Parameters
    ----------
    path : str
    file : file object
        Unbuffered, and positioned at its end.
    steps : list of LoggedStep
        What it told when it was opened.

    Attributes
    ----------
    tells : bool
        It tells of a step.
    """

    def __init__(self, path: str, file: FileIO, steps: list[LoggedStep]) -> None:
        self.path = path
        self.steps = steps
        self.token = secrets.token_hex(4)
        self._file = file
        self.tells = bool(steps)
        self._next = max((step.number for step in steps), default=0) + 1

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: str, header: dict[str, Any], new: bool) -> Iterator[ActionLog]:
        """Open a log, and write the line that says what is going to be done.

        A log that is there already is continued.

        Raises
        ------
        CbirError
            When it cannot be written, another process is writing to it, or something else than a
            log is there; when there is none although `new` is false.
        """
        if os.path.exists(path):
            _check_regular(path)
        with explained(path, "write the log"):
            file = open_private(path, create=new)
        with file, contextlib.ExitStack() as held:
            _lock(path, file)
            _check_owner(path, file)
            with explained(path, "write the log"):
                file.seek(0)
                steps, end = _read(path, file)
                if not end and os.fstat(file.fileno()).st_size:
                    raise CbirError(
                        f"{printable(path)}: this is no log of actions of cbir, or only the"
                        " beginning of one; name another file with ",
                        Parameter("log"),
                    )
                file.truncate(end)
                file.seek(0, os.SEEK_END)
            log = cls(path, file, _looked_up(steps))
            if not end:
                held.enter_context(_removed_if_it_tells_nothing(path, log))
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            log._write({"cbir": __version__, "log": FORMAT, "time": now, **header})
            sync_folder(os.path.dirname(path))
            yield log
            with explained(path, "write the log"):
                os.fsync(file.fileno())

    def recover_open_steps(self, follow_links: bool = False) -> None:
        """Clear up the steps in which a run was killed.

        Parameters
        ----------
        follow_links : bool
            Also outside of the dataset.
        """
        for i, step in enumerate(self.steps):
            if step.open and step.intent is not None and (follow_links or inside(step)):
                ended = _ended(step, recover)
                self.end(step.number, ended.state)
                self.steps[i] = replace(ended, open=False)

    def number(self) -> int:
        """Return the next step's number."""
        self._next += 1
        return self._next - 1

    def aside(self, number: int) -> str:
        """Return the temporary name that a step may use."""
        return f".cbir-{self.token}-{number}"

    def begin(self, intent: Intent) -> None:
        """Write, durably, that a step begins.

        Raises
        ------
        StepRefusedError
            When what is to be written could not be read.
        """
        if len(_line(intent.line())) > LONGEST_LINE:
            raise StepRefusedError("what a log would tell of it is too long for a line")
        self._write(intent.line())

    def begin_undo(self, number: int) -> None:
        """Write, durably, that a step is going to be taken back."""
        self._write({"step": number, "event": "undo"})

    def end(self, number: int, event: State | Literal["left"], reason: str = "") -> None:
        """Write what came of a step; it is durable when the next one begins."""
        self._write({"step": number, "event": event, **_reason(reason)}, durable=False)

    def skip(self, path: str, reason: str) -> None:
        """Write that a step was not begun."""
        line = {"step": self.number(), "event": "skipped", "path": path, **_reason(reason)}
        self._write(line, durable=False)

    def _write(self, event: dict[str, Any], durable: bool = True) -> None:
        line = _line(event)
        if len(line) > LONGEST_LINE:
            raise CbirError(f"{printable(self.path)}: what is to be logged is too long for a line")
        left = memoryview(line)
        try:
            with explained(self.path, "write the log"):
                while left:  # a full disk takes a part first
                    left = left[self._file.write(left) :]
                if durable:
                    os.fsync(self._file.fileno())
            self.tells |= "step" in event
        except CbirError as error:
            raise type(error)(
                error, "; nothing is done without a log: what was done before is in it"
            ) from None


def check_within(path: str, steps: Iterable[LoggedStep], root: str | None) -> None:
    """Make sure that all that a log tells of is in the dataset that it is to be about.

    Parameters
    ----------
    path : str
        Of the log.
    steps : iterable of LoggedStep
    root : str or None
        The dataset; None: whichever the log names.

    Raises
    ------
    ForeignLogError
        When something is not.
    """
    if root is None:
        return
    real = real_path(root)
    for step in steps:
        paths = [step.path]
        if step.intent is not None:
            paths += [each for each in (step.intent.kept, step.intent.target) if each is not None]
        outside = any(below(each, real) in (None, os.curdir) for each in paths)
        if outside or (step.header is not None and step.header.root != real):
            raise ForeignLogError(
                f"{printable(path)}: this log tells of files of another dataset, and nothing is"
                f" done by it; this one is {printable(root)}"
            )


def folders_of(steps: Iterable[LoggedStep]) -> set[str]:
    """Return the folders in which steps are cleared up, or taken back."""
    folders = set[str]()
    for step in steps:
        if step.header is not None:
            folders |= {step.header.root, step.header.destination or step.header.root}
            folders |= set() if inside(step) else {os.path.dirname(step.path)}
    return {real_path(folder) for folder in folders}


def inside(step: LoggedStep) -> bool:
    """Say whether the file of a step is really inside of its dataset."""
    if step.header is None or below(step.path, step.header.root) is None:
        return False
    return is_real(step.path)


@contextlib.contextmanager
def _removed_if_it_tells_nothing(path: str, log: ActionLog) -> Iterator[None]:
    """Remove a new log when the block fails before a step was told: on a full disk, for example."""
    try:
        yield
    except BaseException:
        if not log.tells:
            with contextlib.suppress(OSError):
                os.unlink(path)
        raise


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode("ascii") + b"\n"


def _reason(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}


def _lock(path: str, file: FileIO) -> None:
    """Keep other processes from writing, where the system can; the lock goes with the file."""
    try:
        flock(file.fileno(), exclusive=True)
    except LockedError:
        raise CbirError(
            f"{printable(path)}: another process is writing to this log; wait until it is done"
        ) from None
