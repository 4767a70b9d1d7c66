"""What belongs to an index never leads elsewhere: whatever links there are, other files stay."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from unittest import mock

import pytest

from cbir.core.atomic_files import unshare, written_aside
from cbir.core.errors import CbirError
from cbir.indexing.build import build_index
from cbir.search.engine import open_index
from cbir.stores.journal import Journal
from cbir.stores.single_file.state_folder import check_state_folder
from tests.conftest import DATA

DESCRIPTORS = ("layout",)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    shutil.copytree(DATA / "cats", tmp_path / "photos")
    build_index(str(tmp_path / "photos"), str(tmp_path / "index.csv"), DESCRIPTORS)
    (tmp_path / "precious" / "2019").mkdir(parents=True)
    for name in ("a.jpg", "2019/b.jpg", "c.new", "d.npz", "e.table"):
        (tmp_path / "precious" / name).write_bytes(name.encode())
    return tmp_path / "index.csv"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("", "precious"), ("cache", "precious"), ("state", "precious"), ("features", "precious"),
        ("features/x", "precious"), ("journal", "precious/a.jpg"), ("lock.pid", "precious/a.jpg"),
        ("generation-0000000000000000.json", "/dev/zero"), ("cache/x", "precious/a.jpg"),
    ],
)  # fmt: skip
def test_links_are_refused_and_what_they_lead_to_stays(index: Path, name: str, target: str) -> None:
    place = Path(f"{index}.cbir") / name
    if place.is_dir():
        shutil.rmtree(place)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(index.parent / target)
    before = contents(index.parent / "precious")
    for use in (
        lambda: build_index(str(index.parent / "photos"), str(index)),
        lambda: open_index(str(index)),
    ):
        with pytest.raises(CbirError, match="this is a link"):
            use()
    assert contents(index.parent / "precious") == before


@pytest.mark.parametrize(
    ("name", "is_folder"),
    [
        ("generation-0000000000000000.json", True), ("journal", True), ("lock.pid", True),
        ("features/0123/00000000.segment", True), ("inverted/0123/0123.segment", True),
        ("cache/x.json", True), ("state/model-x.npz", True),
        ("features", False), ("inverted", False), ("state", False),
    ],
)  # fmt: skip
def test_what_is_in_the_place_of_something_else_is_told_with_the_remedy(
    index: Path, name: str, is_folder: bool
) -> None:
    place = Path(f"{index}.cbir") / name
    if place.is_dir():
        shutil.rmtree(place)
    if is_folder:
        place.mkdir(parents=True)
    else:
        place.write_text("text")
    for use in (
        lambda: build_index(str(index.parent / "photos"), str(index)),
        lambda: open_index(str(index)),
    ):
        with pytest.raises(CbirError, match="move it away, and run the same command again") as told:
            use()
        assert str(told.value).startswith(str(place))


def test_what_is_none_of_the_index_s_is_left_alone(index: Path, tmp_path: Path) -> None:
    build_index(str(tmp_path / "photos"), str(index), ("asmk:features=orb,count=100,words=20",))
    (features,) = Path(f"{index}.cbir", "features").iterdir()
    for folder in (Path(f"{index}.cbir"), features):
        for name in ("notes.txt", "strange/notes.txt", "x.new/notes.txt"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(name)
    (features / "abc.segment").write_text("none of ours")
    (tmp_path / "photos" / "more.jpg").write_bytes((DATA / "windmills/windmill-1.jpg").read_bytes())
    build_index(str(tmp_path / "photos"), str(index))
    found = open_index(str(index)).search(str(tmp_path / "photos" / "more.jpg"), descriptor="asmk")
    assert found.matches[0].distance == 0
    assert (features / "abc.segment").exists() and (features / "x.new" / "notes.txt").exists()


@pytest.mark.parametrize("name", ["lock.pid", "journal", "generation-0000000000000000.json"])
def test_pipes_are_refused_at_once(index: Path, name: str) -> None:
    os.mkfifo(f"{index}.cbir/{name}")
    for use in (
        lambda: build_index(str(index.parent / "photos"), str(index)),
        lambda: open_index(str(index)),
    ):
        with pytest.raises(CbirError, match="a pipe or a device"):
            use()


def test_a_hard_link_to_a_journal_or_a_segment_keeps_what_it_has(tmp_path: Path) -> None:
    path, backup = tmp_path / "journal", tmp_path / "backup"
    path.write_bytes(b"from another time")
    os.link(path, backup)
    assert Journal(str(path), "photos").read() == []
    assert backup.read_bytes() == b"from another time"
    os.unlink(path)
    os.link(backup, path)
    unshare(str(path))
    assert path.read_bytes() == backup.read_bytes() and not path.samefile(backup)


def test_no_link_that_waits_for_a_file_is_followed(tmp_path: Path) -> None:
    """The name of what is written aside is random; were it guessed, it still would not be."""
    (tmp_path / "precious").write_bytes(b"precious")
    with mock.patch("secrets.token_hex", return_value="guessed"):
        (tmp_path / "index.csv.guessed.new").symlink_to("precious")
        with pytest.raises(FileExistsError), written_aside(str(tmp_path / "index.csv")) as file:
            file.write(b"else")
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_folders_in_folders_without_end_are_looked_through(tmp_path: Path) -> None:
    inner = tmp_path / "index.csv.cbir"
    inner.mkdir()
    place = os.open(inner, os.O_RDONLY)
    for _ in range(1500):  # longer than a path may be, so step by step
        os.mkdir("d", dir_fd=place)
        deeper = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    check_state_folder(inner)
    os.symlink("elsewhere", "link", dir_fd=place)
    os.close(place)
    with pytest.raises(CbirError, match="link"):
        check_state_folder(inner)
    subprocess.run(["rm", "-rf", str(inner)], check=True)
