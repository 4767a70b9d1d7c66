"""Arrays in ``.npy`` files that are mapped into memory, with checksums."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cbir.core.mapped_arrays import STEP, steps
from cbir.core.spliced_rows import Matrix, SplicedRows
from cbir.core.threads import in_parts

_PAGE = 4096
"""Bytes that are summed up for a checksum."""

_WORTH_THREADS = 1 << 24
"""Bytes that are read for a checksum by all cores."""


def write_array(file: BinaryIO, array: Matrix) -> int:
    """Write an array as an ``.npy`` file, some rows at a time, and return its checksum.

    Examples
    --------
    >>> import io
    >>> write_array(io.BytesIO(), np.arange(3)) == checksum(np.arange(3))
    True
    """
    plain = array if isinstance(array, SplicedRows) else np.ascontiguousarray(array)
    descr = np.lib.format.dtype_to_descr(plain.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": plain.shape}
    np.lib.format.write_array_header_1_0(file, header)
    sums, rest = [], b""
    for block in _blocks(plain):
        file.write(block.data)
        whole = len(block) - len(block) % _PAGE
        sums.append(_pages(block[:whole]).sum(axis=1, dtype=np.uint64))
        rest = block[whole:].tobytes()
    total = zlib.crc32(b"".join(one.data for one in sums), _start(plain))
    return zlib.crc32(rest, total)


def map_array(path: Path) -> NDArray[Any]:
    """Map the array of a file into memory, to be read only.

    Raises
    ------
    OSError, ValueError
        When it cannot be read; numpy raises anything at all on damaged files.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r")
    except ValueError:  # an empty array cannot be mapped
        array = np.load(path)
    if not array.dtype.itemsize:
        raise ValueError("items without a byte")
    return array.view(np.ndarray)


def checksum(array: NDArray[Any]) -> int:
    """Return a checksum of an array's type, shape and bytes, as fast as memory can be read.

    It is the CRC-32 of the sums of all pages, modulo 2^64: any change of bytes in a page changes
    its sum, unless the words that changed happen to have the same sum as before.
    What is mapped of the array does not stay in memory.

    Examples
    --------
    >>> checksum(np.arange(3)) == checksum(np.arange(3, dtype=np.float32))
    False
    """
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    whole = len(raw) - len(raw) % _PAGE
    pages = _pages(raw[:whole])
    sums = np.empty(len(pages), np.uint64)

    def add_up(part: slice) -> None:
        some, found = pages[part], sums[part]
        for step in steps(len(some), STEP // _PAGE, [some]):
            some[step].sum(axis=1, dtype=np.uint64, out=found[step])

    in_parts(add_up, len(pages), whole > _WORTH_THREADS)
    return zlib.crc32(raw[whole:].data, zlib.crc32(sums.data, _start(array)))


def file_checksum(path: Path) -> int:
    """Return a checksum of all bytes of a file.

    It is read, not mapped: a file that is cut off meanwhile would end the program.
    """
    total = 0
    with open(path, "rb") as file:
        while block := file.read(STEP):
            of_block = checksum(np.frombuffer(block, np.uint8))
            total = zlib.crc32(of_block.to_bytes(4, "little"), total)
    return total


def _start(array: Matrix) -> int:
    return zlib.crc32(f"{array.dtype.descr} {array.shape}".encode())


def _pages(raw: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return raw.view(np.uint64).reshape(-1, _PAGE // 8)


def _blocks(array: Matrix) -> Iterator[NDArray[np.uint8]]:
    """Yield the bytes of some rows at a time: whole pages, but for the last ones."""
    width = max(1, array.nbytes // max(1, len(array)))
    unit = _PAGE // math.gcd(width, _PAGE)
    for some in steps(len(array), max(1, STEP // (unit * width)) * unit, [array]):
        yield np.ascontiguousarray(array[some]).reshape(-1).view(np.uint8)
