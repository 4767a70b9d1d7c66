"""The folder that belongs to an index: nothing in it leads elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from cbir.core.errors import CbirError, printable


def check_state_folder(folder: Path) -> None:
    """Refuse links, pipes and devices among the files of an index.

    These files are read, cut, overwritten and removed as needed: what is done to a link would be
    done to a file of the user's, and a pipe never ends.

    Raises
    ------
    CbirError
        When there is one, or the folder is a link itself.
    """
    if folder.is_symlink():
        raise _refusal(str(folder), "a link")
    folders = [str(folder)]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # missing, or whoever needs it will say why it cannot be listed
            continue
        for entry in entries:
            if entry.is_symlink():
                raise _refusal(entry.path, "a link")
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif not entry.is_file(follow_symlinks=False):
                raise _refusal(entry.path, "a pipe or a device")


def _refusal(path: str, kind: str) -> CbirError:
    return CbirError(
        f"{printable(path)}: this is {kind}, and an index keeps only files and folders of its own"
        " there; remove it, and run the same command again"
    )
