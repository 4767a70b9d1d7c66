"""What numba compiles is kept for the user, and nothing that is wrong with it is told to anyone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cbir.search.compiling import is_cached
from cbir.search.hamming import kernels

COMPILED = """
import numba, numpy as np
from cbir.search.compiling import is_cached
from cbir.search.hamming import kernels
from cbir.search.inverted import kernels as of_words

hashes, positions = np.zeros((1, 1), np.uint64), np.zeros((1, 1), np.int64)
kernels.keys(hashes, positions, np.zeros((1, 1), np.uint64))
for one in (kernels.keys, of_words.add_counts):
    print(one.stats.cache_path)
print(numba.config.CACHE_DIR)
print(is_cached(kernels.keys), len(kernels.keys.stats.cache_hits))
"""


def run(cache: Path, told: Path | None = None, limit: int | None = None) -> list[str]:
    """Compile a kernel, or take it from a cache folder; return what is told."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    environment.pop("NUMBA_CACHE_DIR", None)
    if told:
        environment["NUMBA_CACHE_DIR"] = str(told)
    script = COMPILED
    if limit is not None:  # as on a disk that is full
        script = (
            "import resource, signal\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{COMPILED}"
        )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_compiling_leaves_a_cache() -> None:
    kernels.reach(np.zeros(2, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert is_cached(kernels.reach)


@pytest.mark.parametrize("told", [None, "elsewhere"])
def test_what_is_compiled_is_kept_for_the_user_not_in_the_package(
    tmp_path: Path, told: str | None
) -> None:
    """What lay beside the modules would outlast the package, whose name its folders then hide."""
    elsewhere = tmp_path / told if told else None
    *folders, setting, cached = run(tmp_path / "cache", elsewhere)
    expected = elsewhere or tmp_path / "cache" / "cbir" / "numba"
    assert all(Path(folder).is_relative_to(expected) for folder in folders)
    assert setting == (str(elsewhere) if elsewhere else "")
    assert cached == "True 0"


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    run(folder)
    assert run(folder)[-1] == "True 1"  # it was loaded
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "suffix"), [(emptied, ".nbi"), (cut_short, ".nbc"), (made_a_folder, ".nbi")]
)
def test_a_damaged_cache_is_a_miss(
    kept: Path, tmp_path: Path, damage: Callable[[Path], None], suffix: str
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(kept, cache)
    for path in (cache / "cbir" / "numba").rglob(f"*{suffix}"):
        damage(path)
    assert run(cache)[-1].endswith(" 0")
    if damage is not made_a_folder:
        assert run(cache)[-1] == "True 1"  # it was made again


@pytest.mark.slow
def test_a_full_disk_keeps_nothing_and_harms_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, limit=0)[-1].endswith(" 0")
