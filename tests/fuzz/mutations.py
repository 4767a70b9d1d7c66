"""Hypothesis strategies that damage valid bytes, documents and arrays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"255",
    b"256",
    b"2147483648",
    b"9223372036854775808",
    b"1e999",
    b"nan",
    b"-inf",
    b"0.5",
    b"1_0",
    b"9" * 400,
    b"9" * 5000,
    "٣".encode(),
    b"0x10",
    b"",
)
"""What may stand where a number is expected."""

TOKENS = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b'"',
    b",",
    b"\\",
    b"/",
    b"..",
    b"../",
    b"\xed\xa0\x80",
    b"{",
    b"[",
    b"}",
    b"]",
    b":",
    b"null",
    b"NaN",
    b"\\ud800",
    b"\\u0000",
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b"A" * 5000,
    b" " * 300,
)
"""What may be put anywhere."""

_INTEGERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF,
    0x10000,
    0x20000000,
)

VALUES: tuple[Any, ...] = (None, True, False, 0, -1, 1, 1 << 31, 1 << 63, -(1 << 63), 10**400)
VALUES += (
    0.5,
    float("nan"),
    float("inf"),
    "",
    "a",
    "\0",
    "\ud800",
    "..",
    "../../x",
    "/",
    "/dev/zero",
)
VALUES += ("zz", [], {}, [[]], [None], {"a": None}, "A" * 5000, ["a", 1], "9" * 5000, 0o4777, 1e308)
"""What may stand in place of any value of a JSON document."""

DEEP = "\ue000nested\ue000"
"""Stands for a list in a list and so on, a hundred thousand times."""

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def damaged(
    draw: Draw, seeds: Sequence[bytes], tokens: Sequence[bytes] = (), most: int = 4
) -> bytes:
    """Draw one of the seeds with a few mutations, or now and then just any bytes."""
    if draw(st.integers(0, 15)) == 15:
        return draw(st.binary(max_size=300))
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, most))):
        data = draw(st.sampled_from(_WAYS))(draw, data, [*seeds, *TOKENS, *tokens])
    return data


def _places(draw: Draw, data: bytes, longest: int) -> tuple[int, int]:
    start = draw(st.integers(0, len(data)))
    return start, min(len(data), start + draw(st.integers(1, longest)))


def _flip(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x01"
    place, bit = divmod(draw(st.integers(0, 8 * len(data) - 1)), 8)
    return data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]


def _zero(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _places(draw, data, 64)
    return data[:start] + bytes(end - start) + data[end:]


def _truncate(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _cut_out(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _places(draw, data, 40)
    return data[:start] + data[end:]


def _repeat(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _places(draw, data, 200)
    return data[:end] + data[start:end] * draw(st.integers(1, 3)) + data[end:]


def _insert(draw: Draw, data: bytes, others: Sequence[bytes]) -> bytes:
    start, end = _places(draw, data, 8)
    kept = end if draw(st.booleans()) else start
    return data[:start] + draw(st.sampled_from(others)) + data[kept:]


def _splice(draw: Draw, data: bytes, others: Sequence[bytes]) -> bytes:
    other = draw(st.sampled_from(others))
    return data[: draw(st.integers(0, len(data)))] + other[draw(st.integers(0, len(other))) :]


def _binary_number(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    size = draw(st.sampled_from((1, 2, 4, 8)))
    number = draw(st.sampled_from(_INTEGERS)) & ((1 << 8 * size) - 1)
    start = draw(st.integers(0, len(data)))
    return (data[:start] + number.to_bytes(size, draw(st.sampled_from(("little", "big"))))) + data[
        start + size :
    ]


def _text_number(draw: Draw, data: bytes, others: Sequence[bytes]) -> bytes:
    numbers = list(_NUMBER.finditer(data))
    if not numbers:
        return _insert(draw, data, others)
    number = draw(st.sampled_from(numbers))
    return data[: number.start()] + draw(st.sampled_from(NUMBERS)) + data[number.end() :]


def _swap_lines(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


_WAYS = (
    _flip,
    _zero,
    _truncate,
    _cut_out,
    _repeat,
    _insert,
    _splice,
    _binary_number,
    _text_number,
    _swap_lines,
)


@st.composite
def damaged_json(
    draw: Draw, documents: Sequence[Any], values: Sequence[Any] = (), most: int = 2
) -> Any:
    """Draw a document in which some values are replaced, left out, renamed or exchanged."""
    document = deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, most))):
        places = list(_branches(document))
        if not places:
            break
        parent, key = draw(st.sampled_from(places))
        way = draw(st.sampled_from(("value", "value", "value", "other", "drop", "rename", "deep")))
        if way == "value":
            parent[key] = deepcopy(draw(st.sampled_from([*VALUES, *values])))
        elif way == "other":
            one, its_key = draw(st.sampled_from(places))
            parent[key] = deepcopy(one[its_key])
        elif way == "drop":
            del parent[key]
        elif way == "rename" and isinstance(parent, dict):
            parent[draw(st.sampled_from(("x", "", "\0", f"{key} ")))] = parent.pop(key)
        else:
            parent[key] = DEEP
    return document


def _branches(document: Any) -> Any:
    """Yield each container with each of its keys, the outermost first."""
    keys: Any = ()
    if isinstance(document, dict):
        keys = list(document)
    elif isinstance(document, list):
        keys = range(len(document))
    for key in keys:
        yield document, key
        yield from _branches(document[key])


def as_json(document: Any) -> bytes:
    """Write a document of :func:`damaged_json`."""
    text = json.dumps(document).encode()
    return text.replace(json.dumps(DEEP).encode(), b"[" * 100_000 + b"]" * 100_000)


@st.composite
def damaged_arrays(
    draw: Draw, seeds: Sequence[Mapping[str, NDArray[Any]]]
) -> dict[str, NDArray[Any]]:
    """Draw named arrays of which one or two have other values, another shape or type."""
    arrays = {name: array.copy() for name, array in draw(st.sampled_from(seeds)).items()}
    for _ in range(draw(st.integers(1, 2))):
        if not arrays:
            break
        name = draw(st.sampled_from(sorted(arrays)))
        way = draw(st.sampled_from(_ARRAY_WAYS))
        changed = way(draw, arrays[name])
        if changed is None:
            del arrays[name]
        else:
            arrays[name] = changed
    return arrays


def _one_value(draw: Draw, array: NDArray[Any]) -> NDArray[Any]:
    if array.size and array.dtype.kind in "iuf":
        limits = np.finfo(array.dtype) if array.dtype.kind == "f" else np.iinfo(array.dtype)
        values = [limits.min, limits.max, 0, 1]
        values += [np.nan, np.inf, -np.inf, 1e-30] if array.dtype.kind == "f" else []
        array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(values))
    return array


def _all_values(draw: Draw, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind in "iuf":
        values = [0, 1, *([np.nan, np.inf, 1e30] if array.dtype.kind == "f" else [])]
        array[...] = draw(st.sampled_from(values))
    return array


_ARRAY_WAYS: tuple[Callable[[Draw, NDArray[Any]], NDArray[Any] | None], ...] = (
    _one_value,
    _all_values,
    lambda _, array: array[:0] if array.shape else array,
    lambda _, array: array[:1] if array.shape else array,
    lambda _, array: array[None],
    lambda _, array: array.ravel(),
    lambda _, array: array.T,
    lambda _, array: np.array(3),
    lambda _, array: np.array("text"),
    lambda _, array: array.astype(np.complex128) if array.dtype.kind in "iuf" else array,
    lambda _, array: array.astype(np.float64) if array.dtype.kind in "iuf" else array,
    lambda _, array: array.astype(np.int8) if array.dtype.kind in "iu" else array,
    lambda _, array: array.astype("S"),
    lambda _, array: np.concatenate([array, array]) if array.shape else array,
    lambda _, array: None,
)
