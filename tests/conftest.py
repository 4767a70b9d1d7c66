"""What many tests use: real photographs, the commands as a user runs them."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
from hypothesis import settings

from cbir.core import stderr_capture
from cbir.descriptors import models, registry

PROJECT = Path(__file__).parent.parent
DATA = PROJECT / "data"

# The same examples everywhere, and no example fails for being slow on a busy machine.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

Run = Callable[..., "subprocess.CompletedProcess[Any]"]


# What is compiled is kept where users have it, whatever folder for caches a test gets.
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(platformdirs.user_cache_dir("cbir"), "numba"))

_numbers = itertools.count()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need a server, unless `-m` asks for them."""
    if "services" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("services")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(autouse=True)
def _user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    """Keep the user's folders for caches and locks out of it."""
    # The factory looks for the next number among all folders, thousands of times.
    folder = tmp_path_factory.mktemp(f"user-{next(_numbers)}", numbered=False)
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        (folder / variable).mkdir()
        monkeypatch.setenv(variable, str(folder / variable))


@pytest.fixture(autouse=True)
def _as_in_a_command() -> Iterator[None]:
    """Let what decoders print be caught, as the commands do."""
    stderr_capture.enable()
    yield
    stderr_capture.enable(False)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A dataset of twelve real photographs in two folders."""
    folder = tmp_path / "photos"
    for name in ("cats/cat-1", "cats/cat-2", "cats/cat-3", "desert/orange-dune-1"):
        _copy(name, folder)
    for name in ("desert/orange-dune-2", "forest/brook-1", "green/tea-hills-1", "sky/galaxies-1"):
        _copy(name, folder)
    for name in ("snow/snow-forest-1", "things/coffee-1", "things/kite-1", "windmills/windmill-1"):
        _copy(name, folder)
    return folder


def _copy(name: str, folder: Path) -> None:
    target = folder / f"{name}.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(DATA / f"{name}.jpg", target)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``cbir …`` in the test's folder; output as text unless ``text=False``."""

    def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[Any]:
        command = [sys.executable, "-m", "cbir", *map(os.fspath, arguments)]
        options = {"cwd": tmp_path, "text": True, "capture_output": True, **options}
        if options["text"]:
            options.setdefault("encoding", "utf-8")
        if "stdout" in options:
            del options["capture_output"]
        return subprocess.run(command, check=False, timeout=100, **options)

    return run


def can_be_interrupted() -> None:
    """Let a child end on Ctrl-C, also where its parent ignores that, as `nohup` and CI do."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what comes with the package, without models; `palette` is built in."""
    folder = tmp_path / "package"
    folder.mkdir()
    shutil.copy(Path(models.__file__).parent / "backgrounds.npz", folder)
    monkeypatch.setattr(models, "files", lambda _: folder)
    monkeypatch.setitem(registry._BUILT_IN, "palette", "tests.palette:Palette")
    models.load_shipped.cache_clear()
    return folder


@pytest.fixture
def noise() -> np.ndarray:
    """An image in which every pixel differs from its neighbors."""
    return np.random.default_rng(7).integers(0, 256, (90, 130, 3), np.uint8)
