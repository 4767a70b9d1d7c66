"""Find images by what they show: content-based image retrieval without training or a server.

:func:`index` makes an index of a folder of images, :func:`open` opens one to be searched, and
:func:`describe` gives the numbers of a single image. ``docs/python.md`` shows them at work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cbir.core.errors import BrokenIndexError, CbirError, UnreadableImageError, UsageError
from cbir.core.version import __version__

if TYPE_CHECKING:
    from cbir.descriptors.describe import describe
    from cbir.indexing.build import build_index as index
    from cbir.indexing.commit import IndexReport
    from cbir.indexing.convert import convert
    from cbir.search.engine import Index
    from cbir.search.engine import open_index as open
    from cbir.search.optimizing import OptimizeReport, optimize
    from cbir.search.results import Match, SearchResult


__all__ = [
    "BrokenIndexError",
    "CbirError",
    "Index",
    "IndexReport",
    "Match",
    "OptimizeReport",
    "SearchResult",
    "UnreadableImageError",
    "UsageError",
    "__version__",
    "convert",
    "describe",
    "index",
    "open",
    "optimize",
]

# Imported when they are asked for: a command that searches does not pay for indexing.
_LAZY = {
    "Index": ("cbir.search.engine", "Index"),
    "IndexReport": ("cbir.indexing.commit", "IndexReport"),
    "Match": ("cbir.search.results", "Match"),
    "SearchResult": ("cbir.search.results", "SearchResult"),
    "OptimizeReport": ("cbir.search.optimizing", "OptimizeReport"),
    "convert": ("cbir.indexing.convert", "convert"),
    "describe": ("cbir.descriptors.describe", "describe"),
    "index": ("cbir.indexing.build", "build_index"),
    "open": ("cbir.search.engine", "open_index"),
    "optimize": ("cbir.search.optimizing", "optimize"),
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(importlib.import_module(module), attribute)
