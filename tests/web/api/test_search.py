"""``/api/search``: the numbers of the command line, for images of the index and from outside."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from PIL import Image

from cbir.cli.group import cli
from tests.web.conftest import COPY, Serving, service_of

QUERY = "cats/cat-1.jpg"

ASKED: list[dict[str, str]] = [
    {},
    {"descriptor": "hsv"},
    {"descriptor": "hsv", "metric": "euclidean"},
    {"descriptor": "phash"},
    {"descriptor": "correlogram"},
    {"descriptor": "centrist"},
    {"descriptor": "hsv+phash"},
    {"descriptor": "hsv+phash", "weights": "1,0.25"},
    {"descriptor": "hsv+phash", "weights": "phash=0.25"},
    {"descriptor": "hsv+phash", "fusion": "ranks"},
    {"descriptor": "hsv+phash", "adaptive": "true"},
    {"preset": "fast"},
    {"preset": "fast", "adaptive": "true"},
    {"where": "kind = 'cat' or price > 7", "columns": "kind,price,seen"},
    {"group_by": "kind"},
    {"facets": "kind,seen"},
    {"facets": "kind", "max_distance": "0.5"},
    {"max_distance": "0.4"},
    {"exclude_self": "true"},
    {"exclude_identical": "true"},
    {"preset": "fast", "where": "price is not null", "group_by": "kind", "columns": "price"},
]


def by_command(folder: Path, query: Path, asked: dict[str, str], top: int = 20) -> dict[str, Any]:
    """Return what the command prints, with paths of the index."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
    options = [option.removesuffix("=true") for option in options]
    command = ["search", "-q", str(query), "-i", str(folder / "index.csv"), "--top", str(top)]
    done = CliRunner().invoke(
        cli, [*command, "--no-montage", "--format", "json", *options], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    (document,) = json.loads(done.stdout)
    for result in document["results"]:
        result["path"] = os.path.relpath(result["path"], folder / "photos")
    return {name: value for name, value in document.items() if name != "query"}


def numbers(answer: dict[str, Any]) -> dict[str, Any]:
    """Return of an answer what the command prints, too."""
    told = ("rank", "path", "distance", "parts", "metadata")
    results = [{name: one[name] for name in told if name in one} for one in answer["results"]]
    kept = {name: answer[name] for name in ("descriptor", "metric", "facets") if name in answer}
    return {**kept, "results": results}


def only_answer(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    (answer,) = response.json()["answers"]
    assert answer["generation"] == response.json()["generation"]
    return answer  # type: ignore[no-any-return]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_the_numbers_are_those_of_the_command_for_all_ways_to_ask(
    client: TestClient, collection: Path, asked: dict[str, str]
) -> None:
    image = collection / "photos" / QUERY
    expected = by_command(collection, image, asked)
    by_path = only_answer(client.get("/api/search", params={"path": QUERY, **asked}))
    assert numbers(by_path) == expected
    sent = only_answer(client.post("/api/search", data={"path": QUERY, **asked}))
    assert sent == by_path
    if "exclude_self" in asked:  # an image from outside has no row of its own
        return
    uploaded = only_answer(
        client.post("/api/search", data=asked, files={"image": image.read_bytes()})
    )
    assert numbers(uploaded) == expected
    key = service_of(client).queries.add(image.read_bytes())
    kept = only_answer(client.get("/api/search", params={"query": key, **asked}))
    assert kept == uploaded
    assert kept["query"] == key == hashlib.sha256(image.read_bytes()).hexdigest()


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG"])
def test_an_image_from_outside_is_found_as_by_the_command(
    client: TestClient, collection: Path, format_: str
) -> None:
    file = collection / "outside"
    with Image.open(collection / "photos/sky/galaxies-1.jpg") as image:
        image.resize((211, 160)).save(file, format_)
    expected = by_command(collection, file, {"preset": "fast"})
    response = client.post(
        "/api/search", data={"preset": "fast"}, files={"image": file.read_bytes()}
    )
    assert numbers(only_answer(response)) == expected


def test_a_format_whose_decoder_is_missing_is_refused_with_what_helps(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(1000)
    response = client.post("/api/search", files={"image": heic})
    assert response.status_code == 422
    reason = "your image: HEIC needs an optional package (pip install 'cbir[heif]')"
    assert response.json() == {"detail": reason}


def test_answers_are_in_the_order_of_paths_kept_images_and_uploads(
    client: TestClient, collection: Path
) -> None:
    galaxies = (collection / "photos/sky/galaxies-1.jpg").read_bytes()
    coffee = (collection / "photos/things/coffee-1.jpg").read_bytes()
    kept = service_of(client).queries.add(galaxies)
    response = client.post(
        "/api/search",
        data={"path": ["cats/cat-2.jpg", QUERY], "query": [kept], "top": "1"},
        files=[("image", coffee), ("image", galaxies)],
    )
    answers = response.json()["answers"]
    sent = hashlib.sha256(coffee).hexdigest()
    assert [one["query"] for one in answers] == ["cats/cat-2.jpg", QUERY, kept, sent, kept]
    first = ["cats/cat-2.jpg", QUERY, "sky/galaxies-1.jpg", "things/coffee-1.jpg"]
    assert [one["results"][0]["path"] for one in answers][:4] == first


def test_paging_by_offset_gives_the_parts_of_the_whole(client: TestClient) -> None:
    asked = {"path": QUERY, "preset": "fast"}
    whole = only_answer(client.get("/api/search", params={**asked, "top": 13}))["results"]
    assert len(whole) == 13
    parts = [
        result
        for offset in range(0, 20, 5)
        for result in only_answer(
            client.get("/api/search", params={**asked, "top": 5, "offset": offset})
        )["results"]
    ]
    assert parts == whole
    assert [result["rank"] for result in whole] == list(range(1, 14))


def test_each_match_leads_to_its_file_and_its_thumbnail(
    client: TestClient, collection: Path
) -> None:
    results = only_answer(client.get("/api/search", params={"path": QUERY, "top": 13}))["results"]
    assert COPY in [result["path"] for result in results]
    for result in results:
        file = (collection / "photos" / result["path"]).read_bytes()
        assert client.get(result["image"]).content == file
        with Image.open(io.BytesIO(file)) as image:
            assert (result["width"], result["height"]) == image.size
        with Image.open(io.BytesIO(client.get(result["thumbnail"]).content)) as small:
            assert max(small.size) <= 320


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, "give an image"),
        ({"path": [QUERY] * 17}, "up to 16 images"),
        ({"path": [QUERY], "descriptor": "gist"}, "hsv, phash"),
        ({"path": [QUERY], "metric": "nearness"}, "nearness"),
        ({"path": [QUERY], "preset": "scenes"}, "scenes"),
        ({"path": [QUERY], "descriptor": "hsv+phash", "weights": "1,x"}, "weights"),
        ({"path": [QUERY], "where": "1; drop table images"}, ""),
        ({"path": [QUERY], "where": "size >"}, ""),
        ({"path": [QUERY], "columns": "flavor"}, "flavor"),
        ({"path": [QUERY], "group_by": "flavor"}, "flavor"),
        ({"path": [QUERY], "facets": '"open'}, "no list of names"),
        ({"path": [QUERY], "max_distance": "inf"}, "max_distance"),
        ({"path": [QUERY], "max_distance": "nan"}, "max_distance"),
        ({"path": [QUERY], "top": "0"}, "top"),
        ({"path": [QUERY], "top": "1e3"}, "top"),
        ({"path": [QUERY], "flavor": "x"}, "flavor"),
        ({"path": [QUERY], "weights": "x" * 5000}, "weights"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    client: TestClient, asked: dict[str, Any], reason: str
) -> None:
    for response in (
        client.get("/api/search", params=asked),
        client.post("/api/search", data=asked),
    ):
        assert response.status_code == 422
        assert reason in response.text


@pytest.mark.parametrize("address", ["/api/search", "/api/explanation"])
def test_fields_in_the_address_of_a_form_are_refused(client: TestClient, address: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    answer = client.post(
        f"{address}?top=3",
        files={"image": ("a.png", buffer.getvalue())},
        data={"result": QUERY} if address.endswith("n") else {},
    )
    assert answer.status_code == 422
    assert "the address has fields; send them as those of the form" in answer.text


def test_what_is_not_there_is_told_as_such(client: TestClient) -> None:
    for asked in ({"path": "cats/cat-9.jpg"}, {"path": "../index.csv"}, {"query": "0" * 64}):
        response = client.get("/api/search", params=asked)
        assert response.status_code == 404 and response.json()["detail"]
    assert client.get("/api/search", params={"query": "../../x"}).status_code == 404


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(serving: Serving) -> None:
    client = serving(max_pixels=10_000)
    buffer = io.BytesIO()
    Image.new("L", (101, 100)).save(buffer, "PNG")
    response = client.post("/api/search", files={"image": buffer.getvalue()})
    assert response.status_code == 422
    assert "101 × 100 pixels are too many" in response.json()["detail"]


def test_repeated_questions_are_answered_from_what_is_kept(serving: Serving) -> None:
    keeping, forgetting = serving(), serving(cached_answers=0)
    asked = {"path": QUERY, "preset": "fast"}
    first = keeping.get("/api/search", params=asked).json()
    kept = service_of(keeping).answers
    assert keeping.get("/api/search", params=asked).json() == first
    assert len(kept._values) == 1
    assert forgetting.get("/api/search", params=asked).json() == first
    assert len(service_of(forgetting).answers._values) == 0
