"""ONNX files that were made to do harm, and damaged ones."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cbir.core.errors import CbirError
from cbir.descriptors.neural import model_file
from cbir.descriptors.neural.model_file import read_model
from cbir.descriptors.neural.onnx_network import OnnxNetwork
from cbir.descriptors.neural.protobuf import bytes_field
from tests.descriptors.neural.networks import means, saved

IMAGE = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, 8, 8))
VECTOR = helper.make_tensor_value_info("vector", TensorProto.FLOAT, None)
SUM = helper.make_node("ReduceSum", ["image"], ["vector"], keepdims=0)


def refused(path: Path, reason: str) -> None:
    with pytest.raises(CbirError, match=reason):
        OnnxNetwork(str(path), "unit").describe(np.zeros((8, 8, 3), np.uint8))


def external(location: str) -> TensorProto:
    tensor = TensorProto(name="kept", data_type=TensorProto.FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


@pytest.mark.parametrize("location", ["numbers.bin", "../numbers.bin", "/etc/passwd"])
def test_numbers_in_other_files_are_refused(location: str, tmp_path: Path) -> None:
    (tmp_path / "numbers.bin").write_bytes(bytes(12))
    add = helper.make_node("Add", ["image", "kept"], ["vector"])
    model = saved(tmp_path / "a" / "net.onnx", [add], [IMAGE], [VECTOR], [external(location)])
    refused(model, "in other files")


def test_also_in_a_node_a_branch_or_a_function(tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["kept"], value=external("numbers.bin"))
    in_node = saved(tmp_path / "node.onnx", [constant, SUM], [IMAGE], [VECTOR])
    refused(in_node, "in other files")
    branch = helper.make_graph(
        [constant], "branch", [], [helper.make_empty_tensor_value_info("kept")]
    )
    test = numpy_helper.from_array(np.array(True), "test")
    choice = helper.make_node("If", ["test"], ["either"], then_branch=branch, else_branch=branch)
    in_branch = saved(tmp_path / "branch.onnx", [choice, SUM], [IMAGE], [VECTOR], [test])
    refused(in_branch, "in other files")
    model = onnx.load(means(tmp_path / "net.onnx"))
    operators = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("ours", "f", [], ["kept"], [constant], operators))
    onnx.save(model, tmp_path / "function.onnx")
    refused(tmp_path / "function.onnx", "in other files")


@pytest.mark.parametrize("sizes", [[1 << 40], [1 << 20, 1 << 20], [-1], [1 << 62, 1 << 62]])
def test_tensors_said_to_be_larger_than_they_are_are_refused(sizes: Any, tmp_path: Path) -> None:
    tensor = TensorProto(name="kept", data_type=TensorProto.FLOAT, dims=sizes, raw_data=bytes(12))
    add = helper.make_node("Add", ["image", "kept"], ["vector"])
    refused(saved(tmp_path / "net.onnx", [add], [IMAGE], [VECTOR], [tensor]), "than it has")


@pytest.mark.parametrize("operator", ["ConstantOfShape", "Expand", "Tile"])
@pytest.mark.parametrize("as_node", [False, True])
def test_tensors_made_out_of_nothing_are_refused(
    operator: str, as_node: bool, tmp_path: Path
) -> None:
    shape = numpy_helper.from_array(np.array([1 << 20, 1 << 12, 1, 1]), "shape")
    nodes = [helper.make_node("Constant", [], ["shape"], value=shape)] if as_node else []
    inputs = ["shape"] if operator == "ConstantOfShape" else ["image", "shape"]
    nodes += [helper.make_node(operator, inputs, ["huge"]), SUM]
    model = saved(tmp_path / "net.onnx", nodes, [IMAGE], [VECTOR], [] if as_node else [shape])
    refused(model, "out of nothing")


@pytest.mark.parametrize("form", ["raw", "packed", "value_ints"])
@pytest.mark.parametrize("shape", [[1] * 17 + [1 << 40], [1] * 65, [1 << 62] * 5000])
def test_however_a_shape_is_kept(form: str, shape: Any, tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["shape"], value_ints=shape)
    if form != "value_ints":
        dims = [len(shape)]
        tensor = helper.make_tensor("shape", TensorProto.INT64, dims, shape)
        if form == "raw":
            tensor = numpy_helper.from_array(np.array(shape), "shape")
        constant = helper.make_node("Constant", [], ["shape"], value=tensor)
    nodes = [constant, helper.make_node("ConstantOfShape", ["shape"], ["huge"]), SUM]
    refused(saved(tmp_path / "net.onnx", nodes, [IMAGE], [VECTOR]), "out of nothing")


def test_a_tensor_of_many_dimensions_is_refused(tmp_path: Path) -> None:
    tensor = TensorProto(name="kept", data_type=TensorProto.FLOAT, dims=[1] * 65, raw_data=bytes(4))
    refused(saved(tmp_path / "net.onnx", [SUM], [IMAGE], [VECTOR], [tensor]), "64 dimensions")


def test_many_whole_numbers_are_no_shape_and_welcome(tmp_path: Path) -> None:
    """Multiplied with each other, they would take hours, and the time of a test ends before."""
    table = helper.make_tensor("table", TensorProto.INT64, [1 << 20], [1 << 62] * (1 << 20))
    model = saved(tmp_path / "net.onnx", [SUM], [IMAGE], [VECTOR], [table])
    assert len(read_model(model.read_bytes()).outputs) == 1


def test_packed_numbers_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(model_file, "_MOST_FIELDS", 1000)
    tensors = [
        bytes_field(5, bytes_field(1, bytes([1] * 60)) + bytes_field(9, bytes(4)))
        for _ in range(20)
    ]
    graph = b"".join(tensors) + bytes_field(12, bytes_field(1, "vector"))
    (tmp_path / "net.onnx").write_bytes(bytes_field(7, graph))
    refused(tmp_path / "net.onnx", "more than 1,000 parts")


def test_random_tensors_of_any_size_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("RandomNormal", [], ["huge"], shape=[1 << 20, 1 << 20])
    refused(saved(tmp_path / "net.onnx", [node, SUM], [IMAGE], [VECTOR]), "out of nothing")


def test_loops_are_refused(tmp_path: Path) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, ()),
            helper.make_tensor_value_info("go", TensorProto.BOOL, ()),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, ())],
    )
    constants = [numpy_helper.from_array(np.array(True), "go_on")]
    loop = helper.make_node("Loop", ["", "go_on"], [], body=body)
    refused(saved(tmp_path / "net.onnx", [loop, SUM], [IMAGE], [VECTOR], constants), "never end")


def test_operators_of_other_libraries_are_refused_by_onnxruntime(tmp_path: Path) -> None:
    node = helper.make_node("Evil", ["image"], ["vector"], domain="evil")
    model = saved(tmp_path / "net.onnx", [node], [IMAGE], [VECTOR], domains=["evil"])
    refused(model, "onnxruntime cannot run it")


def test_graphs_nested_deep_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Other", ["test"], ["x"], body=helper.make_graph([], "inner", [], []))
    for _ in range(20):
        node = helper.make_node("Other", [], ["x"], body=helper.make_graph([node], "outer", [], []))
    refused(saved(tmp_path / "net.onnx", [node, SUM], [IMAGE], [VECTOR]), "nested too deep")


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", bytes(100), b"\xff" * 100, b"\x3a\xff\xff\xff\xff\x7f", b"ORTM" * 9]
)
def test_what_is_no_onnx_file_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(data)
    refused(tmp_path / "net.onnx", "no ONNX file")


def test_a_damaged_file_is_refused_or_read_and_never_anything_else(tmp_path: Path) -> None:
    data = means(tmp_path / "net.onnx").read_bytes()
    for length in range(len(data)):
        _read_or_refuse(data[:length])
    for place in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(data)
            damaged[place] ^= flip
            _read_or_refuse(bytes(damaged))


def _read_or_refuse(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_model(data)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "cannot read the model")
    refused(Path("/dev/zero"), "cannot read the model")
    refused(tmp_path / "none.onnx", "cannot read the model")


def test_a_link_to_a_model_is_followed(tmp_path: Path) -> None:
    model = means(tmp_path / "net.onnx")
    (tmp_path / "link.onnx").symlink_to(model)
    assert OnnxNetwork(str(tmp_path / "link.onnx"), "unit").dimension == 3
