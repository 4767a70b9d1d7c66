"""Read the weights of a PyTorch checkpoint without PyTorch, and without running what is in it.

A pickle may call any function of any package when it is loaded. This reader knows the five names
of which a table of weights is made, and each stands for something of its own here; a file that
names anything else is refused.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
"""What files of ``torch.save`` began with before PyTorch 1.6, which put no archive around them."""

_MOST_DIMENSIONS = 8

_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
"""Of numbers that weights are kept in, and of those that count training steps."""

_COUNT = np.dtype("<i8")


def read_checkpoint(data: bytes) -> dict[str, NDArray[Any]]:
    r"""Return the tensors of a state dictionary by name.

    Parameters
    ----------
    data : bytes
        A file of the older of the two formats that ``torch.save`` has written.

    Returns
    -------
    dict of str to ndarray
        They cannot be written to.

    Raises
    ------
    ValueError
        When it is no such file, is damaged, or holds more than numbers under names.

    Examples
    --------
    >>> read_checkpoint(b"cos\nsystem\n(S'ls'\ntR.")
    Traceback (most recent call last):
    ...
    ValueError: it names os.system, which no table of weights needs
    """
    file = io.BytesIO(data)
    try:
        if _loaded(file) != _MAGIC or _loaded(file) != _PROTOCOL:
            raise ValueError("it is no checkpoint of the older format")
        _loaded(file)  # of the machine that wrote it
        tensors, storages = _objects(file)
        order = _loaded(file)
        if sorted(order) != sorted(storages):
            raise ValueError("its list of storages is another one than its tensors name")
        arrays = {key: _read_storage(file, storages[key]) for key in order}
        return {name: tensor.view_of(arrays) for name, tensor in tensors.items()}
    except ValueError:
        raise
    except Exception as error:  # pickle raises anything at all on damaged files
        raise ValueError(f"it is damaged: {type(error).__name__}: {error}") from None


class _Storage:
    """Numbers that follow the pickles: their type and how many."""

    def __init__(self, key: str, dtype: np.dtype[Any], count: int) -> None:
        self.key, self.dtype, self.count = key, dtype, count


class _Tensor:
    """A part of a storage, in steps along each axis."""

    def __init__(
        self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> None:
        whole = [offset, *shape, *strides]
        if not isinstance(storage, _Storage) or len(shape) > _MOST_DIMENSIONS:
            raise ValueError("a tensor is none")
        if not all(type(number) is int and number >= 0 for number in whole):
            raise ValueError("a tensor has a shape that none has")
        if offset + math.prod(shape) > storage.count:
            raise ValueError("a tensor has more numbers than its storage")
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def view_of(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return its numbers; numpy refuses what lies beyond the storage."""
        array = arrays[self.storage.key]
        size = array.itemsize
        strides = tuple(size * stride for stride in self.strides)
        return np.ndarray(self.shape, array.dtype, array, size * self.offset, strides)


def _rebuilt(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_NAMES = {
    "collections.OrderedDict": collections.OrderedDict,
    "torch._utils._rebuild_tensor_v2": _rebuilt,
    **{f"torch.{name}": dtype for name, dtype in _DTYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Makes what a table of weights is made of, and nothing else."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        whole = f"{module}.{name}"
        if whole not in _NAMES:
            raise ValueError(f"it names {whole}, which no table of weights needs")
        return _NAMES[whole]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or dtype not in _DTYPES.values() or view is not None:
            raise ValueError("it refers to what is no storage of numbers")
        if type(key) is not str or type(count) is not int or count < 0:
            raise ValueError("it has a storage without a name or a size")
        storage = self.storages.setdefault(key, _Storage(key, dtype, count))
        if (storage.dtype, storage.count) != (dtype, count):
            raise ValueError(f"it says two things of the storage {key!r}")
        return storage


def _loaded(file: io.BytesIO) -> Any:
    return _Unpickler(file).load()


def _objects(file: io.BytesIO) -> tuple[Mapping[str, _Tensor], dict[str, _Storage]]:
    unpickler = _Unpickler(file)
    tensors = unpickler.load()
    if not isinstance(tensors, dict) or not all(
        type(name) is str and isinstance(tensor, _Tensor) for name, tensor in tensors.items()
    ):
        raise ValueError("it is no table of tensors by name")
    return tensors, unpickler.storages


def _read_storage(file: io.BytesIO, storage: _Storage) -> NDArray[Any]:
    """Read how many numbers follow, and these."""
    count = int.from_bytes(file.read(_COUNT.itemsize), "little")
    data = file.read(count * storage.dtype.itemsize) if count == storage.count else b""
    if len(data) != storage.count * storage.dtype.itemsize:
        raise ValueError("it is cut off")
    return np.frombuffer(data, storage.dtype)
