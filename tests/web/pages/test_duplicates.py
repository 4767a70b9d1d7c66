"""The page of duplicates, as a browser without scripts uses it."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.web.copies import (
    HOSTILE,
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


@pytest.fixture
def client(changing: Changing) -> TestClient:
    return changing()


def found(client: TestClient, asked: str = "level=edited") -> str:
    """Load the page again, as it asks for, until the groups are there."""
    for _ in range(3000):
        page = client.get(f"/duplicates?{asked}").text
        if 'http-equiv="refresh"' not in page:
            return page
        time.sleep(0.01)
    raise AssertionError("it does not end")


def fields(page: str, form: str) -> list[tuple[str, str]]:
    """Return what a browser would send of a form of a page, and the addresses of its images."""
    (part,) = re.findall(rf'<form[^>]*action="{form}".*?</form>', page, re.DOTALL)
    sent = []
    for tag in re.findall(r"<input[^>]*>", part):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        choice = attributes["type"] in ("radio", "checkbox")
        if not choice or re.search(r"\schecked", tag):
            sent.append((attributes["name"], html.unescape(attributes["value"])))
    return sent


def posted(client: TestClient, path: str, sent: list[tuple[str, str]]) -> Any:
    return client.post(
        path,
        content=urlencode(sent),
        headers={"content-type": "application/x-www-form-urlencoded", "X-CBIR-Token": ""},
        follow_redirects=False,
    )


def sent_by_form(client: TestClient, path: str, sent: list[tuple[str, str]]) -> Any:
    """Send a form without the header for programs: its own field has the token."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    token = client.headers.pop("X-CBIR-Token")
    try:
        return client.post(path, content=urlencode(sent), headers=headers, follow_redirects=False)
    finally:
        client.headers["X-CBIR-Token"] = token


def test_the_page_asks_before_anything_is_searched(client: TestClient) -> None:
    page = client.get("/duplicates")
    assert page.status_code == 200 and 'name="level"' in page.text
    assert client.get("/api/jobs").json()["jobs"] == []


def test_progress_is_shown_until_the_groups_are_there(client: TestClient) -> None:
    page = client.get("/duplicates?level=edited").text
    assert "<progress" in page and '<noscript><meta http-equiv="refresh"' in page
    page = found(client)
    assert page.count('<section class="group"') == 2
    assert 'class="image blink" tabindex="0"' in page


def test_names_are_shown_as_they_are(client: TestClient) -> None:
    page = found(client)
    assert html.escape(HOSTILE, quote=False).replace("<", "&lt;").split("&amp;")[0] in page
    assert "<img src=x" not in page
    assert "\\xff odd.jpg" in page


def test_all_images_of_the_page_answer(client: TestClient) -> None:
    page = found(client)
    addresses = re.findall(r'(?:href|src)="(/api/thumbnails/[^"]*|/duplicates/diff[^"]*)"', page)
    assert len(addresses) >= 7
    for address in addresses:
        answer = client.get(html.unescape(address))
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("image/")


