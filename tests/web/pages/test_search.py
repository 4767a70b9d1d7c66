"""``/search``, as a browser without scripts uses it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, quote_from_bytes, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image

import cbir
from cbir.web.app import unguarded_app
from cbir.web.security.tokens import Tokens
from cbir.web.service import _FETCHES, _WAITING_FETCHES
from cbir.web.settings import WebSettings
from tests.conftest import DATA
from tests.web.conftest import COPY, Serving
from tests.web.pages.document import Document, Element

CAT = DATA / "cats/cat-1.jpg"
KEY = hashlib.sha256(CAT.read_bytes()).hexdigest()


def asked(client: TestClient, fields: list[tuple[str, str]]) -> Response:
    return client.get(f"/search?{urlencode(fields)}")


def upload(client: TestClient, *files: bytes, state: str = "", **more: str) -> Response:
    """Send the form for an image, as a browser does."""
    parts = [("image", (f"{place}.jpg", data)) for place, data in enumerate(files)]
    parts = parts or [("image", ("", b""))]
    return client.post("/search", data={"state": state, **more}, files=parts)


def found(client: TestClient, **asked: str) -> list[str]:
    """Return what the API finds."""
    (answer,) = client.get("/api/search", params=asked).json()["answers"]
    return [match["path"] for match in answer["results"]]


def test_an_image_of_the_index_shows_what_the_api_finds(client: TestClient) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg&descriptor=hsv"))
    assert page.one("h1").text == "Images like cats/cat-1.jpg"
    assert page.names() == found(client, path="cats/cat-1.jpg")
    assert "Distance: 0 = the same colors" in page.one("p", "how").text
    assert [one.text for one in page.all("span", "chip")] == ["the same file"] * 2


def test_the_page_searches_by_a_preset_and_its_address_says_so(client: TestClient) -> None:
    wanted = found(client, path="cats/cat-1.jpg", preset="fast", exclude_self="true")
    gallery = Document(client.get("/"))
    (click,) = gallery.all("a", **{"aria-label": "Images like cats/cat-1.jpg"})
    about = Document(client.get("/image/cats/cat-1.jpg")).link("More like this")
    for address in (click.attributes["href"], about):
        assert "preset=fast" in address
        assert Document(client.get(address)).names() == wanted
    answer = client.get("/search?path=cats/cat-1.jpg&exclude_self=true")
    assert "preset=fast" in str(answer.url)
    page = Document(answer)
    assert page.names() == wanted
    assert ", by fast." in page.one("p", "how").text
    assert "open" in page.one("details", id="comparison").attributes
    assert all("preset=fast" in one for one in likes(page))
    assert "preset=fast" in str(upload(client, CAT.read_bytes()).url)


def test_the_menu_says_that_this_is_the_search(client: TestClient) -> None:
    for address in ("/", "/search?path=cats/cat-1.jpg"):
        (current,) = Document(client.get(address)).all("a", **{"aria-current": "page"})
        assert current.text == "Search"


def likes(page: Document) -> list[str]:
    """Return where the results' links to what is like them lead."""
    return [
        one.attributes["href"] for one in page.all("a") if one.text.startswith("More like this")
    ]


def test_the_first_descriptor_can_be_chosen_instead_of_a_preset(client: TestClient) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg"))
    answer = asked(client, page.sent("panel", preset="first descriptor"))
    assert answer.url.query == b"path=cats%2Fcat-1.jpg&descriptor=hsv"
    assert Document(answer).names() == found(client, path="cats/cat-1.jpg")


def test_an_upload_leads_to_an_address_that_holds_all(client: TestClient) -> None:
    answer = upload(client, CAT.read_bytes(), state="descriptor=phash&is.kind=cat&top=2")
    (redirect,) = answer.history
    assert redirect.status_code == 303
    target = urlsplit(redirect.headers["location"])
    assert target.path == "/search"
    assert set(target.query.split("&")) == {
        f"query={KEY}", "descriptor=phash", "is.kind=cat", "top=2"
    }  # fmt: skip
    where = "kind = 'cat'"
    wanted = found(client, query=KEY, descriptor="phash", where=where, top="2")
    assert Document(answer).names() == wanted
    assert Document(client.get(redirect.headers["location"])).names() == wanted


