"""The file that holds the token of a server."""

from __future__ import annotations

import os
import stat

from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.regular_files import open_regular

SHORTEST = 16
"""Characters that a token has at least."""

_LONGEST = 4096
_OTHERS = 0o077
_VISIBLE = range(0x21, 0x7F)


def read_token(path: str) -> bytes:
    """Read the token that a file holds in its only line.

    Parameters
    ----------
    path : str
        A regular file that nobody but its owner can read.

    Raises
    ------
    CbirError
        When it cannot be read, others can read it, or what it holds is not a token.
    """
    name = printable(path)
    try:
        # Who could put a link there could choose the token.
        if os.path.islink(path):
            raise CbirError(f"{name}: a token is not read from a link; name the file itself")
        with open_regular(path) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(_LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise CbirError(f"{name}: the token cannot be read: {reason}") from None
    if mode & _OTHERS:
        raise CbirError(
            f"{name}: others have access to the token (mode {mode:04o}); take it from them: "
            f"chmod 600 {name}"
        )
    return _checked(name, data)


def _checked(name: str, data: bytes) -> bytes:
    token = data.removesuffix(b"\n").removesuffix(b"\r")
    if not token:
        reason = "it is empty"
    elif len(data) > _LONGEST:
        reason = f"it has more than {_LONGEST:,} bytes"
    elif any(byte not in _VISIBLE for byte in token):
        reason = "a token is one line of letters, digits and signs, without spaces"
    elif len(token) < SHORTEST:
        reason = f"a token has at least {SHORTEST} characters"
    else:
        return token
    raise CbirError(
        f"{name}: {reason}; make one: python3 -c 'import secrets; print(secrets.token_urlsafe())'"
    )
