"""Named arrays in ``.npz`` files, whose damage is told."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray


def load_arrays(path: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of a file by name.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is damaged, or no such file.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise ValueError("not an .npz file")
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # numpy and zipfile raise anything at all on damaged files
        raise ValueError(str(error) or type(error).__name__) from None
