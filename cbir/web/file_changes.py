"""Changes of the files of the dataset: one after the other, each with a log of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cbir.changes import LogFolder, LogSummary, new_log
from cbir.core.atomic_files import explained
from cbir.core.private_files import open_private
from cbir.stores.model import IndexStore
from cbir.web.jobs import StoppedError
from cbir.web.work_pool import BusyError

_NOTE = "updating"
"""A file that is there while the index is updated."""

_PATIENCE = 20.0
"""Seconds that a request waits for another change."""


class FileChanges:
    """What changes the files of the dataset; threads may share it.

    Parameters
    ----------
    store : IndexStore
        Of the index of the dataset.
    """

    def __init__(self, store: IndexStore) -> None:
        self.folder = str(store.change_folder)
        self._logs: LogFolder | None = None
        self._turn = threading.Lock()
        self._paths: set[str] = set()
        self._paths_lock = threading.Lock()

    @contextmanager
    def turn(self, patience: float = _PATIENCE) -> Iterator[None]:
        """Be the only one of this server that changes files.

        Raises
        ------
        BusyError
            When others still do after some seconds; -1: wait for as long as it takes.
        """
        if not self._turn.acquire(timeout=patience):
            raise BusyError
        try:
            yield
        finally:
            self._turn.release()

    def new_log(self) -> str:
        """Return the path of a new log, in its folder."""
        with explained(self.folder, "keep a log of the change"):
            os.makedirs(self.folder, exist_ok=True)
        return new_log(self.folder)

    def logs(self, root: str) -> list[LogSummary]:
        """Tell what the logs say of a dataset, the last first; others are told with a problem."""
        if not os.path.isdir(self.folder):
            return []
        logs = self._logs
        if logs is None or logs.root != root:
            logs = self._logs = LogFolder(self.folder, root)
        return logs.summaries()

    @contextmanager
    def noted_update(self) -> Iterator[None]:
        """Note while the block runs, and if it is killed or stopped, that the index is updated."""
        note = os.path.join(self.folder, _NOTE)
        with explained(self.folder, "note the update"):
            os.makedirs(self.folder, exist_ok=True)
            open_private(note).close()
        try:
            yield
        except StoppedError:
            raise
        except BaseException:
            os.unlink(note)
            raise
        os.unlink(note)

    @property
    def was_updating(self) -> bool:
        """Whether an update of the index was killed or stopped."""
        return os.path.exists(os.path.join(self.folder, _NOTE))

    def await_update(self, paths: Iterable[str]) -> None:
        """Remember paths about which the index is to be brought up to date."""
        with self._paths_lock:
            self._paths.update(paths)

    def take_paths(self) -> list[str]:
        """Return the paths that wait for an update, which is going to take place."""
        with self._paths_lock:
            taken = sorted(self._paths, key=os.fsencode)
            self._paths.clear()
        return taken
