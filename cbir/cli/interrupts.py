"""Ctrl-C: a line on standard error and exit code 130, wherever in the program it comes.

Whoever asks a command to end in another way, as `timeout` and a closed terminal do, gets it cleaned
up, too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

MESSAGE = "Interrupted."

_BY_SIGNAL = 128
_REQUESTS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

_STDERR = 2
_PAUSE = 0.02
"""Seconds until an interrupt that came at a bad moment is tried again."""

_UNINTERRUPTED = {
    getattr(one, name).__code__
    for one, name in (
        (threading.Thread, "start"),
        (threading.Condition, "__enter__"),
        (threading.Condition, "__exit__"),
    )
}
"""What takes a lock in a way that an exception may leave it taken: then the thread that was just
started waits for it forever, and the program for that thread."""


def end_at_once() -> None:
    """Let Ctrl-C end the program as long as there is nothing to clean up.

    An exception would not do here: click has an exit code of its own for it, and compiled modules
    that are being imported turn it into another one.
    """
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _raise):
        signal.signal(signal.SIGINT, _end)


def raise_from_now() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, but not at a bad moment; undoes `end_at_once`."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, _raise)


@contextmanager
def raised() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt meanwhile, as in `raise_from_now`.

    Other requests to end raise SystemExit with the exit code that shells have for them.
    """
    raise_from_now()
    usual = [number for number in _REQUESTS if signal.getsignal(number) is signal.SIG_DFL]
    # Only the main thread may, and another one is somebody else's program.
    taken = usual if threading.current_thread() is threading.main_thread() else []
    for number in taken:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        end_at_once()
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def end(message: str = MESSAGE) -> NoReturn:
    """End the program after a KeyboardInterrupt."""
    _say(message)
    sys.exit(INTERRUPTED)


def _say(message: str) -> None:
    with suppress(OSError):  # nobody reads it
        os.write(_STDERR, f"\n{message}\n".encode())


def _end(_: int, __: FrameType | None) -> None:
    _say(MESSAGE)
    os._exit(INTERRUPTED)


def _raise(number: int, frame: FrameType | None) -> None:
    """Raise what ends the command; what comes at a bad moment comes again after it."""
    if _is_bad_moment(frame):
        import _thread

        again = threading.Timer(_PAUSE, _thread.interrupt_main, [number])
        again.daemon = True
        again.start()
    elif number == signal.SIGINT:
        raise KeyboardInterrupt
    else:
        sys.exit(_BY_SIGNAL + number)


def _is_bad_moment(frame: FrameType | None) -> bool:
    """Say whether the program imports, or takes a lock that an exception might leave taken."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code in _UNINTERRUPTED:
            return True
        frame = frame.f_back
    return False
