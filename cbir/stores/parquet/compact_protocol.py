"""Thrift's compact protocol, in which the footer of a Parquet file is written.

Values are read without knowing what they mean, and written again byte for byte, so that a footer
can be changed in a few places whatever else is in it.

References
----------
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _, _STRUCT = range(1, 13)

_LONG_LIST = 15
_LONGEST_STEP = 15
_DOUBLE_BYTES = 8

_LONGEST_VARINT = 10
"""Bytes; more no number of 64 bits has."""

_DEEPEST = 32
"""Values within values; those of a footer go down to seven or so."""


@dataclass(slots=True)
class List:
    """Values of one type."""

    kind: int
    values: list[Any]


@dataclass(slots=True)
class Struct:
    """Values by the numbers of their fields, with their types.

    Examples
    --------
    >>> import io
    >>> struct = read_struct(io.BytesIO(bytes([0x15, 0x04, 0x28, 0x01, 0x61, 0x00])))
    >>> struct[1], struct[3]
    (2, b'a')
    >>> struct[1] = -1
    >>> written(struct).hex()
    '150128016100'
    """

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def __contains__(self, number: int) -> bool:
        return number in self.fields

    def __getitem__(self, number: int) -> Any:
        return self.fields[number][1]

    def __setitem__(self, number: int, value: Any) -> None:
        """Change a field that is there."""
        self.fields[number] = self.fields[number][0], value


def read_struct(file: BinaryIO, depth: int = 0) -> Struct:
    """Read a struct, that is within others by `depth`.

    Raises
    ------
    ValueError
        When it ends too early, is too deep, or has a type that there is none of.
    """
    if depth > _DEEPEST:
        raise ValueError("values within values without end")
    fields: dict[int, tuple[int, Any]] = {}
    number = 0
    while head := _byte(file):
        step, kind = head >> 4, head & 15
        number = number + step if step else _signed(_varint(file))
        fields[number] = (
            kind,
            kind == _TRUE if kind in (_TRUE, _FALSE) else _read(file, kind, depth),
        )
    return Struct(fields)


def written(struct: Struct) -> bytes:
    """Return the bytes of a struct."""
    parts, last = bytearray(), 0
    for number, (kind, value) in struct.fields.items():
        if kind in (_TRUE, _FALSE):
            kind = _TRUE if value else _FALSE
        step = number - last
        is_near = 0 < step <= _LONGEST_STEP
        parts += bytes([step << 4 | kind]) if is_near else bytes([kind]) + _zigzag(number)
        if kind not in (_TRUE, _FALSE):
            parts += _write(kind, value)
        last = number
    return bytes(parts) + b"\0"


def _read(file: BinaryIO, kind: int, depth: int) -> Any:
    if kind == _STRUCT:
        return read_struct(file, depth + 1)
    if kind in (_I16, _I32, _I64):
        return _signed(_varint(file))
    if kind == _BINARY:
        return _bytes(file, _varint(file))
    if kind == _DOUBLE:
        return _bytes(file, _DOUBLE_BYTES)
    if kind in (_TRUE, _FALSE, _BYTE):
        return _byte(file)
    if kind in (_LIST, _SET) and depth <= _DEEPEST:
        head = _byte(file)
        count = head >> 4 if head >> 4 < _LONG_LIST else _varint(file)
        return List(head & 15, [_read(file, head & 15, depth + 1) for _ in range(count)])
    raise ValueError(f"a value of the type {kind}")


def _write(kind: int, value: Any) -> bytes:
    if kind == _STRUCT:
        return written(value)
    if kind in (_I16, _I32, _I64):
        return _zigzag(value)
    if kind == _BINARY:
        return _unsigned(len(value)) + value
    if kind == _DOUBLE:
        return bytes(value)
    if kind in (_TRUE, _FALSE, _BYTE):
        return bytes([value])
    count = len(value.values)
    is_long = count >= _LONG_LIST
    head = bytes([(_LONG_LIST if is_long else count) << 4 | value.kind])
    items = b"".join(_write(value.kind, one) for one in value.values)
    return head + (_unsigned(count) if is_long else b"") + items


def _byte(file: BinaryIO) -> int:
    return _bytes(file, 1)[0]


def _bytes(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it ends too early")
    return data


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 7 * _LONGEST_VARINT, 7):
        byte = _byte(file)
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value
    raise ValueError("a number of too many bytes")


def _signed(value: int) -> int:
    """Return the number that a zigzag varint stands for: 0, -1, 1, -2 …"""
    return value >> 1 ^ -(value & 1)


def _unsigned(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _zigzag(value: int) -> bytes:
    return _unsigned(2 * value if value >= 0 else -2 * value - 1)
