"""One writer at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError, printable
from cbir.core.locks import LockedError, locked_file
from cbir.core.messages import Parameter


@contextlib.contextmanager
def writer_lock(folder: str, index: str, wait: bool) -> Iterator[None]:
    """Hold the writer's lock of an index; the death of its holder releases it.

    Parameters
    ----------
    folder : str
        Where the lock file is.
    index : str
        The index, for messages.
    wait : bool
        Wait for another writer instead of failing.

    Raises
    ------
    CbirError
        When another process holds the lock and `wait` is false; its PID is named.
    """
    with contextlib.ExitStack() as held:
        with explained(index, "lock the index"):
            try:
                held.enter_context(locked_file(os.path.join(folder, "lock"), wait))
            except LockedError as holder:
                raise CbirError(
                    f"{printable(index)}: {holder} is writing to this index; wait for it with ",
                    Parameter("wait", True),
                ) from None
        yield
