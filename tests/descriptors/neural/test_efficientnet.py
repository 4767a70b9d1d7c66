"""The network against the layers computed otherwise, and what it sees in photographs."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator
from scipy.signal import correlate2d

from cbir.descriptors.neural.checkpoint import read_checkpoint
from cbir.descriptors.neural.cnn import _WEIGHTS, PACKAGE, Cnn
from cbir.descriptors.neural.efficientnet import INPUT, efficientnet_lite0
from cbir.images.image_source import open_image
from tests.conftest import DATA

CATS, TIGERS = range(281, 286), (292,)
"""Classes of ImageNet."""


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return read_checkpoint(Path(str(files(PACKAGE) / _WEIGHTS)).read_bytes())


@pytest.fixture(scope="module")
def model(weights: Any) -> bytes:
    return efficientnet_lite0(weights)


def test_the_file_is_what_the_format_wants(model: bytes) -> None:
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)


def test_onnxruntime_computes_what_the_format_defines(model: bytes) -> None:
    pixels = np.random.default_rng(1).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {INPUT: pixels})
    (expected,) = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {INPUT: pixels})
    assert got.shape == expected.shape == (1, 1280, 2, 3)
    assert np.allclose(got, expected, atol=1e-3)


def test_a_layer_is_its_convolution_normalized_and_padded_as_tensorflow_does(
    weights: Any, model: bytes
) -> None:
    graph = onnx.load_from_string(model).graph
    first = next(node for node in graph.node if node.op_type == "Clip").output[0]
    pixels = np.random.default_rng(2).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)
    proto = onnx.load_from_string(model)
    proto.graph.output.append(onnx.helper.make_tensor_value_info(first, 1, None))
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (got,) = session.run([first], {INPUT: pixels})
    # "Same" at a stride of 2: 32 windows of 3 need one more row and column than there are, behind.
    padded = np.pad(pixels[0].astype(np.float64), ((0, 0), (0, 1), (0, 1)))
    kernels = weights["_conv_stem.weight"].astype(np.float64)
    summed = np.stack(
        [
            sum(correlate2d(padded[c], kernel[c], "valid") for c in range(3))[::2, ::2]
            for kernel in kernels
        ]
    )
    scale, offset, mean, variance = (
        weights[f"_bn0.{name}"].astype(np.float64)[:, None, None]
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    expected = np.clip((summed - mean) / np.sqrt(variance + 1e-3) * scale + offset, 0, 6)
    assert got.shape == (1, 32, 32, 32)
    assert np.allclose(got[0], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("cats/cat-1", CATS), ("cats/cat-2", CATS), ("tigers/tiger-3", TIGERS)],
)
def test_with_its_last_layer_it_names_what_photographs_show(
    weights: Any, name: str, classes: Any
) -> None:
    descriptor = Cnn()
    image = open_image(DATA / f"{name}.jpg").pixels(descriptor.working_size)
    values = descriptor.forward(descriptor.preprocessing.array(image)).mean(axis=(2, 3))[0]
    scores = weights["_fc.weight"] @ values + weights["_fc.bias"]
    assert scores.argmax() in classes


def test_weights_of_another_network_are_refused(weights: Any) -> None:
    without = {name: array for name, array in weights.items() if name != "_blocks.3._bn1.bias"}
    with pytest.raises(ValueError, match=r"no _blocks\.3\._bn1\.bias"):
        efficientnet_lite0(without)
    with pytest.raises(ValueError, match="no _conv_head"):
        efficientnet_lite0({**weights, "_conv_head.weight": np.zeros((5, 320, 1, 1))})
    with pytest.raises(ValueError, match="not finite"):
        efficientnet_lite0({**weights, "_bn1.bias": np.full(1280, np.nan)})
