"""The pages of the search are for everybody: whatever one sees, hears, or has as a screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import DATA
from tests.web.browser.barriers import barriers
from tests.web.browser.conftest import NARROW, WIDE, Visiting
from tests.web.browser.shown import found, scroll_width, see_names
from tests.web.serving import Served

pytestmark = pytest.mark.services

ADDRESSES = (
    "",
    "?where=nonsense",
    "search",
    "search?path=cats/cat-1.jpg&preset=fast&columns=kind&region=10,10,100,100",
    "search?path=no/such.jpg",
    "search?path=cats/cat-1.jpg&is.kind=cat&where=price%20>%20100",
    "search/explanation?path=cats/cat-1.jpg&result=copies/a%20b%231%20%C3%BC.jpg",
    "image/cats/cat-1.jpg",
    "nothing/here",
)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_bars_the_way(
    visiting: Visiting, site: Served, address: str, color_scheme: str
) -> None:
    page = visiting(color_scheme=color_scheme)
    page.goto(site.url + address)
    open_all(page)
    assert barriers(page) == []


def open_all(page: Page) -> None:
    """Open all that can be unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_phone_shows_all_in_its_width(visiting: Visiting, site: Served, address: str) -> None:
    page = visiting(viewport=NARROW, has_touch=True, is_mobile=True)
    page.goto(site.url + address)
    assert scroll_width(page) <= NARROW["width"]
    open_all(page)
    assert scroll_width(page) <= NARROW["width"]


def test_a_phone_shows_results_before_options(visiting: Visiting, site: Served) -> None:
    page = visiting(viewport=NARROW, has_touch=True, is_mobile=True)
    page.goto(f"{site.url}search?path=cats/cat-1.jpg")
    expect(page.get_by_label("phash")).to_be_hidden()
    expect(page.get_by_label("Take a photo")).to_have_attribute("capture", "environment")
    first = page.locator("#results .card").first.bounding_box()
    assert first is not None and first["y"] < NARROW["height"]
    page.goto(site.url)
    page.set_input_files("#query-image", DATA / "cats/cat-1.jpg")
    expect(page.locator("h1")).to_have_text("Images like your image")
    expect(page.locator("#comparison")).to_be_hidden()
    page.locator("#options > summary").click()
    page.get_by_role("checkbox", name="cat", exact=True).check()
    expect(page.locator("#results .card")).to_have_count(3)
    expect(page.locator("#comparison")).to_be_visible()


def test_all_works_without_scripts(visiting: Visiting, site: Served) -> None:
    page = visiting(java_script_enabled=False, viewport=WIDE)
    page.goto(site.url)
    page.set_input_files("#query-image", DATA / "cats/cat-1.jpg")
    page.locator("#query-form").get_by_role("button", name="Search").click()
    expect(page.locator("h1")).to_have_text("Images like your image")
    see_names(page, found(site, page.url))

    page.get_by_role("checkbox", name="cat", exact=True).check()
    page.get_by_role("button", name="Search again").click()
    expect(page.locator("#results .card")).to_have_count(3)
    assert "query=" in page.url and "is.kind=cat" in page.url

    page.locator("summary", has_text="Part of the image").click()
    for label, value in (("Left", "10"), ("Top", "20"), ("Width", "200"), ("Height", "100")):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Search again").click()
    assert "region=10%2C20%2C200%2C100" in page.url
    page.get_by_role("link", name="Whole image").click()
    assert "region" not in page.url

    page.goto(f"{site.url}search?path=things/kite-1.jpg&top=5")
    page.get_by_role("link", name="More", exact=True).click()
    expect(page.locator("#results .rank").first).to_have_text("Rank 6")
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("#results .rank").first).to_have_text("Rank 1")
    page.get_by_role("link", name="More like this snow/snow-forest-1.jpg").click()
    expect(page.locator("h1")).to_have_text("Images like snow/snow-forest-1.jpg")


def test_without_scripts_what_is_wrong_is_told_beside_the_form(
    visiting: Visiting, site: Served
) -> None:
    page = visiting(java_script_enabled=False)
    page.goto(site.url)
    page.locator("#query-form").get_by_role("button", name="Search").click()
    expect(page.locator("#query-form [role=alert]")).to_have_text("choose an image first")
