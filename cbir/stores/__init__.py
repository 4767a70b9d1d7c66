"""What an index is kept in."""

from __future__ import annotations

from cbir.stores.model import IndexStore


def open_store(path: str) -> IndexStore:
    """Return the store of the index at `path`; the file's extension says which kind."""
    from cbir.stores.csv.store import CsvStore

    return CsvStore(path)
