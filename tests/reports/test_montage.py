"""The montage: equal boxes, no distortion, and no file of the user's overwritten."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from cbir.core.errors import CbirError, UsageError
from cbir.images.region import PixelRegion
from cbir.reports import fonts
from cbir.reports.fonts import runs
from cbir.reports.montage import _BOX, _CAPTION, _MARGIN, draw_montage, write_montage
from cbir.search.results import Match, SearchedImage, SearchResult

SHAPES = {"portrait": (100, 400), "landscape": (900, 300), "tiny": (8, 8), "huge": (5000, 4000),
          "line": (3000, 1), "square": (240, 240)}  # fmt: skip


@pytest.fixture
def result(tmp_path: Path) -> SearchResult:
    for name, size in SHAPES.items():
        Image.new("RGB", size, "red").save(tmp_path / f"{name}.png")
    names = [str(tmp_path / f"{name}.png") for name in SHAPES]
    matches = [Match(rank, name, rank / 10) for rank, name in enumerate(names[1:], 1)]
    return SearchResult(names[0], "hsv", "chi2", tuple(matches))


def boxes(sheet: Image.Image, row: int, columns: int) -> list[np.ndarray]:
    pixels = np.asarray(sheet).astype(int)
    top = _MARGIN + row * (_BOX + _CAPTION + _MARGIN)
    lefts = [_MARGIN + column * (_BOX + _MARGIN) for column in range(columns)]
    return [pixels[top : top + _BOX, left : left + _BOX] for left in lefts]


def test_every_image_keeps_its_proportions_in_an_equal_box(result: SearchResult) -> None:
    sheet, notes = draw_montage([result], 5)
    assert notes == []
    for box, (width, height) in zip(boxes(sheet, 0, 6), SHAPES.values(), strict=True):
        red = (box[..., 0] > 200) & (box[..., 1] < 60)
        rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
        shown = (columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1)
        zoom = min(_BOX / width, _BOX / height, 4)
        assert shown[0] == pytest.approx(max(1, width * zoom), abs=7)
        assert shown[1] == pytest.approx(max(1, height * zoom), abs=7)


def test_a_row_a_query_and_as_many_columns_as_needed(result: SearchResult) -> None:
    sheet, _ = draw_montage([result, result], 2)
    assert sheet.size == (
        _MARGIN + 3 * (_BOX + _MARGIN),
        _MARGIN + 2 * (_BOX + _CAPTION + _MARGIN),
    )


def test_many_matches_go_on_in_further_lines(result: SearchResult) -> None:
    tiny = result.matches[1].path
    many = SearchResult(tiny, "hsv", "chi2", (Match(1, tiny, 0.0),) * 23)
    sheet, notes = draw_montage([many, many], 23)
    assert notes == []
    assert sheet.width == _MARGIN + 11 * (_BOX + _MARGIN)
    assert sheet.height == _MARGIN + 2 * 3 * (_BOX + _CAPTION + _MARGIN)


def test_a_montage_never_becomes_too_large(result: SearchResult, tmp_path: Path) -> None:
    tiny = result.matches[1].path
    many = SearchResult(tiny, "hsv", "chi2", (Match(1, tiny, 0.0),) * 1500)
    sheet, notes = draw_montage([many], 1500)
    assert max(sheet.size) <= 32_000 and "first" in notes[0]
    queries = [SearchResult(tiny, "hsv", "chi2", ())] * 200
    sheet, notes = draw_montage(queries, 1)
    assert max(sheet.size) <= 32_000 and "of 200 queries" in notes[0]
    notes = write_montage(str(tmp_path / "many.webp"), queries, 1)
    assert "of 200 queries" in notes[0]


def test_an_image_that_is_gone_leaves_a_box_that_says_so(
    result: SearchResult, tmp_path: Path
) -> None:
    before, _ = draw_montage([result], 5)
    os.unlink(tmp_path / "tiny.png")
    after, _ = draw_montage([result], 5)
    assert after.size == before.size and after.tobytes() != before.tobytes()


@pytest.mark.parametrize(
    "name", ["日本 ünï.jpg", "new\nline.jpg", os.fsdecode(b"\xff\xfe.jpg"), "x" * 250, "🙂.jpg"]
)
def test_any_name_can_be_a_caption(result: SearchResult, name: str) -> None:
    result = SearchResult(result.query, "hsv", "chi2", (Match(1, name, 0.5),))
    sheet, _ = draw_montage([result], 1)
    assert sheet.width == _MARGIN + 2 * (_BOX + _MARGIN)


def test_a_character_that_no_font_has_is_written_as_an_escape() -> None:
    assert "".join(part for part, _ in runs("a\u0378.jpg", 13)) == "a\\u0378.jpg"


@pytest.mark.parametrize("extension", ["jpg", "jpeg", "png", "webp", "JPG"])
def test_a_montage_is_overwritten_and_nothing_else(
    result: SearchResult, tmp_path: Path, extension: str
) -> None:
    path = tmp_path / f"montage.{extension}"
    for _ in range(2):
        write_montage(str(path), [result], 3)
    with Image.open(path) as montage:
        assert montage.height == 2 * _MARGIN + _BOX + _CAPTION
    Image.new("RGB", (9, 9)).save(path)
    for content in (path.read_bytes(), b"text", b""):
        path.write_bytes(content)
        with pytest.raises(CbirError, match="not made by this program"):
            write_montage(str(path), [result], 3)
        assert path.read_bytes() == content


def test_an_impossible_file_is_refused(result: SearchResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end with \.jpg"):
        write_montage(str(tmp_path / "montage.pdf"), [result], 3)
    with pytest.raises(CbirError, match="there is no folder"):
        write_montage(str(tmp_path / "nowhere" / "montage.jpg"), [result], 3)


def test_what_is_known_of_fonts_does_not_grow_without_bound() -> None:
    for number in range(20):
        runs(f"{number}-{chr(0x4E00 + number)}.jpg", 13)
    for cached in (fonts._has, fonts._by_fontconfig, fonts._families, fonts._missing):
        info = cached.cache_info()
        assert info.maxsize is not None and info.currsize <= info.maxsize


@pytest.mark.parametrize("size", [(900, 300), (60, 40), (5000, 4000)])
def test_the_region_is_framed_on_the_query(tmp_path: Path, size: tuple[int, int]) -> None:
    query = str(tmp_path / "query.png")
    Image.new("RGB", size, "red").save(query)
    width, height = size
    region = PixelRegion(width // 4, height // 4, width // 2, height // 2)
    plain = SearchResult(query, "hsv", "chi2", ())
    (before,), (after,) = (
        boxes(draw_montage([one], 3)[0], 0, 1) for one in (plain, replace(plain, region=region))
    )
    changed = (before != after).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    zoom = min(_BOX / width, _BOX / height, 4)
    middle = _BOX / 2
    for found, side in ((columns, width), (rows, height)):
        assert found[0] == pytest.approx(middle - side * zoom / 4 - 3, abs=2)
        assert found[-1] == pytest.approx(middle + side * zoom / 4 + 2, abs=2)
    assert not changed[rows[0] + 4 : rows[-1] - 3, columns[0] + 4 : columns[-1] - 3].any()


@pytest.mark.parametrize("region", [(0, 0, 300, 200), (299, 199, 1, 1), (0, 0, 1, 200)])
def test_a_frame_stays_on_the_query(tmp_path: Path, region: tuple[int, int, int, int]) -> None:
    query = str(tmp_path / "query.png")
    Image.new("RGB", (300, 200), "red").save(query)
    plain = SearchResult(query, "hsv", "chi2", ())
    framed = replace(plain, region=PixelRegion(*region))
    (before,), (after,) = (boxes(draw_montage([one], 3)[0], 0, 1) for one in (plain, framed))
    rows = np.flatnonzero((before != after).any(axis=(1, 2)))
    assert rows[0] >= 40 and rows[-1] < 200


def test_several_images_share_the_place_of_the_query(tmp_path: Path) -> None:
    colors = ["red", "green", "blue", "yellow"]
    images = []
    for color in colors:
        path = str(tmp_path / f"{color}.png")
        Image.new("RGB", (400, 400), color).save(path)
        images.append(SearchedImage(path))
    several = SearchResult(images[0].path, "hsv", "chi2", (), several=tuple(images))
    ((box,), height) = boxes(draw_montage([several], 3)[0], 0, 1), _BOX // 4
    for place, color in enumerate(colors):
        row, column = divmod(place, 2)
        center = box[height + row * _BOX // 2, height + column * _BOX // 2]
        assert tuple(center) == ImageColor.getrgb(color)
    one = replace(several, several=tuple(images[:1]) * 40, liked=(images[0].path,))
    sheet, notes = draw_montage([one], 3)
    assert sheet.size == draw_montage([several], 3)[0].size and notes == []
