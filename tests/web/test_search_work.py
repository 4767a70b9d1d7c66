"""What one request may ask of a search: bounded, and refused with the reason."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from cbir.core.errors import UsageError
from cbir.web.search_form import SearchForm
from cbir.web.search_work import MOST_VERIFIED, MOST_VIEWS, check_work

LIKED = [f"{number}.jpg" for number in range(43)]


@pytest.mark.parametrize(
    ("form", "queries"),
    [
        (SearchForm(preset="accurate", augment=True), 1),
        (SearchForm(verify=MOST_VERIFIED), 1),
        (SearchForm(like=LIKED), 50),
        (SearchForm(like=LIKED, preset="accurate", verify=0), 50),
        (SearchForm(like=LIKED[:20], preset="accurate"), 10),
        (SearchForm(augment=True), MOST_VIEWS // 8),
    ],
)
def test_what_takes_seconds_is_allowed(form: SearchForm, queries: int) -> None:
    check_work(form, queries)


@pytest.mark.parametrize(
    ("form", "queries", "told"),
    [
        (SearchForm(like=LIKED, augment=True), 1, "up to 8 images in all orientations, not 44"),
        (SearchForm(unlike=LIKED, preset="accurate"), 1, "44 × 1 orientations × 100 results"),
        (SearchForm(like=LIKED[:3], augment=True, verify=100), 1, "with as many images, verify up"),
        (SearchForm(verify=MOST_VERIFIED + 1), 1, "up to 3,000 pairs of images, not 3,001"),
    ],
)
def test_what_takes_minutes_is_refused(form: SearchForm, queries: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check_work(form, queries)


@pytest.mark.parametrize("address", ["/api/search", "/search"])
def test_a_request_is_told_why(client: TestClient, address: str) -> None:
    asked = {"path": "cats/cat-1.jpg", "descriptor": "hsv", "verify": str(MOST_VERIFIED + 1)}
    refused = client.get(address, params=asked)
    assert refused.status_code == 422 and "with as many images, verify up to 3000" in refused.text


def test_all_images_of_a_request_count(client: TestClient) -> None:
    paths = [("path", "cats/cat-1.jpg")] * 9
    asked = [*paths, ("descriptor", "hsv"), ("augment", "true")]
    refused = client.get("/api/search", params=asked)
    assert refused.status_code == 422 and "one request is by up to 8 images" in refused.text


@pytest.mark.parametrize("address", ["/api/search", "/search"])
@pytest.mark.parametrize("mark", ["like", "unlike"])
@pytest.mark.parametrize("name", ["%FF%FE", "%ED%A0%80"])
def test_a_mark_that_is_not_utf8_is_not_found(
    client: TestClient, address: str, mark: str, name: str
) -> None:
    found = client.get(f"{address}?path=cats/cat-1.jpg&descriptor=hsv&{mark}={name}")
    assert found.status_code == 404 and "the index has no such image" in found.text
