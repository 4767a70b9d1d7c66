"""Read what an ONNX file says of itself, and refuse what no network of images needs.

onnxruntime reads files beside the one it is given where that one says so, sets memory aside for
whatever size is stated, and goes round loops as often as it is told. So a file is looked through
before it gets there.

References
----------
``onnx.proto3`` of https://github.com/onnx/onnx, whose numbers of fields these are.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from cbir.descriptors.neural.protobuf import Value, fields, signed, whole_numbers

MOST_BYTES = (1 << 31) - 1
"""Of a file; Protocol Buffers allow no more."""

_MOST_MADE = 1 << 26
"""Numbers that a node may make out of a stated shape."""

_MOST_DIMENSIONS = 64
"""Of a tensor; networks have up to eight or so."""

_MOST_FIELDS = 5_000_000
_DEEPEST = 16
"""Graphs within graphs."""

_REFUSED = frozenset(("Loop", "Scan"))
"""Operators that may go on for ever."""

_MAKERS = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1}
"""Operators that make a tensor as large as one of their inputs says: which."""

_SHAPED = frozenset(("RandomNormal", "RandomUniform"))
"""Operators that make a tensor as large as an attribute says."""

_EXTERNAL = 1

TYPES = {1: "float32", 2: "uint8", 10: "float16"}
"""Of the numbers that an input may take, by what the format calls them."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What is said of an input or an output.

    Attributes
    ----------
    name : str
    dtype : str or None
        ``float32``, ``uint8``, ``float16``, or None for another type.
    shape : tuple of (int or None), or None
        None is a size that may be any; None for the whole, where nothing is said.
    """

    name: str
    dtype: str | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What an ONNX file says of itself.

    Attributes
    ----------
    sha256 : str
        Of the file.
    inputs, outputs : tuple of TensorInfo
        The inputs without those that the file has values for.
    """

    sha256: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def read_model(data: bytes) -> ModelInfo:
    """Look through an ONNX file.

    Raises
    ------
    ValueError
        When it is none, when it keeps numbers in other files, has loops, or states sizes that it
        has not the numbers for, or that no tensor has.

    Examples
    --------
    >>> read_model(b"GIF89a")
    Traceback (most recent call last):
    ...
    ValueError: it is no ONNX file
    """
    try:
        walk = _Walk()
        walk.model(memoryview(data))
    except UnicodeDecodeError:
        raise ValueError("a name in it is no text") from None
    except _RefusedError:
        raise
    except ValueError:
        raise ValueError("it is no ONNX file") from None
    if not walk.outputs:
        raise ValueError("it is no ONNX file")
    inputs = (one for one in walk.inputs if one.name not in walk.given)
    return ModelInfo(hashlib.sha256(data).hexdigest(), tuple(inputs), tuple(walk.outputs))


class _RefusedError(ValueError):
    """What it says is understood, and not wanted."""


