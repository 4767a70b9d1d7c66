"""Checkpoints as PyTorch wrote them, and such as somebody wrote to do harm."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from cbir.descriptors.neural.checkpoint import read_checkpoint

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class _Global:
    """Pickled as the name of something that is not here."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Storage:
    def __init__(self, key: Any, count: Any, kind: str = "FloatStorage") -> None:
        self.key, self.count, self.kind = key, count, kind


class _Tensor:
    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any) -> None:
        self.whole = (storage, offset, shape, strides, False, collections.OrderedDict())


class _Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes what PyTorch would."""

    dispatch: ClassVar[Any] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, _Storage):
            kind = _Global("torch", value.kind)
            return ("storage", kind, value.key, "cpu", value.count, None)
        return None

    def save_global_name(self, value: _Global) -> None:
        self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())

    def save_tensor(self, value: _Tensor) -> None:
        self.save(_Global("torch._utils", "_rebuild_tensor_v2"))
        self.save(value.whole)
        self.write(pickle.REDUCE)

    dispatch[_Global] = save_global_name
    dispatch[_Tensor] = save_tensor


def written(tensors: Any, storages: dict[str, np.ndarray], order: Any = None) -> bytes:
    """Return a checkpoint as PyTorch wrote them before version 1.6."""
    file = io.BytesIO()
    for value in (MAGIC, PROTOCOL, {"little_endian": True}):
        pickle.dump(value, file, 2)
    _Pickler(file, 2).dump(tensors)
    pickle.dump(sorted(storages) if order is None else order, file, 2)
    for _, numbers in sorted(storages.items()):
        file.write(struct.pack("<q", numbers.size) + numbers.tobytes())
    return file.getvalue()


NUMBERS = np.arange(6, dtype=np.float32)


def test_tensors_have_the_shape_and_the_steps_that_are_said() -> None:
    storage = _Storage("a", 6)
    tensors = collections.OrderedDict(
        rows=_Tensor(storage, 0, (2, 3), (3, 1)),
        columns=_Tensor(storage, 0, (3, 2), (1, 3)),
        rest=_Tensor(storage, 4, (2,), (1,)),
        steps=_Tensor(_Storage("b", 1, "LongStorage"), 0, (), ()),
    )
    read = read_checkpoint(written(tensors, {"a": NUMBERS, "b": np.array([7])}))
    assert read["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert np.array_equal(read["columns"], read["rows"].T)
    assert read["rest"].tolist() == [4, 5] and read["steps"] == 7


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("torch._utils", "_rebuild_parameter"),
        ("collections", "OrderedDict.fromkeys"),
    ],
)
def test_nothing_but_tables_of_numbers_is_made(module: str, name: str) -> None:
    with pytest.raises(ValueError, match="which no table of weights needs"):
        read_checkpoint(written({"a": _Global(module, name)}, {}))


def test_a_call_is_not_made(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "made"),)

    for part in range(4):
        file = io.BytesIO()
        for number, value in enumerate((MAGIC, PROTOCOL, {}, {"a": 1})):
            pickle.dump(Evil() if number == part else value, file, 2)
        with pytest.raises(ValueError, match=r"posix\.mkdir"):
            read_checkpoint(file.getvalue())
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "tensor",
    [
        _Tensor(_Storage("a", 6), 0, (7,), (1,)),
        _Tensor(_Storage("a", 6), 5, (2,), (1,)),
        _Tensor(_Storage("a", 6), -1, (2,), (1,)),
        _Tensor(_Storage("a", 6), 0, (2, 2), (1, 5)),
        _Tensor(_Storage("a", 6), 0, (2,), (-1,)),
        _Tensor(_Storage("a", 6), 0, (1 << 40,), (0,)),
        _Tensor(_Storage("a", 6), 0, ("2",), (1,)),
        _Tensor(_Storage("a", 6), 0, (2,), (1, 1)),
        _Tensor(_Storage("a", 6), 0, (1,) * 99, (1,) * 99),
        _Tensor("no storage", 0, (2,), (1,)),
        _Tensor(_Storage("a", -6), 0, (0,), (1,)),
        _Tensor(_Storage("a", 1 << 50), 0, (2,), (1,)),
        _Tensor(_Storage(("a",), 6), 0, (2,), (1,)),
        "no tensor",
    ],
)
def test_tensors_that_go_beyond_their_numbers_are_refused(tensor: Any) -> None:
    with pytest.raises(ValueError):
        read_checkpoint(written({"weights": tensor}, {"a": NUMBERS}))


def test_a_file_that_is_cut_off_or_damaged_is_refused() -> None:
    data = written({"weights": _Tensor(_Storage("a", 6), 0, (6,), (1,))}, {"a": NUMBERS})
    assert read_checkpoint(data)["weights"].tolist() == NUMBERS.tolist()
    for length in range(len(data)):
        with pytest.raises(ValueError):
            read_checkpoint(data[:length])
    for place in range(len(data) - NUMBERS.nbytes):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        try:
            read_checkpoint(bytes(damaged))
        except ValueError:
            continue


def test_the_list_of_storages_has_to_be_that_of_the_tensors() -> None:
    tensors = {"weights": _Tensor(_Storage("a", 6), 0, (6,), (1,))}
    for order in ([], ["a", "a"], ["b"], 5, [5]):
        with pytest.raises(ValueError):
            read_checkpoint(written(tensors, {"a": NUMBERS}, order))
