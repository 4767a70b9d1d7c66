"""Back leads to where one was, in the gallery and in results."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import cbir
from tests.web.serving import Served, served

pytestmark = pytest.mark.services

COUNT = 300


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of more images than a page of the gallery has."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "photos").mkdir()
    for number in range(COUNT):
        color = (number % 256, number // 2, 90)
        Image.new("RGB", (80, 60), color).save(folder / f"photos/{number:03}.png")
    cbir.index(str(folder / "photos"), str(folder / "index.csv"), ["hsv"])
    with served(folder, "--index", "index.csv") as server:
        yield server


def scroll_to(page: Page, name: str) -> int:
    """Scroll until an image is there, and to it; return how far that is."""
    link = page.get_by_role("link", name=name, exact=True).last
    while not link.count():
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(50)
    link.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    place: int = page.evaluate("Math.round(scrollY)")
    assert place > 1500
    return place


def see_place(page: Page, place: int) -> None:
    page.wait_for_function("(place) => Math.abs(scrollY - place) < 3", arg=place)


def test_back_from_a_search_leads_to_the_same_place_of_the_gallery(
    page: Page, many: Served
) -> None:
    page.goto(many.url)
    place = scroll_to(page, "Images like 200.png")
    page.get_by_role("link", name="Images like 200.png").click()
    expect(page.locator("h1")).to_have_text("Images like 200.png")
    page.go_back()
    see_place(page, place)
    expect(page.get_by_role("link", name="Images like 200.png")).to_be_in_viewport()


def test_back_from_the_page_of_an_image_leads_to_the_same_place(page: Page, many: Served) -> None:
    for address, name in (("", "200.png"), ("search?path=150.png", "100.png")):
        page.goto(many.url + address)
        place = scroll_to(page, name)
        page.get_by_role("link", name=name, exact=True).last.click()
        expect(page.locator("h1")).to_have_text(name)
        page.go_back()
        see_place(page, place)
        expect(page.get_by_role("link", name=name, exact=True).last).to_be_in_viewport()


def test_loading_a_page_again_keeps_the_place(page: Page, many: Served) -> None:
    page.goto(many.url)
    place = scroll_to(page, "Images like 250.png")
    page.reload()
    see_place(page, place)
