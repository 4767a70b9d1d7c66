"""What an index is kept in."""

from __future__ import annotations

import os
from pkgutil import resolve_name

from cbir.stores.model import IndexStore

_CSV = "cbir.stores.csv.store:CsvStore"
_STORES = {".csv": _CSV}
"""By the extension of the index; imported when they are asked for. Any other one is a CSV, too."""


def open_store(path: str) -> IndexStore:
    """Return the store of the index at `path`; the file's extension says which kind."""
    store: IndexStore = resolve_name(_STORES.get(os.path.splitext(path)[1].lower(), _CSV))(path)
    return store
