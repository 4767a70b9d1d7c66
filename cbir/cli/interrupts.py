"""Ctrl-C: a line on standard error and exit code 130, wherever in the program it comes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

MESSAGE = "Interrupted."

_STDERR = 2
_PAUSE = 0.02
"""Seconds until an interrupt that came during an import is tried again."""


def end_at_once() -> None:
    """Let Ctrl-C end the program as long as there is nothing to clean up.

    An exception would not do here: click has an exit code of its own for it, and compiled modules
    that are being imported turn it into another one.
    """
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _raise):
        signal.signal(signal.SIGINT, _end)


def raise_from_now() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, but not within an import; undoes `end_at_once`."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, _raise)


@contextmanager
def raised() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt meanwhile, as in `raise_from_now`."""
    raise_from_now()
    try:
        yield
    finally:
        end_at_once()


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


def _raise(_: int, frame: FrameType | None) -> None:
    if not _importing(frame):
        raise KeyboardInterrupt
    import _thread
    from threading import Timer

    again = Timer(_PAUSE, _thread.interrupt_main)
    again.daemon = True
    again.start()


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
