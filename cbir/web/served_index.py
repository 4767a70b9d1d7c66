"""The index that is served: open while it is rewritten, and switched to what is new in one step."""

from __future__ import annotations

import gc
import threading

from cbir.core.errors import CbirError
from cbir.search.engine import Index
from cbir.stores import open_store


class ServedIndex:
    """The index that is served; threads may share it.

    A request takes :attr:`current` once, and so sees one commit of the index, whatever is written
    meanwhile.

    Parameters
    ----------
    path : str
        The index file.
    dataset : str, optional
        Where the images are now, if they have moved since.

    Attributes
    ----------
    store : IndexStore
        Where it is kept.
    failure : CbirError or None
        Why the newest commit cannot be served, if it cannot: then the one before it still is.

    Raises
    ------
    CbirError
        When the index cannot be opened.
    """

    def __init__(self, path: str, dataset: str | None = None) -> None:
        self.store = open_store(path)
        self._dataset = dataset
        self._lock = threading.Lock()
        self._version = self.store.version()
        self._current: Index | None = self._open()
        self.failure: CbirError | None = None

    @property
    def current(self) -> Index:
        """The index as it was committed last.

        Raises
        ------
        CbirError
            When it has been let go.
        """
        if self._current is None:
            raise CbirError("the index is not served any more; serve it anew")
        return self._current

    def close(self) -> None:
        """Let the index go, and with it the files that it holds open."""
        self._current = None
        gc.collect()  # its parts know each other, so that nothing else lets them go now

    def refresh(self) -> bool:
        """Open what was committed since, if anything was, and switch to it; say whether.

        The old one stays if the new one cannot be opened; :attr:`failure` says why.
        """
        if self.store.version() == self._version:
            return False
        with self._lock:
            version = self.store.version()
            if version in (None, self._version):
                return False
            try:
                opened = self._open()
            except CbirError as error:
                self.failure = error
                return False
            self._version, self.failure = version, None
            switched = opened.generation != self.current.generation
            self._current = opened
            return switched

    def _open(self) -> Index:
        index = Index(self.store.snapshot(), self._dataset)
        index.searcher()  # the first request is to find everything ready
        return index
