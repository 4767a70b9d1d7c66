"""Extended attributes: notes, tags and ratings that file managers keep beside the contents."""

from __future__ import annotations

import errno
import os

from cbir.core.errors import printable

_OF_THE_SYSTEM = ("security.", "trusted.", "system.nfs4_acl", "system.cifs_acl")
"""What systems put on each file by themselves."""

_OF_USERS = "user."

MOST_BYTES = 1 << 16
"""Of all attributes of a file together; what most file systems allow for one."""

_NONE = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

Attributes = dict[str, bytes]


def attributes_of(path: str) -> Attributes:
    """Return what is noted on a file; nothing where the system or the file system has no notes.

    Symbolic links are not followed. What systems put on each file themselves is left out.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     attributes_of(file.name)
    {}
    """
    if not hasattr(os, "listxattr"):
        return {}
    try:
        return {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in sorted(os.listxattr(path, follow_symlinks=False))
            if not name.startswith(_OF_THE_SYSTEM)
        }
    except OSError as error:
        if error.errno in _NONE:
            return {}
        raise


def obstacle_to_logging(attributes: Attributes) -> str:
    """Say why attributes cannot be kept in a log, from which they could be restored; or nothing."""
    others = [name for name in attributes if not name.startswith(_OF_USERS)]
    if any(name.startswith("system.posix_acl") for name in others):
        return "it has an access control list, which a link would lose; move it instead"
    if others:
        return f"it has the attribute {printable(others[0])}, which a link would lose; move it"
    if sum(len(name) + len(value) for name, value in attributes.items()) > MOST_BYTES:
        return "its extended attributes are too large to be kept in the log; move it instead"
    return ""


def restore(path: str, attributes: Attributes) -> list[str]:
    """Put the attributes of users on a file; return the names of those that could not be put."""
    failed = []
    for name, value in attributes.items():
        try:
            if not name.startswith(_OF_USERS):
                raise OSError(errno.EPERM, "only attributes of users are restored")
            os.setxattr(path, name, value, follow_symlinks=False)
        except (AttributeError, OSError, ValueError):
            failed.append(name)
    return failed


def check_kept(source: str, copy: str) -> None:
    """Make sure that a copy has all attributes of its source.

    Raises
    ------
    OSError
        When it lacks one.
    """
    kept = attributes_of(copy)
    for name, value in attributes_of(source).items():
        if kept.get(name) != value:
            reason = f"its extended attribute {printable(name)} cannot be kept there"
            raise OSError(errno.ENOTSUP, reason, source)
