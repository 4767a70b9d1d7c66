"""Networks of torchvision with weights of a seed, made by torchvision itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision import models

SMALL = "shufflenet_v2_x0_5"
"""The one with the fewest weights."""

_OPTIONS = {
    "inception_v3": {"init_weights": False, "transform_input": True},
    "googlenet": {"init_weights": False, "transform_input": True},
}
"""Those with which torchvision makes the networks that its published weights are for."""


def network(name: str, seed: int = 1) -> nn.Module:
    """Make a network whose values neither vanish nor explode on their way through it."""
    torch.set_num_threads(1)  # of a machine with many tests, several are slow
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: nn.Module = models.get_model(name, weights=None, **_OPTIONS.get(name, {}))
        normalized = [one for one in made.modules() if isinstance(one, nn.BatchNorm2d)]
        for one in normalized:
            one.momentum = None  # so that one batch says all
        if normalized:
            size = models.get_model_weights(name).DEFAULT.transforms().crop_size[0]
            with torch.no_grad():
                made(torch.rand(2, 3, size, size))
    return made.eval()


def saved(path: Path, name: str = SMALL, seed: int = 1) -> Path:
    """Write the weights of such a network."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network(name, seed).state_dict(), path)
    return path


def last_layer(made: nn.Module) -> nn.Linear:
    """Find what decides on the classes."""
    layers = [
        one
        for name, one in made.named_modules()
        if isinstance(one, nn.Linear) and not name.lower().startswith("aux")
    ]
    return layers[-1]


def seen_by_last_layer(made: nn.Module, image: np.ndarray, transforms: Any) -> np.ndarray:
    """Run a network on an image, and return what comes to its last layer."""
    seen = []
    hook = last_layer(made).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.inference_mode():
        made(transforms(Image.fromarray(image))[None])
    hook.remove()
    return seen[0][0].numpy()
