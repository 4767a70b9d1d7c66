"""What somebody sees on the pages of the search, and does there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Page, expect

from tests.web.serving import Served


def names(page: Page) -> list[str]:
    """Return the names of the images in the grid."""
    return page.locator("#results .file").all_inner_texts()


def see_names(page: Page, wanted: Sequence[str]) -> None:
    """Wait until the grid shows just these images, in this order."""
    expect(page.locator("#results .file")).to_have_text(list(wanted))


def found(site: Served, address: str) -> list[str]:
    """Return what the API finds for the address of a page."""
    fields = [(name, value) for name, value in parse_qsl(urlsplit(address).query) if name != "also"]
    answer = json.loads(site.get(f"api/search?{urlencode(fields)}").data)
    return [match["path"] for match in answer["answers"][0]["results"]]


def scroll_width(page: Page) -> int:
    """Return how wide a page is; wider than its window, it scrolls to the side."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width
