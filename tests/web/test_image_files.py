"""Only images of the index are served, whatever lies in their places and is asked for."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import cbir
from cbir.core.errors import UnreadableImageError
from cbir.web.image_files import ImageFiles, ImageGoneError, NoSuchImageError
from tests.web.serving import Served, served

ONE = "cats/cat-1.jpg"


@pytest.fixture
def photos(collection: Path) -> Path:
    return collection / "photos"


@pytest.fixture
def files(collection: Path) -> ImageFiles:
    return ImageFiles(cbir.open(str(collection / "index.csv")))


def gone(files: ImageFiles, path: str) -> str:
    """Return why a file is not given out; its descriptor must not stay open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ImageGoneError) as raised:
        files.open(path)
    assert len(os.listdir("/proc/self/fd")) == before
    return str(raised.value)


def test_an_image_of_the_index_is_opened(files: ImageFiles, photos: Path) -> None:
    with files.open(ONE) as file:
        assert file.readall() == (photos / ONE).read_bytes()
    assert files.image(ONE).data == (photos / ONE).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "..", "/", "cats", "cats/", "../index.csv", "../photos/cats/cat-1.jpg",
        "./cats/cat-1.jpg", "cats/../cats/cat-1.jpg", "cats//cat-1.jpg", "/etc/passwd",
        "cats/cat-1.jpg/", "cats/cat-1.jpg\0", "CATS/CAT-1.JPG", "cats\\cat-1.jpg",
        "not-indexed.jpg",
        "cats%2Fcat-1.jpg", "\udcff", "x" * 10_000,
    ],
    ids=ascii,
)  # fmt: skip
def test_what_the_index_does_not_have_is_not_opened(
    files: ImageFiles, photos: Path, path: str
) -> None:
    shutil.copy(photos / ONE, photos / "not-indexed.jpg")
    with pytest.raises(NoSuchImageError):
        files.open(path)