class _Walk:
    """Goes through all messages of a file that matter."""

    def __init__(self) -> None:
        self.inputs: list[TensorInfo] = []
        self.outputs: list[TensorInfo] = []
        self.given: set[str] = set()
        self._fields = 0
        self._shapes: dict[str, int] = {}
        """By the name of a constant of whole numbers: how much a shape of it would hold."""

    def model(self, message: memoryview) -> None:
        for number, value in self._messages(message):
            if number == 7:
                self._graph(value, 0)
            elif number == 20:  # of training
                for _, graph in self._messages(value):
                    self._graph(graph, 1)
            elif number == 25:  # functions
                self._nodes(value, 7, 1)

    def _graph(self, message: memoryview, depth: int) -> None:
        if depth > _DEEPEST:
            raise _RefusedError("its graphs are nested too deep")
        for number, value in self._messages(message):
            if number == 5:
                name = self._tensor(value)
                if depth == 0:
                    self.given.add(name)
            elif number == 15:
                self._sparse(value)
            elif number == 11 and depth == 0:
                self.inputs.append(self._info(value))
            elif number == 12 and depth == 0:
                self.outputs.append(self._info(value))
        self._nodes(message, 1, depth)

    def _nodes(self, message: memoryview, field: int, depth: int) -> None:
        """Go through nodes, after the constants that they may take their shapes from."""
        for number, value in self._messages(message):
            if number == field:
                self._node(value, depth)

    def _node(self, message: memoryview, depth: int) -> None:
        operator, inputs, outputs = "", [], []
        attributes = []
        for number, value in self._messages(message):
            if number == 1:
                inputs.append(_text(value))
            elif number == 2:
                outputs.append(_text(value))
            elif number == 4:
                operator = _text(value)
            elif number == 5:
                attributes.append(value)
        if operator in _REFUSED:
            raise _RefusedError(f"it has the operator {operator}, which may never end")
        for attribute in attributes:
            self._attribute(attribute, operator, outputs, depth)
        place = _MAKERS.get(operator)
        if place is not None and place < len(inputs):
            _check_made(self._shapes.get(inputs[place], 0))

    def _attribute(
        self, message: memoryview, operator: str, outputs: list[str], depth: int
    ) -> None:
        numbers: list[int] = []
        for number, value in self._fields_of(message):
            if number == 8:
                self._add(numbers, whole_numbers(value))
            elif not isinstance(value, int):
                if number in (5, 10):
                    self._tensor(value, *(outputs if operator == "Constant" else ()))
                elif number in (22, 23):
                    self._sparse(value)
                elif number in (6, 11):
                    self._graph(value, depth + 1)
        if operator in _SHAPED:
            _check_made(_made(numbers))
        elif operator == "Constant" and numbers:
            self._shapes.update(dict.fromkeys(outputs, _made(numbers)))

    def _sparse(self, message: memoryview) -> None:
        numbers: list[int] = []
        for number, value in self._fields_of(message):
            if number == 3:
                self._add(numbers, whole_numbers(value))
            elif number in (1, 2) and not isinstance(value, int):
                self._tensor(value)
        _check_made(_made(numbers))

    def _tensor(self, message: memoryview, *names: str) -> str:
        """Check the size of a tensor; return its name."""
        sizes: list[int] = []
        name = ""
        values: list[int] = []
        for number, value in self._fields_of(message):
            if number == 1:
                self._add(sizes, whole_numbers(value))
            elif number == 7:
                self._add(values, whole_numbers(value))
            elif number == 8 and not isinstance(value, int):
                name = _text(value)
            elif number == 9 and not isinstance(value, int):
                self._add(values, _numbers_of_eight_bytes(value))
            elif number == 13 or (number == 14 and value == _EXTERNAL):
                raise _RefusedError(
                    "it keeps numbers in other files, which are not read; export it as one file"
                )
        if len(sizes) > _MOST_DIMENSIONS:
            raise _RefusedError(f"a tensor in it has more than {_MOST_DIMENSIONS} dimensions")
        # The smallest numbers take half a byte.
        if min(sizes, default=0) < 0 or math.prod(sizes) > 2 * len(message):
            raise _RefusedError("a tensor in it is said to have more numbers than it has")
        self._shapes.update(dict.fromkeys((name, *names), _made(values)))
        return name

    def _info(self, message: memoryview) -> TensorInfo:
        name, dtype, shape = "", None, None
        for number, value in self._messages(message):
            if number == 1:
                name = _text(value)
            elif number == 2:
                for kind, tensor in self._messages(value):
                    if kind == 1:
                        dtype, shape = self._type(tensor)
        return TensorInfo(name, dtype, shape)

    def _type(self, message: memoryview) -> tuple[str | None, tuple[int | None, ...] | None]:
        dtype, shape = None, None
        for number, value in self._fields_of(message):
            if number == 1 and isinstance(value, int):
                dtype = TYPES.get(value)
            elif number == 2 and not isinstance(value, int):
                shape = tuple(self._size(one) for _, one in self._messages(value))
        return dtype, shape

    def _size(self, message: memoryview) -> int | None:
        for number, value in self._fields_of(message):
            if number == 1 and isinstance(value, int) and signed(value) > 0:
                return value
        return None

    def _messages(self, message: memoryview) -> Iterator[tuple[int, memoryview]]:
        for number, value in self._fields_of(message):
            if not isinstance(value, int):
                yield number, value

    def _fields_of(self, message: memoryview) -> Iterator[tuple[int, Value]]:
        for field in fields(message):
            self._count(1)
            yield field

    def _add(self, sizes: list[int], numbers: Iterable[int]) -> None:
        """Add as many numbers as show that they are too many for a shape."""
        before = len(sizes)
        sizes += islice(numbers, _MOST_DIMENSIONS + 1 - before)
        self._count(len(sizes) - before)

    def _count(self, parts: int) -> None:
        self._fields += parts
        if self._fields > _MOST_FIELDS:
            raise _RefusedError(f"it has more than {_MOST_FIELDS:,} parts")


def _text(value: memoryview) -> str:
    return bytes(value).decode()


def _numbers_of_eight_bytes(value: memoryview) -> Iterator[int]:
    for place in range(0, len(value), 8):
        yield int.from_bytes(value[place : place + 8], "little", signed=True)


def _made(sizes: Sequence[int]) -> int:
    """Return how much a tensor of a shape would hold, as far as that may be made."""
    if len(sizes) > _MOST_DIMENSIONS:
        return _MOST_MADE + 1
    return min(math.prod(max(1, size) for size in sizes), _MOST_MADE + 1)


def _check_made(numbers: int) -> None:
    if numbers > _MOST_MADE:
        raise _RefusedError(
            f"it makes a tensor of more than {_MOST_MADE:,} numbers, or of more than"
            f" {_MOST_DIMENSIONS} dimensions, out of nothing"
        )
