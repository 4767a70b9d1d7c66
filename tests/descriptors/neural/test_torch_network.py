"""`torch` as it is used: with weights of the cache or of a file, and by the commands."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import models

import cbir
from cbir.core.errors import BrokenIndexError, CbirError, UsageError
from cbir.descriptors.neural import torch_network
from cbir.descriptors.neural.torch_network import TorchNetwork
from cbir.descriptors.registry import parse
from cbir.images.image_source import open_image
from tests.conftest import DATA, Run
from tests.descriptors.neural.test_torch_weights import Harm
from tests.descriptors.neural.torch_networks import SMALL, network, saved, seen_by_last_layer

pytestmark = pytest.mark.torch


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return saved(tmp_path / "weights.pth")


@pytest.fixture
def spec(weights: Path) -> str:
    return f"torch:{SMALL},weights={weights}"


def images() -> list[np.ndarray]:
    paths = sorted(DATA.rglob("*.jpg"))[:12]
    return [open_image(str(path)).pixels(512) for path in paths]


def in_cache(name: str, tmp_path: Path, monkeypatch: Any) -> Path:
    """Return where PyTorch would keep the usual weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    url = models.get_model_weights(name).DEFAULT.url
    return tmp_path / "torch" / "hub" / "checkpoints" / url.rpartition("/")[2]


def test_the_vector_is_what_torchvisions_last_layer_gets(spec: str) -> None:
    descriptor = parse(spec).descriptor
    assert isinstance(descriptor, TorchNetwork)
    transforms = models.get_model_weights(SMALL).DEFAULT.transforms()
    assert descriptor.dimension == 1024 and descriptor.working_size == 512
    for image in images()[:3]:
        expected = seen_by_last_layer(network(SMALL), image, transforms)
        vector = descriptor.vector(image)
        assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)
        values = descriptor.encoding.values(descriptor.describe(image))
        assert values @ vector / np.linalg.norm(values) > 0.999


def test_the_weights_of_pytorchs_cache_are_taken(tmp_path: Path, monkeypatch: Any) -> None:
    path = saved(in_cache(SMALL, tmp_path, monkeypatch), seed=2)
    cached = parse(f"torch:{SMALL}").descriptor
    given = parse(f"torch:model={SMALL},weights={path}").descriptor
    assert cached.fingerprint == given.fingerprint
    assert np.array_equal(cached.describe(images()[0]), given.describe(images()[0]))


def test_weights_that_are_not_there_are_told_with_how_to_get_them(
    tmp_path: Path, monkeypatch: Any
) -> None:
    path = in_cache("resnet50", tmp_path, monkeypatch)
    with pytest.raises(CbirError) as caught:
        _ = parse("torch:resnet50").descriptor.fingerprint
    text = str(caught.value)
    assert str(path) in text and "torch:resnet50,weights=FILE" in text
    # What it says downloads exactly this file.
    code = text.partition('python -c "')[2].partition('"')[0]
    asked: list[str] = []

    def load(url: str, *_: Any, **__: Any) -> Any:
        asked.append(url)
        return network("resnet50").state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", load)
    exec(code)
    assert [one.rpartition("/")[2] for one in asked] == [path.name]


def test_a_network_without_a_vector_is_told_before_its_weights_are_missed(
    tmp_path: Path, monkeypatch: Any
) -> None:
    in_cache("squeezenet1_0", tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="no vector"):
        _ = parse("torch:squeezenet1_0").descriptor.fingerprint


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("torch", "needs model="),
        ("torch:", "needs model="),
        ("torch:model=", "names no network"),
        ("torch:resnet18,resnet50", "'resnet50' is not key=value"),
        ("torch:resnet18,model=resnet50", "twice"),
        ("torch:resnet18,size=5", "no parameter 'size'"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse(spec)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        ({"fc.weight": torch.zeros(2, 2)}, "another network"),
        ({"fc.weight": Harm()}, "not loaded"),
    ],
)
def test_weights_that_cannot_be_used_end_the_run(
    content: Any, reason: str, photos: Path, run: Run, tmp_path: Path
) -> None:
    if content is not None:
        torch.save(content, tmp_path / "bad.pth")
    spec = f"torch:{SMALL},weights=bad.pth"
    made = run("index", photos, "--descriptor", spec)
    assert made.returncode == 1 and "Traceback" not in made.stderr
    assert "bad.pth: cannot use the weights" in made.stderr and reason in made.stderr
    assert not (tmp_path / "index.csv").exists() and not (tmp_path / "made").exists()


