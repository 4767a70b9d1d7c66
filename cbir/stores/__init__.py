"""What an index is kept in."""

from __future__ import annotations

import os
from pkgutil import resolve_name

from cbir.stores.model import IndexStore

_CSV = "cbir.stores.csv.csv_format:CsvFormat"
_FILE_FORMATS = {".csv": _CSV, ".parquet": "cbir.stores.parquet.parquet_format:ParquetFormat"}
"""By the extension of the index; imported when they are asked for. Any other one is a CSV, too."""


def open_store(path: str) -> IndexStore:
    """Return the store of the index at `path`; the file's extension says which kind."""
    from cbir.stores.single_file.store import FileStore

    extension = os.path.splitext(path)[1].lower()
    return FileStore(path, resolve_name(_FILE_FORMATS.get(extension, _CSV))())
