"""What training gives: arrays, and where they are from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.digests import DIGITS

State = Mapping[str, NDArray[Any]]
"""What training gives: named arrays, for example a vocabulary's words."""

ORIGIN = "cbir_origin"
"""An array of a state beside those that training gave: where it is from, :data:`SHIPPED` or
:data:`TRAINED`. It changes no number, and so no digest."""

SHIPPED = "shipped"
"""The origin of what comes with the package."""

TRAINED = "trained"
"""The origin of what users train before they index."""


def state_digest(state: State) -> str:
    """Return 16 hexadecimal digits that identify the arrays of `state`.

    Examples
    --------
    >>> state_digest({"a": np.arange(3)}) == state_digest({"a": np.arange(4)})
    False
    """
    sha256 = hashlib.sha256()
    for key, array in sorted(state.items()):
        if key != ORIGIN:
            sha256.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
            sha256.update(array.tobytes())
    return sha256.hexdigest()[:DIGITS]


def with_origin(state: State, origin: str) -> State:
    """Return `state` with a note of where it is from."""
    return {**state, ORIGIN: np.array(origin)}


def origin_of(state: State) -> str | None:
    """Return the origin that :func:`with_origin` noted, or None.

    Examples
    --------
    >>> origin_of(with_origin({"a": np.arange(3)}, TRAINED))
    'trained'
    """
    return str(state[ORIGIN]) if ORIGIN in state else None
