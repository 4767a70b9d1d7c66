"""An index whose searches average: the page and the API say so, and can do without."""

from __future__ import annotations

from pathlib import Path

import cbir
from tests.web.conftest import Serving
from tests.web.pages.document import Document

QUERY = "path=cats/cat-1.jpg&descriptor=hsv"
PLAIN, AVERAGED = "chi2", "chi2, dba 2"


def test_what_an_index_asks_for_can_be_left_out(serving: Serving, collection: Path) -> None:
    cbir.index(str(collection / "photos"), str(collection / "index.csv"), dba=2)
    client = serving()
    for more, metric in (("", AVERAGED), ("&dba=0", PLAIN)):
        (answer,) = client.get(f"/api/search?{QUERY}{more}").json()["answers"]
        assert answer["metric"] == metric
    page = Document(client.get(f"/search?{QUERY}"))
    assert page.one("select", name="dba").attributes["name"] == "dba"
    found = client.get("/search", params=page.sent("panel", dba="0"))
    assert "dba=0" in str(found.url)
    chips = [one.text for one in Document(found).all("a", "chip")]
    assert "Leave out not averaged with neighbors ×" in chips


def test_nobody_makes_a_server_average(serving: Serving) -> None:
    """Means of a large index take hours: only who owns the index asks for them."""
    client = serving()
    assert client.get(f"/api/search?{QUERY}&dba=2").status_code == 422
    page = Document(client.get(f"/search?{QUERY}"))
    assert not [one for one in page.all("select") if one.attributes.get("name") == "dba"]
