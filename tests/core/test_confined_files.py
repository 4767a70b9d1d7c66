"""Files below a folder are opened, and no others, whatever is put in their way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cbir.core.confined_files import LeadsOutError, open_beneath

INSIDE, OUTSIDE = b"inside", b"secret"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/file").write_bytes(INSIDE)
    (tmp_path / "outside/b").mkdir(parents=True)
    (tmp_path / "outside/b/file").write_bytes(OUTSIDE)
    return folder


def contents(root: Path, path: str) -> bytes:
    with open_beneath(str(root), path) as file:
        return file.readall()


def refused(root: Path, path: str) -> OSError:
    """Return why a file is not opened; no descriptor must stay open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as raised:
        open_beneath(str(root), path)
    assert len(os.listdir("/proc/self/fd")) == before
    return raised.value


def test_a_file_is_opened_and_nothing_else_stays_open(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with open_beneath(str(root), "a/b/file") as file:
        assert file.readall() == INSIDE
        assert len(os.listdir("/proc/self/fd")) == before + 1


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("link", "a/b/file", "link"),
        ("link", "a", "link/b/file"),
        ("a/link", "../a/b", "a/link/file"),
        ("a/link", "../../root/a/b/file", "a/link"),
        ("link", "{root}/a/b/file", "link"),
        ("link", "{root}/../root/a", "link/b/file"),
    ],
)
def test_links_within_the_folder_are_followed(
    root: Path, link: str, target: str, path: str
) -> None:
    (root / link).symlink_to(target.format(root=root))
    assert contents(root, path) == INSIDE


def test_links_to_links_are_followed_from_a_folder_that_is_one(root: Path) -> None:
    linked = root.with_name("linked")
    linked.symlink_to(root)
    (root / "one").symlink_to("two")
    (root / "two").symlink_to(linked / "a/b")
    assert contents(linked, "one/file") == INSIDE


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("link", "{root}/../outside", "link/b/file"),
        ("link", "../outside/b/file", "link"),
        ("a/link", "../../outside/b", "a/link/file"),
        ("link", "/etc", "link/passwd"),
        ("link", "{root}-2", "link"),
        ("link", "..", "link/outside/b/file"),
    ],
)
def test_links_out_of_the_folder_are_not_followed(
    root: Path, link: str, target: str, path: str
) -> None:
    root.with_name("root-2").write_bytes(OUTSIDE)
    (root / link).symlink_to(target.format(root=root))
    assert isinstance(refused(root, path), LeadsOutError)


@pytest.mark.parametrize("path", ["../outside/b/file", "a/../../outside/b/file", "/etc/passwd"])
def test_a_path_that_leads_out_is_not_followed(root: Path, path: str) -> None:
    assert isinstance(refused(root, path), LeadsOutError)


@pytest.mark.parametrize(
    ("make", "number"),
    [
        (lambda path: path.symlink_to(path), errno.ELOOP),
        (lambda path: path.mkdir(), errno.EISDIR),
        (lambda path: os.mkfifo(path), None),
        (lambda path: None, errno.ENOENT),
    ],
    ids=["a loop", "a folder", "a pipe", "nothing"],
)
def test_what_is_no_file_is_refused(
    root: Path, make: Callable[[Path], None], number: int | None
) -> None:
    make(root / "it")
    assert refused(root, "it").errno == number


def test_a_file_in_the_place_of_a_folder_is_refused(root: Path) -> None:
    assert refused(root, "a/b/file/x").errno == errno.ENOTDIR


SWAPPING = """
import os, sys
place, real, link = sys.argv[1:]
print(flush=True)
while True:
    os.rename(real, place); os.rename(place, real)
    os.rename(link, place); os.rename(place, link)
"""


@contextmanager
def swapped(place: Path, link: Path) -> Iterator[None]:
    """Put a link in a place and take it away, for as long as the block runs."""
    real = place.with_name(".real")
    place.rename(real)
    command = [sys.executable, "-c", SWAPPING, str(place), str(real), str(link)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("place", ["a", "a/b", "a/b/file"])
def test_a_link_that_is_swapped_in_leads_nowhere(root: Path, place: str) -> None:
    link = root / ".link"
    link.symlink_to(root.with_name("outside") / place.removeprefix("a").removeprefix("/"))
    with swapped(root / place, link):
        for _ in range(3000):
            with suppress(OSError):
                assert contents(root, "a/b/file") == INSIDE
