"""A network of torchvision: its structure, its published weights, and what comes before classes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, UsageError, cause_of, first_few
from cbir.core.optional_packages import optional_module
from cbir.core.suggestions import did_you_mean
from cbir.descriptors.neural.preprocessing import size_for_shorter
from cbir.descriptors.neural.torch_thread import EXTRA, TORCH
from cbir.descriptors.neural.torch_weights import read_weights
from cbir.images.pixels import Pixels

TORCHVISION = "torchvision"

_WITH_HELPERS = ("googlenet", "inception_v3")
"""Networks with further classifiers, that only help to train them."""

_HELPERS = ("aux1.", "aux2.", "AuxLogits.")


@dataclass(frozen=True)
class TorchvisionModel:
    """A network for the classes of ImageNet, without weights.

    Parameters
    ----------
    name : str
        As torchvision calls it.
    weights : str
        The SHA-256 of the file of its weights, in hexadecimal. Files that torchvision publishes
        are told from each other by it; any other file stands for the usual one of these.

    Raises
    ------
    UsageError
        When there is none of that name.
    """

    name: str
    weights: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that torchvision does not know."""
        there = self._models.list_models(module=self._models)
        if self.name not in there:
            raise UsageError(
                f"torchvision has no network {self.name!r} for classes of images; it has:"
                f" {first_few(there)}{did_you_mean(self.name, there)}"
            )

    @property
    def cached_path(self) -> str:
        """Where PyTorch keeps the usual weights, once it has downloaded them."""
        hub = optional_module(TORCH, "torch", EXTRA).hub
        file = os.path.basename(urlsplit(self._published.DEFAULT.url).path)
        return os.path.join(hub.get_dir(), "checkpoints", file)

    @property
    def dimension(self) -> int:
        """Numbers that the classes are decided by."""
        return int(self._structure.get_submodule(self._last_layer).in_features)

    @cached_property
    def transforms(self) -> Transforms:
        """What the weights were made for."""
        return Transforms(self._member.transforms())

    def loaded(self, data: bytes) -> Any:
        """Return the network, a ``torch.nn.Module``, which any number of threads may call.

        Parameters
        ----------
        data : bytes
            The file of its weights.

        Returns
        -------
        torch.nn.Module
            From (images, 3, height, width) in float32 to (images, dimension).

        Raises
        ------
        ValueError
            When the file cannot be used.
        """
        network, last = self._built(), self._last_layer
        network.set_submodule(last, optional_module(TORCH, "torch", EXTRA).nn.Identity())
        ignored = (f"{last}.", *(_HELPERS if self.name in _WITH_HELPERS else ()))
        network.load_state_dict(read_weights(data, network, ignored), assign=True)
        return network.eval().requires_grad_(False)

    @cached_property
    def _structure(self) -> Any:
        return self._built()

    @cached_property
    def _last_layer(self) -> str:
        linear = optional_module(TORCH, "torch", EXTRA).nn.Linear
        layers = [name for name, one in self._structure.named_modules() if isinstance(one, linear)]
        if not layers:
            raise UsageError(
                f"{self.name} has a map of each class, and no vector that the classes are decided"
                " by; choose another network"
            )
        return layers[-1]

    def _built(self) -> Any:
        """Make the network without room for its weights."""
        options: dict[str, Any] = {}
        if self.name in _WITH_HELPERS:
            # As torchvision makes them for the weights that it publishes.
            options = {"aux_logits": False, "transform_input": True, "init_weights": False}
        elif self.name.startswith("vit_"):
            options = {"image_size": self._member.meta["min_size"][0]}
        with _without_room():
            return self._models.get_model(self.name, weights=None, **options)

    @cached_property
    def _member(self) -> Any:
        """The published weights that the file is one of, or the usual ones."""
        for one in self._published:
            digits = os.path.splitext(one.url)[0].rpartition("-")[2]
            if digits and self.weights.startswith(digits):
                return one
        return self._published.DEFAULT

    @cached_property
    def _published(self) -> Any:
        return self._models.get_model_weights(self.name)

    @property
    def _models(self) -> Any:
        optional_module(TORCH, "torch", EXTRA)  # said to be missing before what needs it
        try:
            return optional_module(TORCHVISION, "torch", EXTRA).models
        except CbirError:
            raise
        except Exception as error:  # as it does beside a PyTorch that it was not made for
            raise CbirError(
                f"torchvision does not load: {cause_of(error)}; install it again, with the torch"
                f" that it is made for: pip install 'cbir[{EXTRA}]'"
            ) from None


@dataclass(frozen=True)
class Transforms:
    """The transforms that torchvision gives with weights, as a preparation of images.

    Parameters
    ----------
    given : callable
        From an image of Pillow's to a tensor.
    """

    given: Any

    channels_last = False

    @property
    def working_size(self) -> int | None:
        """The smallest working size that has the pixels the network is to see."""
        return size_for_shorter(max(*self.given.resize_size, *self.given.crop_size))

    @property
    def identity(self) -> dict[str, Any]:
        """All on which the numbers depend."""
        return {
            "resize": self.given.resize_size,
            "crop": self.given.crop_size,
            "interpolation": self.given.interpolation.value,
            "mean": self.given.mean,
            "deviation": self.given.std,
        }

    def array(self, image: Pixels) -> NDArray[np.float32]:
        """Return what the network takes for an RGB image, shape (1, 3, height, width)."""
        from PIL import Image

        array: NDArray[np.float32] = self.given(Image.fromarray(image)).numpy()[None]
        return array


def _without_room() -> Any:
    """Return a context in which networks get no memory for their weights, and no random ones."""
    torch = optional_module(TORCH, "torch", EXTRA)
    mode: Any = torch.overrides.TorchFunctionMode
    makers = (torch.empty, torch.zeros, torch.ones)

    class WithoutRoom(mode):  # type: ignore[misc]
        """Not a device for all: some structures are computed by tensors."""

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            options = {"device": "meta"} if function in makers else {}
            return function(*args, **{**(kwargs or {}), **options})

    return WithoutRoom()
