"""Inverted files that an index has no use for any more."""

from __future__ import annotations

import contextlib
import shutil

from cbir.stores.model import Snapshot


def remove_unused(snapshot: Snapshot) -> None:
    """Remove the inverted files of descriptors that the index does not hold; failing is no harm."""
    held = {entry.fingerprint for entry in snapshot.manifest.entries}
    for folder in snapshot.inverted_folders:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path.name not in held:
                    shutil.rmtree(path, ignore_errors=True)