def test_what_comes_along_can_be_searched_for_next(client: TestClient) -> None:
    kite = (DATA / "things/kite-1.jpg").read_bytes()
    first = upload(client, CAT.read_bytes(), kite, CAT.read_bytes())
    within = Document(first).one("nav", "also")
    (link,) = [one for one in Document(first).all("a") if _is_within(one, within)]
    second = Document(client.get(link.attributes["href"]))
    assert second.names()[0] == "things/kite-1.jpg"


def _is_within(one: Element, parent: Element) -> bool:
    return parent.attributes in [each.attributes for each in one.parents]


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [
        ([], 422, "choose an image first"),
        ([b"Dear all"], 422, "0.jpg: "),
        ([CAT.read_bytes(), b""], 200, ""),
        ([CAT.read_bytes(), b"GIF89a"], 422, "1.jpg: "),
        ([CAT.read_bytes()[:100]], 422, "0.jpg: "),
    ],
)
def test_what_is_wrong_with_an_upload_is_told_beside_its_form(
    client: TestClient, data: list[bytes], status: int, told: str
) -> None:
    answer = upload(client, *data)
    assert answer.status_code == status
    alert = Document(answer).one("p", id="query-problem")
    assert alert.text.startswith(told)
    assert ("hidden" in alert.attributes) == (not told)


def test_an_image_of_too_many_pixels_is_refused_beside_the_form(serving: Serving) -> None:
    client = serving(max_pixels=10_000)
    answer = upload(client, CAT.read_bytes())
    assert answer.status_code == 422
    assert "pixels are too many" in Document(answer).one("p", id="query-problem").text


def test_addresses_are_asked_for_only_where_a_host_is_allowed(serving: Serving) -> None:
    assert not Document(serving().get("/")).all("input", name="url")
    client = serving(url_hosts=("images.example.org",))
    page = Document(client.get("/"))
    assert "images.example.org" in page.one("p", id="query-url-hint").text
    answer = upload(client, url="http://127.0.0.1/a.jpg")
    assert answer.status_code == 422
    assert "not an address from which" in Document(answer).one("p", id="query-problem").text


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("path=no/such.jpg", 404, "the index has no such image"),
        ("path=../index.csv", 404, "the index has no such image"),
        (f"query={'0' * 64}", 404, "not kept here any more"),
        ("query=nonsense", 404, "not kept here any more"),
        ("path=cats/cat-1.jpg&descriptor=nonsense", 422, "nonsense"),
        ("path=cats/cat-1.jpg&metric=nonsense", 422, "nonsense"),
        ("path=cats/cat-1.jpg&region=nonsense", 422, "four numbers"),
        ("path=cats/cat-1.jpg&region=0,0,9999,9", 422, "reaches beyond"),
        ("path=cats/cat-1.jpg&where=nonsense", 422, "no column"),
        ("path=cats/cat-1.jpg&is.nonsense=1", 422, "no column"),
        ("path=cats/cat-1.jpg&top=0", 422, "top: "),
        ("path=cats/cat-1.jpg&top=1&top=2", 422, "top is there twice"),
        ("path=cats/cat-1.jpg&nonsense=1", 422, "nonsense: a search has no such option"),
        (f"path=cats/cat-1.jpg&query={KEY}", 422, "one image"),
        ("&".join(f"is.a{number}=1" for number in range(600)), 422, "up to 500 fields"),
    ],
)
def test_an_address_that_makes_no_sense_is_told_in_words(
    client: TestClient, query: str, status: int, told: str
) -> None:
    answer = client.get(f"/search?{query}")
    assert answer.status_code == status
    (alert,) = [
        one for one in Document(answer).elements
        if one.attributes.get("role") == "alert"
        and "hidden" not in one.attributes and one.attributes.get("id") != "camera-problem"
    ]  # fmt: skip
    assert told in alert.text


def test_the_pages_of_results_are_those_of_one_list(client: TestClient) -> None:
    whole = found(client, path="cats/cat-1.jpg")
    names: list[str] = []
    address = "/search?path=cats/cat-1.jpg&descriptor=hsv&top=5"
    for _ in range(3):
        page = Document(client.get(address))
        names += page.names()
        address = next((one.attributes["href"] for one in page.all("a", rel="next")), "")
    assert names == whole and not address
    assert "offset=5" in page.link("Previous")


