"""What is kept for approximate search is private, survives kills, and is checked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import cbir
from cbir.core import atomic_files, json_text
from cbir.core.errors import CbirError
from cbir.search.ann import structure_folder
from cbir.search.ann.structures import list_structures
from cbir.search.request import IndexedImage
from tests.duplicates.actions.killing import TRACED, killed
from tests.search.ann.helpers import write_index

SPECS = ("layout",)


@pytest.fixture
def index(tmp_path: Path) -> str:
    path = write_index(tmp_path, range(100), SPECS)
    cbir.optimize(path)
    return path


def folder_of(index: str) -> Path:
    return cbir.open(index).snapshot.structure_folder


def search(index: str) -> list[str]:
    opened = cbir.open(index)
    found = opened.search(IndexedImage(opened.paths[0]), 5, approximate=True)
    return [match.path for match in found.matches]


def test_nothing_lies_beside_the_index_and_others_may_not_read_it(index: str) -> None:
    folder = folder_of(index)
    assert str(folder).startswith(os.environ["XDG_CACHE_HOME"])
    assert folder.stat().st_mode & 0o777 == 0o700
    beside = {path.name for path in Path(index).parent.rglob("*")}
    assert not any(name.endswith((".structure", ".npz")) for name in beside)


@pytest.mark.parametrize("mode", [0o722, 0o777])
def test_a_folder_where_others_may_write_is_not_used(index: str, mode: int) -> None:
    folder_of(index).chmod(mode)
    with pytest.raises(CbirError, match="others than you may write there"):
        search(index)
    with pytest.raises(CbirError, match="others than you may write there"):
        cbir.optimize(index)


def test_a_link_in_its_place_is_not_followed(index: str, tmp_path: Path) -> None:
    folder = folder_of(index)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CbirError, match="it is a link"):
        search(index)


@pytest.mark.parametrize("suffix", ["*.json", "*.npz", "*.structure"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "garbage", "flipped"])
def test_what_is_damaged_is_as_good_as_absent_and_made_again(
    index: str, suffix: str, damage: str
) -> None:
    right = search(index)
    (path,) = folder_of(index).glob(suffix)
    raw = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif damage == "flipped":
        middle = len(raw) // 2
        path.write_bytes(raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
    elif damage == "garbage":
        path.write_bytes(os.urandom(len(raw) + 1))
    else:
        path.write_bytes(raw.replace(b"faiss", b"fayss").replace(b"NUMPY", b"NAMPY") + b" ")
    if not (suffix == "*.json" and damage == "changed"):
        with pytest.raises(CbirError, match="not ready for approximate search by layout"):
            search(index)
    cbir.optimize(index)
    assert search(index) == right
    listing = list_structures(cbir.open(index).snapshot)
    assert listing.damage == [] and len(listing.structures) == 1


def test_a_record_that_is_forged_leads_nowhere(index: str) -> None:
    folder = folder_of(index)
    (path,) = folder.glob("*.json")
    record = json_text.read_checked(path, "structure2")
    for changes in ({"token": "../../../../x"}, {"engine": "os:system"}, {"wide": 5}, {"depth": 0}):
        json_text.write_checked(path, "structure2", {**record, **changes})
        with pytest.raises(CbirError, match="not ready for approximate search"):
            search(index)


def test_a_kill_at_any_line_leaves_the_old_or_the_new(index: str, tmp_path: Path) -> None:
    folder, kept = folder_of(index), tmp_path / "kept"
    shutil.copytree(folder, kept)
    right = search(index)
    TRACED.update(str(one.__file__) for one in (atomic_files, json_text, structure_folder))
    line, widths = 0, set()
    while killed(lambda: cbir.optimize(index, pca=8), line):
        assert search(index) == right
        listing = list_structures(cbir.open(index).snapshot)
        assert listing.damage == []
        widths.add(listing.structures[0].width)
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        line += 23
    assert widths == {8, 32} or widths == {8, 33}
    cbir.optimize(index, pca=8)
    assert len(list(folder.glob("*.structure"))) == 1  # nothing is left over


def test_two_runs_at_once_are_told(index: str) -> None:
    folder = structure_folder.StructureFolder(folder_of(index))
    with folder.locked(), pytest.raises(CbirError, match="structures are being made"):
        cbir.optimize(index)


def test_it_is_removed_on_demand(index: str) -> None:
    assert cbir.optimize(index, remove=True).removed == 1
    assert cbir.optimize(index, remove=True).removed == 0
    assert {path.name for path in folder_of(index).iterdir()} <= {"lock", "lock.pid"}
