"""Fine detail that a copy shows and the kept image does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from cbir.duplicates.coverage import Gray, foreign_regions
from tests.edits import photo

STILL = np.eye(3)[:2]


def written(total: str, size: int) -> Image.Image:
    page = Image.new("L", (300, 200), 250)
    draw = ImageDraw.Draw(page)
    for row in range(5):
        draw.text((10, 10 + 1.4 * size * row), f"order {row * 7919}", fill=20, font_size=size)
    draw.text((10, 160), f"Total {total}", fill=20, font_size=size)
    return page


def gray(image: Image.Image) -> Gray:
    return np.asarray(image.convert("L"), np.uint8)


def compressed(image: Gray, quality: int) -> Gray:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


@pytest.mark.parametrize("size", [10, 14, 20, 28])
@pytest.mark.parametrize("quality", [90, 50])
def test_another_total_is_one_region(size: int, quality: int) -> None:
    kept, copy = gray(written("1,204.17", size)), gray(written("9,871.55", size))
    regions = foreign_regions(kept, compressed(copy, quality), STILL)
    assert 1 <= len(regions) <= 3
    assert regions[0][0] > size


@pytest.mark.parametrize("size", [10, 20])
def test_a_compressed_page_differs_nowhere(size: int) -> None:
    page = gray(written("1,204.17", size))
    for quality in (90, 50, 20):
        assert foreign_regions(page, compressed(page, quality), STILL) == []


def test_edits_of_a_photograph_differ_nowhere() -> None:
    image = photo("cats/cat-1")
    kept = gray(image)
    blurred = gray(image.filter(ImageFilter.GaussianBlur(1)))
    for copy in (
        compressed(kept, 50),
        compressed(kept, 20),
        255 - (255 - kept) // 2,
        blurred,
    ):
        assert foreign_regions(kept, copy, STILL) == []


def test_a_copy_may_lie_aside_by_a_pixel() -> None:
    page = gray(written("1,204.17", 14))
    assert foreign_regions(page, np.roll(page, 1, axis=1), STILL) == []


def test_what_is_missing_in_a_copy_is_not_lost() -> None:
    page = gray(written("1,204.17", 14))
    erased = page.copy()
    erased[150:] = 250
    assert foreign_regions(page, erased, STILL) == []
    assert foreign_regions(erased, page, STILL) != []
