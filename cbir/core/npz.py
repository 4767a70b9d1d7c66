"""Named arrays in ``.npz`` files, whose damage is told."""

from __future__ import annotations

import io
import math
import os
import stat
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 1 << 29
"""What the arrays of a file may take in memory, unless told otherwise."""

_OVERHEAD = 1 << 20
"""Bytes of a file besides its arrays."""


def load_arrays(path: str, most_bytes: int = MOST_BYTES) -> dict[str, NDArray[Any]]:
    """Read all arrays of a file by name.

    Parameters
    ----------
    path : str
    most_bytes : int
        What they may take in memory; a file that states more is refused before it is unpacked.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is damaged, too large, or no such file.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise ValueError("it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    _check_size(status.st_size - _OVERHEAD, most_bytes)
    with open(path, "rb") as file:
        return arrays_in(file.read(), most_bytes)


def arrays_in(data: bytes, most_bytes: int = MOST_BYTES) -> dict[str, NDArray[Any]]:
    """Read all arrays of the content of an ``.npz`` file by name.

    Raises
    ------
    ValueError
        When it is damaged, or has more than `most_bytes`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_size(sum(member.file_size for member in members), most_bytes)
            return {
                member.filename.removesuffix(".npy"): _array(_unpacked(archive, member))
                for member in members
            }
    except zipfile.BadZipFile as error:
        raise ValueError(f"not a sound .npz file: {error}") from None
    except ValueError:
        raise
    except Exception as error:  # zipfile raises anything at all on damaged files
        raise ValueError(str(error) or type(error).__name__) from None


def _check_size(size: int, most: int) -> None:
    if size > most:
        expected = f"at most {most / 1e6:,.0f} MB are expected"
        raise ValueError(f"its arrays would take {size / 1e6:,.0f} MB, {expected}")


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Unpack no more than what is stated, whatever is in it."""
    with archive.open(member) as file:
        data = file.read(member.file_size)
    if len(data) != member.file_size:
        raise ValueError(f"{member.filename!r} is cut off")
    return data


def _array(data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, by_columns, dtype = read(file)
    except Exception:  # numpy's own words advise to trust the file
        raise ValueError("it holds what is no array") from None
    if dtype.hasobject:
        raise ValueError("it holds Python objects, not only numbers")
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(data) - file.tell():
        raise ValueError("an array is not as long as it says")
    if not count:
        return np.empty(shape, dtype)
    flat: NDArray[Any] = np.frombuffer(data, dtype, count, file.tell())
    return flat.reshape(shape, order="F" if by_columns else "C").copy()
