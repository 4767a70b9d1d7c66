"""Which image of a group is kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cbir.duplicates import detail, keep_policy, preference
from cbir.duplicates.detail import ImageDetail
from cbir.duplicates.grouping import find_groups
from cbir.duplicates.keep_policy import originality
from cbir.duplicates.model import KEEP_POLICIES, CopyLevel, ImageRecord
from cbir.duplicates.preference import RelativeGeometry
from cbir.images.encoded_image import EncodedImage
from tests.duplicates.helpers import collected, names, save
from tests.edits import photo


def file(path: str, mtime: int = 5) -> ImageRecord:
    return ImageRecord(path, b"", 1, mtime, 9, 9, 90)


def kept(folder: Path, keep: str) -> str:
    with collected(folder, "near") as collection:
        (group,) = names(find_groups(collection, "near", keep=keep), str(folder))  # type: ignore[arg-type]
    return group[0]


@pytest.mark.parametrize(
    "keep", [keep for keep in KEEP_POLICIES if keep not in ("first", "newest")]
)
def test_of_identical_files_the_oldest_is_kept(tmp_path: Path, keep: str) -> None:
    for year, name in enumerate(
        ["IMG_1.jpg", "IMG_1 (1).jpg", "Copy of IMG_1.jpg", "IMG_1 copy.jpg"], 2010
    ):
        save(photo("cats/cat-1").resize((300, 195)), tmp_path / name, quality=90)
        os.utime(tmp_path / name, (0, (year - 1970) * 31_556_952))
    assert kept(tmp_path, keep) == "IMG_1.jpg"


@pytest.mark.parametrize("keep", [keep for keep in KEEP_POLICIES if keep != "first"])
def test_of_identical_files_of_one_time_that_without_marks_is_kept(
    tmp_path: Path, keep: str
) -> None:
    for name in ("IMG_1.jpg", "IMG_1 (1).jpg", "Copy of IMG_1.jpg", "IMG_1 copy.jpg", "2.jpg"):
        folder = tmp_path / "photos - Copy" if name == "2.jpg" else tmp_path / "photos"
        save(photo("cats/cat-1").resize((300, 195)), folder / name, quality=90)
        os.utime(folder / name, (10, 10))
    assert kept(tmp_path, keep) == "photos/IMG_1.jpg"


def test_the_older_of_two_identical_files_is_kept_though_its_path_comes_later(
    tmp_path: Path,
) -> None:
    save(photo("cats/cat-1").resize((300, 195)), tmp_path / "cat-z.jpg")
    shutil.copy(tmp_path / "cat-z.jpg", tmp_path / "cat-again.jpg")
    os.utime(tmp_path / "cat-z.jpg", (10, 10))
    assert kept(tmp_path, "largest") == "cat-z.jpg"


def test_originality_is_age_then_marks_then_length_then_path() -> None:
    expected = [
        file("z/old (1).jpg", 1), file("z/name.jpg"), file("a/names.jpg"), file("b/names.jpg"),
        file("a (1)/name.jpg"), file("z/name (1).jpg"), file("name (1) (2).jpg"),
    ]  # fmt: skip
    for order in permutations(expected, 7):
        assert sorted(order, key=originality) == expected


def test_an_enlarged_and_compressed_copy_is_given_up_for_what_it_was_made_of(
    tmp_path: Path,
) -> None:
    image = photo("cats/cat-1").resize((300, 195))
    save(image, tmp_path / "scan (1).png")
    save(image.resize((600, 390), Image.Resampling.BICUBIC), tmp_path / "scan.jpg", quality=20)
    os.utime(tmp_path / "scan.jpg", (10, 10))
    assert kept(tmp_path, "best") == "scan (1).png"
    assert kept(tmp_path, "largest") == "scan.jpg"


def test_best_is_the_default_and_does_not_depend_on_names_or_workers(tmp_path: Path) -> None:
    image = photo("things/coffee-1").resize((320, 240))
    for number, size in enumerate([(320, 240), (160, 120), (480, 360), (240, 180)]):
        save(image.resize(size), tmp_path / f"{number}.jpg", quality=(95, 90, 60, 40)[number])
    with collected(tmp_path, "near") as collection:
        default = names(find_groups(collection, "near"), str(tmp_path))
        assert default == names(
            find_groups(collection, "near", keep="best", workers=1), str(tmp_path)
        )
    assert default[0][0] == "0.jpg" and len(default) == 1
    (tmp_path / "0.jpg").rename(tmp_path / "9.jpg")
    assert kept(tmp_path, "best") == "9.jpg"


def _pages(image: Image.Image, path: Path) -> None:
    image.save(path, save_all=True, append_images=[image.rotate(90), image.rotate(180)])


def _deep(image: Image.Image, path: Path) -> None:
    values = np.asarray(image).astype(np.uint16) * 257
    assert cv2.imwrite(str(path), values[:, :, ::-1])


def _transparent(image: Image.Image, path: Path) -> None:
    alpha = np.full((image.height, image.width), 255, np.uint8)
    alpha[:20] = 128
    image.putalpha(Image.fromarray(alpha))
    image.save(path)


@pytest.mark.parametrize("level", ["exact", "near"])
@pytest.mark.parametrize(
    ("richer", "name"), [(_pages, "z.tif"), (_deep, "z.png"), (_transparent, "z.png")]
)
def test_the_file_that_holds_more_besides_is_kept(
    tmp_path: Path, richer: Callable[[Image.Image, Path], None], name: str, level: CopyLevel
) -> None:
    richer(photo("cats/cat-1").resize((300, 195)), tmp_path / name)
    Image.fromarray(EncodedImage.open(str(tmp_path / name)).pixels()).save(tmp_path / "a (1).bmp")
    os.utime(tmp_path / "a (1).bmp", (10, 10))
    with collected(tmp_path, level) as collection:
        (group,) = names(find_groups(collection, level), str(tmp_path))
    assert group == [name, "a (1).bmp"]


def test_what_cannot_be_read_any_more_comes_last(tmp_path: Path) -> None:
    image = photo("cats/cat-1").resize((300, 195))
    save(image, tmp_path / "a.png")
    save(image, tmp_path / "b.jpg", quality=60)
    save(image, tmp_path / "c.jpg", quality=50)
    with collected(tmp_path, "near") as collection:
        (tmp_path / "a.png").write_bytes(b"gone")
        (group,) = names(find_groups(collection, "near"), str(tmp_path))
    assert group == ["b.jpg", "c.jpg"]


def test_what_was_turned_or_cropped_or_saved_again_is_no_better(tmp_path: Path) -> None:
    photo("things/coffee-1").save(tmp_path / "0.jpg", quality=72)
    original = Image.open(tmp_path / "0.jpg")
    turned = original.rotate(5, Image.Resampling.BICUBIC, expand=True)
    turned.save(tmp_path / "1.jpg", quality=90)
    original.crop((20, 13, 390, 250)).save(tmp_path / "2.jpg", quality=90)
    original.save(tmp_path / "3.jpg", quality=75)
    for number in range(4):
        os.utime(tmp_path / f"{number}.jpg", (1_000_000_000 + number,) * 2)
    with collected(tmp_path, "edited") as collection:
        groups = names(find_groups(collection, "edited"), str(tmp_path))
    assert [(group[0], sorted(group[1:])) for group in groups] == [
        ("0.jpg", ["1.jpg", "2.jpg", "3.jpg"])
    ]


def test_what_has_no_possible_copy_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(["cats/cat-1", "things/coffee-1", "windmills/windmill-1"]):
        save(photo(name).resize((200, 150)), tmp_path / f"{number}.png")
    save(photo("cats/cat-1").resize((100, 75)), tmp_path / "3.png")
    measured = []
    with collected(tmp_path, "near") as collection:
        opened = detail.open_content
        monkeypatch.setattr(
            detail, "open_content", lambda content: measured.append(content.path) or opened(content)
        )
        find_groups(collection, "near")
    assert sorted(measured) == [str(tmp_path / "0.png"), str(tmp_path / "3.png")]


def test_only_images_that_show_the_same_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of others it means nothing which is better, and the order would depend on all of them."""
    for number, name in enumerate(["cats/cat-1", "things/coffee-1", "windmills/windmill-1"]):
        image = photo(name).resize((300, 200))
        save(image, tmp_path / f"{number}-large.png")
        save(image.resize((150, 100)), tmp_path / f"{number}-small.png")
    place = {os.stat(path).st_size: path.name[0] for path in tmp_path.iterdir()}
    compared, measured = set[tuple[str, str]](), detail.measure
    shown: dict[ImageDetail, str] = {}

    def measure(image: EncodedImage) -> ImageDetail:
        found = measured(image)
        shown[found] = place[len(image.data)]
        return found

    def compare(first: ImageDetail, second: ImageDetail, how: RelativeGeometry) -> int:
        compared.add((shown[first], shown[second]))
        return preference.compare_quality(first, second, how)

    monkeypatch.setattr(detail, "measure", measure)
    monkeypatch.setattr(keep_policy, "compare_quality", compare)
    with collected(tmp_path, "edited") as collection:
        groups = names(find_groups(collection, "edited"), str(tmp_path))
    assert groups == [[f"{number}-large.png", f"{number}-small.png"] for number in range(3)]
    assert compared == {("0", "0"), ("1", "1"), ("2", "2")}
