"""Verified results, as people choose them, see them and look closer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import DATA
from tests.web.browser.barriers import barriers
from tests.web.browser.conftest import NARROW, WIDE, Visiting
from tests.web.browser.shown import found, names, scroll_width, see_names
from tests.web.conftest import PART
from tests.web.serving import Served, served

pytestmark = pytest.mark.services

WINDMILL = "search?path=windmills/windmill-1.jpg&exclude_self=true"
VERIFIED = f"{WINDMILL}&preset=accurate&expand=2"
EXPLAINED = f"search/explanation?path=windmills/windmill-1.jpg&result={PART}&preset=accurate"


@pytest.fixture(scope="module")
def scenes_site(_made_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of images of which two show the same."""
    caches = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    with served(_made_scenes, "--index", "index.csv", env={**os.environ, **caches}) as server:
        yield server


def see_drawn(image: Locator) -> None:
    """Wait until an image is there."""
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("(one) => one.naturalWidth") > 900


def test_the_very_thing_is_looked_for_and_looked_at(page: Page, scenes_site: Served) -> None:
    page.goto(f"{scenes_site.url}{WINDMILL}&descriptor=hsv")
    expect(page.locator("svg.found")).to_have_count(0)
    page.get_by_text("A second look").click()
    page.get_by_label("Look for the very thing").focus()
    page.get_by_label("Look for the very thing").select_option("20")
    expect(page.locator("svg.found")).to_have_count(1)
    expect(page.get_by_label("Look for the very thing")).to_be_focused()
    assert names(page)[0] == PART and "verify=20" in page.url
    see_names(page, found(scenes_site, page.url))
    page.get_by_role("link", name=f"Where it matches {PART}").click()
    expect(page.locator("h1")).to_have_text(f"What matches in {PART}")
    see_drawn(page.locator(".matching img"))
    page.get_by_role("link", name="Back to the results").click()
    expect(page.locator("svg.found")).to_have_count(1)
    page.get_by_role("link", name="Leave out the very thing first").click()
    expect(page.locator("svg.found")).to_have_count(0)
    assert "verify" not in page.url


def test_an_outline_lies_on_its_image(visiting: Visiting, scenes_site: Served) -> None:
    for options in ({}, {"java_script_enabled": False}, {"viewport": NARROW, "is_mobile": True}):
        page = visiting(**{"viewport": WIDE, **options})
        page.goto(f"{scenes_site.url}{WINDMILL}&descriptor=asmk&verify=20")
        card = page.locator("#results .card").first
        boxes = [card.locator(name).bounding_box() for name in ("img", "svg.found")]
        assert boxes[0] is not None and boxes[0] == pytest.approx(boxes[1], abs=1)


def test_a_part_of_an_image_from_outside_is_verified(page: Page, scenes_site: Served) -> None:
    page.goto(scenes_site.url)
    page.set_input_files("#query-image", DATA / "windmills/windmill-1.jpg")
    expect(page.locator("h1")).to_have_text("Images like your image")
    page.get_by_label("Preset").select_option("accurate")
    expect(page.locator("svg.found")).to_have_count(2)
    page.goto(f"{page.url}&region=30%25,30%25,40%25,40%25")
    expect(page.locator("svg.found")).to_have_count(2)
    page.get_by_role("link", name=f"Where it matches {PART}").click()
    see_drawn(page.locator(".matching img"))


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("address", [VERIFIED, EXPLAINED])
def test_nothing_bars_the_way(
    visiting: Visiting, scenes_site: Served, address: str, color_scheme: str
) -> None:
    page = visiting(color_scheme=color_scheme)
    page.goto(scenes_site.url + address)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert barriers(page) == []
    narrow = visiting(viewport=NARROW, is_mobile=True, has_touch=True)
    narrow.goto(scenes_site.url + address)
    assert scroll_width(narrow) <= NARROW["width"]
