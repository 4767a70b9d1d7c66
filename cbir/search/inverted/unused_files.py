"""Inverted files that an index has no use for any more."""

from __future__ import annotations

import contextlib
import re
import shutil

from cbir.core.digests import DIGITS
from cbir.stores.model import Snapshot

_FINGERPRINT = re.compile(f"[0-9a-f]{{{DIGITS}}}")
"""How a folder of ours is called."""


def remove_unused(snapshot: Snapshot) -> None:
    """Remove the inverted files of descriptors that the index does not hold; failing is no harm."""
    held = {entry.fingerprint for entry in snapshot.manifest.entries}
    for folder in snapshot.inverted_folders:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if _FINGERPRINT.fullmatch(path.name) and path.name not in held:
                    shutil.rmtree(path, ignore_errors=True)