def test_the_panel_sends_the_address_that_it_shows(client: TestClient) -> None:
    fields = {
        "path": "cats/cat-1.jpg", "descriptor": "hsv+phash", "weights": "1,0.5",
        "fusion": "ranks", "columns": "kind,price", "group_by": "kind", "top": "5",
        "exclude_self": "true", "region": "10,20,100,50", "where": "width > 10",
        "is.kind": "cat",
    }  # fmt: skip
    page = Document(asked(client, list(fields.items())))
    answer = asked(client, page.sent("panel"))
    (redirect,) = answer.history
    address = urlsplit(redirect.headers["location"])
    assert address.path == "/search" and dict(parse_qsl(address.query)) == fields
    assert Document(answer).names() == page.names()
    assert Document(answer).sent("panel") == page.sent("panel")


@pytest.mark.parametrize(
    ("changed", "address"),
    [
        ({"descriptor": ["hsv", "phash"]}, "descriptor=hsv%2Bphash"),
        ({"descriptor": "phash", "metric": "euclidean"}, "descriptor=phash"),
        ({"descriptor": "hsv", "metric": "euclidean"}, "descriptor=hsv&metric=euclidean"),
        ({"preset": "fast", "descriptor": "hsv"}, "preset=fast"),
        ({"descriptor": ["hsv", "phash"], "weight.phash": "3"}, "weights=1%2C3"),
        ({"is.kind": ["cat", "dune"]}, "is.kind=cat&is.kind=dune"),
        ({"is.kind": [""]}, "is.kind="),
        ({"columns": ["kind", "price"]}, "columns=kind%2Cprice"),
        ({"region.x": "1", "region.y": "2", "region.width": "30", "region.height": "4"},
         "region=1%2C2%2C30%2C4"),
    ],
)  # fmt: skip
def test_what_is_chosen_in_the_panel_stands_in_the_address(
    client: TestClient, changed: dict[str, str | list[str]], address: str
) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg&descriptor=hsv"))
    answer = asked(client, page.sent("panel", **changed))
    assert answer.status_code == 200
    assert address in str(answer.url)
    assert ("metric" in address) == ("metric" in str(answer.url))


def test_a_region_that_is_told_in_part_is_refused(client: TestClient) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg"))
    answer = asked(client, page.sent("panel", **{"region.x": "1"}))
    assert answer.status_code == 422
    assert "fill in all, or none" in answer.text


def test_a_region_of_an_indexed_image_is_searched_for_as_one_from_outside(
    client: TestClient,
) -> None:
    upload(client, CAT.read_bytes())
    region = "25%,0,50%,80%"
    for asked in ({"path": "cats/cat-1.jpg"}, {"query": KEY}):
        page = Document(client.get("/search", params={**asked, "region": region}))
        assert page.names() == found(client, query=KEY, region=region, preset="fast")
    (answer,) = client.get(f"/api/search?path=cats/cat-1.jpg&region={region}").json()["answers"]
    assert answer["region"] == [100, 0, 200, 208]


def test_filters_that_hold_for_nothing_say_what_there_is(client: TestClient) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg&where=kind = 'dog'"))
    assert "No image fulfills the filters" in page.one("p", "none").text
    assert "kind has: cat" in page.one("p", "none").text


def test_each_descriptor_of_a_fusion_tells_its_share(client: TestClient) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg&preset=fast&exclude_identical=true"))
    (answer,) = client.get(
        "/api/search?path=cats/cat-1.jpg&preset=fast&exclude_identical=true"
    ).json()["answers"]
    first = answer["results"][0]["parts"]
    meters = [float(one.attributes["value"]) for one in page.all("meter")[:2]]
    whole = sum(part["share"] for part in first.values())
    assert meters == pytest.approx([part["share"] / whole for part in first.values()])


def test_previews_of_images_from_outside_are_small(client: TestClient) -> None:
    upload(client, CAT.read_bytes())
    page = Document(client.get(f"/search?query={KEY}"))
    (preview,) = [one for one in page.all("img") if "/queries/" in one.attributes["src"]]
    answer = client.get(preview.attributes["src"])
    assert "immutable" in answer.headers["cache-control"]
    assert Image.open(io.BytesIO(answer.content)).size == (320, 208)
    assert client.get(f"/queries/{'0' * 64}").status_code == 404
    assert client.get("/queries/..%2findex.csv").status_code in (404, 422)


def test_a_name_that_is_awkward_in_addresses_leads_to_more(client: TestClient) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg"))
    assert COPY in page.names()
    more = Document(client.get(page.link(f"More like this {COPY}")))
    assert more.one("h1").text == f"Images like {COPY}"
    assert Document(client.get(page.link(COPY))).one("h1").text == COPY


