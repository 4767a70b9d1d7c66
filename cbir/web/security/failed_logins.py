"""Tell on standard error that somebody tried wrong tokens, without letting him fill the log."""

from __future__ import annotations

import asyncio
import logging

from cbir.core.amounts import counted
from cbir.core.errors import printable

_PAUSE = 1.0
"""Seconds between two lines."""

_LOG = logging.getLogger(__name__)


class FailedLogins:
    """Wrong tokens that were given; used by the thread of the server's event loop only.

    Parameters
    ----------
    pause : float, optional
        Seconds between two lines; what fails meanwhile is counted.
    """

    def __init__(self, pause: float = _PAUSE) -> None:
        self._pause = pause
        self._count = 0
        self._last = ""
        self._timer: asyncio.TimerHandle | None = None

    def note(self, sender: str) -> None:
        """Note a login that failed, from an address: that of the proxy, if there is one."""
        self._count += 1
        self._last = sender
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        self._timer = None
        if not self._count:
            return
        last = ", the last" if self._count > 1 else ""
        _LOG.warning(
            "%s failed by a wrong token%s from %s",
            counted(self._count, "login"), last, printable(self._last),
        )  # fmt: skip
        self._count = 0
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._tell)
