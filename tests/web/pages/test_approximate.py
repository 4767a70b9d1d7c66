"""Approximate searches by the page and the API: offered where something was made for them."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

import cbir
from tests.web.conftest import Serving
from tests.web.pages.document import Document

CAT = "path=cats/cat-1.jpg&descriptor=hsv"


def offered(client: TestClient, address: str) -> list[bool]:
    """Return whether each box for it is checked."""
    boxes = Document(client.get(f"/search?{address}")).all("input", id="approximate")
    return ["checked" in box.attributes for box in boxes]


def test_it_is_offered_for_what_was_made_ready(serving: Serving, collection: Path) -> None:
    client = serving()
    assert offered(client, CAT) == []
    cbir.optimize(str(collection / "index.csv"), "hsv")
    assert offered(client, CAT) == [False]
    assert offered(client, f"{CAT}&approximate=true") == [True]
    assert offered(client, "path=cats/cat-1.jpg&descriptor=phash") == []
    exact, approximate = (
        client.get(f"/api/search?{CAT}{more}").json()["answers"][0]
        for more in ("", "&approximate=true")
    )
    assert approximate["metric"] == "chi2, approximate"
    assert approximate["results"] == exact["results"]


def test_it_is_refused_where_nothing_was_made_ready(client: TestClient) -> None:
    for address in (f"/api/search?{CAT}&approximate=true", f"/search?{CAT}&approximate=true"):
        answer = client.get(address)
        assert answer.status_code == 422
        assert "it is not ready for approximate search by hsv" in answer.text
    assert offered(client, f"{CAT}&approximate=true") == [True]  # to be taken back
