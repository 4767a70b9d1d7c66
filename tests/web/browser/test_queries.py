"""Ways to bring an image along: each leads to the results, and to an address that holds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import DATA
from tests.web.browser.shown import found, names, see_names
from tests.web.serving import Served, served

pytestmark = pytest.mark.services

CAT = DATA / "cats/cat-1.jpg"
"""Its copy in the collection comes first by its name."""

FIRST = "cats/cat-1.jpg"


def see_cats(page: Page, site: Served) -> None:
    expect(page.locator("h1")).to_have_text("Images like your image")
    expect(page.locator("#status")).to_have_text("Results 1 to 13")
    assert "/search?query=" in page.url
    assert FIRST in names(page)[:2]
    see_names(page, found(site, page.url))


def test_a_chosen_file_is_searched_for(page: Page, site: Served) -> None:
    page.goto(site.url)
    page.set_input_files("#query-image", CAT)
    see_cats(page, site)
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("#results .chip").first).to_have_text("the same file")


def test_a_dropped_file_is_searched_for(page: Page, site: Served) -> None:
    page.goto(site.url)
    drop(page, CAT)
    see_cats(page, site)


def drop(page: Page, *files: Path) -> None:
    """Drop files on a page, as the desktop does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 600, "data": data})
    expect(page.locator("#query-form")).to_have_class("drop over")
    session.send("Input.dispatchDragEvent", {"type": "drop", "x": 300, "y": 600, "data": data})


def test_of_several_dropped_the_others_are_one_click_away(page: Page, site: Served) -> None:
    page.goto(site.url)
    drop(page, CAT, DATA / "things/kite-1.jpg")
    see_cats(page, site)
    page.get_by_role("link", name="Search by image 2").click()
    expect(page.locator("#results .file").first).to_have_text("things/kite-1.jpg")
    page.get_by_role("link", name="Search by image 2").click()
    expect(page.locator("#results .file").filter(has_text=FIRST)).to_be_visible()


def test_a_pasted_image_is_searched_for(page: Page, site: Served) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site.url)
    page.evaluate(
        """async (address) => {
            const image = await createImageBitmap(await (await fetch(address)).blob());
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.width, image.height];
            canvas.getContext("2d").drawImage(image, 0, 0);
            const png = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
            await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
        }""",
        "/api/images/cats/cat-1.jpg",
    )
    page.keyboard.press("Control+v")
    see_cats(page, site)


def test_what_the_camera_sees_is_searched_for(page: Page, site: Served) -> None:
    page.goto(site.url)
    page.get_by_role("button", name="Camera").click()
    shutter = page.get_by_role("button", name="Search by this view")
    expect(shutter).to_be_focused()
    shutter.click()
    expect(page.locator("h1")).to_have_text("Images like your image")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_camera_can_be_closed_again(page: Page, site: Served) -> None:
    page.goto(site.url)
    page.get_by_role("button", name="Camera").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.wait_for_function("document.getElementById('camera-view').srcObject === null")


def test_what_is_no_image_is_refused_in_words_beside_the_form(
    page: Page, site: Served, tmp_path: Path
) -> None:
    text = tmp_path / "letter.jpg"
    text.write_text("Dear all")
    page.goto(f"{site.url}search?path=cats/cat-1.jpg")
    before = names(page)
    page.set_input_files("#query-image", text)
    expect(page.locator("#query-form [role=alert]")).to_contain_text("letter.jpg")
    assert names(page) == before
    page.set_input_files("#query-image", CAT)
    see_cats(page, site)
    expect(page.locator("#query-form [role=alert]")).to_be_hidden()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    page: Page, _made_collection: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(CAT.read_bytes() + bytes(1_100_000))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    with served(_made_collection, "--index", "index.csv", "--max-upload", "1") as site:
        page.goto(site.url)
        page.set_input_files("#query-image", large)
        expect(page.locator("#query-form [role=alert]")).to_contain_text("Too large: 1.1 MB")
    assert "POST" not in sent


def test_a_server_that_is_gone_is_told(page: Page, _made_collection: Path) -> None:
    with served(_made_collection, "--index", "index.csv") as site:
        page.goto(site.url)
    page.set_input_files("#query-image", CAT)
    alert = page.locator("#query-form [role=alert]")
    expect(alert).to_contain_text("The server does not answer")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
