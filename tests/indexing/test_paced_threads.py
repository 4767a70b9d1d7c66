"""Images described on threads: in order, whatever is slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cbir.core.errors import UnreadableImageError
from cbir.descriptors.registry import parse
from cbir.images.discovery import ImageFile, find_images
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.image_describer import DescribedImage, ImageDescriber, Outcome
from cbir.indexing.paced_threads import PacedThreads
from cbir.indexing.reuse import ReuseLookup

NAMED = [parse("layout"), parse("dhash")]


@dataclass(frozen=True)
class Disk(ImageDescriber):
    """Describes images of a disk that takes its time, and knows how many are read at once."""

    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0, 0])

    def read(self, file: ImageFile) -> EncodedImage | None:
        self.counts[0] += 1
        self.counts[1] = max(self.counts)
        time.sleep(self.seconds)
        self.counts[0] -= 1
        return super().read(file)


@dataclass(frozen=True)
class Stopped(ImageDescriber):
    """Describes the first image when all others are done."""

    others: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    count: int = 0

    def __call__(self, file: ImageFile, image: EncodedImage | None = None) -> Outcome:
        if file.path == "00000.jpg":
            for _ in range(self.count):
                assert self.others.acquire(timeout=60)
        else:
            self.others.release()
        return super().__call__(file, image)


@pytest.fixture
def many(photos: Path, tmp_path: Path) -> tuple[str, list[ImageFile]]:
    """300 names of 12 photographs, and files that are none."""
    folder = tmp_path / "many"
    folder.mkdir()
    sources = sorted(photos.rglob("*.jpg"))
    for number in range(300):
        (folder / f"{number:05}.jpg").hardlink_to(sources[number % len(sources)])
    (folder / "00100x.jpg").write_text("no image")
    return str(folder), list(find_images(str(folder)))


def lookup() -> ReuseLookup:
    return ReuseLookup(None, [], NAMED)


def rows_of(outcomes: Iterator[Outcome]) -> list[tuple[str, list[bytes]]]:
    found = []
    for one in outcomes:
        if isinstance(one, UnreadableImageError):
            found.append((Path(one.path).name, [b"unreadable"]))
        else:
            assert isinstance(one, DescribedImage)
            found.append((one.file.path, [row.tobytes() for row in one.known.rows.values()]))
    return found


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("seconds", [0.0, 0.003])
def test_the_same_in_order(many: tuple[str, list[ImageFile]], workers: int, seconds: float) -> None:
    folder, files = many
    describer = Disk(folder, NAMED, lookup(), {}, seconds)
    expected = rows_of(map(ImageDescriber(folder, NAMED, lookup(), {}), files))
    assert rows_of(PacedThreads(workers)(describer, files)) == expected
    assert (len(expected), ("00100x.jpg", [b"unreadable"]) in expected) == (301, True)


def test_a_slow_disk_is_read_ahead(many: tuple[str, list[ImageFile]]) -> None:
    describer = Disk(many[0], NAMED, lookup(), {}, 0.01)
    for _ in PacedThreads(1)(describer, many[1]):
        pass
    assert describer.counts[1] > 8


def test_one_slow_image_does_not_stop_the_others(many: tuple[str, list[ImageFile]]) -> None:
    folder, files = many
    describer = Stopped(folder, NAMED, lookup(), {}, count=len(files) - 1)
    first = next(PacedThreads(2)(describer, files))
    assert isinstance(first, DescribedImage)
    assert first.file.path == "00000.jpg"


def test_what_has_not_begun_is_dropped(many: tuple[str, list[ImageFile]]) -> None:
    folder, files = many
    done = []

    @dataclass(frozen=True)
    class Noting(ImageDescriber):
        def __call__(self, file: ImageFile, image: EncodedImage | None = None) -> Outcome:
            done.append(file)
            time.sleep(0.02)
            return super().__call__(file, image)

    outcomes = PacedThreads(2)(Noting(folder, NAMED, lookup(), {}), files)
    next(outcomes)
    outcomes.close()
    assert len(done) < 100
