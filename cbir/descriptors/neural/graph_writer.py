"""Write a network as an ONNX file: convolutions and what goes with them.

References
----------
``onnx.proto3`` of https://github.com/onnx/onnx, whose numbers of fields and of types these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.neural.protobuf import bytes_field, number_field

_IR_VERSION = 8
_OPERATORS = 17
"""The version of the format and of the set of operators: of 2022, which any onnxruntime reads."""

_FLOAT, _INT, _INTS = 1, 2, 7
"""Types of a tensor, and of attributes."""


class GraphWriter:
    """A graph of single-precision tensors that grows node by node.

    Examples
    --------
    >>> graph = GraphWriter("pixels", (1, 3, None, None))
    >>> halved = graph.convolution("pixels", np.full((3, 3, 1, 1), 0.5), np.zeros(3))
    >>> model = graph.model(halved, (1, 3, None, None))
    """

    def __init__(self, name: str, shape: Sequence[int | None]) -> None:
        self._input = _value(name, shape)
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def convolution(
        self,
        source: str,
        weights: NDArray[Any],
        bias: NDArray[Any],
        stride: int = 1,
        pads: Sequence[int] = (0, 0, 0, 0),
        groups: int = 1,
    ) -> str:
        """Add a convolution; return the name of what it gives.

        Parameters
        ----------
        source : str
            The name of a tensor, shape (n, groups * c, h, w).
        weights : ndarray, shape (outputs, c, kh, kw)
        bias : ndarray, shape (outputs,)
        stride : int
        pads : sequence of int
            Zeros above, on the left, below, on the right. They are always written: what "same"
            means differs from one program to another.
        groups : int
        """
        attributes = {
            "group": groups,
            "kernel_shape": weights.shape[2:],
            "pads": pads,
            "strides": (stride, stride),
        }
        inputs = [source, self._constant(weights), self._constant(bias)]
        return self._node("Conv", inputs, attributes)

    def clip(self, source: str, low: float, high: float) -> str:
        """Add a limit to what values may be; return the name of what it gives."""
        return self._node("Clip", [source, *map(self._constant, (low, high))], {})

    def sum(self, left: str, right: str) -> str:
        """Add a sum of two tensors; return its name."""
        return self._node("Add", [left, right], {})

    def model(self, output: str, shape: Sequence[int | None]) -> bytes:
        """Return the file, which gives the tensor named `output`."""
        graph = b"".join(
            (
                *(bytes_field(1, node) for node in self._nodes),
                bytes_field(2, "cbir"),
                *(bytes_field(5, constant) for constant in self._constants),
                bytes_field(11, self._input),
                bytes_field(12, _value(output, shape)),
            )
        )
        operators = bytes_field(1, "") + number_field(2, _OPERATORS)
        return number_field(1, _IR_VERSION) + bytes_field(7, graph) + bytes_field(8, operators)

    def _node(self, operator: str, inputs: Sequence[str], attributes: dict[str, Any]) -> str:
        name = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(
            b"".join(
                (
                    *(bytes_field(1, one) for one in inputs),
                    bytes_field(2, name),
                    bytes_field(3, name),
                    bytes_field(4, operator),
                    *(bytes_field(5, _attribute(*item)) for item in attributes.items()),
                )
            )
        )
        return name

    def _constant(self, value: Any) -> str:
        array = np.asarray(value, "<f4")
        name = f"constant_{len(self._constants)}"
        self._constants.append(
            b"".join(
                (
                    *(number_field(1, size) for size in array.shape),
                    number_field(2, _FLOAT),
                    bytes_field(8, name),
                    bytes_field(9, array.tobytes()),
                )
            )
        )
        return name


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return bytes_field(1, name) + number_field(3, value) + number_field(20, _INT)
    numbers = b"".join(number_field(8, one) for one in value)
    return bytes_field(1, name) + numbers + number_field(20, _INTS)


def _value(name: str, shape: Sequence[int | None]) -> bytes:
    """Return name and type of an input or an output; None is a size that may be any."""
    sizes = (
        bytes_field(2, f"{name}_{axis}") if size is None else number_field(1, size)
        for axis, size in enumerate(shape)
    )
    tensor = number_field(1, _FLOAT) + bytes_field(
        2, b"".join(bytes_field(1, one) for one in sizes)
    )
    return bytes_field(1, name) + bytes_field(2, bytes_field(1, tensor))
