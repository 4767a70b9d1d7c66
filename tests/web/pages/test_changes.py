"""The pages of changes, additions and jobs, as a browser without scripts uses them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from cbir.web.settings import MEGABYTE
from tests.conftest import DATA
from tests.web.copies import (
    HOSTILE,
    ODD,
    Changing,
    _made_copies,
    changing,
    copies,
    files,
    idle,
    indexed,
)
from tests.web.pages.document import Document

__all__ = ["_made_copies", "changing", "copies"]

LEMUR = (DATA / "lemurs/lemur-1.jpg").read_bytes()
OTHER = (DATA / "lemurs/lemur-2.jpg").read_bytes()


@pytest.fixture
def client(changing: Changing) -> TestClient:
    return changing()


def sent(client: TestClient, path: str, **options: Any) -> Any:
    """Send a form without the header for programs, with the token of the page."""
    token = client.headers.pop("X-CBIR-Token")
    data = {"change_token": token, **options.pop("data", {})}
    try:
        return client.post(path, data=data, follow_redirects=False, **options)
    finally:
        client.headers["X-CBIR-Token"] = token


def added(client: TestClient, folder: str, *given: tuple[str, bytes]) -> Any:
    uploads = [("images", one) for one in given]
    return sent(client, "/add", data={"folder": folder}, files=uploads)


def test_several_images_are_added_and_each_is_told(client: TestClient, copies: Path) -> None:
    given = (("a.jpg", LEMUR), ("b.jpg", OTHER), ("c.jpg", b"no image"))
    answer = added(client, "new/ones", *given)
    assert answer.status_code == 200
    told = re.findall(r'<li class="message (\w+)"[^>]*>([^<]*)</li>', answer.text)
    assert [kind for kind, _ in told] == ["done", "done", "error"]
    assert "added as new/ones/a.jpg" in told[0][1] and "c.jpg: not added" in told[2][1]
    idle(client)
    assert {"new/ones/a.jpg", "new/ones/b.jpg"} <= indexed(client)
    assert "2 files added" in client.get("/changes").text


def test_the_limit_is_told_by_the_number_of_the_option(changing: Changing) -> None:
    page = Document(changing(max_upload=32 * MEGABYTE).get("/add"))
    assert page.one("p", id="size").text.startswith("Up to 32 MB at once.")


def test_an_empty_file_is_told(client: TestClient) -> None:
    assert "a.jpg: not added, the file is empty" in added(client, "", ("a.jpg", b"")).text


def test_names_that_are_taken_get_a_number(client: TestClient, copies: Path) -> None:
    added(client, "", ("a.jpg", LEMUR))
    again = added(client, "", ("a.jpg", LEMUR))
    assert "is there already" in again.text
    added(client, "", ("a.jpg", OTHER), ("a.jpg", (DATA / "lemurs/lemur-3.jpg").read_bytes()))
    assert [name for name in files(copies / "photos") if name.startswith("a")] == [
        "a (2).jpg", "a (3).jpg", "a.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["../../x.jpg", "/etc/x.jpg", "..\\x.jpg", ".x.jpg", "x\x07.jpg"])
def test_names_lead_nowhere(client: TestClient, copies: Path, name: str) -> None:
    answer = added(client, "", (name, LEMUR))
    assert answer.status_code in (200, 422), answer.text
    new = set(files(copies)) - {"trash"}
    assert not [path for path in new if path.endswith("x.jpg") and path != "photos/x.jpg"]


@pytest.mark.parametrize("folder", ["..", "../outside", ".hidden", "a/../../b", "a/.b"])
def test_folders_lead_nowhere(client: TestClient, copies: Path, folder: str) -> None:
    before = files(copies / "photos")
    assert added(client, folder, ("x.jpg", LEMUR)).status_code == 422
    assert files(copies / "photos") == before and not (copies / "x.jpg").exists()


def test_hostile_names_are_shown_as_they_are(client: TestClient, copies: Path) -> None:
    name = "<script>alert(1)</script>.jpg"
    for data in (LEMUR, b"no image"):
        page = added(client, "", (name, data)).text
        assert "<script>alert" not in page and "&lt;" in page


def test_the_page_is_hidden_where_changes_are_not_allowed(changing: Changing) -> None:
    client = changing(allow_changes=False)
    assert client.get("/add").status_code == 403
    assert "/add" not in client.get("/changes").text
    assert added(client, "", ("x.jpg", LEMUR)).status_code == 403


@pytest.mark.parametrize("path", [HOSTILE, ODD])
def test_an_image_is_removed_by_its_page(client: TestClient, copies: Path, path: str) -> None:
    answer = sent(client, f"/remove/{quote(os.fsencode(path))}")
    assert answer.status_code == 303 and answer.headers["location"] == "/changes"
    assert not (copies / "photos" / path).exists()
    idle(client)
    page = client.get("/changes").text
    assert "1 file put in the trash" in page and "<img src=x" not in page
    gone = client.get(f"/image/{quote(os.fsencode(path))}")
    assert gone.status_code == 410 and "was removed" in gone.text
    (undo,) = re.findall(r'action="(/changes/[^"]*/undo)"', gone.text)
    assert sent(client, undo).status_code == 303
    idle(client)
    assert client.get(f"/image/{quote(os.fsencode(path))}").status_code == 200


def test_an_unknown_image_is_not_removed(client: TestClient) -> None:
    assert sent(client, "/remove/no/such.jpg").status_code == 404
    assert sent(client, "/remove/..%2f..%2findex.csv").status_code == 404


def test_the_index_is_updated_by_a_button(client: TestClient, copies: Path) -> None:
    (copies / "photos/found.jpg").write_bytes(LEMUR)
    answer = sent(client, "/jobs/update")
    assert answer.status_code == 303
    idle(client)
    page = client.get(answer.headers["location"]).text
    assert '<a class="button main" href="/">To the images</a>' in page
    assert "Done." in page and "found.jpg" in indexed(client)
    assert "update" in client.get("/jobs").text


def test_unknown_jobs_and_changes_are_told(client: TestClient) -> None:
    assert client.get("/jobs/none").status_code == 404
    assert sent(client, "/changes/none.log/undo").status_code == 404


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil", "x"])
def test_a_job_leads_nowhere_else(client: TestClient, wanted: str) -> None:
    job = sent(client, "/jobs/update").headers["location"].partition("?")[0]
    page = client.get(job, params={"next": wanted}).text
    assert "evil" not in page and 'href="/">To the images</a>' in page


@pytest.mark.parametrize(
    ("path", "page"),
    [("/jobs/update", "/jobs"), ("/changes/a.log/undo", "/changes"), ("/add", "/add"),
     ("/duplicates/plan", "/duplicates?level=near"),
     ("/remove/a%20b%FF.jpg", "/image/a%20b%FF.jpg")],
)  # fmt: skip
def test_a_form_of_a_server_before_leads_to_its_page_again(
    client: TestClient, path: str, page: str
) -> None:
    referer = {"referer": f"http://testserver{page}"}
    del client.headers["X-CBIR-Token"]
    answer = client.post(path, data={"change_token": "0" * 64}, headers=referer)
    assert answer.status_code == 403
    assert "The server was started anew; load the page again and repeat it." in answer.text
    assert Document(answer).link("Load the page again") == page


def test_changes_are_shown_page_by_page(client: TestClient) -> None:
    for number in range(22):
        added(client, "many", (f"{number}.jpg", LEMUR + bytes([number])))
    first = client.get("/changes").text
    assert first.count('<li class="panel">') == 20 and "offset=20" in first
    second = client.get("/changes?offset=20").text
    assert second.count('<li class="panel">') == 2 and "offset=0" in second
