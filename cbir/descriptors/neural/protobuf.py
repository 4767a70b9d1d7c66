"""The wire format of Protocol Buffers: as much as reading and writing ONNX files takes.

A message is a sequence of fields, each a number, a kind and a value. The format is fixed for good,
and a graph needs five kinds of messages; the package ``onnx`` with what it depends on would be
some 60 MB for that, and has to read a whole file before one can say whether to trust it.
"""

from __future__ import annotations

from collections.abc import Iterator

Value = int | memoryview
"""A whole number, or bytes: text, numbers in a row, or another message."""

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_VARINT_BITS = 70


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field of a message, in their order.

    Raises
    ------
    ValueError
        When it is no message.

    Examples
    --------
    >>> list(fields(memoryview(number_field(1, 150))))
    [(1, 150)]
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == _BYTES:
            length, place = _varint(message, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise ValueError(f"it has a field of the kind {kind}")
        if length > len(message) - place:
            raise ValueError("it is cut off")
        yield number, message[place : place + length]
        place += length


def whole_numbers(value: Value) -> Iterator[int]:
    """Yield the numbers of a repeated field, which are one by one or packed; signed, of 64 bits.

    Examples
    --------
    >>> list(whole_numbers(memoryview(bytes([1, 150, 1]))))
    [1, 150]
    """
    if isinstance(value, int):
        yield signed(value)
        return
    place = 0
    while place < len(value):
        number, place = _varint(value, place)
        yield signed(number)


def signed(number: int) -> int:
    """Return the number of 64 bits that is meant: negative ones are written as large ones.

    Examples
    --------
    >>> signed(5), signed((1 << 64) - 1)
    (5, -1)
    """
    return number - (1 << 64) if number >> 63 else number


def number_field(number: int, value: int) -> bytes:
    """Return a field with a whole number from 0 on."""
    return _written(number << 3 | _VARINT) + _written(value)


def bytes_field(number: int, value: bytes | str) -> bytes:
    """Return a field with bytes, text or a message.

    Examples
    --------
    >>> bytes_field(2, "testing")
    b'\\x12\\x07testing'
    """
    data = value.encode() if isinstance(value, str) else value
    return _written(number << 3 | _BYTES) + _written(len(data)) + data


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Read seven bits a byte, the lowest first; return the number and where it ends."""
    value = shift = 0
    while place < len(message) and shift < _VARINT_BITS:
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, place
        shift += 7
    raise ValueError("it is cut off, or no such file")


def _written(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    data.append(value)
    return bytes(data)
