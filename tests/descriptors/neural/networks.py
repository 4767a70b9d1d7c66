"""Small ONNX networks with answers that are known, made by the package onnx."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Size = int | str | None

TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "int64": TensorProto.INT64,
}


def means(
    path: Path,
    shape: Sequence[Size] = (1, 3, 8, 8),
    dtype: str = "float32",
    outputs: Sequence[str] = ("vector",),
) -> Path:
    """Write a network that gives the mean of each channel, in single precision.

    With several outputs, the n-th is the mean plus n.
    """
    last = shape[1] != 3
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node(
            "ReduceMean", ["numbers"], ["mean"], axes=[1, 2] if last else [2, 3], keepdims=0
        ),
    ]
    constants = []
    for number, name in enumerate(outputs):
        constants.append(numpy_helper.from_array(np.float32([number]), f"added_{number}"))
        nodes.append(helper.make_node("Add", ["mean", f"added_{number}"], [name]))
    return saved(
        path,
        nodes,
        [helper.make_tensor_value_info("image", TYPES[dtype], shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], 3]) for name in outputs],
        constants,
    )


def as_it_is(path: Path, shape: Sequence[Size] = (1, 3, None, None), **options: Any) -> Path:
    """Write a network that gives its input."""
    nodes = [helper.make_node("Identity", ["image"], ["map"])]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("image", "map")
    ]
    return saved(path, nodes, values[:1], values[1:], **options)


def saved(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: Sequence[Any] = (),
    domains: Sequence[str] = (),
) -> Path:
    """Write a graph as a file."""
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(constants))
    operators = [helper.make_opsetid("", 17), *(helper.make_opsetid(one, 1) for one in domains)]
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=operators, ir_version=8), path)
    return path
