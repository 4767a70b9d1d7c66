"""The pages of the search, as people go through them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import Visiting
from tests.web.browser.shown import found, names, see_names
from tests.web.conftest import COPY
from tests.web.serving import Served

pytestmark = pytest.mark.services

KITE = "search?path=things/kite-1.jpg&descriptor=hsv"


def test_an_image_of_the_gallery_is_searched_for_by_a_click(page: Page, site: Served) -> None:
    page.goto(site.url)
    page.get_by_role("link", name="Images like things/kite-1.jpg").click()
    expect(page.locator("h1")).to_have_text("Images like things/kite-1.jpg")
    see_names(page, found(site, page.url))
    assert "things/kite-1.jpg" not in names(page)


def test_more_like_a_result(page: Page, site: Served) -> None:
    page.goto(site.url + KITE)
    page.get_by_role("link", name="More like this snow/snow-forest-1.jpg").click()
    expect(page.locator("h1")).to_have_text("Images like snow/snow-forest-1.jpg")
    see_names(page, found(site, page.url))
    page.go_back()
    expect(page.locator("h1")).to_have_text("Images like things/kite-1.jpg")
    see_names(page, found(site, page.url))


def test_results_are_filtered_by_a_value(page: Page, site: Served) -> None:
    page.goto(site.url + KITE)
    page.get_by_role("checkbox", name="dune").check()
    expect(page.locator("#status")).to_have_text("Results 1 to 2")
    assert sorted(names(page)) == ["desert/orange-dune-1.jpg", "desert/orange-dune-2.jpg"]
    assert "is.kind=dune" in page.url
    expect(page.get_by_role("checkbox", name="dune")).to_be_focused()
    page.get_by_role("checkbox", name="cat", exact=True).check()
    expect(page.locator("#status")).to_have_text("Results 1 to 5")
    page.get_by_role("checkbox", name="dune").uncheck()
    expect(page.locator("#status")).to_have_text("Results 1 to 3")
    assert all(name.startswith("cats/") for name in names(page))


def test_the_gallery_is_filtered_by_a_condition(page: Page, site: Served) -> None:
    page.goto(site.url)
    page.get_by_label("Condition").fill("price > 7")
    page.keyboard.press("Enter")
    see_names(page, ["desert/orange-dune-2.jpg", "forest/brook-1.jpg"])
    page.get_by_label("Condition").fill("prize > 7")
    page.keyboard.press("Enter")
    expect(page.locator("#results [role=alert]")).to_contain_text("no column 'prize'")
    page.go_back()
    see_names(page, ["desert/orange-dune-2.jpg", "forest/brook-1.jpg"])


def test_descriptors_are_chosen_and_fused(page: Page, site: Served) -> None:
    page.goto(site.url + KITE)
    page.get_by_label("phash").check()
    expect(page.locator(".how")).to_contain_text("by hsv+phash")
    see_names(page, found(site, page.url))
    page.get_by_label("Weight of phash").fill("3")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("weights=1%2C3"))
    see_names(page, found(site, page.url))
    page.get_by_label("Preset").select_option("fast")
    expect(page.locator(".how")).to_contain_text("by fast")
    page.locator("summary", has_text="Why").first.click()
    expect(page.locator(".why[open] tbody th")).to_have_text(["correlogram", "centrist"])
    page.get_by_label("hsv").check()
    expect(page.locator(".how")).to_contain_text("by hsv+correlogram+centrist")


def test_a_shared_address_shows_the_same_to_others(
    page: Page, site: Served, visiting: Visiting
) -> None:
    page.goto(site.url + KITE)
    page.get_by_role("checkbox", name="cat", exact=True).check()
    page.get_by_text("What is shown").click()
    page.get_by_label("price").check()
    expect(page.locator("#results .facts").filter(has_text="price: 1.5")).to_be_visible()
    other = visiting()
    other.goto(page.url)
    expect(other.locator("#results .card")).to_have_count(len(names(page)))
    assert other.locator("#results").inner_text() == page.locator("#results").inner_text()


def test_more_results_come_on_scrolling(page: Page, site: Served) -> None:
    page.goto(f"{site.url}{KITE}&top=4")
    for _ in range(4):
        page.mouse.wheel(0, 5000)
        page.wait_for_timeout(100)
    expect(page.locator("#results .card")).to_have_count(13)
    assert names(page) == found(site, f"{KITE}&top=13")
    assert "offset" not in page.url


def test_an_awkward_name_leads_to_its_page_and_its_file(page: Page, site: Served) -> None:
    page.goto(f"{site.url}search?path=cats/cat-1.jpg")
    page.get_by_role("link", name=COPY, exact=True).click()
    expect(page.locator("h1")).to_have_text(COPY)
    page.wait_for_function("document.querySelector('.large').naturalWidth > 0")
    page.get_by_role("link", name="More like this").click()
    expect(page.locator("h1")).to_have_text(f"Images like {COPY}")


def test_results_stay_while_the_server_does_not_answer(page: Page, site: Served) -> None:
    page.goto(site.url + KITE)
    before = names(page)
    page.context.set_offline(True)
    page.get_by_role("checkbox", name="dune").check()
    expect(page.locator("#trouble")).to_contain_text("The server does not answer.")
    assert names(page) == before
    page.get_by_role("link", name="More like this").nth(1).click()
    expect(page.locator("#trouble")).to_contain_text("The server does not answer.")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#trouble")).to_contain_text("The server does not answer.")
    assert names(page) == before
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("h1")).not_to_have_text("Images like things/kite-1.jpg")
    expect(page.locator("#trouble")).to_have_count(0)


def test_results_are_downloaded(page: Page, site: Served) -> None:
    page.goto(site.url + KITE)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text("utf-8").splitlines()
    assert download.value.suggested_filename == "results.csv"
    assert len(lines) == 14 and lines[0].startswith("query,descriptor,metric,rank,path,distance")


def test_keys_alone_do_it_all(page: Page, site: Served) -> None:
    page.on("filechooser", lambda _: None)  # so that none opens before somebody waits for it
    page.goto(site.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#query-image")).to_be_focused()
    assert site.url not in asked
    with page.expect_file_chooser():
        page.keyboard.press("Enter")
    tab_to(page, "dune")
    page.keyboard.press("Space")
    expect(page.locator("#status")).to_contain_text("2 images")
    tab_to(page, "Images like desert/orange-dune-1.jpg")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Images like desert/orange-dune-1.jpg")
    tab_to(page, "More like this desert/orange-dune-2.jpg")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("h1")).to_have_text("Images like desert/orange-dune-2.jpg")


def tab_to(page: Page, name: str) -> None:
    """Press the tab key until something with this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        named = page.evaluate(
            "(document.activeElement.getAttribute('aria-label')"
            " ?? (document.activeElement.labels?.[0] ?? document.activeElement).textContent).trim()"
        )
        if named == name:
            return
    raise AssertionError(f"the tab key does not lead to {name}")


def test_results_are_marked_by_the_keyboard_and_back_takes_a_mark_away(
    page: Page, site: Served
) -> None:
    page.goto(site.url + KITE)
    page.get_by_role("link", name="Results more like snow/snow-forest-1.jpg").focus()
    page.keyboard.press("Enter")
    marks = page.get_by_role("list", name="Marked images")
    expect(marks).to_contain_text("more like snow/snow-forest-1.jpg")
    see_names(page, found(site, page.url))
    expect(page.locator("#heading")).to_be_focused()
    page.get_by_role("link", name="Results less like cats/cat-1.jpg", exact=True).click()
    expect(marks.get_by_role("link")).to_have_count(2)
    see_names(page, found(site, page.url))
    assert "cats/cat-1.jpg" not in names(page)
    page.get_by_role("link", name="Remove the mark more like").click()
    expect(marks).to_have_text("Remove the mark less like cats/cat-1.jpg ×")
    page.go_back()
    page.go_back()
    expect(marks).to_contain_text("more like snow/snow-forest-1.jpg")
    see_names(page, found(site, page.url))
