"""Find pictures by what they show: content-based image retrieval without training or a server.

:func:`index` makes an index of a folder of pictures, :func:`open` opens one to be searched, and
:func:`describe` gives the numbers of a single picture. ``docs/python.md`` shows them at work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cbir.errors import BrokenIndexError, CbirError, UnreadableImageError, UsageError

if TYPE_CHECKING:
    from cbir.describing import describe
    from cbir.indexing import IndexReport
    from cbir.indexing import build_index as index
    from cbir.results import Match, SearchResult
    from cbir.searching import Index
    from cbir.searching import open_index as open

__version__ = "0.1.0"

__all__ = [
    "BrokenIndexError",
    "CbirError",
    "Index",
    "IndexReport",
    "Match",
    "SearchResult",
    "UnreadableImageError",
    "UsageError",
    "describe",
    "index",
    "open",
]

# Imported when they are asked for: a command that searches does not pay for indexing.
_LAZY = {
    "Index": ("cbir.searching", "Index"),
    "IndexReport": ("cbir.indexing", "IndexReport"),
    "Match": ("cbir.results", "Match"),
    "SearchResult": ("cbir.results", "SearchResult"),
    "describe": ("cbir.describing", "describe"),
    "index": ("cbir.indexing", "build_index"),
    "open": ("cbir.searching", "open_index"),
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(importlib.import_module(module), attribute)
