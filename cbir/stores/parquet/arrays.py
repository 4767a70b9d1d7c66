"""Arrow arrays from a file that anybody may have written, as arrays of the types of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.arrow_values import arrow_values, is_simple
from cbir.core.cell_text import cell_text

if TYPE_CHECKING:
    from pyarrow import Array


_LONGEST_TYPE = 40
"""Characters of the name of a type that a message has."""


class CellError(ValueError):
    """A value that cannot be in its column, and its place among the others."""

    def __init__(self, reason: str, place: int) -> None:
        super().__init__(reason)
        self.place = place


def numbers_of(array: Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers as they are of a type.

    Raises
    ------
    CellError
        When one is missing, or none of the type.

    Examples
    --------
    >>> import pyarrow
    >>> numbers_of(pyarrow.array([1, 255]), np.dtype("u1"))
    array([  1, 255], dtype=uint8)
    """
    from pyarrow import types

    _refuse_missing(array)
    is_whole = types.is_integer(array.type)
    if not is_whole and not (dtype.kind == "f" and types.is_floating(array.type)):
        what = "a whole number" if dtype.kind in "iu" else "a number"
        raise CellError(f"the type is {_short(array.type)}, which is not {what}", 0)
    values = array.to_numpy(zero_copy_only=False)
    if values.dtype == dtype and dtype.kind != "f":
        return values
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            numbers = values.astype(dtype)
        _refuse(~np.isfinite(numbers), "a number is not finite")
        return numbers
    limits = np.iinfo(dtype)
    # Compared as they are: a type that holds both ends of the other's range need not exist.
    _refuse((values < limits.min) | (values > limits.max), "a number is out of range")
    return values.astype(dtype)


def lists_of(array: Array, width: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return lists of one length as rows.

    Raises
    ------
    CellError
        When one is missing or has another length, or a number in it is none of the type.
    """
    from pyarrow import types

    if not (
        types.is_list(array.type)
        or types.is_large_list(array.type)
        or types.is_fixed_size_list(array.type)
    ):
        raise CellError(f"the type is {_short(array.type)}, which is no list", 0)
    _refuse_missing(array)
    lengths = (
        np.full(len(array), array.type.list_size)
        if types.is_fixed_size_list(array.type)
        else np.diff(array.offsets.to_numpy())
    )
    _refuse(lengths != width, f"a list does not have {width:,} numbers")
    try:
        return numbers_of(array.flatten(), dtype).reshape(len(array), width)
    except CellError as error:
        raise CellError(str(error), error.place // width) from None


def bytes_of(array: Array, width: int) -> NDArray[np.uint8]:
    """Return binary values of one length as rows.

    Raises
    ------
    CellError
        When one is missing or has another length.
    """
    from pyarrow import types

    _refuse_missing(array)
    kind = array.type.value_type if types.is_dictionary(array.type) else array.type
    if "binary" not in str(kind):
        raise CellError(f"the type is {_short(kind)}, which is not binary", 0)
    values, codes = _distinct(array)
    is_wrong = np.array([len(value) != width for value in values], bool)
    _refuse(is_wrong[codes], f"a value does not have {width} bytes")
    # Others that no row here has may be wrong nevertheless.
    sound = [bytes(width) if wrong else one for one, wrong in zip(values, is_wrong, strict=True)]
    return np.frombuffer(b"".join(sound), np.uint8).reshape(-1, width)[codes]


def texts_of(array: Array) -> tuple[list[str], NDArray[np.int32]]:
    """Return the distinct texts of values of any simple type, and which one each has.

    Missing ones are the empty text.

    Raises
    ------
    CellError
        When they have no text, as lists and binary values.
    """
    from pyarrow import types

    kind = array.type.value_type if types.is_dictionary(array.type) else array.type
    if not is_simple(kind):
        raise CellError(f"the type is {_short(kind)}; save this column as text", 0)
    try:
        values, codes = _distinct(array)
        return [cell_text(value) for value in values], codes
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError) as error:  # a year that Python does not have
        raise CellError(f"{error}; save this column as text", 0) from None


def _distinct(array: Array) -> tuple[list[Any], NDArray[np.int32]]:
    """Return values, each once as far as the file knows it, and which one each row has."""
    from pyarrow import types

    encoded = array if types.is_dictionary(array.type) else array.dictionary_encode()
    values = arrow_values(encoded.dictionary)
    codes = encoded.indices.fill_null(len(values)).to_numpy().astype(np.int32)
    return ([*values, None], codes) if array.null_count else (values, codes)


def _refuse_missing(array: Array) -> None:
    if array.null_count:
        _refuse(~np.asarray(array.is_valid()), "a value is missing")


def _refuse(is_wrong: NDArray[np.bool_], reason: str) -> None:
    if is_wrong.any():
        raise CellError(reason, int(np.argmax(is_wrong)))


def _short(kind: Any) -> str:
    from pyarrow import types

    return str(kind.value_type if types.is_dictionary(kind) else kind)[:_LONGEST_TYPE]
