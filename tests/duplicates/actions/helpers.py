"""What the tests of actions share: small datasets, and what is in them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from cbir.duplicates.actions import Action, ActionReport, Plan, Removal, act, plan
from cbir.duplicates.model import CopyLevel

Tree = dict[bytes, tuple[bytes, int, int]]

ODD_NAMES = (
    b"new\nline.jpg",
    b"not-utf8-\xff\xfe.jpg",
    b"-rf.jpg",
    "日本 é.jpg".encode(),
    b"'quo\"ted $(x).jpg",
    b" ",
    b"l" * 251 + b".jpg",
)


def write(root: Path, name: str, data: bytes = b"same", mtime: int = 1_000_000_007) -> Path:
    """Make a file, with a time of its own."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(mtime, mtime))
    return path


def sha256(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def removal(root: Path, kept: str, copy: str, level: CopyLevel = "exact") -> Removal:
    """Compare two files as they are now."""
    return Removal(kept, copy, sha256(root / kept), sha256(root / copy), level)


def tree(folder: Path) -> Tree:
    """Return all that is below a folder: contents, or where a link leads, times and modes."""
    found: Tree = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[os.fsencode(path)] = (os.fsencode(path.readlink()), 0, 0)
        elif path.is_file():
            status = path.stat()
            found[os.fsencode(path)] = (path.read_bytes(), status.st_mtime_ns, status.st_mode)
    return found


def planned(
    root: Path, action: Action, *removals: Removal, destination: str = "moved", **options: Any
) -> Plan:
    """Plan; what is moved goes beside the dataset."""
    place = str(root.parent / destination) if action == "move" else None
    return plan(removals, action, str(root), place, **options)


def acted(root: Path, action: Action, *removals: Removal, **options: Any) -> ActionReport:
    """Plan, and act; the log is beside the dataset."""
    return act(planned(root, action, *removals, **options), str(root.parent / "log"))