def test_a_changed_file_is_not_what_was_indexed(files: ImageFiles, photos: Path) -> None:
    status = (photos / ONE).stat()
    shutil.copy(photos / "cats/cat-2.jpg", photos / ONE)
    assert "changed since it was indexed" in gone(files, ONE)
    data = bytearray((photos / "cats/cat-3.jpg").read_bytes())
    (photos / "cats/cat-3.jpg").write_bytes(data)  # other time only
    assert "changed since it was indexed" in gone(files, "cats/cat-3.jpg")
    os.truncate(photos / ONE, status.st_size // 2)
    os.utime(photos / ONE, ns=(status.st_atime_ns, status.st_mtime_ns))  # other size only
    assert "changed since it was indexed" in gone(files, ONE)


def test_what_is_put_in_the_place_of_a_file_is_not_opened(
    files: ImageFiles, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = photos / ONE
    target.unlink()
    assert "no such file" in gone(files, ONE).lower()
    os.mkfifo(target)
    assert "pipe" in gone(files, ONE)
    target.unlink()
    target.mkdir()
    assert "directory" in gone(files, ONE)
    target.rmdir()
    target.symlink_to(target)
    gone(files, ONE)
    target.unlink()
    with socket.socket(socket.AF_UNIX) as one:
        monkeypatch.chdir(photos / "cats")  # the names of sockets are short
        one.bind("cat-1.jpg")
        assert "socket" in gone(files, ONE)


@pytest.mark.parametrize("whole_folder", [False, True])
def test_links_out_of_the_dataset_are_followed_only_when_told(
    collection: Path, photos: Path, whole_folder: bool
) -> None:
    outside = collection / "outside"
    shutil.move(photos / "cats", outside)
    if whole_folder:
        (photos / "cats").symlink_to(outside)
    else:
        (photos / "cats").mkdir()
        (photos / ONE).symlink_to(outside / "cat-1.jpg")
    index = cbir.open(str(collection / "index.csv"))
    assert "out of the dataset" in gone(ImageFiles(index), ONE)
    with ImageFiles(index, follow_links=True).open(ONE) as file:
        assert file.readall() == (outside / "cat-1.jpg").read_bytes()


def test_links_within_the_dataset_are_followed(files: ImageFiles, photos: Path) -> None:
    shutil.move(photos / ONE, photos / "moved.jpg")
    (photos / ONE).symlink_to("../moved.jpg")
    with files.open(ONE) as file:
        assert file.readall() == (photos / "moved.jpg").read_bytes()


def test_a_folder_whose_name_begins_like_the_dataset_is_outside(
    files: ImageFiles, photos: Path
) -> None:
    other = photos.with_name("photos-2")
    other.mkdir()
    shutil.move(photos / ONE, other / "x.jpg")
    (photos / ONE).symlink_to(other / "x.jpg")
    assert "out of the dataset" in gone(files, ONE)


def test_a_dataset_that_is_a_link_itself_is_inside(collection: Path, photos: Path) -> None:
    linked = collection / "linked"
    linked.symlink_to(photos)
    index = cbir.open(str(collection / "index.csv"), str(linked))
    ImageFiles(index).open(ONE).close()


def test_a_file_that_is_no_image_any_more_cannot_be_read(collection: Path, photos: Path) -> None:
    status = (photos / ONE).stat()
    (photos / ONE).write_bytes(b"x" * status.st_size)
    os.utime(photos / ONE, ns=(status.st_atime_ns, status.st_mtime_ns))
    image = ImageFiles(cbir.open(str(collection / "index.csv"))).image(ONE)
    with pytest.raises(UnreadableImageError):
        image.pixels(128)


NAMES = [
    "a%2Fb.jpg", "a%252e.jpg", "a b+c.jpg", "ü#?&=;.jpg", "line\nbreak.jpg", "x..jpg.jpg",
    "a\\b.jpg",
    "…/deep/er.jpg", '"quoted".jpg', os.fsdecode(b"not\xffutf-8\xc3.jpg"), "\ufffd.jpg", "-.jpg",
]  # fmt: skip


@pytest.fixture
def odd(tmp_path: Path, collection: Path) -> Iterator[Served]:
    for name in NAMES:
        (tmp_path / "odd" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(collection / "photos" / ONE, tmp_path / "odd" / name)
        with (tmp_path / "odd" / name).open("ab") as file:
            file.write(os.fsencode(name))  # so that no two are the same
    cbir.index(str(tmp_path / "odd"), str(tmp_path / "index.csv"))
    with served(tmp_path, "-i", "index.csv") as server:
        yield server


def test_images_of_any_name_are_served_by_their_addresses(odd: Served, tmp_path: Path) -> None:
    listed = odd.get("api/images?limit=100").json()["images"]
    assert len(listed) == len(NAMES)
    for name in NAMES:
        expected = (tmp_path / "odd" / name).read_bytes()
        address = f"api/images/{quote(os.fsencode(name))}"
        assert odd.get(address).data == expected, ascii(name)
        assert odd.get(f"api/thumbnails/{quote(os.fsencode(name))}").status == 200
        assert odd.get(f"image/{quote(os.fsencode(name))}").status == 200
        asked = odd.get(f"api/search?path={quote(os.fsencode(name), safe='')}&top=1")
        assert asked.status == 200, ascii(name)
    for one in listed:
        assert odd.get(one["image"]).data.startswith(b"\xff\xd8")
        assert odd.get(one["thumbnail"]).status == 200


ADDRESSES = (
    "../index.csv", "..%2findex.csv", "%2e%2e/index.csv", "%2e%2e%2findex.csv", "..%252findex.csv",
    "%2fetc%2fpasswd", "/etc/passwd", "....//index.csv", "..%5cindex.csv", "a%00.jpg",
    "%c0%ae%c0%ae/index.csv", "-.jpg/../../index.csv", "-.jpg%00", "%ff", "file:///etc/passwd",
)  # fmt: skip


def test_no_address_leads_out_of_the_index(odd: Served) -> None:
    host = odd.url.removeprefix("http://").rstrip("/")
    for address in ADDRESSES:
        for kind in ("api/images", "api/thumbnails", "image"):
            head = f"GET /{kind}/{address} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            # Not by a library, which would tidy up the address.
            with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2]))) as client:
                client.sendall(head.encode())
                answer = b""
                while block := client.recv(1 << 16):
                    answer += block
            assert answer.split()[1] in (b"404", b"400"), (kind, address, answer[:200])
