"""A limit on memory that threads share: who needs more than is left waits for the others."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Iterator


class MemoryBudget:
    """Bytes that may be in use at a time, over all threads.

    What needs more than all of it waits until it is alone. A thread that holds a share never waits
    for a second one, since it might wait for itself.

    Parameters
    ----------
    total : int
        Bytes.

    Examples
    --------
    >>> budget = MemoryBudget(100)
    >>> with budget.reserve(60):
    ...     budget.used
    60
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._start()
        if hasattr(os, "register_at_fork"):
            # The threads that held shares are not in the child.
            os.register_at_fork(after_in_child=self._start)

    def _start(self) -> None:
        self.used = 0
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._holding = threading.local()

    @contextlib.contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Hold `size` bytes while the block runs; the first to come is the first to be served."""
        inner = getattr(self._holding, "depth", 0) > 0
        changed = self._changed
        with changed:
            if not inner:
                self._wait_for(size)
            self.used += size
        self._holding.depth = getattr(self._holding, "depth", 0) + 1
        try:
            yield
        finally:
            self._holding.depth = getattr(self._holding, "depth", 1) - 1
            with changed:
                if changed is self._changed:  # else this is a child that has begun anew
                    self.used -= size
                changed.notify_all()

    def _wait_for(self, size: int) -> None:
        turn = object()
        self._waiting.append(turn)
        try:
            self._changed.wait_for(
                lambda: (
                    self._waiting[0] is turn and (self.used == 0 or self.used + size <= self.total)
                )
            )
        finally:
            self._waiting.remove(turn)
            self._changed.notify_all()
