"""Catch what decoders print on file descriptor 2, and tell which image it was about.

libjpeg and libpng report damage only by printing it. While :func:`capture` is active the
descriptor leads into a temporary file. When several threads decode at once, the file only tells
that one of them printed something; what it was about is found by decoding again with nothing
beside, which is rare, and cheap beside a wrong report. What others printed, a plug-in for example,
comes out at the end.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import BinaryIO

from cbir.core.amounts import counted

_STDERR = 2

_OF_DECODERS = re.compile(
    rb"Corrupt JPEG data|Premature end of JPEG|Invalid SOS parameters|Inconsistent progression"
    rb"|Unknown Adobe color|Warning: unknown JFIF|Application transferred too many scanlines"
    rb"|libpng (warning|error)|\[ ?(INFO|WARN|ERROR|FATAL)[: ]|TIFF\w+: |\w+: Warning, "
)
"""How the lines begin that libjpeg, libpng, libtiff and OpenCV print."""


class _Capture:
    """The state of the redirection; there is one descriptor 2, so there is one of these."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0
        self.enabled = False
        self.file: BinaryIO | None = None
        self.attributed: set[bytes] = set()
        self.cleanup = contextlib.ExitStack()

    def start(self) -> None:
        try:
            saved = os.dup(_STDERR)
        except OSError:  # there is no descriptor 2: nothing to catch, nothing to keep clean
            return
        self.cleanup.callback(os.close, saved)
        self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `cleanup`
        self.cleanup.callback(self.file.close)
        self._keep_python_on_the_terminal(saved)
        self.cleanup.callback(self._pass_on, self.file)
        os.dup2(self.file.fileno(), _STDERR)
        self.cleanup.callback(os.dup2, saved, _STDERR)

    def stop(self) -> None:
        self.cleanup.close()
        self.file = None
        self.attributed.clear()

    def _pass_on(self, file: BinaryIO) -> None:
        """Print what was caught and is no decoder's."""
        file.seek(0)
        for line in file:
            if line.strip() not in self.attributed and not _OF_DECODERS.match(line):
                with contextlib.suppress(OSError):
                    os.write(_STDERR, line)

    def _keep_python_on_the_terminal(self, saved: int) -> None:
        try:
            if sys.stderr.fileno() != _STDERR:
                return
            sys.stderr.flush()
        except (AttributeError, OSError, ValueError):  # replaced, closed or absent
            return
        previous = sys.stderr
        stream = open(  # noqa: SIM115 - closed by the exit stack
            os.dup(saved), "w", buffering=1, encoding=previous.encoding, errors="backslashreplace"
        )
        self.cleanup.callback(stream.close)
        self.cleanup.enter_context(contextlib.redirect_stderr(stream))


_capture = _Capture()


def enable(enabled: bool = True) -> None:
    """Say that descriptor 2 is ours to catch: in a command it is, in somebody's program not."""
    _capture.enabled = enabled
    if enabled:
        # Pillow's warnings about odd metadata are of the same kind. Not only while something is
        # caught: filters that are put back by one thread are those of all others, too.
        warnings.filterwarnings("ignore", module=r"PIL\.")


@contextlib.contextmanager
def capture() -> Iterator[None]:
    """Lead descriptor 2 into a temporary file; Python's own ``sys.stderr`` stays where it was.

    What was printed and is not about an image comes out at the end. Can be nested; the outermost
    one counts. Does nothing unless :func:`enable` was called.
    """
    with _capture.lock:
        _capture.depth += 1
        if _capture.depth == 1 and _capture.enabled:
            _capture.start()
    try:
        yield
    finally:
        with _capture.lock:
            _capture.depth -= 1
            if _capture.depth == 0:
                _capture.stop()


def captured_size() -> int:
    """Return how many bytes were caught so far; 0 when nothing is being caught."""
    file = _capture.file
    try:
        return os.fstat(file.fileno()).st_size if file else 0
    except (OSError, ValueError):  # another thread has just ended its capture
        return 0


def output_of(action: Callable[[], object]) -> str:
    """Run `action`, beside which nothing else decodes, and return what C code printed."""
    before = captured_size()
    action()
    if _capture.file is None:
        return ""
    raw = os.pread(_capture.file.fileno(), captured_size() - before, before)
    _capture.attributed.update(line.strip() for line in raw.splitlines())
    lines = dict.fromkeys(line.strip() for line in raw.decode("utf-8", "replace").splitlines())
    first, *more = [line for line in lines if line] or [""]
    return f"{first} (and {counted(len(more), 'further remark')})" if more else first
