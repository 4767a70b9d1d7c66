"""Weights of PyTorch: which file they are in, and what it holds; nothing in it is run."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from cbir.core.errors import first_few
from cbir.core.optional_packages import optional_module
from cbir.core.regular_files import open_regular
from cbir.descriptors.neural.torch_thread import EXTRA, TORCH

MOST_BYTES = 1 << 32
"""Of a file; the largest of torchvision has 2.6 GB."""

_OLD_DENSENET = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.([12]\.)")
"""Names in the files that torchvision publishes, in which numbers have a dot before them that the
names in its networks have lost since."""


_FIRST_SAFE = (2, 10)
"""Files of weights could corrupt memory in earlier versions of PyTorch, and run what was in them
(https://github.com/pytorch/pytorch/security/advisories/GHSA-63cw-57p8-fm3p)."""


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_weights(data: bytes, network: Any, ignored: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a network's state dictionary with the tensors of a file.

    Parameters
    ----------
    data : bytes
        A file that ``torch.save`` has written, of a state dictionary.
    network : torch.nn.Module
        Says the names, the shapes and the types. Whole numbers, which follow from its structure,
        are not read.
    ignored : tuple of str
        What the names of further tensors in the file may begin with.

    Raises
    ------
    ValueError
        When the file is damaged, is of another network, or holds more than tensors under names.
    """
    found = _tensors(data)
    state: dict[str, Any] = network.state_dict()
    wanted = {name: one for name, one in state.items() if one.is_floating_point()}
    lacking = [name for name in wanted if name not in found]
    if lacking:
        raise ValueError(f"these are the weights of another network, without {first_few(lacking)}")
    more = [name for name in found if name not in state and not name.startswith(ignored)]
    if more:
        raise ValueError(f"these are the weights of another network, with {first_few(more)}")
    state.update({name: _fitting(name, found[name], one) for name, one in wanted.items()})
    return state


def _tensors(data: bytes) -> dict[str, Any]:
    torch = optional_module(TORCH, "torch", EXTRA)
    if torch.__version__ < _FIRST_SAFE:
        raise ValueError(
            f"torch {torch.__version__} may run what is in it; install a later one:"
            f" pip install 'cbir[{EXTRA}]'"
        )
    _check_size(data)
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        # PyTorch's own message tells how to load it all the same, which runs what is in it.
        raise ValueError(
            "it is damaged, or holds more than weights and was not loaded; write it by"
            " torch.save(network.state_dict(), FILE)"
        ) from None
    except Exception as error:  # of many kinds, on damaged files
        raise ValueError(f"it is damaged: {type(error).__name__}") from None
    if not isinstance(loaded, Mapping) or not all(
        type(name) is str and isinstance(one, torch.Tensor) for name, one in loaded.items()
    ):
        raise ValueError(
            "it holds something else than tensors by name; write it by"
            " torch.save(network.state_dict(), FILE)"
        )
    return {_OLD_DENSENET.sub(r"\1\2", name): one for name, one in loaded.items()}


def _check_size(data: bytes) -> None:
    """Refuse an archive that unfolds to more than it has."""
    file = io.BytesIO(data)
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = [one.file_size for one in archive.infolist()]
    except Exception:  # the older format, or damaged in any way
        return
    if sum(sizes) > len(data):
        raise ValueError("it unfolds to more numbers than it has; write it by torch.save")


def _fitting(name: str, given: Any, wanted: Any) -> Any:
    """Return a tensor as the network needs it."""
    torch = optional_module(TORCH, "torch", EXTRA)
    if given.shape != wanted.shape:
        shapes = " × ".join(map(str, given.shape)), " × ".join(map(str, wanted.shape))
        raise ValueError(
            f"these are the weights of another network: {name} is {shapes[0]}, not {shapes[1]}"
        )
    is_plain = given.layout is torch.strided and given.device.type == "cpu"
    if not (is_plain and given.dtype.is_floating_point):
        raise ValueError(f"{name} is no tensor of plain numbers")
    return given.to(wanted.dtype).contiguous()
