"""The report: it stands alone, shows what differs, and never overwrites what is not its own."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import cv2
import numpy as np
import pytest
from PIL import Image

from cbir.core.errors import CbirError, UsageError
from cbir.duplicates.loss import Loss
from cbir.duplicates.model import CopyMatch, Duplicate, Group, ImageRecord
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import Pixels
from cbir.reports.difference_image import difference
from cbir.reports.duplicates_page import REPORT, write_report
from cbir.verification.geometry import orientation_transform
from tests.pages import Page, decoded

OVERLAY = (slice(100, 130), slice(60, 160))


def record(path: Path | str, reference: bool = False) -> ImageRecord:
    image = EncodedImage.open(str(path))
    header, sha256 = image.header, hashlib.sha256(image.data).digest()
    facts = (len(image.data), 1_500_000_000_000, header.width, header.height, 90, reference)
    return ImageRecord(str(path), sha256, *facts)


def group(number: int, keep: Path, *copies: tuple[Path, CopyMatch]) -> Group:
    return Group(number, record(keep), tuple(Duplicate(record(path), m) for path, m in copies))


NEAR = CopyMatch("near", 3, "3 of 256 bits differ")
CROP = CopyMatch("edited", 9, "9 of 256 differ", np.array([[1.0, 0, -40], [0, 1, -30]]))


@pytest.fixture
def pixels(photos: Path) -> Pixels:
    return EncodedImage.open(str(photos / "cats" / "cat-1.jpg")).pixels(256)


@pytest.fixture
def groups(tmp_path: Path, pixels: Pixels) -> list[Group]:
    changed = pixels.copy()
    changed[OVERLAY] = 255
    versions = {"keep": pixels, "text <&>": changed, "crop": pixels[30:-20, 40:-10]}
    for name, version in versions.items():
        Image.fromarray(version).save(tmp_path / f"{name}.png")
    (tmp_path / "same.png").write_bytes((tmp_path / "keep.png").read_bytes())
    keep, text, crop, same = (tmp_path / f"{name}.png" for name in [*versions, "same"])
    exact = CopyMatch("exact", 0, "the same bytes")
    first = group(1, keep, (same, exact), (text, replace(NEAR, evidence="<3> of 256")))
    return [first, group(2, keep, (crop, CROP))]


def test_the_page_shows_every_image_with_its_facts(tmp_path: Path, groups: list[Group]) -> None:
    notes = write_report(
        str(tmp_path / "report.html"), groups, title="Cats <&>", images=1234,
        level="edited", threshold=40, keep="largest",
    )  # fmt: skip
    page = Page(tmp_path / "report.html")
    assert notes == []
    freed = sum(copy.record.bytes for one in groups for copy in one.duplicates)
    for words in (
        "Cats <&>", "Images 1,234", "Groups 2", "Copies 3", "level edited", "threshold 40",
        "keeping the largest", "1 exact · 1 near · 1 edited", f"freed {freed / 1000:.0f} kB",
        "2017-07-14 02:40 UTC", "<3> of 256", "distance 9",
    ):  # fmt: skip
        assert words in page.text.replace("Could be ", "")
    for one in groups:
        for each in (one.keep, *(copy.record for copy in one.duplicates)):
            assert each.path in page.text and f"{each.width} × {each.height} px" in page.text
    assert len(page.all("image")) == 5 and len(page.all("section")) == 2
    assert all(found.get("alt") for found in page.all("img"))
    assert all(found.get("aria-label") for found in page.all("svg", role="img"))
    for found in page.all("image"):
        height, width, _ = decoded(found["href"]).shape
        assert (found["width"], found["height"]) == (str(width), str(height))


def test_the_page_needs_nothing_else(tmp_path: Path, groups: list[Group]) -> None:
    write_report(str(tmp_path / "report.html"), groups)
    page = Page(tmp_path / "report.html")
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "object"})
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        loaded = attributes.get("src", "data:"), attributes.get("data", "data:")
        assert all(each.startswith("data:") for each in loaded)
    assert b"://" not in re.sub(rb"data:[^\"]*", b"", (tmp_path / "report.html").read_bytes())


def test_the_bytes_follow_from_the_groups(tmp_path: Path, groups: list[Group]) -> None:
    pages = []
    for workers in (1, 3):
        write_report(str(tmp_path / "report.html"), groups * 10, workers=workers)
        pages.append((tmp_path / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_the_differences_are_said_and_drawn(tmp_path: Path, groups: list[Group]) -> None:
    write_report(str(tmp_path / "report.html"), groups)
    page = Page(tmp_path / "report.html")
    of_text, of_crop = page.all("img")
    assert "text <&>.png" in of_text["alt"] and " % differs in lightness" in of_text["alt"]
    assert "no difference in lightness" in of_crop["alt"]
    drawn = decoded(of_text["src"]).astype(int)
    hot = drawn[..., 0] - drawn[..., 2] > 60
    inside = np.zeros(hot.shape, bool)
    inside[OVERLAY] = True
    assert hot[inside].mean() > 0.6 and hot[~inside].mean() < 0.03
    assert "of the kept image" in page.text


def test_the_frame_is_what_the_copy_shows(tmp_path: Path, groups: list[Group]) -> None:
    write_report(str(tmp_path / "report.html"), groups)
    page = Page(tmp_path / "report.html")
    copy = groups[1].duplicates[0].record
    right, bottom = 40 + copy.width, 30 + copy.height
    frame = f"M40 30 {right} 30 {right} {bottom} 40 {bottom}z"
    assert len(page.all("path", d=frame, class_="frame")) == 1
    assert page.all("use", transform="matrix(1 0 0 1 -40 -30)")


def test_what_stays_is_no_copy_to_free(tmp_path: Path, groups: list[Group]) -> None:
    first, second = groups
    loss = Loss("area", "the kept image shows 50 % of it")
    staying = [replace(copy, losses=(loss,), stays=True) for copy in first.duplicates]
    mixed = replace(first, duplicates=(first.duplicates[0], staying[1]))
    write_report(str(tmp_path / "mixed.html"), [mixed, second])
    text = Page(tmp_path / "mixed.html").text
    assert "Groups 2 Copies 2 Show more, stay 1 Could be freed" in text
    assert " to free · 1 that shows more" in text
    write_report(str(tmp_path / "all.html"), [replace(first, duplicates=tuple(staying))])
    text = Page(tmp_path / "all.html").text
    assert "Copies 0 Show more, stay 2" in text and "Group 1 2 that show more" in text
    assert "free" not in text and "Images" not in text


def test_only_the_first_images_are_in_the_page(tmp_path: Path, groups: list[Group]) -> None:
    out = tmp_path / "out" / "report.html"
    out.parent.mkdir()
    notes = write_report(str(out), groups, embedded=1)
    page = Page(out)
    assert "first 1 of 3 copies" in notes[0] and len(notes) == 1
    assert len(page.all("image")) == 2 and "first 1 copies" in page.text
    linked = [found["src"] for found in page.all("img", loading="lazy")]
    assert linked == ["../text%20%3C%26%3E.png", "../keep.png", "../crop.png"]


@pytest.mark.parametrize(
    "name", ["ü #?%.png", "a:b.png", "new\nline.png", '"><b>.png', os.fsdecode(b"\xff\xe9.png")]
)
def test_any_name_is_linked(tmp_path: Path, groups: list[Group], name: str) -> None:
    odd = tmp_path / name
    odd.write_bytes((tmp_path / "keep.png").read_bytes())
    write_report(str(tmp_path / "report.html"), [group(1, odd, (tmp_path / "crop.png", CROP))])
    page = Page(tmp_path / "report.html")
    link = page.all("a")[1]["href"]
    assert unquote_to_bytes(link) == os.fsencode(name) and ":" not in link
    assert not page.all("b")


def test_images_that_vanished_or_changed_are_told(tmp_path: Path, groups: list[Group]) -> None:
    os.unlink(tmp_path / "text <&>.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "crop.png")
    notes = write_report(str(tmp_path / "report.html"), groups)
    page = Page(tmp_path / "report.html")
    assert len(notes) == 2
    assert notes[0].endswith("text <&>.png: no such file or directory")
    assert notes[1].endswith("crop.png: changed since the images were compared")
    assert page.text.count("no such file") == 1 and not page.all("img")
    assert page.text.count("Changed since the images were compared") == 1
    os.unlink(tmp_path / "keep.png")
    assert len(write_report(str(tmp_path / "report.html"), groups)) == 4


def test_references_are_kept_and_free_nothing(tmp_path: Path, groups: list[Group]) -> None:
    copy = groups[1].duplicates[0]
    reference = replace(copy, record=replace(copy.record, reference=True, mtime=10**18))
    write_report(str(tmp_path / "report.html"), [replace(groups[1], duplicates=(reference,))])
    page = Page(tmp_path / "report.html")
    assert "reference, kept" in page.text and "freed" not in page.text
    assert "Copies 0 References 1" in page.text and "Group 2 1 reference" in page.text
    assert "to free" not in page.text


def test_nothing_found_is_said(tmp_path: Path) -> None:
    write_report(str(tmp_path / "report.html"), [])
    assert "No copies were found" in Page(tmp_path / "report.html").text


def test_a_report_is_overwritten_and_nothing_else(tmp_path: Path, groups: list[Group]) -> None:
    path = tmp_path / "report.html"
    for _ in range(2):
        write_report(str(path), groups)
    for content in (
        b"<!doctype html>\n<html>mine",
        b"",
        b'about <meta name="generator" content="cbir report">',
    ):
        path.write_bytes(content)
        with pytest.raises(CbirError, match="not made by this program"):
            write_report(str(path), groups)
        assert path.read_bytes() == content
    path.unlink()
    path.mkdir()
    with pytest.raises(CbirError, match="this is a folder"):
        REPORT.file.check(str(path))


def test_an_impossible_file_is_refused(tmp_path: Path, groups: list[Group]) -> None:
    with pytest.raises(UsageError, match=r"must end with \.html or \.htm"):
        write_report(str(tmp_path / "report.pdf"), groups)
    with pytest.raises(CbirError, match="there is no folder"):
        write_report(str(tmp_path / "nowhere" / "report.html"), groups)


def moved(pixels: Pixels, transform: np.ndarray, size: tuple[int, int]) -> Pixels:
    return cv2.warpAffine(pixels, transform, size, flags=cv2.INTER_CUBIC, borderValue=(0, 0, 0))


@pytest.mark.parametrize("turn", [0.0, 7.0, 90.0, 180.0])
@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.4])
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_aligned_copy_differs_nowhere(
    pixels: Pixels, turn: float, zoom: float, mirrored: bool
) -> None:
    height, width = pixels.shape[:2]
    transform = cv2.getRotationMatrix2D((width / 2, height / 2), turn, zoom)
    if mirrored:
        transform = transform @ np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]])
    copy = moved(pixels, transform, (width, height)) // 2 + np.uint8(50)
    found = difference(pixels, copy, transform)
    covered = moved(np.full_like(pixels, 255), transform, (width, height))[..., 0] > 127
    assert found.changed < 0.01
    assert found.added == pytest.approx(1 - covered.mean(), abs=0.02)
    assert found.shown == pytest.approx(covered.sum() / zoom**2 / (width * height), abs=0.02)


def test_a_scaled_copy_differs_nowhere(pixels: Pixels) -> None:
    for size in ((97, 61), (511, 400)):
        copy = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        found = difference(pixels, copy, orientation_transform(pixels.shape, copy.shape, 0))
        assert (found.shown, found.added) == (1.0, 0.0) and found.changed < 0.02


def test_flat_images_and_far_transforms_are_no_trouble() -> None:
    flat = np.full((40, 60, 3), 90, np.uint8)
    assert difference(flat, flat + np.uint8(9), np.eye(3)[:2]).changed == 0
    far = difference(flat, flat, np.array([[1.0, 0, 900], [0, 1, 900]]))
    assert (far.changed, far.shown, far.added) == (0, 0, 1)
    dot = np.zeros((1, 1, 3), np.uint8)
    assert difference(flat, dot, orientation_transform(flat.shape, dot.shape, 0)).image.shape == (
        1,
        1,
        3,
    )
