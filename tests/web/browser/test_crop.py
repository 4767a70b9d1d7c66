"""The part of an image that is searched for, drawn on it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import Visiting
from tests.web.browser.shown import found, see_names
from tests.web.serving import Served

pytestmark = pytest.mark.services

ADDRESS = "search?path=things/coffee-1.jpg"


def region(page: Page) -> list[int]:
    """Return the region of the address."""
    (text,) = parse_qs(urlsplit(page.url).query)["region"]
    return [int(number) for number in text.split(",")]


def stroke(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw on the image, from and to shares of its sides."""
    page.locator("#crop img").scroll_into_view_if_needed()
    box = page.locator("#crop").bounding_box()
    assert box is not None
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=4)
    page.mouse.up()


def size(page: Page) -> tuple[int, int]:
    place = page.locator("#crop")
    return int(place.get_attribute("data-width") or 0), int(place.get_attribute("data-height") or 0)


def test_a_box_is_drawn_moved_resized_and_removed_by_the_mouse(page: Page, site: Served) -> None:
    page.goto(site.url + ADDRESS)
    width, height = size(page)
    stroke(page, (0.25, 0.25), (0.75, 0.5))
    expect(page).to_have_url(re.compile("region="))
    drawn = region(page)
    wanted = [width / 4, height / 4, width / 2, height / 4]
    assert drawn == pytest.approx(wanted, abs=0.02 * width)
    see_names(page, found(site, page.url))

    stroke(page, (0.5, 0.4), (0.6, 0.4))
    expect(page).not_to_have_url(re.compile(f"region={drawn[0]}%2C"))
    moved = region(page)
    assert moved[0] == pytest.approx(drawn[0] + width / 10, abs=0.02 * width)
    assert moved[2:] == drawn[2:]

    stroke(page, (0.85, 0.5), (0.85, 0.9))
    expect(page).not_to_have_url(re.compile(f"%2C{moved[3]}&|%2C{moved[3]}$"))
    assert region(page)[3] == pytest.approx(0.65 * height, abs=0.03 * height)
    see_names(page, found(site, page.url))

    page.get_by_role("link", name="Whole image").click()
    expect(page.locator("#crop-box")).to_have_count(0)
    assert "region" not in page.url


def test_a_click_is_no_box(page: Page, site: Served) -> None:
    page.goto(site.url + ADDRESS)
    stroke(page, (0.5, 0.5), (0.5, 0.5))
    assert page.locator("#crop-box").count() == 0
    assert "region" not in page.url


def test_a_box_is_moved_and_resized_by_keys(page: Page, site: Served) -> None:
    page.goto(site.url + ADDRESS)
    width, height = size(page)
    page.get_by_role("button", name="Search by a part").press("Enter")
    expect(page.locator("#crop-box")).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("region="))
    x, y = round(width / 50), round(height / 50)
    wanted = [width / 4 + 2 * x, height / 4 - y, width / 2 - x, height / 2 + y]
    assert region(page) == pytest.approx(wanted, abs=1)
    see_names(page, found(site, page.url))
    expect(page.locator("#crop-box")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("region="))


def test_a_box_is_drawn_with_a_finger(visiting: Visiting, site: Served) -> None:
    page = visiting(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page.goto(site.url + ADDRESS)
    page.get_by_role("button", name="Search by a part").tap()
    box = page.locator("#crop").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    start = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [start]})
    for step in (10, 20, 30):
        moved = {"x": start["x"] + step, "y": start["y"]}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page).to_have_url(re.compile("region="))
    width, _ = size(page)
    assert region(page)[0] == pytest.approx(width / 4 + 30 * width / box["width"], abs=3)
