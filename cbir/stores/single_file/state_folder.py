"""The folder that belongs to an index: nothing in it leads elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from cbir.core.errors import CbirError, printable

_OF_FILES = (".json", ".digests", ".npz", ".segment", ".table")
"""What the names of files end with that are read wherever they are found."""

_FILES = ("journal", "lock", "lock.pid")
_FOLDERS = ("features", "inverted", "state")
"""Without a folder for the cache, that of the user is taken."""


def check_state_folder(folder: Path) -> None:
    """Refuse links, pipes, devices and misplaced folders among the files of an index.

    These files are read, cut, overwritten and removed as needed: what is done to a link would be
    done to a file of the user's, and a pipe never ends. Other files and folders that are none of
    the index's are left alone.

    Raises
    ------
    CbirError
        When there is one, or the folder is a link itself.
    """
    if folder.is_symlink():
        raise _refusal(str(folder), "a link")
    folders = [str(folder)]
    own_files, own_folders = (
        {os.path.join(folder, name) for name in names} for names in (_FILES, _FOLDERS)
    )
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # missing, or whoever needs it will say why it cannot be listed
            continue
        for entry in entries:
            if entry.is_symlink():
                raise _refusal(entry.path, "a link")
            if entry.is_dir(follow_symlinks=False):
                if entry.path in own_files or entry.name.endswith(_OF_FILES):
                    raise _misplaced(entry.path, "a folder", "a file")
                folders.append(entry.path)
            elif entry.path in own_folders:
                raise _misplaced(entry.path, "a file", "a folder")
            elif not entry.is_file(follow_symlinks=False):
                raise _refusal(entry.path, "a pipe or a device")


def _refusal(path: str, kind: str) -> CbirError:
    return CbirError(
        f"{printable(path)}: this is {kind}, and an index keeps only files and folders of its own"
        " there; remove it, and run the same command again"
    )


def _misplaced(path: str, kind: str, wanted: str) -> CbirError:
    return CbirError(
        f"{printable(path)}: this is {kind}, and an index keeps {wanted} of such a name there; move"
        " it away, and run the same command again"
    )
