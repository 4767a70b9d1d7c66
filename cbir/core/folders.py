"""Folders as they are named from the current one."""

from __future__ import annotations

import os


def current_folder() -> str:
    """Return the current folder; nothing if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def shortest(folder: str) -> str:
    """Return the shorter of the absolute and the relative path of a folder."""
    if not current_folder():
        return folder
    relative = os.path.relpath(folder)
    return relative if len(relative) <= len(folder) else folder


def below(folder: str, path: str) -> str:
    """Return the path of a file below a folder, without the ``./`` of the current one."""
    return os.path.join(folder, path).removeprefix("./")
