"""A cache folder in which others may write: nothing there is believed, followed or removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import cbir
from cbir.core.digests import digest


def cache_of(index: Path) -> Path:
    """The cache beside an index."""
    (found,) = [path for path in Path(f"{index}.cbir/cache").iterdir() if path.is_dir()]
    return found


@pytest.fixture
def of_user(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the user's for the index of some photographs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache" / "cbir").mkdir(parents=True)
    index = tmp_path / "index.csv"
    cbir.index(str(photos), str(index), ["hsv", "orb:words=20"])
    return tmp_path / "cache" / "cbir" / digest(os.fsencode(os.path.realpath(index)))


@pytest.mark.parametrize("suffix", ["", "-inverted"])
def test_a_link_is_not_followed(of_user: Path, photos: Path, tmp_path: Path, suffix: str) -> None:
    home = tmp_path / "home"
    for name in ("photos", "a", "0123456789abcdef"):
        (home / name).mkdir(parents=True)
    (home / "stamp.json").write_text("mine")
    of_user.with_name(of_user.name + suffix).symlink_to(home)
    shutil.copy2(photos / "cats" / "cat-1.jpg", photos / "new.jpg")
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    cbir.open(str(tmp_path / "index.csv")).search(str(photos / "new.jpg"))
    assert sorted(path.name for path in home.iterdir()) == [
        "0123456789abcdef", "a", "photos", "stamp.json",
    ]  # fmt: skip


def test_folders_that_are_none_of_ours_stay(of_user: Path, photos: Path, tmp_path: Path) -> None:
    for name in ("thesis", "0123456789abcdef-1"):
        (of_user / name).mkdir(parents=True)
    of_user.chmod(0o700)
    shutil.copy2(photos / "cats" / "cat-1.jpg", photos / "new.jpg")
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    assert [path.name for path in of_user.iterdir() if path.is_dir()] == ["thesis"]


@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_a_cache_that_others_could_write_is_not_believed(
    of_user: Path, photos: Path, tmp_path: Path, mode: int
) -> None:
    index = tmp_path / "index.csv"
    ours = cache_of(index)
    query = str(photos / "cats" / "cat-1.jpg")
    right = [one.path for one in cbir.open(str(index)).search(query).matches]
    of_user.mkdir()
    shutil.move(ours, of_user)
    of_user.chmod(mode)
    assert [one.path for one in cbir.open(str(index)).search(query).matches] == right
    assert ours.is_dir() == (mode == 0o777)  # where it is made again
