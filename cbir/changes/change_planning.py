"""Which images may be added to a dataset and deleted from it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from cbir.changes.change_plan import Addition, Change, ChangePlan, ChangeStep, Deletion
from cbir.changes.files import holds
from cbir.changes.left_file import LeftFile
from cbir.changes.places import below
from cbir.changes.refusals import RefusedError, regular
from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.real_paths import real_path
from cbir.images.discovery import IMAGE_EXTENSIONS

_LONGEST_NAME = 255
"""Bytes; what nearly every file system allows."""

_DEEPEST = 64
"""Parts of a path of an image that is added."""

_LONGEST_PATH = 4095
"""Bytes of an absolute path; what Linux allows."""


def plan_changes(
    root: str, additions: Iterable[Addition] = (), deletions: Iterable[Deletion] = ()
) -> ChangePlan:
    """Decide what to do with each file; nothing is changed.

    A file is refused, with a reason in :attr:`ChangePlan.refused`, when its path is empty,
    absolute, has ``.`` or ``..`` in it, leads out of the dataset through a link, is hidden or in a
    hidden folder, or is in the plan already. An addition also when its path has more than 64
    parts, its name is too long or none of an image, or something with other contents is there; a
    deletion also when the file is missing, a link, or has other contents than were seen. Folders
    that are missing are made for an addition.

    Parameters
    ----------
    root : str
        The dataset's folder.
    additions : iterable of Addition
    deletions : iterable of Deletion

    Raises
    ------
    CbirError
        When the dataset is missing.

    Examples
    --------
    >>> plan_changes(".", [Addition("../a.jpg", b"")]).lines()
    ['skip  ../a.jpg   (it has .. in it, which leads out of the dataset)']
    """
    if not os.path.isdir(root):
        raise CbirError(
            f"{printable(root)}: the dataset is no folder; give the one that is indexed"
        )
    changes: list[Change] = [*_sorted(deletions), *_sorted(additions)]
    real_root = real_path(root)
    steps, refused, unchanged = dict[str, ChangeStep](), list[LeftFile](), list[str]()
    for change in changes:
        try:
            path = _place(change.path, real_root)
            if path in steps:
                raise RefusedError("it is in the plan already")
            if isinstance(change, Deletion):
                steps[path] = ChangeStep(change, path, _check_deletion(change, path))
            elif _is_there(change, path):
                unchanged.append(change.path)
            else:
                steps[path] = ChangeStep(change, path, len(change.data))
        except RefusedError as error:
            refused.append(LeftFile(_nameable(change.path), error.reason))
    return ChangePlan(root, tuple(steps.values()), tuple(refused), tuple(unchanged))


def _sorted(changes: Iterable[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: change.path.encode("utf-8", "surrogatepass"))


def _nameable(path: str) -> str:
    """Return a path that some file may have; surrogates that are no bytes as escapes."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("utf-8", "backslashreplace").decode()
    return path


def _place(path: str, root: str) -> str:
    """Return the absolute path of a file of the dataset, or of a link itself, in its real folder.

    Raises
    ------
    RefusedError
        When a dataset has no such path, or it leads out of it.
    """
    try:
        size = len(os.fsencode(os.path.join(root, path)))
    except UnicodeEncodeError:
        raise RefusedError("it has characters that no name of a file has") from None
    parts = path.split("/")
    if not path or "\0" in path or (os.sep != "/" and os.sep in path):
        raise RefusedError("it is no path of a file")
    if os.path.isabs(path) or os.path.splitdrive(path)[0]:
        raise RefusedError("it is no path within the dataset; give one that is relative to it")
    if ".." in parts:
        raise RefusedError("it has .. in it, which leads out of the dataset")
    if "" in parts or "." in parts:
        raise RefusedError("it has an empty part, or one that is a dot")
    if any(part.startswith(".") for part in parts):
        raise RefusedError("its name or folder begins with a dot: what is hidden is left alone")
    if size > _LONGEST_PATH or any(len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
        raise RefusedError("it is longer than file systems allow")
    folder, name = os.path.split(os.path.join(root, *parts))
    real = os.path.join(real_path(folder), name)
    inside = below(real, root)
    if inside is None:
        raise RefusedError("it is outside of the dataset, behind a linked folder")
    if any(part.startswith(".") for part in inside.split(os.sep)):
        raise RefusedError("a linked folder leads to one that is hidden, which is left alone")
    return real


def _check_deletion(deletion: Deletion, path: str) -> int:
    """Return the size of a file that may be deleted.

    Raises
    ------
    RefusedError
        When it may not.
    """
    size = regular(path).st_size
    if not holds(path, deletion.sha256):
        raise RefusedError("it was changed since it was seen, or cannot be read")
    return size


def _is_there(addition: Addition, path: str) -> bool:
    """Say whether a file is there already; if not, it may be added.

    Raises
    ------
    RefusedError
        When it may not.
    """
    if addition.path.count("/") >= _DEEPEST:
        raise RefusedError(f"it is in too many folders; a path may have {_DEEPEST} parts")
    extension = os.path.splitext(path)[1].lower()
    if extension not in IMAGE_EXTENSIONS:
        raise RefusedError("its name has no extension of an image that is indexed, like .jpg")
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise RefusedError("what would be its folder is a file") from None
    except OSError as error:
        raise RefusedError(f"it cannot be looked at: {reason_of(error)}") from None
    if holds(path, hashlib.sha256(addition.data).digest()):
        return True
    raise RefusedError("something else is there already; choose another name, or remove that first")
