"""Serve an application until somebody asks for the end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from cbir.core.errors import CbirError, cause_of, printable
from cbir.core.threads import one_thread_each
from cbir.web.listening import BACKLOG, url_of
from cbir.web.security.connections import HEAD_BYTES, ConnectionLimits, guarded_connections

_END = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_BY_SIGNAL = 128

_TURN = 0.0005
"""Seconds that a thread may keep Python's lock while others wait."""

_TALKATIVE = ("python_multipart", "urllib3", "PIL")
"""Loggers of libraries that would write a line for each malformed request or image."""

_NOTHING = logging.CRITICAL + 1
_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "asyncio")


def run(
    app: ASGIApp,
    listener: socket.socket,
    *,
    ready: Callable[[str], None],
    stopping: Callable[[], None] = lambda: None,
    grace: float = 30.0,
    limits: ConnectionLimits | None = None,
) -> bool:
    """Serve an application until SIGINT, SIGTERM or SIGHUP asks for the end.

    Then no connection is accepted any more, what runs is finished, and the function returns. A
    second signal ends the program at once. In another thread than the main one, where no signal
    arrives, it serves for as long as the program runs. While it serves, OpenCV and BLAS have one
    thread each, and threads hold Python's lock for shorter turns.

    Parameters
    ----------
    app
        The application; its lifespan is run.
    listener : socket.socket
        By :func:`cbir.web.listening.listen`; it is closed.
    ready : callable
        Called with the address of the first page as soon as requests are answered.
    stopping : callable, optional
        Called when the end begins, so that what would go on for ever, as streams of progress do,
        can end.
    grace : float, optional
        Seconds that what runs has to finish.
    limits : ConnectionLimits, optional

    Returns
    -------
    bool
        Whether all was finished in time. If not, threads of requests that were cut off may still
        run, and the interpreter waits for them at its end unless it is left by ``os._exit``.

    Raises
    ------
    CbirError
        When the application fails to start; why is on standard error.
    """
    # For as long as it runs, since each request would pay for it anew.
    with listener, _errors_in_one_line(), one_thread_each(), _short_turns():
        server = _Server(_config(app, grace, limits or ConnectionLimits()), ready, stopping, grace)
        try:
            server.run(sockets=[listener])
        except SystemExit:
            raise CbirError("the server did not start; its reason is above") from None
    return server.in_time


def _config(app: ASGIApp, grace: float, limits: ConnectionLimits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=guarded_connections(limits),
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        server_header=False,
        # Whom a request comes from and how is not believed from its headers.
        proxy_headers=False,
        backlog=BACKLOG,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=grace,  # type: ignore[arg-type]
    )


class _Server(uvicorn.Server):
    """uvicorn's, which says when it is ready, and takes being asked to end for a normal end."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[str], None],
        stopping: Callable[[], None],
        grace: float,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping
        self._grace = grace
        self.in_time = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._ready(url_of((sockets or [])[0]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        began = time.monotonic()
        await super().shutdown(sockets)
        self.in_time = time.monotonic() - began < self._grace

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals, whoever has them, and give them back; uvicorn would send them again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        # Whoever starts us with a signal ignored, as nohup does, wants it ignored.
        before = {one: signal.getsignal(one) for one in _END}
        taken = {one: old for one, old in before.items() if old is not signal.SIG_IGN}
        for number in taken:
            signal.signal(number, self.handle_exit)
        try:
            yield
        finally:
            for number, handler in taken.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order; at once, if asked again."""
        if self.should_exit:
            os._exit(_BY_SIGNAL + sig)
        self.should_exit = True


class _OneLine(logging.Formatter):
    """An error on one line, without what only a developer can read."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage().strip()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            text += f": {cause_of(error)}{_place(error)}"
        return printable(f"Error: {text}")


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Log errors to standard error, one line each, and nothing else; meanwhile only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    loggers = [logging.getLogger(name) for name in (*_LOGGERS, *_TALKATIVE)]
    before = [(logger.level, logger.propagate, logger.handlers[:]) for logger in loggers]
    for logger in loggers:
        logger.setLevel(_NOTHING if logger.name in _TALKATIVE else logging.ERROR)
        logger.propagate = False
        logger.handlers = [handler]
    try:
        yield
    finally:
        for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.propagate = propagate
            logger.handlers = handlers


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads wait less for Python's lock: most requests have little to do, some much."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
