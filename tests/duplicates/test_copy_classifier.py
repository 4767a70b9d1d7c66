"""The classifier: at which level two images are copies, and when they are not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cbir.core.errors import UnreadableImageError
from cbir.descriptors.hashes.dihedral import ORIENTATIONS
from cbir.duplicates.copy_classifier import CopyClassifier, Hypotheses
from cbir.duplicates.image_content import Content, ContentCache
from cbir.duplicates.model import CopyLevel, CopyMatch
from cbir.search.metrics import hamming
from cbir.verification.geometry import orientation_transform
from tests.duplicates.helpers import save, unknown
from tests.edits import captioned, cropped, mirrored, photo, turned

VOTED = Hypotheses({0}, {False, True})


class Bench:
    """Classifies images of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cache = ContentCache(unknown)
        self._contents: dict[str, Content] = {}

    def content(self, name: str) -> Content:
        if name not in self._contents:
            self._contents[name] = self._cache.load(str(self.folder / name), with_features=False)
        return self._contents[name]

    def match(
        self,
        one: str,
        other: str,
        level: CopyLevel,
        hypotheses: Hypotheses = VOTED,
        threshold: int | None = None,
    ) -> CopyMatch | None:
        classifier = CopyClassifier(self._cache, level, threshold)
        return classifier.classify(self.content(one), self.content(other), hypotheses)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("classified")
    cat = photo("cats/cat-1")
    save(cat, folder / "cat.png")
    save(cat, folder / "twin.png")
    save(cat, folder / "cat.bmp")
    save(cat, folder / "cat.jpg", quality=95)
    commented = folder.joinpath("cat.jpg").read_bytes()
    folder.joinpath("commented.jpg").write_bytes(
        commented[:2] + b"\xff\xfe\x00\x09comment" + commented[2:]
    )
    save(cat.resize((220, 143)), folder / "small.jpg", quality=40)
    save(cat.point(lambda x: round(255 * (x / 255) ** 1.4)), folder / "dark.jpg", quality=85)
    save(cropped(cat), folder / "crop.png")
    save(mirrored(cropped(cat)), folder / "mirrored.png")
    save(captioned(cropped(cat)), folder / "captioned.png")
    save(photo("things/coffee-1").resize(cat.size), folder / "coffee.png")
    for number in range(1, 8):
        save(turned(cat, number).resize((180, 180)), folder / f"turn{number}.png")
    return Bench(folder)


@pytest.mark.parametrize("orientation", range(8))
@pytest.mark.parametrize("size", [None, (7, 5)])
def test_turned_transforms_agree_with_pillow(
    orientation: int, size: tuple[int, int] | None
) -> None:
    """Each pixel of an image goes where Pillow puts it."""
    numbers = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    there = np.asarray(turned(Image.fromarray(numbers), orientation))
    if size is None:
        transform = orientation_transform(numbers.shape, there.shape, orientation)
        for y, x in np.ndindex(*numbers.shape):
            column, row = transform @ (x, y, 1)
            assert there[round(row), round(column)] == numbers[y, x]
            assert (round(row), round(column)) == pytest.approx((row, column))
    else:  # resized as well: corners go to corners
        transform = orientation_transform(numbers.shape, size, orientation)
        whole = orientation_transform(numbers.shape, there.shape, orientation)
        for corner in ((-0.5, -0.5, 1), (3.5, -0.5, 1), (-0.5, 2.5, 1), (3.5, 2.5, 1)):
            share = (whole @ corner + 0.5) / there.shape[::-1]
            assert (transform @ corner + 0.5) / size[::-1] == pytest.approx(share)


@pytest.mark.parametrize(
    ("other", "level"),
    [
        ("twin.png", "exact"),
        ("cat.bmp", "exact"),
        ("cat.jpg", "near"),
        ("small.jpg", "near"),
        ("dark.jpg", "near"),
        ("crop.png", "edited"),
        ("mirrored.png", "edited"),
        ("captioned.png", "edited"),
        ("coffee.png", None),
    ],
)
def test_the_strictest_level_is_told(bench: Bench, other: str, level: CopyLevel | None) -> None:
    order: list[CopyLevel] = ["exact", "near", "edited"]
    for generous in order:
        match = bench.match("cat.png", other, generous)
        if level is None or order.index(generous) < order.index(level):
            assert match is None
        else:
            assert match is not None and match.level == level


def test_equal_bytes_and_equal_pixels_are_told_apart(bench: Bench) -> None:
    for one, other, evidence in (
        ("cat.png", "twin.png", "same bytes"),
        ("cat.png", "cat.bmp", "same pixels"),
        ("cat.jpg", "commented.jpg", "same pixels"),
    ):
        match = bench.match(one, other, "exact")
        assert match is not None and (match.distance, match.evidence) == (0, evidence)


def test_the_distance_of_near_copies_is_that_of_their_hashes(bench: Bench) -> None:
    one, other = bench.content("cat.png"), bench.content("dark.jpg")
    distance = int(hamming(one.bits, other.bits[None])[0])
    match = bench.match("cat.png", "dark.jpg", "near")
    assert match is not None and match.distance == distance > 0
    assert match.evidence.startswith(f"phash {distance}/256, ") and match.transform is None


def test_the_threshold_of_near_copies_is_the_last_that_counts(bench: Bench) -> None:
    match = bench.match("cat.png", "dark.jpg", "near")
    assert match is not None
    assert bench.match("cat.png", "dark.jpg", "near", threshold=match.distance) is not None
    assert bench.match("cat.png", "dark.jpg", "near", threshold=match.distance - 1) is None
    for other in ("twin.png", "cat.bmp"):
        assert bench.match("cat.png", other, "near", threshold=0) is not None


