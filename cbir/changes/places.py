"""Where files are, and where they may go."""

from __future__ import annotations

import os

from cbir.core.errors import CbirError, printable
from cbir.core.real_paths import UnsteadyPathError, real_path


def below(path: str, folder: str) -> str | None:
    """Return `path` relative to `folder`, or None when it is not below; ``"."`` for itself.

    Examples
    --------
    >>> below("/a/b", "/a"), below("/ab", "/a"), below("/a", "/a")
    ('b', None, '.')
    """
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive
        return None
    return None if relative.split(os.sep)[0] == os.pardir else relative


def is_real(path: str) -> bool:
    """Say whether no symbolic link is on the way to a file; it may be one, or be missing."""
    folder = os.path.dirname(path)
    try:
        return real_path(folder) == folder
    except UnsteadyPathError:
        return False


def check_destination(destination: str, root: str) -> None:
    """Make sure that copies may be moved to a folder.

    Raises
    ------
    CbirError
        When something else has its name, or the next scan would find the copies there.
    """
    real, real_root = real_path(destination), real_path(root)
    if os.path.lexists(real) and not os.path.isdir(real):
        raise CbirError(f"{printable(destination)}: this is no folder; name another destination")
    inside = below(real, real_root)
    if inside is not None and not is_hidden(inside):
        raise CbirError(
            f"{printable(destination)}: this is inside of the dataset, where the next scan would"
            " find the moved images again; name a destination outside of"
            f" {printable(root)}, or a hidden one like {printable(os.path.join(root, '.copies'))}"
        )


def hidden_folder(path: str) -> str | None:
    """Return the outermost folder on the way to a file whose name begins with a dot, if any.

    Examples
    --------
    >>> hidden_folder("/home/me/.config/autostart/x"), hidden_folder("/home/me/photos/x")
    ('/home/me/.config', None)
    """
    parts = os.path.dirname(path).split(os.sep)
    for count, part in enumerate(parts, 1):
        if part.startswith("."):
            return os.sep.join(parts[:count])
    return None


def is_hidden(relative: str) -> bool:
    """Say whether a name on a path within a dataset begins with a dot."""
    return any(part.startswith(".") for part in relative.split(os.sep) if part != os.curdir)
