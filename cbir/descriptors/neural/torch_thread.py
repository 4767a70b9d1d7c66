"""PyTorch for one call: on one thread, without gradients, and as it was when the call is over."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cbir.core.optional_packages import optional_module

TORCH = "torch"
EXTRA = "torch"
"""What installs it."""

T = TypeVar("T")


def on_one_thread(function: Callable[[], T]) -> T:
    """Call `function` in a thread of its own, in which PyTorch uses no others.

    On more threads, sums would be rounded differently. PyTorch keeps a part of the number for each
    thread that it is used in: so it is not set in the thread of the caller, whose it is.

    Raises
    ------
    CbirError
        When PyTorch is not there.
    Exception
        What `function` raises.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="cbir-torch") as pool:
        return pool.submit(_limited, function).result()


def _limited(function: Callable[[], T]) -> T:
    torch = optional_module(TORCH, "torch", EXTRA)
    _limit.enter()
    try:
        with torch.inference_mode():
            return function()
    finally:
        _limit.leave()


class _Limit:
    """The limit of :func:`on_one_thread`, which any number of threads need at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = 0

    def enter(self) -> None:
        """Set the limit in this thread, and note what the others had before the first one came."""
        torch = optional_module(TORCH, "torch", EXTRA)
        with self._lock:
            if not self._users:
                self._before = torch.get_num_threads()
            self._users += 1
            torch.set_num_threads(1)

    def leave(self) -> None:
        """Take the limit back, unless other threads still need it."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._restore()

    def after_fork(self) -> None:
        """Forget the threads that the child does not have."""
        self._lock = threading.Lock()
        if self._users:
            self._users = 0
            self._restore()

    def _restore(self) -> None:
        optional_module(TORCH, "torch", EXTRA).set_num_threads(self._before)


_limit = _Limit()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limit.after_fork)
