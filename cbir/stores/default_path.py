"""Where the index of a dataset is kept when the user names no file: in the user's cache folder."""

from __future__ import annotations

import os
import re

from cbir.core.digests import digest

_READABLE = 40
"""Characters of the dataset's name that the folder's name begins with."""


def kept_index(dataset: str) -> str:
    """Return the path of the index that is kept for a dataset, by its real path.

    Examples
    --------
    >>> kept_index("photos/2024/") == kept_index("photos/../photos/2024")
    True
    """
    real = os.path.realpath(dataset)
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", os.path.basename(real))[:_READABLE]
    return os.path.join(_folder(), f"{readable}-{digest(os.fsencode(real))}", "index.csv")


def is_kept(index: str) -> bool:
    """Say whether this is an index that :func:`kept_index` named."""
    return os.path.realpath(index).startswith(os.path.realpath(_folder()) + os.sep)


def _folder() -> str:
    import platformdirs

    return os.path.join(platformdirs.user_cache_dir("cbir"), "indexes")
