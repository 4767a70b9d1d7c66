"""Values of Arrow arrays, such as those of a Parquet file, as Python has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyarrow import Array, DataType

_SHORT_FLOATS = ("halffloat", "float")


def is_simple(kind: DataType) -> bool:
    """Say whether values of a type are neither nested nor binary: each is a number or has a text.

    Examples
    --------
    >>> import pyarrow
    >>> is_simple(pyarrow.int8()), is_simple(pyarrow.list_(pyarrow.int8()))
    (True, False)
    """
    from pyarrow import types

    return not (types.is_nested(kind) or "binary" in str(kind))


def arrow_values(array: Array) -> list[Any]:
    """Return the values of an array, None for missing ones.

    Examples
    --------
    >>> import pyarrow
    >>> arrow_values(pyarrow.array([0.1, None], pyarrow.float32()))
    [0.1, None]
    """
    if str(array.type) in _SHORT_FLOATS:
        # The shortest text of the short number, not of the long one that it becomes in Python.
        numbers = array.fill_null(0).to_numpy(zero_copy_only=False)
        there = array.is_valid().to_pylist()
        pairs = zip(numbers, there, strict=True)
        return [float(str(number)) if valid else None for number, valid in pairs]
    values: list[Any] = array.to_pylist()
    return values
