"""What is said where PyTorch is not there, which is nearly everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """An environment in which neither package can be imported."""
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(torch=None, torchvision=None)\n"
    )
    joined = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": joined}


def test_it_is_listed_with_what_to_install(run: Run, without_torch: dict[str, str]) -> None:
    listed = run("descriptors", env=without_torch)
    assert listed.returncode == 0 and "pip install 'cbir[torch]'" in listed.stdout


def test_it_is_refused_with_what_to_install(
    photos: Path, run: Run, without_torch: dict[str, str]
) -> None:
    used = run("index", photos, "--descriptor", "torch:resnet50", env=without_torch)
    assert used.returncode == 1 and "pip install 'cbir[torch]'" in used.stderr
    assert "Traceback" not in used.stderr and not (photos.parent / "index.csv").exists()


def test_the_list_and_the_refusal_name_the_same_package(
    photos: Path, run: Run, tmp_path: Path
) -> None:
    """Torchvision without PyTorch cannot be imported either."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules.update(torch=None)\n")
    (tmp_path / "torchvision.py").write_text("import torch\n")
    joined = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH", ""))))
    env = {**os.environ, "PYTHONPATH": joined}
    listed = run("descriptors", env=env)
    used = run("index", photos, "--descriptor", "torch:resnet50", env=env)
    needs = "needs the optional package torch; install it"
    assert needs in listed.stdout and needs in used.stderr


def test_a_torchvision_for_another_torch_is_told(tmp_path: Path) -> None:
    """As its import fails then: not by an ImportError."""
    (tmp_path / "torch.py").touch()
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator nms does not exist')\n")
    code = (
        "from cbir.core.errors import CbirError\n"
        "from cbir.descriptors.registry import parse\n"
        "try:\n    parse('torch:resnet50').descriptor.fingerprint\n"
        "except CbirError as error:\n    print(error)\n"
    )
    joined = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": joined},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "nms does not exist; install it again" in done.stdout
