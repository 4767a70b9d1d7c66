"""EfficientNet-Lite0 as an ONNX file, made from its published weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.neural.graph_writer import GraphWriter

Weights = Mapping[str, NDArray[Any]]
"""By the names that the checkpoint gives them."""

CHANNELS = 1280
"""Of what the last layer before the classes gives."""

STEP = 32
"""Pixels of the image for one place of the output, across and down."""

INPUT = "pixels"

_STAGES = (
    # blocks, kernel, stride of the first, channels given, times that many inside
    (1, 3, 1, 16, 1),
    (2, 3, 2, 24, 6),
    (2, 5, 2, 40, 6),
    (3, 3, 2, 80, 6),
    (3, 5, 1, 112, 6),
    (4, 5, 2, 192, 6),
    (1, 3, 1, 320, 6),
)

_STEM = 32
_VARIANCE_ADDED = 1e-3
_HIGHEST = 6.0
"""Of the values of a layer, which are never negative."""


def efficientnet_lite0(weights: Weights) -> bytes:
    """Write the network up to its last layer before the classes.

    Its input is an RGB image as (x - 127) / 128, shape (1, 3, height, width), both multiples of
    :data:`STEP`; its output has the shape (1, 1280, height / 32, width / 32). Normalizations of a
    layer's output are worked into its weights.

    Raises
    ------
    ValueError
        When the weights are of another network.

    References
    ----------
    M. Tan, Q. V. Le, "EfficientNet: rethinking model scaling for convolutional neural networks",
    ICML 2019. "Lite" is the authors' variant for small devices: without squeeze and excitation,
    and with ReLU6.
    """
    graph = GraphWriter(INPUT, (1, 3, None, None))
    network = _Layers(graph, weights)
    values = network.activated(INPUT, "_conv_stem", "_bn0", (_STEM, 3, 3, 3), stride=2)
    channels, block = _STEM, 0
    for blocks, kernel, stride, given, times in _STAGES:
        for number in range(blocks):
            first = stride if number == 0 else 1
            values = network.block(values, block, channels, given, times, kernel, first)
            channels, block = given, block + 1
    values = network.activated(values, "_conv_head", "_bn1", (CHANNELS, channels, 1, 1))
    return graph.model(values, (1, CHANNELS, None, None))


class _Layers:
    """Adds the network's layers to a graph."""

    def __init__(self, graph: GraphWriter, weights: Weights) -> None:
        self._graph, self._weights = graph, weights

    def block(
        self,
        source: str,
        block: int,
        channels: int,
        given: int,
        times: int,
        kernel: int,
        stride: int,
    ) -> str:
        """Add one that widens, looks around in each channel by itself, and narrows again."""
        name, inside = f"_blocks.{block}.", times * channels
        values = source
        if times > 1:
            shape = (inside, channels, 1, 1)
            values = self.activated(values, f"{name}_expand_conv", f"{name}_bn0", shape)
        shape = (inside, 1, kernel, kernel)
        names = f"{name}_depthwise_conv", f"{name}_bn1"
        values = self.activated(values, *names, shape, stride, groups=inside)
        shape = (given, inside, 1, 1)
        values = self._layer(values, f"{name}_project_conv", f"{name}_bn2", shape)
        is_sum = stride == 1 and given == channels
        return self._graph.sum(values, source) if is_sum else values

    def activated(
        self,
        source: str,
        convolution: str,
        normalization: str,
        shape: tuple[int, ...],
        stride: int = 1,
        groups: int = 1,
    ) -> str:
        """Add a layer whose values are limited to 0 to 6."""
        values = self._layer(source, convolution, normalization, shape, stride, groups)
        return self._graph.clip(values, 0.0, _HIGHEST)

    def _layer(
        self,
        source: str,
        convolution: str,
        normalization: str,
        shape: tuple[int, ...],
        stride: int = 1,
        groups: int = 1,
    ) -> str:
        weights = self._array(f"{convolution}.weight", shape)
        scale, offset, mean, variance = (
            self._array(f"{normalization}.{part}", shape[:1])
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / np.sqrt(variance + _VARIANCE_ADDED)
        # As TensorFlow pads: of an odd number of zeros, the greater part behind.
        missing = shape[2] - stride
        pads = (missing // 2, missing // 2, missing - missing // 2, missing - missing // 2)
        scaled = weights * factor[:, None, None, None]
        shifted = offset - mean * factor
        return self._graph.convolution(source, scaled, shifted, stride, pads, groups)

    def _array(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        if name not in self._weights or self._weights[name].shape != shape:
            raise ValueError(f"it has no {name} of the shape {shape}")
        array = self._weights[name].astype(np.float64)
        if not np.isfinite(array).all():
            raise ValueError(f"its {name} is not finite")
        return array
