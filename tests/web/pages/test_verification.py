"""Verified results on the page: chosen beside the results, told of on cards, and explained."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.conftest import DATA
from tests.web.conftest import PART
from tests.web.pages.document import Document

WINDMILL = "/search?path=windmills/windmill-1.jpg&exclude_self=true"
VERIFIED = f"{WINDMILL}&descriptor=asmk&verify=20"


def uploaded(client: TestClient, state: str, name: str = "windmills/windmill-1") -> str:
    """Search for an image from outside; return the address of its results."""
    with (DATA / f"{name}.jpg").open("rb") as file:
        answer = client.post("/search", files={"image": file}, data={"state": state})
    assert answer.status_code == 200
    return str(answer.url).removeprefix(str(client.base_url))


def options(page: Document, name: str) -> dict[str, str]:
    """Return the values of a select, and what they say."""
    select = page.one("select", name=name)
    within = [one for one in page.all("option") if select in one.parents]
    return {one.attributes["value"]: one.text for one in within}


def test_the_panel_offers_a_second_look(scene_client: TestClient) -> None:
    page = Document(scene_client.get(f"{WINDMILL}&descriptor=hsv"))
    assert options(page, "verify")[""] == options(page, "rerank")[""] == "no"
    assert set(options(page, "rerank")) == {"", "k-reciprocal", "diffusion"}
    for name in ("verify", "rerank", "expand"):
        select = page.one("select", name=name)
        assert page.one("label", **{"for": name}).text
        assert page.one("p", id=select.attributes["aria-describedby"]).text
    sent = page.sent("panel", verify="20", rerank="diffusion", expand="5")
    found = scene_client.get("/search", params=sent)
    asked = dict(parse_qsl(urlsplit(str(found.url)).query))
    assert (asked["verify"], asked["rerank"], asked["expand"]) == ("20", "diffusion", "5")
    again = Document(found)
    assert dict(again.sent("panel")) | {"verify": "20", "rerank": "diffusion"} == dict(
        again.sent("panel")
    )


def test_a_stage_is_taken_away_by_its_chip(scene_client: TestClient) -> None:
    page = Document(scene_client.get(f"{VERIFIED}&rerank=k-reciprocal&expand=3&offset=0"))
    chips = {one.text: one.attributes["href"] for one in page.all("a", "chip")}
    assert set(chips) == {
        "Leave out the very thing first, of the best 20 ×",
        "Leave out the best ranked again by shared neighbors ×",
        "Leave out also by the best 3 ×",
    }
    asked = parse_qsl(urlsplit(chips["Leave out also by the best 3 ×"]).query)
    assert ("verify", "20") in asked and "expand" not in dict(asked)


def test_what_only_an_address_says_is_chosen_in_the_panel(scene_client: TestClient) -> None:
    page = Document(scene_client.get(f"{WINDMILL}&descriptor=asmk&verify=7&expand=3"))
    assert options(page, "verify")["7"] == "among the best 7"
    assert options(page, "expand")["3"] == "by 3"
    sent = page.sent("panel")
    assert ("verify", "7") in sent and ("expand", "3") in sent
    nothing = scene_client.get("/search", params=page.sent("panel", verify="0", rerank="none"))
    assert "verify" not in str(nothing.url) and "rerank" not in str(nothing.url)


def test_a_preset_says_what_it_does_and_may_be_told_not_to(scene_client: TestClient) -> None:
    page = Document(scene_client.get(f"{WINDMILL}&preset=accurate"))
    assert "accurate" in options(page, "preset")
    assert options(page, "verify")[""] == "as accurate does"
    assert options(page, "rerank")[""] == "as accurate does"
    assert page.names()[0] == PART and page.all("svg", "found")
    plain = scene_client.get("/search", params=page.sent("panel", verify="0", rerank="none"))
    asked = dict(parse_qsl(urlsplit(str(plain.url)).query))
    assert (asked["verify"], asked["rerank"]) == ("0", "none")
    assert not Document(plain).all("svg", "found")
    other = scene_client.get("/search", params=Document(plain).sent("panel", preset="photos"))
    assert "verify" not in str(other.url) and "rerank" not in str(other.url)


def test_the_page_searches_by_what_answers_at_once_and_names_what_takes_longer(
    scene_client: TestClient,
) -> None:
    """An index for the preset accurate is ready for photos, too."""
    page = Document(scene_client.get(WINDMILL))
    assert ", by photos." in page.one("p", "how").text
    told = page.one("p", id="preset-hint").text
    assert told.startswith("This page searches by photos unless told otherwise. accurate takes")


def test_cards_say_what_is_the_same_and_outline_it(scene_client: TestClient) -> None:
    page = Document(scene_client.get(VERIFIED))
    answer = scene_client.get(f"/api{VERIFIED}").json()["answers"][0]["results"]
    found = {one["path"]: one["verification"] for one in answer if "verification" in one}
    assert found[PART]["same"] and page.names()[0] == PART
    told = f"the same thing: {found[PART]['inliers']} matching features"
    assert told in [one.text for one in page.all("p", "facts")]
    assert [one.text for one in page.all("span", "kept")] == ["the same thing"]
    outline = page.one("svg", "found")
    assert outline.attributes["viewbox"] == f"0 0 {answer[0]['width']} {answer[0]['height']}"
    polygons = [one for one in page.all("polygon") if outline in one.parents]
    corners = np.array(
        [pair.split(",") for pair in polygons[0].attributes["points"].split()], float
    )
    assert corners == pytest.approx(np.array(found[PART]["quadrilateral"]), abs=0.06)
    assert "/search/explanation?" in page.link(f"Where it matches {PART}")


@pytest.mark.parametrize("by", ["path", "query"])
@pytest.mark.parametrize("region", [None, "25%,25%,50%,50%"])
def test_the_explanation_shows_both(scene_client: TestClient, by: str, region: str | None) -> None:
    state = "descriptor=asmk&verify=20"
    address = WINDMILL + f"&{state}" if by == "path" else uploaded(scene_client, state)
    if region:
        address += f"&region={region}"
    results = Document(scene_client.get(address))
    (link,) = (
        one.attributes["href"] for one in results.all("a") if one.text == f"Where it matches {PART}"
    )
    page = Document(scene_client.get(link))
    (told,) = (one.text for one in page.all("p") if "matching features" in one.text)
    assert told.startswith("the same thing: ")
    assert told in [one.text for one in results.all("p", "facts")]
    (image,) = (one for one in page.all("img"))
    answer = scene_client.get(image.attributes["src"])
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as drawn:
        assert drawn.width > 900
    assert page.names() == []
    back = Document(scene_client.get(page.link("Back to the results")))
    assert back.names() == results.names()


def test_what_matches_something_that_is_liked_is_compared_with_that(
    scene_client: TestClient,
) -> None:
    """With another image, of a region of it, or without."""
    for image in ("path=cats/cat-1.jpg&region=0,0,99,99", ""):
        address = f"{image}&like=windmills/windmill-1.jpg&descriptor=asmk&verify=20"
        answer = scene_client.get(f"/api/search?{address}").json()["answers"][0]["results"]
        found = {one["path"]: one["verification"] for one in answer if "verification" in one}
        if image:
            assert found[PART]["query"] == "windmills/windmill-1.jpg"
        results = Document(scene_client.get(f"/search?{address}"))
        if not image:
            continue
        assert any(
            one.text.endswith("matching features, with windmills/windmill-1.jpg")
            for one in results.all("p", "facts")
        )
        page = Document(scene_client.get(results.link(f"Where it matches {PART}")))
        assert "the same thing" in page.one("span", "kept").text
        assert page.all("img")[0].attributes["alt"].startswith("windmills/windmill-1.jpg beside")
        back = Document(scene_client.get(page.link("Back to the results")))
        assert back.names() == results.names()


def test_a_region_is_verified_by_a_preset_too(scene_client: TestClient) -> None:
    address = uploaded(scene_client, "preset=accurate") + "&region=30%,30%,40%,40%"
    page = Document(scene_client.get(address))
    first = page.names()[0]
    assert first in ("windmills/windmill-1.jpg", PART) and len(page.all("svg", "found")) == 2
    explained = Document(scene_client.get(page.link(f"Where it matches {first}")))
    assert "the same thing" in explained.one("span", "kept").text


def test_any_result_can_be_compared(scene_client: TestClient) -> None:
    page = Document(scene_client.get(f"{WINDMILL}&descriptor=hsv"))
    assert not page.all("svg", "found")
    compared = Document(scene_client.get(page.link(f"Compare {PART}")))
    assert "the same thing" in compared.one("span", "kept").text
    nothing = Document(scene_client.get(page.link("Compare things/coffee-1.jpg")))
    assert not nothing.all("span", "kept")


def test_an_index_without_features_compares_by_files(client: TestClient) -> None:
    page = Document(client.get("/search?path=cats/cat-1.jpg&descriptor=hsv"))
    assert "disabled" in page.one("select", name="verify").attributes
    assert "asmk" in page.one("p", id="verify-hint").text
    compared = Document(client.get(page.link("Compare cats/cat-1.jpg")))
    assert "the same thing" in compared.one("span", "kept").text
    refused = client.get("/search?path=cats/cat-1.jpg&descriptor=hsv&verify=5")
    assert refused.status_code == 422 and "needs local features" in refused.text
    again = Document(refused)
    assert "disabled" not in again.one("select", name="verify").attributes
    assert any("very thing" in one.text for one in again.all("a", "chip"))


def test_what_cannot_be_explained_is_told(scene_client: TestClient, scenes: Path) -> None:
    for address, status, reason in (
        ("?path=windmills/windmill-1.jpg&result=no.jpg", 404, "no such image"),
        ("?path=windmills/windmill-1.jpg", 422, "one result"),
        (f"?like={PART}&result={PART}", 422, "one image"),
        (f"?query={'0' * 64}&result={PART}", 404, "not kept"),
        (f"?path={PART}&result={PART}&region=9999,0,5,5", 422, "region"),
    ):
        answer = scene_client.get(f"/search/explanation{address}")
        assert answer.status_code == status and reason in answer.text, address
    (scenes / "photos" / PART).unlink()
    gone = scene_client.get(f"/search/explanation?path=cats/cat-1.jpg&result={PART}")
    assert gone.status_code == 410
