"""What is wrong is told in one form, in words of the API, and nothing of what was sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import Serving


def test_a_detail_is_always_text_and_fields_are_listed_beside_it(client: TestClient) -> None:
    answer = client.get("/api/search?top=many&secret=hunter2&path=cats/cat-1.jpg")
    told = answer.json()
    assert answer.status_code == 422 and isinstance(told["detail"], str)
    assert "top: " in told["detail"] and "secret: there is no such field" in told["detail"]
    assert {one["loc"][-1] for one in told["errors"]} == {"top", "secret"}
    assert all(one.keys() == {"loc", "msg", "type"} for one in told["errors"])
    assert "hunter2" not in answer.text and "many" not in answer.text


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/x-www-form-urlencoded", (400, 422)),
        ("image/jpeg", (415,)),
        ("application/octet-stream", (415,)),
    ],
)
def test_a_body_that_is_the_image_itself_is_answered_with_the_field(
    client: TestClient, collection: Path, kind: str, status: tuple[int, ...]
) -> None:
    data = (collection / "photos/cats/cat-1.jpg").read_bytes()
    answer = client.post("/api/search", content=data, headers={"Content-Type": kind})
    assert answer.status_code in status and "image=@FILE" in answer.json()["detail"]
    assert len(answer.content) < 1000


def test_a_field_of_another_name_is_answered_with_the_right_one(client: TestClient) -> None:
    answer = client.post("/api/search", files={"file": b"secret"})
    assert answer.status_code == 422 and "the field `image`" in answer.json()["detail"]
    assert "secret" not in answer.text


def test_a_plus_in_an_address_need_not_be_escaped(client: TestClient) -> None:
    expected = client.get("/api/search?path=cats/cat-1.jpg&descriptor=hsv%2Bphash").json()
    for written in ("hsv+phash", "hsv%20phash", "hsv%20%2B%20phash"):
        found = client.get(f"/api/search?path=cats/cat-1.jpg&descriptor={written}")
        assert found.json() == expected
    page = client.get("/search?path=cats/cat-1.jpg&descriptor=hsv+phash")
    assert page.status_code == 200


def test_messages_are_in_words_of_the_api(client: TestClient) -> None:
    answer = client.get("/api/search?path=cats/cat-1.jpg&preset=balanced").json()
    assert "cbir index --dataset" in answer["detail"] and "cbir.index(" not in answer["detail"]


def test_what_the_server_does_not_fetch_names_its_option(serving: Serving) -> None:
    client = serving(url_hosts=("images.example.org",))
    page = client.post("/search", data={"url": "http://localhost:8000/cat.jpg"})
    assert page.status_code == 422 and "--allow-url-host" in page.text
    assert "port" in page.text
