"""Images are added by dropping them, removed by a button, and both is taken back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import DATA
from tests.web.browser.conftest import Visiting
from tests.web.copies import _made_copies, copies, files
from tests.web.serving import Served, served

__all__ = ["_made_copies", "copies"]

pytestmark = pytest.mark.services

LEMURS = [DATA / f"lemurs/lemur-{number}.jpg" for number in (1, 2)]

_DROP = """([data, names]) => {
    const transfer = new DataTransfer();
    data.forEach((text, number) => {
        const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
        transfer.items.add(new File([bytes], names[number], {type: "image/jpeg"}));
    });
    for (const kind of ["dragover", "drop"]) {
        document.body.dispatchEvent(
            new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }
}"""


@pytest.fixture
def site(copies: Path) -> Iterator[Served]:
    with served(copies, "--index", "index.csv", "--allow-changes") as server:
        yield server


def test_what_is_dropped_is_added_and_found(page: Page, site: Served, copies: Path) -> None:
    page.goto(f"{site.url}add")
    page.get_by_label("Folder of the dataset").fill("new/lemurs")
    data = [base64.b64encode(path.read_bytes()).decode() for path in LEMURS]
    page.evaluate(_DROP, [[*data, data[0]], ["one.jpg", "two.jpg", "<b>no image</b>.txt"]])
    expect(page.locator(".uploads .done")).to_have_text("2 files added, 1 not added")
    expect(page.locator(".uploads .error")).to_contain_text("<b>no image</b>.txt: not added")
    assert files(copies / "photos/new/lemurs") == ["one.jpg", "two.jpg"]
    page.get_by_role("link", name="takes them in").last.click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    page.goto(f"{site.url}search?path=new/lemurs/one.jpg")
    expect(page.locator("#results .file").first).to_have_text("new/lemurs/one.jpg")


def test_many_files_are_sent_in_batches(page: Page, site: Served, copies: Path) -> None:
    page.goto(f"{site.url}add")
    data = LEMURS[0].read_bytes()
    given = [base64.b64encode(data + bytes([number])).decode() for number in range(60)]
    page.evaluate(_DROP, [given, [f"many-{number}.jpg" for number in range(60)]])
    expect(page.locator(".uploads .done")).to_have_text(["50 files added", "10 files added"])
    expect(page.locator(".uploads progress")).to_have_count(0)
    expect(page.get_by_role("link", name="takes them in")).to_have_count(1)
    page.goto(f"{site.url}changes")
    expect(page.locator(".history li")).to_have_count(2)


def test_what_is_chosen_is_added_without_scripts(
    visiting: Visiting, site: Served, copies: Path
) -> None:
    page = visiting(java_script_enabled=False)
    page.goto(f"{site.url}add")
    page.get_by_label("Images", exact=True).set_input_files(LEMURS)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".uploads .done")).to_have_count(2)
    page.get_by_role("link", name="takes them in").click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    assert {"lemur-1.jpg", "lemur-2.jpg"} <= set(files(copies / "photos"))


def test_an_image_is_removed_and_comes_back(page: Page, site: Served, copies: Path) -> None:
    brook = copies / "photos/forest/brook-1.jpg"
    page.goto(f"{site.url}image/forest/brook-1.jpg")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("1 file put in the trash")).to_be_visible()
    assert not brook.exists()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    assert brook.exists()
    page.goto(f"{site.url}image/forest/brook-1.jpg")
    expect(page.get_by_role("button", name="Remove")).to_be_visible()


def test_the_progress_of_an_update_is_shown(page: Page, site: Served, copies: Path) -> None:
    data = LEMURS[0].read_bytes()
    for number in range(60):
        (copies / f"photos/many-{number}.jpg").write_bytes(data + str(number).encode())
    page.goto(f"{site.url}changes")
    page.get_by_role("button", name="Update the index").click()
    expect(page.locator("progress")).to_be_visible()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=20_000)
    expect(page.locator(".summary div", has_text="Added")).to_contain_text("60")
