"""Which fields the local features in a folder have, where nobody knows what extracted them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from cbir.stores.features.segment import fields_of

_MOST = 1 << 16
"""Bytes of the beginning of a segment, at most."""


def stored_fields(folder: Path) -> dict[str, Any] | None:
    """Return the fields of the records in a folder; None where there is no segment of ours.

    Examples
    --------
    >>> stored_fields(Path("no such folder"))
    """
    for path in sorted(folder.glob("*.segment")):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            fields = fields_of(file.read(_MOST))
            if fields is not None:
                return fields
    return None
