"""``/``, as a browser without scripts uses it, and the page about one image."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import cbir
from cbir.web.app import unguarded_app
from cbir.web.pages.gallery import PAGE
from cbir.web.security.tokens import Tokens
from cbir.web.settings import WebSettings
from tests.web.conftest import COPY
from tests.web.pages.document import Document

COUNT = 2 * PAGE + 5


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server of more images than two pages hold."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "photos").mkdir()
    for number in range(COUNT):
        Image.new("RGB", (8, 6), (number, 0, 0)).save(folder / f"photos/{number:03}.png")
    cbir.index(str(folder / "photos"), str(folder / "index.csv"), ["hsv"])
    settings = WebSettings(index=str(folder / "index.csv"))
    with TestClient(unguarded_app(settings, Tokens(None))) as client:
        yield client


def names(numbers: range) -> list[str]:
    return [f"{number:03}.png" for number in numbers]


def next_of(page: Document, relation: str) -> str:
    return next((one.attributes["href"] for one in page.all("a", rel=relation)), "")


def test_the_pages_hold_each_image_once(many: TestClient) -> None:
    seen: list[str] = []
    address = "/"
    while address:
        page = Document(many.get(address))
        seen += page.names()
        assert page.one("h2", id="results-heading").text == f"{COUNT} images"
        address = next_of(page, "next")
    assert seen == names(range(COUNT))
    before = Document(many.get(next_of(page, "prev")))
    assert before.names() == names(range(PAGE, 2 * PAGE))


def test_one_can_go_to_an_image_by_its_number(many: TestClient) -> None:
    assert Document(many.get("/?from=100")).names() == names(range(99, COUNT))
    assert Document(many.get(f"/?from={COUNT + 1}")).names() == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=0", "numbered from 1"),
        ("from=-1", "numbered from 1"),
        ("from=x", "numbered from 1"),
        (f"from={'9' * 5000}", "numbered from 1"),
        ("offset=5", "offset: the list of images has no such option"),
        ("where=nonsense", "no column"),
        ("is.nonsense=1", "no column"),
    ],
)
def test_what_makes_no_sense_is_told_above_all_images(
    client: TestClient, query: str, told: str
) -> None:
    answer = client.get(f"/?{query}")
    assert answer.status_code == 422
    shown = [one for one in Document(answer).elements if one.attributes.get("role") == "alert"]
    assert told in shown[-1].text
    assert len(Document(answer).names()) == 13


def test_counts_say_what_each_value_would_give(client: TestClient) -> None:
    page = Document(client.get("/?is.kind=cat&where=price > 2"))
    counts = {
        box.attributes["value"]: int(count.text)
        for box, count in zip(
            page.all("input", name="is.kind"), page.all("span", "count"), strict=True
        )
    }
    assert counts == {"dune": 2, "cat": 1, "wood, wet": 1}
    assert page.names() == ["cats/cat-2.jpg"]
    assert page.one("h2", id="results-heading").text == "1 image of 13"
    for value, count in counts.items():
        chosen = client.get("/", params={"is.kind": value, "where": "price > 2"})
        assert len(Document(chosen).names()) == count


def test_images_without_a_value_can_be_chosen(client: TestClient) -> None:
    page = Document(client.get("/?is.kind="))
    assert len(page.names()) == 7 and COPY in page.names()


def test_the_form_of_filters_sends_what_it_shows(client: TestClient) -> None:
    page = Document(client.get("/?is.kind=cat&is.kind=dune&where=price > 2"))
    wanted = [("is.kind", "cat"), ("is.kind", "dune"), ("name", ""), ("where", "price > 2")]
    assert sorted(page.sent("panel")) == wanted


def test_images_are_found_by_a_part_of_their_names(client: TestClient) -> None:
    assert Document(client.get("/?name=DUNE-")).names() == [
        "desert/orange-dune-1.jpg", "desert/orange-dune-2.jpg",
    ]  # fmt: skip
    assert len(Document(client.get("/?name=Cats/&is.kind=cat&where=price > 2")).names()) == 1
    assert Document(client.get("/", params={"name": "b#1 Ü"})).names() == [COPY]
    assert Document(client.get("/", params={"name": "') OR ('1' = '1"})).names() == []
    search = Document(client.get("/search?path=cats/cat-1.jpg&name=windmill"))
    assert search.names() == ["windmills/windmill-1.jpg"]
    assert ("name", "windmill") in search.sent("panel")


def test_what_is_wrong_with_a_condition_is_told_of_what_was_typed(client: TestClient) -> None:
    for address in ("/?", "/search?path=cats/cat-1.jpg&"):
        page = Document(client.get(f"{address}where=price >> nonsense and&is.kind=cat&name=a"))
        (told,) = page.all("pre", "error")
        typed, caret = "".join(told.texts).splitlines()[-2:]
        assert typed.endswith("price >> nonsense and") and set(caret) <= {" ", "^"}
        assert "contains" not in told.text and "IN (" not in told.text


def test_values_that_are_chosen_come_first(client: TestClient) -> None:
    page = Document(client.get("/?is.kind=dune&is.kind=wood, wet"))
    boxes = page.all("input", name="is.kind")
    assert [one.attributes["value"] for one in boxes][:2] == ["dune", "wood, wet"]


@pytest.mark.parametrize("path", ["/", "/search"])
def test_each_filter_can_be_taken_away(client: TestClient, path: str) -> None:
    asked = "name=cat&is.kind=cat&is.kind=dune&is.kind=&where=width > 10"
    page = Document(
        client.get(f"{path}?path=cats/cat-1.jpg&{asked}" if path != "/" else f"/?{asked}")
    )
    (chips,) = page.all("ul", "active-filters")
    links = [one for one in page.all("a", "chip") if chips in one.parents]
    words = [one.text.removeprefix("Remove the filter ").removesuffix(" ×") for one in links]
    assert words == ["name: cat", "kind: cat", "kind: dune", "kind: (nothing)", "width > 10"]
    for link, gone in zip(links, words, strict=True):
        left = Document(client.get(link.attributes["href"]))
        remaining = [
            one.text.removeprefix("Remove the filter ").removesuffix(" ×")
            for one in left.all("a", "chip")
        ]
        assert remaining == [word for word in words if word != gone]


def test_a_click_searches_among_what_is_shown(client: TestClient) -> None:
    page = Document(client.get("/?is.kind=cat"))
    link = next(
        one for one in page.all("a") if one.attributes.get("aria-label", "").endswith("1.jpg")
    )
    found = Document(client.get(link.attributes["href"]))
    assert found.one("h1").text == "Images like cats/cat-1.jpg"
    assert sorted(found.names()) == ["cats/cat-2.jpg", "cats/cat-3.jpg"]


def test_all_thumbnails_of_a_page_are_there_and_wait_until_they_are_seen(
    client: TestClient,
) -> None:
    for image in Document(client.get("/")).all("img", "image"):
        assert image.attributes["loading"] == "lazy"
        size = int(image.attributes["width"]), int(image.attributes["height"])
        thumbnail = Image.open(io.BytesIO(client.get(image.attributes["src"]).content))
        assert thumbnail.width / thumbnail.height == pytest.approx(size[0] / size[1], rel=0.02)


def test_the_page_about_an_image_tells_what_is_known(client: TestClient) -> None:
    page = Document(client.get("/image/cats/cat-1.jpg"))
    told = dict(
        zip((one.text for one in page.all("dt")), (one.text for one in page.all("dd")), strict=True)
    )
    assert told["Pixels"] == "400 × 260"
    assert told["kind"] == "cat" and told["price"] == "1.5" and told["seen"] == "2020-01-02"
    assert client.get(page.link("Open the file")).headers["content-type"] == "image/jpeg"
    assert Document(client.get(page.link("More like this"))).names()


def test_pages_about_images_lead_to_each_other_in_the_order_of_the_gallery(
    many: TestClient,
) -> None:
    seen, address = list[str](), "/image/000.png"
    assert not next_of(Document(many.get(address)), "prev")
    while address:
        page = Document(many.get(address))
        seen.append(page.one("h1").text)
        address = next_of(page, "next")
    assert seen == names(range(COUNT))
    assert next_of(page, "prev") == f"/image/{COUNT - 2:03}.png"


def test_there_is_no_page_about_what_is_not_indexed(client: TestClient, collection: Path) -> None:
    for path in (
        "no/such.jpg",
        "..%2findex.csv",
        "%2e%2e/index.csv",
        str(collection / "index.csv"),
    ):
        answer = client.get(f"/image/{path}")
        assert answer.status_code == 404
        assert "no such image" in answer.text or "Not Found" in answer.text
