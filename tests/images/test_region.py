"""Regions: what can be given as one, and which pixels lie in it."""

from __future__ import annotations

import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.errors import UnreadableImageError, UsageError
from cbir.images.region import PixelRegion, Region

SIZE = (640, 480)


@pytest.mark.parametrize(
    "given_as",
    [
        "10,20,300,200",
        " 10 , 20.0,300 ,200 ",
        (10, 20, 300, 200),
        [10.0, "20", 300, 200],
        np.array([10, 20, 300, 200]),
        PixelRegion(10, 20, 300, 200),
        Region.parse("10,20,300,200"),
    ],
)
def test_whatever_a_region_is_given_as_it_is_the_same(given_as: Any) -> None:
    region = Region.of(given_as)
    assert region == Region.parse("10,20,300,200")
    assert hash(region) == hash(Region.parse("10,20,300,200"))
    assert region.in_pixels("a.jpg", SIZE) == (10, 20, 300, 200)
    assert str(region) == "10,20,300,200"


@pytest.mark.parametrize("text", ["25%,0,50%,100%", "0,12.5%,33.333%,200", "1.25,2,3,4"])
def test_a_region_says_how_it_was_given_and_can_be_pickled(text: str) -> None:
    region = Region.parse(text)
    assert str(region) == text
    assert pickle.loads(pickle.dumps(region)) == region
    assert len({region, Region.parse(str(region))}) == 1


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("25%,0,50%,100%", (160, 0, 320, 480)),
        ("0,0,100%,100%", (0, 0, 640, 480)),
        ("0,0,33.3333%,1", (0, 0, 213, 1)),
        ("33.3333%,0,66.6667%,1", (213, 0, 427, 1)),
        ("66.67%,0,33.34%,100%", (427, 0, 213, 480)),
        ("10.5,0.4,20,20.2", (11, 0, 20, 21)),
        ("340,280,301,201", (340, 280, 300, 200)),
        ("5,5,0.001,0.001", (5, 5, 1, 1)),
        ("639.9,479.9,0.1,0.1", (639, 479, 1, 1)),
    ],
)
def test_the_pixels_of_a_region(text: str, pixels: tuple[int, ...]) -> None:
    assert Region.parse(text).in_pixels("a.jpg", SIZE) == pixels


@pytest.mark.parametrize(
    "text", ["640,0,1,1", "0,480,1,1", "0,0,642,1", "600,0,42,10", "0,0,101%,1", "100%,0,1%,1"]
)
def test_a_region_beyond_the_image_is_refused_with_the_size_of_that(text: str) -> None:
    with pytest.raises(UnreadableImageError, match=r"a\.jpg: the region .* its 640x480 pixels"):
        Region.parse(text).in_pixels("a.jpg", SIZE)


@pytest.mark.parametrize(
    "nonsense",
    [
        *("", "1,2,3", "1,2,3,4,5", "1,2,3,", "a,b,c,d", "-1,0,5,5", "0,0,-5,5", "nan,0,1,1"),
        *("inf,0,1,1", "1e3,0,1,1", "0,0,0,5", "0,0,5,0%", "0,0,0.0,1", "1,2,3,4px", "1,2,3,%"),
        *("٣,0,1,1", "1" * 99 + ",0,1,1", "0x1,0,1,1", "1 000,0,1,1", "\x1b[1m,0,1,1"),
        *((1, 2, 3), (0, 0, 0, 5), (-1, 0, 5, 5), (0, 0, math.nan, 5), (0, 0, math.inf, 5)),
        *((10**5000, 0, 1, 1), (1e300, 0, 1, 1), (None, 0, 1, 1), ([1], 2, 3, 4)),
        *(b"1234", 5, {}, itertools.count()),
    ],
)
def test_what_is_no_region_is_refused_with_what_would_be(nonsense: Any) -> None:
    with pytest.raises(UsageError, match="give four numbers x,y,width,height") as raised:
        Region.of(nonsense)
    assert len(str(raised.value)) < 500 and "\x1b" not in str(raised.value)


@given(st.integers(1, 5000), st.integers(1, 5000), st.data())
def test_a_box_drawn_on_a_scaled_preview_is_within_the_image(
    width: int, preview: int, data: st.DataObject
) -> None:
    left = data.draw(st.integers(0, preview - 1))
    right = data.draw(st.integers(left + 1, preview))
    texts = [f"{100 * start / preview:.4f}%" for start in (left, right - left)]
    region = Region.of((texts[0], 0, texts[1], "100%")).in_pixels("a.jpg", (width, 7))
    assert 0 <= region.x < region.x + region.width <= width and region.height == 7
    assert abs(region.x - left * width / preview) <= 1
    assert abs(region.x + region.width - right * width / preview) <= 1


@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=3, unique=True), st.integers(1, 999))
def test_regions_that_touch_share_no_pixel(hundredths: list[int], side: int) -> None:
    first, middle, last = (value / 100 for value in sorted(hundredths))
    before = Region.parse(f"{first:.2f}%,0,{middle - first:.2f}%,1").in_pixels("a", (side, 1))
    after = Region.parse(f"{middle:.2f}%,0,{last - middle:.2f}%,1").in_pixels("a", (side, 1))
    if min((middle - first) * side, (last - middle) * side) >= 100:
        assert before.x + before.width == after.x
