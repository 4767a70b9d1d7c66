"""The desktop's trash: put a file there, and take it back from where that can be read.

Trash folders are those of freedesktop.org's specification: ``info/NAME.trashinfo`` says where
``files/NAME`` was. Those of macOS and Windows cannot be read by other programs.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

from cbir.changes.files import copy_to_temporary, holds
from cbir.core.atomic_files import sync_folder
from cbir.core.errors import reason_of
from cbir.core.locks import user_lock
from cbir.core.real_paths import real_path
from cbir.core.renaming import rename_new

_INFO = ".trashinfo"
_LONGEST_INFO = 1 << 16


def send(path: str, sha256: bytes, confirm: Callable[[], None]) -> None:
    """Put a file in the trash; it comes back from there when `confirm` raises.

    Raises
    ------
    OSError
        When the desktop has no trash for it, or leaves it where it is.
    """
    from send2trash import send2trash

    confirm()
    try:
        with user_lock("trash"):  # of two files with one name, the second would replace the first
            send2trash(path)
    except Exception as error:  # each desktop's trash has errors of its own
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise OSError(errno.EIO, reason, path) from None
    if os.path.lexists(path):
        raise OSError(errno.EIO, "the desktop's trash left it where it was", path)
    try:
        confirm()
    except BaseException:
        trashed = find(path, sha256)
        if trashed is not None:
            restore(trashed, path, None, sha256)
        raise


def find(path: str, sha256: bytes, mtime_ns: int | None = None) -> str | None:
    """Find what was put in the trash from `path`, and holds what it held.

    Of several, it is the newest of those that were last changed at `mtime_ns`, if there are such.
    Returns the path of the file in the trash.
    """
    found = [
        (_changed(trashed) == mtime_ns, _changed(_info_of(trashed)), trashed)
        for folder, top in _folders(path)
        for trashed in _entries(folder, top, path)
        if holds(trashed, sha256)
    ]
    return max(found)[2] if found else None


def restore(trashed: str, path: str, aside: str | None, sha256: bytes) -> None:
    """Bring a file back to where it was; what is there by now is not replaced.

    Parameters
    ----------
    trashed, path : str
        Where it is now, and where it was.
    aside : str or None
        A temporary name in the folder of `path`, for a trash on another file system.
    sha256 : bytes

    Raises
    ------
    OSError
        When that is not possible; the file is in the trash then.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        rename_new(trashed, path)
    except OSError as error:
        if error.errno != errno.EXDEV or aside is None:
            raise
        copy_to_temporary(trashed, aside, sha256)
        rename_new(aside, path)
        sync_folder(os.path.dirname(path))
        os.unlink(trashed)
    os.unlink(_info_of(trashed))
    sync_folder(os.path.dirname(path))


def _folders(path: str) -> Iterator[tuple[str, str]]:
    """List the folders that may be the trash of a file, with what their paths are relative to."""
    if os.name != "posix" or sys.platform == "darwin":
        return
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    yield os.path.join(data, "Trash"), data
    top = real_path(os.path.dirname(path))
    while not os.path.ismount(top):
        top = os.path.dirname(top)
    shared = os.path.join(top, ".Trash")
    if not os.path.islink(shared):
        yield os.path.join(shared, str(os.getuid())), top
    yield os.path.join(top, f".Trash-{os.getuid()}"), top


def _entries(folder: str, top: str, path: str) -> Iterator[str]:
    """List what is in a trash folder from `path`."""
    stem = os.path.basename(path).split(".")[0]
    try:
        names = sorted(os.listdir(os.path.join(folder, "info")))
    except OSError:
        return
    for name in names:
        if name.startswith(stem) and name.endswith(_INFO):  # numbers come after the stem
            trashed = os.path.join(folder, "files", name[: -len(_INFO)])
            if os.path.join(top, _old_path(_info_of(trashed))) == path:
                yield trashed


def _info_of(trashed: str) -> str:
    """Return the file that says where one in the trash was."""
    files, name = os.path.split(trashed)
    return os.path.join(os.path.dirname(files), "info", name + _INFO)


def _old_path(info: str) -> str:
    try:
        with open(info, "rb") as file:
            lines = file.read(_LONGEST_INFO).splitlines()
    except OSError:
        return ""
    quoted = next((line[5:] for line in lines if line.startswith(b"Path=")), b"")
    return os.fsdecode(unquote_to_bytes(quoted))


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
