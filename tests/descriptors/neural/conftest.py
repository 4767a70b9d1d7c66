"""The tests of ``torch`` are for the environment of ``.ci/run-torch``; elsewhere it is missing."""

from __future__ import annotations

from importlib.util import find_spec

_OF_TORCH = "test_torch_network test_torch_thread test_torch_weights test_torchvision_model"

collect_ignore = (
    []
    if find_spec("torchvision")
    else [f"{name}.py" for name in ("torch_networks", *_OF_TORCH.split())]
)
