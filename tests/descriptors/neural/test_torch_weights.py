"""Files of weights that are damaged, of another network, or made to do harm."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.torch_version import TorchVersion

from cbir.descriptors.neural.torch_weights import read_weights, sha256_of

pytestmark = pytest.mark.torch


class Harm:
    """What runs a command when it is loaded as a pickle."""

    def __reduce__(self) -> Any:
        return os.system, ("touch made",)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def saved(state: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue()


def changed(**tensors: Any) -> dict[str, Any]:
    state = {
        **network().state_dict(),
        **{key.replace("_", ".", 1): tensors[key] for key in tensors},
    }
    return {name: one for name, one in state.items() if one is not None}


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_both_formats_and_other_types_are_read(options: Any, dtype: Any) -> None:
    one = network()
    state = {
        name: value.to(dtype) if value.is_floating_point() else value
        for name, value in one.state_dict().items()
    }
    found = read_weights(saved(state, **options), one)
    assert found.keys() == state.keys()
    for name, value in one.state_dict().items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], state[name].to(value.dtype))


def test_steps_that_are_not_counted_are_not_missed() -> None:
    state = changed(**{"1_num_batches_tracked": None})
    assert read_weights(saved(state), network()).keys() > state.keys()


@pytest.mark.filterwarnings("ignore:Validating sparse")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged"),
        (b"GIF89a", "damaged"),
        (b"cposix\nsystem\n(S'touch made'\ntR.", "damaged"),
        (saved(network().state_dict())[:-100], "damaged"),
        (saved(Harm()), "more than weights and was not loaded"),
        (saved({"0.weight": Harm()}), "more than weights and was not loaded"),
        (saved(Harm(), _use_new_zipfile_serialization=False), "more than weights"),
        (saved(network()), r"torch.save\(network.state_dict\(\), FILE\)"),
        (saved([torch.zeros(2)]), "tensors by name"),
        (saved({"state_dict": network().state_dict()}), "tensors by name"),
        (saved({1: torch.zeros(2)}), "tensors by name"),
        (saved(changed(**{"0_weight": None})), "another network, without 0.weight"),
        (saved(changed(**{"0_more": torch.zeros(1)})), "another network, with 0.more"),
        (saved(changed(**{"0_weight": torch.zeros(3, 2)})), "0.weight is 3 × 2, not 2 × 3"),
        (saved(changed(**{"0_weight": torch.zeros(2, 3).to_sparse()})), "plain numbers"),
        (saved(changed(**{"0_weight": torch.zeros(2, 3, dtype=torch.int64)})), "plain numbers"),
        (saved(changed(**{"0_weight": torch.zeros(2, 3, device="meta")})), "plain numbers"),
    ],
)
def test_what_is_no_table_of_weights_is_refused_and_not_run(
    data: bytes, reason: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=reason):
        read_weights(data, network())
    assert not list(tmp_path.iterdir())


def test_an_archive_that_unfolds_is_refused() -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved({"0.weight": torch.zeros(1 << 20)}))) as archive,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    with pytest.raises(ValueError, match="unfolds"):
        read_weights(file.getvalue(), network())


def test_a_pytorch_that_may_run_what_is_in_a_file_is_not_given_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.9.1+cpu"))
    with pytest.raises(ValueError, match="install a later one"):
        read_weights(saved(network().state_dict()), network())


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"weights")
    assert sha256_of(str(tmp_path / "file")) == hashlib.sha256(b"weights").hexdigest()
    with pytest.raises(OSError):
        sha256_of(str(tmp_path))
