"""``/api/duplicates``: what the command finds, and acting on it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import Run
from tests.web.copies import (
    HOSTILE,
    ODD,
    Changing,
    _made_copies,
    answered,
    changing,
    copies,
    ended,
    files,
    groups,
    indexed,
)

__all__ = ["_made_copies", "changing", "copies"]


@pytest.fixture
def client(changing: Changing) -> TestClient:
    return changing()


def of_command(copies: Path, run: Run, *options: str) -> list[dict[str, Any]]:
    """What the command prints of the same index, with paths of the index."""
    arguments = ("--index", "index.csv", "--format", "json", "--quiet", *options)
    done = run("duplicates", *arguments, cwd=copies)
    assert done.returncode == 0, done.stderr
    return [_within(group) for group in json.loads(done.stdout.replace("photos/", ""))]


def _within(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of the command with the bytes of paths within the dataset, too."""
    for key, value in document.items():
        if key.endswith("_base64"):
            path = base64.b64decode(value).removeprefix(b"photos/")
            document[key] = base64.b64encode(path).decode()
        elif isinstance(value, list):
            document[key] = [_within(one) for one in value if isinstance(one, dict)]
    return document


ASKED = {
    "": (),
    "level=exact": ("--level", "exact"),
    "level=near&threshold=3": ("--level", "near", "--threshold", "3"),
    "level=near&keep=smallest": ("--keep", "smallest"),
    "level=near&keep=first&allow_loss=detail": ("--keep", "first", "--allow-loss", "detail"),
    "level=edited": ("--level", "edited"),
    "level=edited&allow_loss=area,detail": ("--level", "edited", "--allow-loss", "area,detail"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_groups_are_those_of_the_command(
    client: TestClient, copies: Path, run: Run, asked: str
) -> None:
    expected = of_command(copies, run, *ASKED[asked])
    found = groups(client, asked)["groups"]
    assert expected
    for group, told in zip(found, expected, strict=True):
        for kind in ("duplicates", "references", "shows_more"):
            for one, copy in zip(group.get(kind, []), told.pop(kind, []), strict=True):
                assert {key: one[key] for key in copy} == copy
        assert {key: group[key] for key in told} == told


def test_groups_are_told_page_by_page_with_addresses_that_answer(client: TestClient) -> None:
    found = groups(client, "level=edited")
    assert found["total"] == len(found["groups"]) == 2
    (second,) = groups(client, "level=edited&offset=1&limit=1")["groups"]
    assert second == found["groups"][1]
    for group in found["groups"]:
        for one in (group["keep_image"], *group["duplicates"], *group.get("shows_more", [])):
            assert client.get(one["image"]).status_code == 200
            assert client.get(one["thumbnail"]).headers["content-type"] == "image/jpeg"


def test_the_same_question_is_one_job(client: TestClient) -> None:
    first = client.get("/api/duplicates?level=edited")
    assert first.status_code == 202 and first.headers["retry-after"] == "1"
    job = client.get(first.headers["location"]).json()
    assert client.get("/api/duplicates?level=edited").json().get("id", job["id"]) == job["id"]
    assert ended(client, job)["result"]["groups"] == 2
    assert client.get("/api/duplicates?level=edited").status_code == 200
    kinds = [job["kind"] for job in client.get("/api/jobs").json()["jobs"]]
    assert kinds.count("duplicates") == 1


@pytest.mark.parametrize(
    "asked", ["level=other", "threshold=257", "threshold=x", "keep=all", "allow_loss=all", "x=1"]
)
def test_questions_that_make_no_sense_are_refused(client: TestClient, asked: str) -> None:
    assert client.get(f"/api/duplicates?{asked}").status_code == 422


def test_a_condition_that_makes_no_sense_is_told_and_tried_again(client: TestClient) -> None:
    for _ in range(2):
        answer = answered(client, "where=no+such")
        assert answer.status_code == 422, answer.text


def test_an_index_without_hashes_is_told(serving: Any) -> None:
    answer = answered(serving(), "level=edited")
    assert answer.status_code == 409 and "lacks" in answer.json()["detail"]


def planned(client: TestClient, asked: dict[str, Any] | None = None) -> dict[str, Any]:
    groups(client)
    answer = client.post("/api/duplicates/plan", json=asked or {})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_plan_is_that_of_the_command_and_changes_nothing(
    client: TestClient, copies: Path, run: Run
) -> None:
    before = files(copies / "photos")
    done = run("duplicates", "--index", "index.csv", "--action", "delete", "--dry-run", cwd=copies)
    shown = [line for line in done.stderr.splitlines() if line.startswith(("delete", "skip"))]
    plan = planned(client)
    assert plan["lines"] == shown and plan["steps"] == len(shown) == 2
    assert files(copies / "photos") == before


def test_what_was_shown_is_done_once_and_undone(client: TestClient, copies: Path) -> None:
    before, paths = files(copies / "photos"), indexed(client)
    plan = planned(client)
    acted = client.post("/api/duplicates/act", json={"plan": plan["plan"]})
    assert acted.status_code == 202
    again = client.post("/api/duplicates/act", json={"plan": plan["plan"]})
    assert again.json()["id"] == acted.json()["id"]
    job = ended(client, acted.json())
    assert job["state"] == "done" and job["result"]["done"] == 2, job
    assert len(files(copies / "photos")) == len(before) - 2
    assert len(indexed(client)) == len(paths) - 2 and HOSTILE not in indexed(client)
    (change,) = client.get("/api/changes").json()["changes"]
    assert change["done"] == {"delete": 2} and change["to_undo"] == 2
    undone = client.post(f"/api/changes/{change['log']}/undo")
    assert ended(client, undone.json())["result"]["undone"] == 2
    assert files(copies / "photos") == before and indexed(client) == paths
    (change,) = client.get("/api/changes").json()["changes"]
    assert change["undone"] == 2 and not change["to_undo"]


def test_after_an_undo_the_same_plan_can_be_done_again(client: TestClient, copies: Path) -> None:
    before = files(copies / "photos")
    for _ in range(2):
        plan = planned(client)
        job = client.post("/api/duplicates/act", json={"plan": plan["plan"]}).json()
        assert ended(client, job)["result"]["done"] == 2
        change = client.get("/api/changes").json()["changes"][0]
        ended(client, client.post(f"/api/changes/{change['log']}/undo").json())
        assert files(copies / "photos") == before


def test_links_replace_only_what_has_the_same_bytes(client: TestClient, copies: Path) -> None:
    plan = planned(client, {"action": "hardlink"})
    assert plan["steps"] == plan["refused"] == 1
    job = client.post("/api/duplicates/act", json={"plan": plan["plan"]}).json()
    assert ended(client, job)["result"]["done"] == 1
    photos = copies / "photos"
    assert os.path.samefile(photos / HOSTILE, photos / "cats/cat-1.jpg")
    assert HOSTILE in indexed(client)
    for path in ("cats/cat-1.jpg", HOSTILE):
        assert client.get(f"/api/images/{path}").status_code == 200


def test_another_image_can_be_kept(client: TestClient, copies: Path) -> None:
    (group,) = groups(client)["groups"]
    other = next(one for one in group["duplicates"] if one["path"] == HOSTILE)
    asked = {
        "group": 1,
        "keep": {"path": HOSTILE},
        "act": [{"path": group["keep"]}],
    }
    plan = planned(client, {"groups": [asked]})
    assert plan["steps"] == 1 and not plan["refused"], plan
    job = client.post("/api/duplicates/act", json={"plan": plan["plan"]}).json()
    assert ended(client, job)["result"]["done"] == 1
    assert not (copies / "photos" / group["keep"]).exists()
    assert (copies / "photos" / other["path"]).exists()


def test_what_shows_more_than_the_image_that_is_kept_is_refused(
    client: TestClient, copies: Path
) -> None:
    (group,) = groups(client)["groups"]
    odd = next(one for one in group["duplicates"] if "path_base64" in one)
    asked = {
        "group": 1,
        "keep": {"path_base64": odd["path_base64"]},
        "act": [{"path": group["keep"]}, {"path": HOSTILE}],
    }
    plan = planned(client, {"groups": [asked]})
    assert not plan["steps"] and plan["refused"] == 2
    assert any("shows what" in line and "does not" in line for line in plan["lines"])
    assert (copies / "photos" / ODD).exists()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"groups": [{"group": 9}]}, 422),
        ({"groups": [{"group": 1, "keep": {"path": "forest/brook-1.jpg"}}]}, 422),
        ({"groups": [{"group": 1, "act": [{"path": "../x.jpg"}]}]}, 422),
        ({"groups": [{"group": 1, "act": [{}]}]}, 422),
        ({"groups": [{"group": 1, "act": [{"path_base64": "?"}]}]}, 422),
        ({"groups": [{"group": 1, "act": [{"path_base64": "\u00e4"}]}]}, 422),
        ({"action": "move"}, 422),
        ({"action": "hardlink", "sidecars": True}, 422),
        ({"generation": "other"}, 409),
        ({"level": "edited"}, 409),
    ],
)
def test_plans_of_what_was_not_found_are_refused(
    client: TestClient, asked: dict[str, Any], status: int
) -> None:
    groups(client)
    assert client.post("/api/duplicates/plan", json=asked).status_code == status


def test_an_unknown_plan_is_not_done(client: TestClient) -> None:
    assert client.post("/api/duplicates/act", json={"plan": "0" * 64}).status_code == 404


def test_a_copy_that_was_changed_since_stays(client: TestClient, copies: Path) -> None:
    plan = planned(client)
    changed = copies / "photos" / HOSTILE
    changed.write_bytes(changed.read_bytes() + b"mine")
    job = client.post("/api/duplicates/act", json={"plan": plan["plan"]}).json()
    result = ended(client, job)["result"]
    assert (result["done"], result["skipped"]) == (1, 1)
    assert changed.read_bytes().endswith(b"mine")


@pytest.mark.parametrize("path", ["/api/duplicates/plan", "/api/duplicates/act"])
def test_nothing_is_done_without_the_token_or_where_it_is_not_allowed(
    changing: Changing, path: str
) -> None:
    client = changing()
    groups(client)
    refused = client.post(path, json={"plan": "x"}, headers={"X-CBIR-Token": "wrong"})
    assert refused.status_code == 403
    client = changing(allow_changes=False)
    assert client.post(path, json={"plan": "x"}).status_code == 403
