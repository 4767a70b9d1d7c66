"""Duplicates are looked through, compared, chosen, planned, acted on and taken back."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.web.browser.barriers import barriers
from tests.web.browser.conftest import NARROW, Visiting
from tests.web.browser.shown import scroll_width
from tests.web.copies import HOSTILE, _made_copies, copies, files
from tests.web.serving import Served, served

__all__ = ["_made_copies", "copies"]

pytestmark = pytest.mark.services

ADDRESSES = (
    "changes", "jobs", "add", "duplicates?level=near&threshold=x", "image/forest/brook-1.jpg",
)  # fmt: skip
"""Of other pages on which something can be changed."""


@pytest.fixture
def site(copies: Path) -> Iterator[Served]:
    with served(copies, "--index", "index.csv", "--allow-changes") as server:
        yield server


def find(page: Page, site: Served, level: str = "edited") -> None:
    """Ask for duplicates by the form, and wait for the groups."""
    page.goto(f"{site.url}duplicates")
    page.get_by_label("Copies").select_option(level)
    page.get_by_role("button", name="Find duplicates").click()
    expect(page.locator(".group").first).to_be_visible(timeout=20_000)


def pixels(place: Locator) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(place.screenshot())) as image:
        return np.asarray(image.convert("RGB"), np.int16)


def test_groups_are_found_and_looked_through(page: Page, site: Served) -> None:
    find(page, site)
    expect(page.locator(".group")).to_have_count(2)
    expect(page.get_by_role("heading", name="Group 1")).to_be_visible()
    expect(page.get_by_text("kept: 400 × 260 → copy: 200 × 130")).to_be_visible()
    expect(page.get_by_text(HOSTILE, exact=False).first).to_be_visible()
    for image in page.locator("img.image").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("(one) => one.naturalWidth") > 0


def test_a_copy_blinks_with_the_kept_image(page: Page, site: Served) -> None:
    find(page, site)
    blink = page.locator("#group-2 .blink")
    blink.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    expect(blink.locator(".over")).to_be_hidden()
    blink.hover()
    expect(blink.locator(".over")).to_be_visible()
    over = pixels(blink)
    page.mouse.move(0, 0)
    expect(blink.locator(".over")).to_be_hidden()
    blink.focus()
    expect(blink.locator(".over")).to_be_visible()
    # The kept image lies where the copy shows it: both look nearly the same there.
    page.get_by_role("button", name="Find duplicates").focus()
    expect(blink.locator(".over")).to_be_hidden()
    without = pixels(blink)
    middle = (slice(30, -30), slice(30, -30))
    assert np.abs(over[middle] - without[middle]).mean() < 12


def test_what_is_chosen_is_planned_done_and_taken_back(
    page: Page, site: Served, copies: Path
) -> None:
    before = files(copies / "photos")
    find(page, site)
    group = page.locator("#group-1")
    other = group.locator(".copy", has_text="onerror")
    other.get_by_role("radio").check()
    expect(other.get_by_role("checkbox")).to_be_disabled()
    first = group.locator(".kept-image")
    expect(first.get_by_role("checkbox")).to_be_enabled()
    first.get_by_role("checkbox").check()
    page.locator("#group-2").get_by_role("checkbox", checked=True).uncheck()
    page.get_by_role("button", name="Plan for what is chosen here").click()

    expect(page.locator(".plan")).to_contain_text("delete  cats/cat-1.jpg")
    expect(page.locator(".plan")).not_to_contain_text("part.jpg")
    assert files(copies / "photos") == before
    page.get_by_role("button", name="Put in the trash").click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    left = files(copies / "photos")
    assert len(left) == len(before) - 2 and HOSTILE in left and "cats/cat-1.jpg" not in left

    page.get_by_role("link", name="All changes").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    assert files(copies / "photos") == before


def test_the_keyboard_is_enough(page: Page, site: Served, copies: Path) -> None:
    before = files(copies / "photos")
    page.goto(f"{site.url}duplicates")
    page.get_by_label("Copies").focus()
    page.keyboard.press("ArrowUp")  # exact
    page.get_by_role("button", name="Find duplicates").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".group")).to_have_count(1, timeout=20_000)
    box = page.locator(".copy").get_by_role("checkbox").first
    box.focus()
    page.keyboard.press("Space")
    expect(box).not_to_be_checked()
    page.keyboard.press("Space")
    for name in ("Plan for what is chosen here", "Put in the trash"):
        page.get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    assert len(files(copies / "photos")) == len(before) - 1


def test_all_works_without_scripts(visiting: Visiting, site: Served, copies: Path) -> None:
    before = files(copies / "photos")
    page = visiting(java_script_enabled=False)
    find(page, site)
    page.get_by_role("button", name="Plan for all 2 groups").click()
    page.get_by_role("button", name="Put in the trash").click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    assert len(files(copies / "photos")) == len(before) - 3
    page.get_by_role("link", name="All changes").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    assert files(copies / "photos") == before


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_nothing_bars_the_way(visiting: Visiting, site: Served, color_scheme: str) -> None:
    page = visiting(color_scheme=color_scheme)
    find(page, site)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert barriers(page) == []
    page.get_by_role("button", name="Plan for what is chosen here").click()
    expect(page.locator(".plan")).to_be_visible()
    assert barriers(page) == []
    for address in ADDRESSES:
        page.goto(site.url + address)
        expect(page.locator("h1")).to_be_visible()
        assert barriers(page) == [], address


def test_a_phone_shows_all_in_its_width(visiting: Visiting, site: Served) -> None:
    page = visiting(viewport=NARROW, has_touch=True, is_mobile=True)
    find(page, site)
    assert scroll_width(page) <= NARROW["width"]
    blink = page.locator("#group-2 .blink")
    blink.tap()
    expect(blink.locator(".over")).to_be_visible()
    page.get_by_role("button", name="Plan for what is chosen here").tap()
    expect(page.locator(".plan")).to_be_visible()
    assert scroll_width(page) <= NARROW["width"]
    for address in ADDRESSES:
        page.goto(site.url + address)
        assert scroll_width(page) <= NARROW["width"], address


def test_a_visitor_who_may_not_change_only_looks(visiting: Visiting, copies: Path) -> None:
    with served(copies, "--index", "index.csv", env=dict(os.environ)) as server:
        page = visiting()
        find(page, server)
        expect(page.get_by_role("button", name="Plan")).to_have_count(0)
        page.goto(f"{server.url}changes")
        expect(page.get_by_role("link", name="Add images")).to_have_count(0)


def test_what_the_index_lacks_is_added_and_the_duplicates_are_shown(
    page: Page, changing_site: Served
) -> None:
    page.goto(f"{changing_site.url}duplicates")
    page.get_by_label("Copies").select_option("edited")
    page.get_by_role("button", name="Find duplicates").click()
    page.get_by_role("button", name="Add them to the index").click()
    expect(page.get_by_role("heading", name="Group 1")).to_be_visible()
    assert page.url.endswith("/duplicates?level=edited")
