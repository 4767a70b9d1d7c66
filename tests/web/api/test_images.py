"""``/api/images``, ``/api/thumbnails``, ``/api/facets`` and ``/api/info``."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import cbir
from tests.web.conftest import COPY, NAMES

PATHS = sorted([*(f"{name}.jpg" for name in NAMES), COPY])


def test_pages_are_the_parts_of_the_whole_list(client: TestClient, collection: Path) -> None:
    pages = [
        client.get("/api/images", params={"offset": offset, "limit": 5}).json()
        for offset in range(0, 20, 5)
    ]
    assert [one["path"] for page in pages for one in page["images"]] == PATHS
    assert [len(page["images"]) for page in pages] == [5, 5, 3, 0]
    assert {page["total"] for page in pages} == {13}
    generation = cbir.open(str(collection / "index.csv")).generation
    assert {page["generation"] for page in pages} == {generation}


def test_what_is_told_of_an_image_is_so(client: TestClient, collection: Path) -> None:
    listed = client.get("/api/images", params={"columns": "kind,price"}).json()["images"]
    for one in listed:
        file = collection / "photos" / one["path"]
        assert one["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert one["bytes"] == file.stat().st_size
        assert one["mtime"] == file.stat().st_mtime_ns // 1_000_000
        with Image.open(file) as image:
            assert (one["width"], one["height"]) == image.size
    told = {one["path"]: one["metadata"] for one in listed}
    assert told["cats/cat-1.jpg"] == {"kind": "cat", "price": 1.5}
    assert told["sky/galaxies-1.jpg"] == {"kind": None, "price": None}


def test_a_condition_chooses_and_values_are_counted(client: TestClient) -> None:
    asked = {"where": "kind = 'cat' or price > 7.5"}
    page = client.get("/api/images", params={**asked, "limit": 2}).json()
    assert page["total"] == 5 and len(page["images"]) == 2
    listed = client.get("/api/images", params={**asked, "columns": "kind"}).json()["images"]
    counts = Counter(one["metadata"]["kind"] for one in listed)
    facets = client.get("/api/facets", params={**asked, "columns": "kind"}).json()["facets"]
    assert {one["value"]: one["count"] for one in facets["kind"]} == counts
    assert facets["kind"][0] == {"value": "cat", "count": 3}


@pytest.mark.parametrize(
    "asked", [{"offset": -1}, {"limit": 0}, {"limit": 1001}, {"where": "no sql"}, {"columns": "x"}]
)
def test_what_makes_no_sense_is_refused(client: TestClient, asked: dict[str, str]) -> None:
    assert client.get("/api/images", params=asked).status_code == 422


def test_a_thumbnail_is_sent_again_only_when_the_image_is_another(
    client: TestClient, collection: Path
) -> None:
    first = client.get("/api/thumbnails/cats/cat-1.jpg")
    assert first.status_code == 200 and first.headers["content-type"] == "image/jpeg"
    tag = first.headers["etag"]
    again = client.get("/api/thumbnails/cats/cat-1.jpg", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/api/thumbnails/{COPY}".replace("#", "%23")).headers["etag"] == tag
    large = client.get("/api/thumbnails/cats/cat-1.jpg?size=1280")
    other = client.get("/api/thumbnails/cats/cat-2.jpg")
    assert len({tag, large.headers["etag"], other.headers["etag"]}) == 3
    assert other.status_code == 200
    for headers in ({"If-None-Match": '"other"'}, {"If-None-Match": other.headers["etag"]}):
        assert client.get("/api/thumbnails/cats/cat-1.jpg", headers=headers).status_code == 200


def test_only_an_address_with_the_right_version_may_be_kept_for_ever(client: TestClient) -> None:
    (image,) = client.get("/api/images", params={"limit": 1}).json()["images"]
    assert "immutable" in client.get(image["thumbnail"]).headers["cache-control"]
    wrong = image["thumbnail"].rpartition("=")[0] + "=00000000"
    for address in (wrong, image["thumbnail"].partition("?")[0]):
        assert client.get(address).headers["cache-control"] == "private, no-cache"


def test_what_the_index_holds_is_told(client: TestClient) -> None:
    told = client.get("/api/info").json()
    assert [one["alias"] for one in told["descriptors"]] == [
        "hsv", "phash", "correlogram", "centrist",
    ]  # fmt: skip
    assert (told["images"], told["presets"], told["changes"]) == (13, ["fast"], False)
    assert told["change_token"] is None
    assert set(told["columns"]) >= {"kind", "price", "seen"}