HOSTILE = "\"><img src=x onerror=alert(1)>'.jpg"
ODD = b"caf\xe9 & co.jpg"


@pytest.fixture
def hostile(tmp_path: Path) -> TestClient:
    """A server of images whose names and metadata are not what they look like."""
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy2(CAT, photos / HOSTILE)
    shutil.copy2(DATA / "cats/cat-2.jpg", os.path.join(photos, os.fsdecode(ODD)))
    shutil.copy2(DATA / "cats/cat-3.jpg", photos / "plain.jpg")
    shutil.copy2(DATA / "cats/cat-4.jpg", photos / "plain-2.jpg")
    table = tmp_path / "table.json"
    told = {"</script><b>": "\"'><i onclick=alert(1)>", 'it\'s "x"': "a'b\"c"}
    names = ("plain.jpg", "plain-2.jpg", HOSTILE)
    table.write_text("\n".join(json.dumps({"path": name, **told}) for name in names))
    cbir.index(str(photos), str(tmp_path / "index.csv"), ["hsv"], metadata=str(table), key="path")
    return TestClient(unguarded_app(WebSettings(index=str(tmp_path / "index.csv")), Tokens(None)))


def test_names_and_metadata_are_text_whatever_they_look_like(hostile: TestClient) -> None:
    columns = '"</script><b>","it\'s ""x"""'
    with hostile as client:
        pages = [
            client.get("/"),
            client.get("/search", params={"path": HOSTILE, "columns": columns}),
            client.get("/search", params={"path": "plain.jpg", "where": "<b>\"'"}),
            client.get("/search", params={"path": "<script>alert(1)</script>"}),
            client.get("/search", params={"<b onload=x>": "<i>"}),
            client.get(f"/image/{quote_from_bytes(HOSTILE.encode())}"),
            upload(client, b"x", state="<b>=\"'><i>"),
        ]
        for page in map(Document, pages):
            assert not [one for one in page.elements if one.tag in ("b", "i")]
            assert not [one for one in page.elements if any(map(is_handler, one.attributes))]
            assert all(one.attributes["src"].startswith("/static/") for one in page.all("script"))
        assert HOSTILE in Document(pages[1]).names()
        facts = [one.text for one in Document(pages[1]).all("p", "facts")]
        assert "</script><b>: \"'><i onclick=alert(1)>" in facts


def is_handler(attribute: str) -> bool:
    return attribute.startswith("on")


def test_values_and_columns_with_quotation_marks_can_be_chosen(hostile: TestClient) -> None:
    with hostile as client:
        page = Document(client.get("/search?path=plain.jpg"))
        sent = page.sent("panel", **{'is.it\'s "x"': "a'b\"c"})
        assert set(Document(asked(client, sent)).names()) == {HOSTILE, "plain.jpg", "plain-2.jpg"}
        sent = page.sent("panel", **{'is.it\'s "x"': ""})
        (name,) = Document(asked(client, sent)).names()
        assert name.startswith("caf")


def test_a_name_that_is_not_utf_8_keeps_its_bytes(hostile: TestClient) -> None:
    with hostile as client:
        address = f"/search?path={quote_from_bytes(ODD)}"
        page = Document(client.get(address))
        assert client.get(address).status_code == 200
        answer = asked(client, page.sent("panel"))
        assert quote_from_bytes(ODD) in answer.history[0].headers["location"]
        assert Document(answer).names() == page.names()
        (link,) = [
            one.attributes["href"] for one in page.all("a")
            if one.text.startswith("caf") and one.parents[-1].tag == "p"
        ]  # fmt: skip
        assert client.get(link).status_code == 200


def test_servers_that_do_not_answer_hold_up_only_those_who_ask_them(serving: Serving) -> None:
    taken = _FETCHES + _WAITING_FETCHES
    with ThreadPoolExecutor(16) as senders:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
            host = f"127.0.0.1:{silent.getsockname()[1]}"
            client = serving(url_hosts=(host,), workers=1)
            sent = [senders.submit(upload, client, url=f"http://{host}/a.jpg") for _ in range(16)]
            while len(done := [one for one in sent if one.done()]) < 16 - taken:
                time.sleep(0.01)
            assert client.get("/api/search?path=cats/cat-1.jpg&top=1").status_code == 200
            assert sum(one.done() for one in sent) == 16 - taken
        assert {one.result().status_code for one in done} == {429}
        assert all(one.result().headers["retry-after"] for one in done)
    assert sum(one.result().status_code == 422 for one in sent) == taken
