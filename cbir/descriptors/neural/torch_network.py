"""The networks of torchvision, with the weights that it publishes or with a file of the user's."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.optional_packages import optional_module
from cbir.core.regular_files import read_regular
from cbir.descriptors.neural.network import Network
from cbir.descriptors.neural.pooling import Pooling
from cbir.descriptors.neural.torch_thread import EXTRA, TORCH, on_one_thread
from cbir.descriptors.neural.torch_weights import MOST_BYTES, sha256_of
from cbir.descriptors.neural.torchvision_model import TORCHVISION, TorchvisionModel, Transforms
from cbir.descriptors.parametrized import FILE
from cbir.images.pixels import Pixels


@dataclass(frozen=True)
class TorchNetwork(Network):
    """What the last layer of a network of torchvision decides by, before it names a class.

    Images are prepared by the transforms that torchvision gives with its weights.

    Parameters
    ----------
    model : str
        As torchvision calls it: ``resnet50``, ``mobilenet_v3_large``, ``vit_b_16`` and so on.
    weights : str
        A file of weights that ``torch.save`` has written; unless told otherwise the one that
        torchvision publishes, in PyTorch's cache. Nothing is downloaded.
    """

    model: str
    weights: str = dataclasses.field(default="", metadata={FILE: True})

    name: ClassVar[str] = "torch"
    version: ClassVar[int] = 1
    first: ClassVar[str] = "model"
    summary: ClassVar[str] = "what a ResNet, a ViT and others see, with weights that you have"
    modules: ClassVar[tuple[str, ...]] = (TORCH, TORCHVISION)
    extra: ClassVar[str] = EXTRA

    def __post_init__(self) -> None:
        """Refuse what makes no sense, whichever networks there are."""
        if not self.model:
            raise ValueError("model= names no network; give one, as in torch:model=resnet50")

    @property
    def dimension(self) -> int:
        """Numbers an image, as many as the last layer takes."""
        return self._dimension

    @cached_property
    def _dimension(self) -> int:
        return self._described.dimension

    @property
    def preprocessing(self) -> Transforms:
        """What is done to an image before the network gets it."""
        return self._described.transforms

    @property
    def pooling_of_map(self) -> Pooling:
        """How an output with many places becomes one vector: there is but one."""
        return Pooling()

    def vector(self, image: Pixels) -> NDArray[np.float32]:
        """Return what the network says of an image; see :meth:`Network.vector`."""
        _ = self._network  # read outside, once
        return on_one_thread(partial(super().vector, image))

    def forward(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return what the last layer takes; see :meth:`Network.forward`."""
        torch = optional_module(TORCH, self.name, EXTRA)
        output: NDArray[np.float32] = self._network(torch.from_numpy(array)).numpy()
        return output

    def _identity(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "weights": self._sha256,
            "preprocessing": self.preprocessing.identity,
        }

    @cached_property
    def _described(self) -> TorchvisionModel:
        return TorchvisionModel(self.model, self._sha256)

    @cached_property
    def _path(self) -> str:
        if self.weights:
            return self.weights
        network = TorchvisionModel(self.model)
        path = network.cached_path
        if os.path.exists(path):
            return path
        _ = network.dimension  # no weights are of any help where there is none
        code = (
            f"import torchvision; torchvision.models.get_model('{self.model}', weights='DEFAULT')"
        )
        raise CbirError(
            f"the weights of {self.model} are not in PyTorch's cache, as {printable(path)};"
            f' download them by python -c "{code}", or give a file, as in'
            f" {self.name}:{self.model},weights=FILE"
        )

    @cached_property
    def _sha256(self) -> str:
        try:
            return sha256_of(self._path)
        except (OSError, ValueError) as error:  # a NUL in the name
            raise self._error(error) from None

    @property
    def _network(self) -> Any:
        key = self.model, self._sha256
        with _lock:
            network = _networks.get(key)
            if network is None:
                network = _networks[key] = self._loaded()
        return network

    def _loaded(self) -> Any:
        try:
            data = read_regular(self._path, MOST_BYTES)
            if hashlib.sha256(data).hexdigest() != self._sha256:
                raise ValueError("the file was replaced while it was in use; begin again")
            return self._described.loaded(data)
        except (OSError, ValueError) as error:
            raise self._error(error) from None

    def _error(self, error: OSError | ValueError) -> CbirError:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        return CbirError(f"{printable(self._path)}: cannot use the weights: {reason}")


_networks: dict[tuple[str, str], Any] = {}
"""By their names and the SHA-256 of their weights: one for all descriptors and threads. Unlike a
session of onnxruntime, one has no threads, and is as good after a fork."""

_lock = threading.Lock()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
