"""What is written for the user replaces files of its own kind, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cbir.core.errors import CbirError
from cbir.core.overwriting import Output

MARK = b"ours: "
OUTPUT = Output("the page", "name another", lambda path: Path(path).read_bytes().startswith(MARK))


def write(path: Path, text: bytes = b"new") -> None:
    with OUTPUT.written(str(path)) as file:
        file.write(MARK + text)


def test_a_file_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    for text in (b"first", b"second"):
        write(tmp_path / "page", text)
        assert (tmp_path / "page").read_bytes() == MARK + text
    assert os.listdir(tmp_path) == ["page"]


def test_a_link_to_such_a_file_stays_a_link(tmp_path: Path) -> None:
    write(tmp_path / "page")
    (tmp_path / "link").symlink_to("page")
    write(tmp_path / "link", b"through the link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page").read_bytes() == MARK + b"through the link"


OBSTACLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "file": (lambda path: path.write_bytes(b"mine"), "was not made by this program"),
    "empty file": (lambda path: path.write_bytes(b""), "was not made by this program"),
    "folder": (lambda path: path.mkdir(), "this is a folder"),
    "pipe": (os.mkfifo, "this is no regular file"),
    "device": (lambda path: path.symlink_to("/dev/null"), "this is no regular file"),
    "lost link": (lambda path: path.symlink_to("nowhere"), "a link that leads nowhere"),
    "loop": (lambda path: path.symlink_to(path.name), "levels of symbolic links"),
}


@pytest.mark.parametrize("kind", OBSTACLES)
def test_anything_else_is_refused_and_stays(tmp_path: Path, kind: str) -> None:
    make, reason = OBSTACLES[kind]
    path = tmp_path / "page"
    make(path)
    before = path.lstat()
    with pytest.raises(CbirError, match=f"page: .*{reason}.*; name another"):
        OUTPUT.check(str(path))
    with pytest.raises(CbirError, match=reason):
        write(path)
    after = path.lstat()
    assert (after.st_ino, after.st_mode, after.st_size) == (
        before.st_ino, before.st_mode, before.st_size,
    )  # fmt: skip
    assert os.listdir(tmp_path) == ["page"]


def test_a_missing_folder_and_an_impossible_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="there is no folder"):
        OUTPUT.check(str(tmp_path / "nowhere" / "page"))
    with pytest.raises(CbirError, match="embedded null byte"):
        OUTPUT.check(str(tmp_path / "page\0"))


def test_a_file_that_the_command_uses_is_refused_whatever_it_is(tmp_path: Path) -> None:
    write(tmp_path / "page")
    (tmp_path / "link").symlink_to("page")
    with pytest.raises(CbirError, match="uses this file for something else"):
        OUTPUT.check(str(tmp_path / "page"), ["other", str(tmp_path / "link")])
    with pytest.raises(CbirError, match="uses this file for something else"):
        OUTPUT.check(str(tmp_path / "new"), [str(tmp_path / "." / "new")])


@pytest.mark.parametrize("there", [False, True])
def test_a_file_that_comes_while_the_work_is_done_stays(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "page"
    if there:
        write(path)
    with pytest.raises(CbirError, match="was not made by this program"):  # noqa: SIM117
        with OUTPUT.written(str(path)) as file:
            file.write(MARK)
            path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine" and os.listdir(tmp_path) == ["page"]