def test_a_difference_shows_where_a_copy_was_written_on(
    changing: Changing, copies: Path, tmp_path: Path
) -> None:
    import cbir

    with Image.open(copies / "photos/forest/brook-1.jpg") as brook:
        pixels = np.array(brook)
        pixels[-40:, -40:] = (255, 255, 255)
        Image.fromarray(pixels).save(copies / "photos/forest/written.jpg", quality=92)
    cbir.index(str(copies / "photos"), str(copies / "index.csv"), features="sift")
    client = changing()
    page = found(client)
    written = next(one for one in page.split('<section class="group"') if "written.jpg" in one)
    address = html.unescape(re.findall(r'"(/duplicates/difference[^"]*)"', written)[0])
    file = tmp_path / "difference.webp"
    file.write_bytes(client.get(address).content)
    with Image.open(file) as image:
        red, green, blue = np.moveaxis(np.asarray(image.convert("RGB"), np.int16), 2, 0)
    hot = (red - blue > 60) & (red > green)
    height, width = hot.shape
    assert hot[-30:, -30:].mean() > 0.3
    assert hot[: height // 2, : width // 2].mean() < 0.02


@pytest.mark.parametrize(
    ("group", "copy", "generation"), [(9, 1, ""), (1, 9, ""), (0, 1, ""), (1, 1, "other")]
)
def test_only_pairs_that_were_found_are_compared(
    client: TestClient, group: int, copy: int, generation: str
) -> None:
    found(client)
    current = generation or client.get("/api/info").json()["generation"]
    address = f"/duplicates/difference?level=edited&generation={current}&group={group}&copy={copy}"
    assert client.get(address).status_code in (404, 409, 422)


def test_what_was_chosen_is_planned_done_and_taken_back(client: TestClient, copies: Path) -> None:
    before = files(copies / "photos")
    sent = fields(found(client), "/duplicates/plan")
    planned = sent_by_form(client, "/duplicates/plan", [*sent, ("scope", "page")])
    assert planned.status_code == 200
    assert planned.text.count("delete  ") == 3 and files(copies / "photos") == before
    acted = sent_by_form(client, "/duplicates/act", fields(planned.text, "/duplicates/act"))
    assert acted.status_code == 303 and acted.headers["location"].startswith("/jobs/")
    idle(client)
    job = client.get(acted.headers["location"]).text
    assert 'href="/duplicates?level=edited"' in job
    assert "Done." in job and len(files(copies / "photos")) == len(before) - 3
    changes = client.get("/changes").text
    assert "3 files put in the trash" in changes and "<img src=x" not in changes
    (undo,) = re.findall(r'action="(/changes/[^"]*/undo)"', changes)
    undone = sent_by_form(client, undo, fields(changes, undo))
    assert undone.status_code == 303
    idle(client)
    assert files(copies / "photos") == before and HOSTILE in indexed(client)
    assert "3 taken back" in client.get("/changes").text


def test_another_image_is_kept(client: TestClient, copies: Path) -> None:
    sent = fields(found(client, "level=exact"), "/duplicates/plan")
    sent = [(name, value) for name, value in sent if name not in ("keep-1", "act")]
    sent += [("keep-1", "1"), ("act", "1-0"), ("act", "1-1"), ("scope", "page")]
    planned = sent_by_form(client, "/duplicates/plan", sent)
    assert planned.text.count("delete  ") == 1 and "delete  cats/cat-1.jpg" in planned.text


def test_all_groups_can_be_planned_at_once(client: TestClient) -> None:
    sent = fields(found(client), "/duplicates/plan")
    sent = [(name, value) for name, value in sent if name != "act"]
    planned = sent_by_form(client, "/duplicates/plan", [*sent, ("scope", "all")])
    assert planned.text.count("delete  ") == 3
    nothing = sent_by_form(client, "/duplicates/plan", [*sent, ("scope", "page")])
    assert "There is nothing to do" in nothing.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("act", "x"), ("act", "1-2-3"), ("act", "9-1"), ("act", "1-99"), ("keep-1", "99"),
     ("keep-1", "x"), ("action", "move"), ("level", "all"), ("threshold", "x")],
)  # fmt: skip
def test_forms_that_make_no_sense_are_refused(client: TestClient, name: str, value: str) -> None:
    sent = fields(found(client), "/duplicates/plan")
    if name != "act":
        sent = [one for one in sent if one[0] != name]
    assert sent_by_form(client, "/duplicates/plan", [*sent, (name, value)]).status_code == 422


def test_without_the_token_nothing_is_planned_or_done(client: TestClient, copies: Path) -> None:
    sent = fields(found(client), "/duplicates/plan")
    bare = [one for one in sent if one[0] != "change_token"]
    for path in ("/duplicates/plan", "/duplicates/act", "/duplicates/prepare", "/jobs/update"):
        for change_token in ([], [("change_token", "wrong")]):
            assert sent_by_form(client, path, [*bare, *change_token]).status_code == 403
    assert posted(client, "/duplicates/act", sent).status_code == 403


def test_a_server_without_changes_only_shows(changing: Changing) -> None:
    page = found(changing(allow_changes=False))
    assert "/duplicates/plan" in page and 'name="act"' not in page
    assert "change_token" not in page or 'value=""' in page


def test_what_the_index_lacks_is_added(serving: Any, collection: Path) -> None:
    client = serving()
    assert "cbir duplicates" in found(client)
    client = serving(allow_changes=True)
    page = found(client)
    assert "lacks" in page
    (collection / "photos/left-out.jpg").write_bytes(
        (collection / "photos/cats/cat-1.jpg").read_bytes()
    )
    headers = {"content-type": "application/x-www-form-urlencoded"}
    sent = fields(page, "/duplicates/prepare")
    answer = client.post("/duplicates/prepare", content=urlencode(sent), headers=headers)
    assert answer.status_code == 200
    idle(client)
    assert Document(client.get(str(answer.url))).link("To the duplicates") == (
        "/duplicates?level=edited"
    )
    page = found(client)
    assert "a b#1" in page and '<section class="group"' in page and "left-out" not in page


@pytest.mark.parametrize(
    "asked", ["level=all", "level=near&threshold=x", "level=near&where=no+such"]
)
def test_what_makes_no_sense_is_told_on_the_page(client: TestClient, asked: str) -> None:
    page = found(client, asked)
    assert 'role="alert"' in page and 'name="level"' in page


def test_many_groups_are_shown_page_by_page(changing: Changing, copies: Path) -> None:
    import cbir

    rng = np.random.default_rng(0)
    for number in range(23):
        image = Image.fromarray(rng.integers(0, 255, (60, 60, 3), np.uint8))
        for name in "ab":
            image.save(copies / f"photos/{number:02}{name}.png")
    cbir.index(str(copies / "photos"), str(copies / "index.csv"))
    client = changing()
    first = found(client, "level=exact")
    assert first.count('<section class="group"') == 10 and "offset=10" in first
    third = found(client, "level=exact&offset=20")
    assert third.count('<section class="group"') == 4 and "offset=10" in third
