"""What the tests of additions and deletions share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cbir.changes import Addition, ChangeReport, Deletion, change, plan_changes
from tests.duplicates.actions.helpers import sha256


def deletion(root: Path, path: str) -> Deletion:
    """Look at a file as it is now."""
    return Deletion(path, sha256(root / path))


def changed(
    root: Path, added: dict[str, bytes], deleted: tuple[str, ...] = (), **options: Any
) -> ChangeReport:
    """Plan, and change; the log is beside the dataset."""
    additions = [Addition(path, data) for path, data in added.items()]
    made = plan_changes(str(root), additions, [deletion(root, path) for path in deleted])
    return change(made, str(root.parent / "log"), **options)
