"""A folder to torment: images with copies of every kind, links, odd names; and what is in it."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import random
import shutil
import sys
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from cbir.images.discovery import find_images

DESCRIPTORS = ("hsv", "phash", "layout", "orb:words=20,features=200")
"""What an index may hold; the last one needs the vocabulary of the world."""

TRACKED = ("photos", "outside", "moved", "small/moved", "home")
"""Folders, below the world's, in which a content may be."""

_ODD = (
    " lead",
    "new\nline",
    "-rf",
    "=1+1",
    "ä ö",
    "quo'te\"",
    "\udcff\udcfe",
    "100%",
    "NA",
    "x" * 180,
)


@dataclass(frozen=True)
class Snapshot:
    """What is on the disk at one moment.

    Attributes
    ----------
    files : dict of str to str
        The SHA-256 of each regular file by its absolute path.
    links : dict of str to str
        Where each symbolic link leads.
    """

    files: dict[str, str]
    links: dict[str, str]

    @property
    def contents(self) -> set[str]:
        """All contents that are somewhere."""
        return set(self.files.values())


@dataclass
class World:
    """A dataset with its index, logs and trash, below one folder.

    Attributes
    ----------
    folder : Path
    precious : dict of str to str
        By SHA-256 what no other image shows, and why: it may never be deleted.
    families : list of set of str
        SHA-256 of images that show the whole of one scene: one of each must stay.
    """

    folder: Path
    precious: dict[str, str] = field(default_factory=dict)
    families: list[set[str]] = field(default_factory=list)

    @property
    def photos(self) -> Path:
        """The dataset."""
        return self.folder / "photos"

    @property
    def index(self) -> Path:
        """The index file; on the small disk, if there is one."""
        return self.folder / "small" / "index.csv"

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.folder / "small" / "logs"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the commands: a trash and a cache of their own."""
        homes = {"XDG_DATA_HOME": self.folder / "home", "XDG_CACHE_HOME": self.folder / "cached"}
        temporary = {"TMPDIR": self.folder / "tmp", "HOME": self.folder / "home"}
        variables = {name: str(path) for name, path in {**homes, **temporary}.items()}
        return {**os.environ, **variables, "PYTHONDONTWRITEBYTECODE": "1"}

    def snapshot(self) -> Snapshot:
        """Read everything that is tracked."""
        files, links = {}, {}
        for name in TRACKED:
            for folder, folders, names in os.walk(self.folder / name):
                for one in (*folders, *names):
                    path = os.path.join(folder, one)
                    if os.path.islink(path):
                        links[path] = os.readlink(path)
                    elif os.path.isfile(path):
                        files[path] = sha256_of(path)
        return Snapshot(files, links)

    def rows(self) -> dict[str, str] | None:
        """Return the SHA-256 by path as the index says it; None if there is no index."""
        try:
            text = self.index.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return None
        csv.field_size_limit(sys.maxsize)
        rows = {}
        for row in csv.DictReader(io.StringIO(text, newline="")):
            raw = row.get("path_base64")
            path = os.fsdecode(b64decode(raw)) if raw else row["path"].removeprefix("./")
            rows[path] = row["sha256"]
        return rows


def make(source: Path, folder: Path, chance: random.Random, images: int) -> World:
    """Make a world of some images of `source`."""
    world = World(folder)
    for name in ("photos", "outside", "moved", "home", "cached", "tmp", "contents"):
        (folder / name).mkdir(parents=True)
    world.logs.mkdir(parents=True)
    found = [str(source / one.path) for one in find_images(str(source))]
    for number, path in enumerate(chance.sample(found, min(images, len(found)))):
        _family(world, Path(path), number, chance)
    (world.photos / "linked").symlink_to("../outside")
    for sha, path in {sha: path for path, sha in world.snapshot().files.items()}.items():
        if not path.endswith((".xmp", ".json")):
            shutil.copyfile(path, folder / "contents" / (sha + os.path.splitext(path)[1][:5]))
    return world


def _family(world: World, path: Path, number: int, chance: random.Random) -> None:
    """Put an image into the dataset, and some of its copies."""
    data = path.read_bytes()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image.thumbnail((320, 320))
    folder = world.photos / f"folder {number % 4}"
    _write(folder / f"IMG_{number}{path.suffix}", data, chance)
    family = {hashlib.sha256(data).hexdigest()}
    for way in chance.sample(sorted(_COPIES), 3):
        name = chance.choice(_ODD) if chance.random() < 0.5 else f"IMG_{number}"
        extension, made = _COPIES[way]
        copy = made(image) if made is not None else data
        target = (
            world.photos / f"folder {chance.randrange(4)}" / f"{name}-{number}-{way}{extension}"
        )
        _write(target, copy, chance)
        sha = hashlib.sha256(copy).hexdigest()
        if way in _PRECIOUS:
            world.precious[sha] = way
        if way != "cropped":
            family.add(sha)
    world.families.append(family)
    if number % 3 == 0:
        (folder / f"IMG_{number}.xmp").write_bytes(b"<xmp>%d</xmp>" % number)
        shutil.copyfile(path, world.folder / "outside" / f"library-{number}{path.suffix}")
    if number % 4 == 1:
        os.link(folder / f"IMG_{number}{path.suffix}", folder / f"hard-{number}{path.suffix}")
        (folder / f"soft-{number}{path.suffix}").symlink_to(f"IMG_{number}{path.suffix}")


def _write(path: Path, data: bytes, chance: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    time = 1_000_000_000 + chance.randrange(500_000_000)
    os.utime(path, (time, time))


def _saved(image: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def _pages(image: Image.Image) -> bytes:
    other = image.transpose(Image.Transpose.ROTATE_180)
    return _saved(image, "TIFF", save_all=True, append_images=[other], compression="tiff_deflate")


def _deep(image: Image.Image) -> bytes:
    import cv2

    values = np.asarray(image)[:, :, ::-1].astype(np.uint16)
    return cv2.imencode(".png", values * 256 + values[::-1, ::-1] % 199)[1].tobytes()


def _transparent(image: Image.Image) -> bytes:
    alpha = Image.linear_gradient("L").resize(image.size).point(lambda value: 255 - value // 40)
    image = image.copy()
    image.putalpha(alpha)
    return _saved(image, "PNG")


def _cropped(image: Image.Image) -> bytes:
    width, height = image.size
    box = (width // 20, height // 20, width, height)
    return _saved(image.crop(box), "JPEG", quality=90)


def _halved(image: Image.Image) -> bytes:
    return _saved(image.resize((image.width // 2, image.height // 2)), "JPEG", quality=90)


_COPIES: dict[str, tuple[str, Callable[[Image.Image], bytes] | None]] = {
    "same": (".jpg", None),
    "again": (".jpg", None),
    "pixels": (".bmp", lambda image: _saved(image, "BMP")),
    "small-file": (".jpg", lambda image: _saved(image, "JPEG", quality=60)),
    "half": (".jpg", _halved),
    "cropped": (".jpg", _cropped),
    "pages": (".tif", _pages),
    "deep": (".png", _deep),
    "transparent": (".png", _transparent),
}
"""The extension of each kind of copy, and what makes it; None for the very same bytes."""

_PRECIOUS = {"pages", "deep", "transparent"}


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
