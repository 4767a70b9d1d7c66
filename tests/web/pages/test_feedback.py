"""Marks on results: what the next ones are to be like and unlike, as a browser without scripts."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

from fastapi.testclient import TestClient

from tests.web.conftest import COPY
from tests.web.pages.document import Document

CAT = "/search?path=cats/cat-1.jpg&descriptor=hsv"
LIKED, UNLIKED = "cats/cat-2.jpg", "windmills/windmill-1.jpg"


def mark(page: Document, text: str) -> str:
    """Return where the link leads that says a text."""
    (link,) = (one for one in page.all("a") if one.text.endswith(text))
    return link.attributes["href"]


def api(client: TestClient, address: str) -> list[str]:
    """Return what the API finds that is asked as a page is."""
    (answer,) = client.get(f"/api/search?{urlsplit(address).query}").json()["answers"]
    return [match["path"] for match in answer["results"]]


def test_a_mark_is_in_the_address_and_changes_the_results(client: TestClient) -> None:
    before = Document(client.get(CAT))
    address = mark(before, f"Results more like {LIKED}")
    assert parse_qsl(urlsplit(address).query) == [
        ("path", "cats/cat-1.jpg"), ("like", LIKED), ("descriptor", "hsv"),
    ]  # fmt: skip
    page = Document(client.get(address))
    assert page.names() == api(client, address)
    page = Document(client.get(mark(page, f"Results less like {UNLIKED}")))
    assert UNLIKED not in page.names() and LIKED in page.names()
    (chips,) = page.all("ul", **{"aria-label": "Marked images"})
    assert chips.text == (
        f"Remove the mark more like {LIKED} × Remove the mark less like {UNLIKED} ×"
    )


def test_a_mark_is_taken_away_by_its_chip_and_on_the_card(client: TestClient) -> None:
    page = Document(client.get(f"{CAT}&like={LIKED}"))
    plain = mark(page, f"Remove the mark more like {LIKED} ×")
    assert "like=" not in plain
    assert mark(page, f"Undo: results more like {LIKED}") == plain
    assert Document(client.get(plain)).names() == Document(client.get(CAT)).names()
    (chosen,) = page.all("a", **{"aria-current": "true"})
    assert chosen.text.endswith(LIKED)


def test_an_image_has_one_mark(client: TestClient) -> None:
    page = Document(client.get(f"{CAT}&like={LIKED}"))
    address = mark(page, f"Results less like {LIKED}")
    assert f"unlike={LIKED.replace('/', '%2F')}" in address and "&like=" not in address


def test_the_panel_keeps_marks_and_another_image_does_not(client: TestClient) -> None:
    page = Document(client.get(f"{CAT}&like={LIKED}&offset=2&top=2"))
    (about,) = page.all("input", name="about")
    kept = client.get("/search", params={"about": about.attributes["value"], "top": "5"})
    assert parse_qsl(urlsplit(str(kept.url)).query)[:2] == [
        ("path", "cats/cat-1.jpg"), ("like", LIKED),
    ]  # fmt: skip
    for link in page.all("a"):
        if link.text.startswith("More like this"):
            assert "like=" not in link.attributes["href"]


def test_names_that_are_awkward_are_marked_too(client: TestClient) -> None:
    page = Document(client.get(CAT))
    address = mark(page, f"Results more like {COPY}")
    assert ("like", COPY) in parse_qsl(urlsplit(address).query)
    assert COPY in Document(client.get(address)).names()


def test_without_an_image_what_is_marked_is_searched_for(client: TestClient) -> None:
    address = f"/search?like={LIKED}&unlike={UNLIKED}&descriptor=hsv"
    page = Document(client.get(address))
    assert page.one("h1").text == "Images like those marked"
    assert page.names() == api(client, address)
    assert page.names()[0] == LIKED and UNLIKED not in page.names()


def test_a_download_names_what_was_marked(client: TestClient) -> None:
    found = client.get(f"/search/results.json?path=cats/cat-1.jpg&like={LIKED}&descriptor=hsv")
    (document,) = json.loads(found.text)
    assert document["query"] == "cats/cat-1.jpg" and document["like"] == [{"path": LIKED}]
    only = client.get(f"/search/results.csv?like={LIKED}&descriptor=hsv").text.splitlines()
    assert only[1].startswith(f"{LIKED},hsv,")


def test_a_mark_on_nothing_is_told(client: TestClient) -> None:
    for address in (f"{CAT}&like=no/such.jpg", "/search?like=no/such.jpg"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "no/such.jpg: the index has no such image" in answer.text


def test_cards_say_how_the_image_was_turned(client: TestClient) -> None:
    page = Document(client.get(f"{CAT}&augment=true&like={LIKED}"))
    assert "checked" in page.one("input", id="augment").attributes
    answer = client.get(f"/api/search?{urlsplit(CAT).query}&augment=true").json()["answers"][0]
    assert answer["results"][0]["orientation"] == {"turned": 0, "mirrored": False}


def test_the_api_searches_for_several_together(client: TestClient) -> None:
    asked = "path=cats/cat-1.jpg&path=cats/cat-2.jpg&descriptor=hsv"
    (answer,) = client.get(f"/api/search?{asked}&together=true").json()["answers"]
    assert answer["together"] == [{"path": "cats/cat-1.jpg"}, {"path": "cats/cat-2.jpg"}]
    assert {one["path"] for one in answer["results"][:3]} == {"cats/cat-1.jpg", COPY, LIKED}
    assert len(client.get(f"/api/search?{asked}").json()["answers"]) == 2
    one = client.get("/api/search?path=cats/cat-1.jpg&together=true")
    assert one.status_code == 422 and "several images" in one.json()["detail"]


def test_the_api_says_what_is_missing(client: TestClient) -> None:
    answer = client.get(f"/api/search?unlike={LIKED}")
    assert answer.status_code == 422 and "give an image" in answer.json()["detail"]
