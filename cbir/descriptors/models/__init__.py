"""What comes with the package, as ``.npz`` files in this folder; nothing else belongs here.

``benchmarks/models.py`` makes the trained models, ``benchmarks/backgrounds.py`` the rows of
unrelated images that fusions measure distances by.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.npz import load_arrays


@cache
def load_shipped(name: str) -> Mapping[str, NDArray[Any]]:
    """Load the arrays of a file that comes with the package; once, for all that use them.

    Parameters
    ----------
    name : str
        The file's name, without ``.npz``.

    Returns
    -------
    mapping of str to ndarray
        Neither it nor the arrays can be written to.

    Raises
    ------
    CbirError
        When the file is missing or damaged.
    """
    with as_file(files(__name__) / f"{name}.npz") as path:
        try:
            arrays = load_arrays(str(path))
        except (OSError, ValueError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else f"it is damaged: {error}"
            raise CbirError(
                f"{printable(str(path))}: cannot read this file of the package: {reason};"
                " install cbir again"
            ) from None
    for array in arrays.values():
        array.setflags(write=False)
    return MappingProxyType(arrays)