def test_the_threshold_of_edited_copies_is_the_last_that_counts(bench: Bench) -> None:
    match = bench.match("cat.png", "captioned.png", "edited")
    assert match is not None and 10 < match.distance < 150
    least = match.distance
    assert bench.match("cat.png", "captioned.png", "edited", threshold=least + 1) is not None
    assert bench.match("cat.png", "captioned.png", "edited", threshold=least - 1) is None
    # Near copies are copies at every level.
    assert bench.match("cat.png", "small.jpg", "edited", threshold=0) is not None


def test_different_images_with_near_hashes_are_compared(bench: Bench) -> None:
    """Even when every hash counts as near."""
    assert bench.match("cat.png", "coffee.png", "near", threshold=256) is None
    assert bench.match("cat.png", "captioned.png", "near", threshold=30) is None


@pytest.mark.parametrize("orientation", range(1, 8))
def test_turned_images_are_found_by_their_hashes_alone(bench: Bench, orientation: int) -> None:
    match = bench.match("cat.png", f"turn{orientation}.png", "edited", Hypotheses({orientation}))
    assert match is not None and match.level == "edited"
    assert match.evidence.startswith(ORIENTATIONS[orientation])
    assert match.transform is not None
    assert match.mirrored == (np.linalg.det(match.transform[:, :2]) < 0)
    with Image.open(bench.folder / f"turn{orientation}.png") as image:
        there = orientation_transform((260, 400), (image.height, image.width), orientation)
    assert match.transform == pytest.approx(there, abs=0.2)
    others = Hypotheses(set(range(8)) - {orientation})
    assert bench.match("cat.png", f"turn{orientation}.png", "edited", others) is None


def test_nothing_is_tried_that_is_not_hinted(bench: Bench) -> None:
    assert bench.match("cat.png", "crop.png", "edited", Hypotheses()) is None
    assert bench.match("cat.png", "crop.png", "edited", Hypotheses(set(), {True})) is None
    assert bench.match("cat.png", "crop.png", "edited", Hypotheses(set(), {False})) is not None
    assert bench.match("cat.png", "mirrored.png", "edited", Hypotheses(set(), {False})) is None
    match = bench.match("cat.png", "mirrored.png", "edited", Hypotheses(set(), {True}))
    assert match is not None and match.mirrored and "mirrored" in match.evidence
    assert match.transform is not None and np.linalg.det(match.transform[:, :2]) < 0


def test_the_transform_leads_to_the_copy(bench: Bench) -> None:
    match = bench.match("cat.png", "crop.png", "edited")
    assert match is not None and match.transform is not None
    # The crop begins at an eighth of the width and a tenth of the height.
    assert match.transform == pytest.approx(np.array([[1, 0, -50], [0, 1, -26]]), abs=0.1)


@pytest.mark.parametrize("level", ["exact", "near", "edited"])
def test_images_without_structure_are_copies_only_pixel_by_pixel(
    tmp_path: Path, level: CopyLevel
) -> None:
    rng = np.random.default_rng(0)
    for number in range(2):
        save(rng.integers(250, 253, (80, 120, 3), np.uint8), tmp_path / f"{number}.png")
    save(Image.new("RGB", (120, 80), "white"), tmp_path / "white.png")
    save(Image.new("RGB", (120, 80), "white"), tmp_path / "white.bmp")
    save(Image.new("RGB", (100, 80), "white"), tmp_path / "narrow.png")
    bench = Bench(tmp_path)
    assert bench.match("0.png", "1.png", level) is None
    assert bench.match("white.png", "0.png", level) is None
    assert bench.match("white.png", "narrow.png", level) is None
    match = bench.match("white.png", "white.bmp", level)
    assert match is not None and match.evidence == "same pixels"


def test_a_file_that_has_gone_is_told(tmp_path: Path) -> None:
    cache = ContentCache(unknown)
    paths = [tmp_path / "one.png", tmp_path / "two.jpg"]
    contents = [cache.load(str(save(photo("cats/cat-1"), path)), False) for path in paths]
    paths[1].unlink()
    with pytest.raises(UnreadableImageError, match=r"two\.jpg"):
        CopyClassifier(ContentCache(unknown), "near").classify(*contents, VOTED)


def test_lossy_copies_of_many_kinds_are_near(tmp_path: Path) -> None:
    """One photograph as different programs may store it."""
    image = photo("windmills/windmill-1")
    save(image, tmp_path / "original.png")
    save(image.filter(ImageFilter.GaussianBlur(0.8)), tmp_path / "blurred.png")
    save(image.filter(ImageFilter.UnsharpMask(2, 120, 0)), tmp_path / "sharp.png")
    save(image.convert("L"), tmp_path / "gray.png")
    save(image.resize((600, 800), Image.Resampling.BICUBIC), tmp_path / "large.png")
    save(image, tmp_path / "lossy.webp", quality=30)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30)
    save(Image.open(buffer).resize((150, 200)), tmp_path / "twice.jpg", quality=70)
    bench = Bench(tmp_path)
    for other in ("blurred.png", "sharp.png", "gray.png", "large.png", "lossy.webp", "twice.jpg"):
        match = bench.match("original.png", other, "near")
        assert match is not None and match.level == "near", other