def test_the_fingerprint_is_that_of_content_network_and_transforms(
    spec: str, weights: Path, tmp_path: Path
) -> None:
    first = TorchNetwork(SMALL, str(weights))
    copy = shutil.copy(weights, tmp_path / "copy.pth")
    assert TorchNetwork(SMALL, str(copy)).fingerprint == first.fingerprint
    other = saved(tmp_path / "other.pth", seed=2)
    changed = [
        TorchNetwork(SMALL, str(other)),
        TorchNetwork("shufflenet_v2_x1_0", str(weights)),  # unread until something is described
    ]
    assert len({first.fingerprint, *(one.fingerprint for one in changed)}) == 3
    transforms = first.preprocessing.given
    transforms.resize_size = [100]
    assert dataclasses.replace(first).fingerprint == first.fingerprint
    assert first._identity()["preprocessing"]["resize"] == [100]


def test_threads_a_fork_and_a_pickle_give_the_same_bytes(spec: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(torch_network, "_networks", {})
    descriptor = parse(spec).descriptor
    torch.set_num_threads(2)
    expected = [descriptor.describe(image).tobytes() for image in images()]
    torch.set_num_threads(1)
    assert [descriptor.describe(image).tobytes() for image in images()] == expected
    data = pickle.dumps(descriptor)
    assert len(data) < 1000
    copy = pickle.loads(data)
    with ThreadPoolExecutor(8) as pool:
        assert [row.tobytes() for row in pool.map(copy.describe, images())] == expected
    assert len(torch_network._networks) == 1
    for way in ("fork", "spawn"):
        with multiprocessing.get_context(way).Pool(2) as processes:
            rows = processes.map(descriptor.describe, images())
        assert [row.tobytes() for row in rows] == expected


def test_one_worker_and_eight_write_the_same_index(photos: Path, spec: str, tmp_path: Path) -> None:
    for workers in (1, 8):
        cbir.index(photos, tmp_path / f"{workers}.csv", descriptors=[spec], workers=workers)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "8.csv").read_bytes()


def test_a_file_that_is_replaced_while_it_is_in_use_is_refused(
    weights: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(torch_network, "_networks", {})
    descriptor = TorchNetwork(SMALL, str(weights))
    _ = descriptor.fingerprint
    saved(weights, seed=3)
    with pytest.raises(CbirError, match="replaced while it was in use"):
        descriptor.describe(images()[0])


def test_other_weights_in_their_place_are_not_mixed_but_described_again(
    photos: Path, spec: str, weights: Path, tmp_path: Path
) -> None:
    index, query = tmp_path / "index.csv", photos / "cats" / "cat-1.jpg"
    cbir.index(photos, index, descriptors=[spec, "hsv"])
    saved(weights, seed=2)
    with pytest.raises(BrokenIndexError, match=r"another content of .*weights\.pth"):
        cbir.open(index).search(query, descriptor="torch")
    assert cbir.open(index).search(query, descriptor="hsv")
    assert cbir.index(photos, index).described == 12
    assert cbir.open(index).search(query, descriptor="torch").matches[0].distance < 1e-3


def test_an_index_by_the_cache_knows_its_content_too(
    photos: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    path = saved(in_cache(SMALL, tmp_path, monkeypatch))
    index, query = tmp_path / "index.csv", photos / "cats" / "cat-1.jpg"
    cbir.index(photos, index, descriptors=[f"torch:{SMALL}"])
    assert cbir.index(photos, index, descriptors=[f"torch:{SMALL}"]).described == 0
    assert cbir.open(index).search(query).matches
    elsewhere = path.rename(tmp_path / "elsewhere.pth")
    with pytest.raises(BrokenIndexError, match="not in PyTorch's cache"):
        cbir.open(index).search(query)
    saved(path, seed=2)
    with pytest.raises(BrokenIndexError, match="another content of the file that it uses"):
        cbir.open(index).search(query)
    spec = f"torch:{SMALL},weights={elsewhere}"
    assert cbir.index(photos, index, descriptors=[spec]).described == 0
    assert cbir.open(index).search(query).matches


def test_commands(photos: Path, run: Run, weights: Path) -> None:
    spec = f"seen=torch:{SMALL},weights=weights.pth"
    made = run("index", photos, "--descriptor", spec, "--descriptor", "hsv")
    assert made.returncode == 0, made.stderr
    query = photos / "cats/cat-1.jpg"
    found = run("search", query, "--descriptor", "seen", "--format", "json")
    assert found.returncode == 0, found.stderr
    (answer,) = json.loads(found.stdout)
    assert answer["results"][0]["path"].endswith("cats/cat-1.jpg")
    assert f"seen = torch:model={SMALL},weights=weights.pth" in run("info").stdout


def test_a_search_by_others_imports_nothing_of_it(photos: Path, spec: str, tmp_path: Path) -> None:
    cbir.index(photos, tmp_path / "index.csv", descriptors=[spec, "hsv"])
    code = (
        "import sys, cbir\n"
        f"cbir.open('{tmp_path}/index.csv').search('{photos}/cats/cat-1.jpg', descriptor='hsv')\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
