"""Images are added and removed by the API, and that is taken back."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import cbir
from cbir.changes import Addition, change, plan_changes
from tests.conftest import DATA
from tests.web.copies import (
    HOSTILE,
    ODD,
    Changing,
    _made_copies,
    changing,
    copies,
    ended,
    files,
    groups,
    idle,
    indexed,
)

__all__ = ["_made_copies", "changing", "copies"]

TIGER = (DATA / "lemurs/lemur-1.jpg").read_bytes()


@pytest.fixture
def client(changing: Changing) -> TestClient:
    return changing()


def put(client: TestClient, path: str, data: bytes = TIGER, **options: Any) -> Any:
    return client.put(f"/api/images/{quote(os.fsencode(path))}", content=data, **options)


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_an_image_is_added_and_found(client: TestClient, copies: Path) -> None:
    answer = put(client, "new/tiger.jpg")
    assert answer.status_code == 202 and answer.headers["location"].startswith("/api/jobs/")
    told = answer.json()
    assert told["path"] == "new/tiger.jpg"
    result = ended(client, told["job"])["result"]
    assert (result["added"], result["removed"], result["described"]) == (1, 0, 1)
    assert (copies / "photos/new/tiger.jpg").read_bytes() == TIGER
    assert client.get(told["image"]).content == TIGER
    (found,) = client.get("/api/search?path=new/tiger.jpg&top=1").json()["answers"]
    assert found["results"][0]["path"] == "new/tiger.jpg"


def test_what_is_there_already_is_no_change(client: TestClient, copies: Path) -> None:
    ended(client, put(client, "a.jpg").json()["job"])
    answer = put(client, "a.jpg")
    assert answer.status_code == 200 and answer.json()["job"] is answer.json()["change"] is None
    assert client.get("/api/changes").json()["total"] == 1


def test_something_else_that_is_there_is_not_replaced(client: TestClient, copies: Path) -> None:
    old = (copies / "photos/forest/brook-1.jpg").read_bytes()
    answer = put(client, "forest/brook-1.jpg")
    assert answer.status_code == 409 and "something else" in answer.json()["detail"]
    assert (copies / "photos/forest/brook-1.jpg").read_bytes() == old


@pytest.mark.parametrize("data", [b"", b"no image", TIGER[:900], png(9000, 9000)])
def test_what_is_no_image_or_too_large_is_not_added(
    client: TestClient, copies: Path, data: bytes
) -> None:
    before = files(copies / "photos")
    assert put(client, "a.png", data).status_code == 422
    assert files(copies / "photos") == before


def test_an_upload_that_is_too_large_is_not_added(changing: Changing, copies: Path) -> None:
    client = changing(max_upload=10_000)
    assert put(client, "a.jpg", TIGER).status_code == 413
    assert not (copies / "photos/a.jpg").exists()


def test_a_form_is_no_file(client: TestClient) -> None:
    answer = client.put("/api/images/a.jpg", files={"image": ("a.jpg", TIGER)})
    assert answer.status_code == 415


def test_to_programs_only_the_header_counts(client: TestClient) -> None:
    token = client.headers.pop("X-CBIR-Token")
    answer = client.put("/api/images/a.jpg", data={"change_token": token})
    assert answer.status_code == 403


def test_a_file_may_come_as_curl_sends_it(client: TestClient, copies: Path) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert put(client, "a.jpg", headers=headers).status_code == 202
    assert (copies / "photos/a.jpg").read_bytes() == TIGER


ESCAPES = [
    "../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "//a.jpg", ".hidden/a.jpg", "x/.a.jpg", "a\0.jpg",
    "./a.jpg", "x/./a.jpg", "x//a.jpg", "a.txt", "a", "link/a.jpg", "x/", "..", "",
    "..%2fa.jpg/../../b.jpg",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("how", ["quoted", "all"])
def test_no_path_leads_out_of_the_dataset(
    client: TestClient, copies: Path, path: str, how: str
) -> None:
    outside = copies / "outside"
    outside.mkdir()
    (outside / "a.jpg").write_bytes(TIGER)
    (copies / "photos/link").symlink_to(outside)
    before = files(copies / "photos"), files(outside)
    quoted = quote(path, safe="") if how == "quoted" else "".join(f"%{ord(c):02x}" for c in path)
    for method in ("PUT", "DELETE"):
        answer = client.request(method, f"/api/images/{quoted}", content=png(8, 8))
        assert answer.status_code in (404, 405, 409, 422), (method, answer.text)
    assert (files(copies / "photos"), files(outside)) == before
    assert not (copies / "a.jpg").exists()


@pytest.mark.parametrize("path", [HOSTILE, ODD, "cats/cat-1.jpg"])
def test_an_image_is_removed_and_comes_back(client: TestClient, copies: Path, path: str) -> None:
    file = copies / "photos" / path
    data, before = file.read_bytes(), indexed(client)
    answer = client.delete(f"/api/images/{quote(os.fsencode(path))}")
    assert answer.status_code == 202
    assert ended(client, answer.json()["job"])["result"]["removed"] == 1
    assert not file.exists() and len(indexed(client)) == len(before) - 1
    assert data in [one.read_bytes() for one in (copies / "trash").rglob("*.jpg")]
    undone = client.post(f"/api/changes/{answer.json()['change']}/undo")
    assert ended(client, undone.json())["result"]["undone"] == 1
    assert file.read_bytes() == data and indexed(client) == before


def test_an_addition_is_taken_back_unless_the_file_was_edited(
    client: TestClient, copies: Path
) -> None:
    for name in ("a.jpg", "b.jpg"):
        change = put(client, f"new/{name}").json()["change"]
        idle(client)
        if name == "b.jpg":
            (copies / "photos/new/b.jpg").write_bytes(TIGER + b"mine")
        job = ended(client, client.post(f"/api/changes/{change}/undo").json())
        assert job["result"]["undone" if name == "a.jpg" else "left"] == 1, job
    assert files(copies / "photos/new") == ["b.jpg"]
    assert "new/b.jpg" in indexed(client) and "new/a.jpg" not in indexed(client)


def test_what_the_index_has_not_is_not_removed(client: TestClient, copies: Path) -> None:
    (copies / "photos/new.jpg").write_bytes(TIGER)
    assert client.delete("/api/images/new.jpg").status_code == 404
    assert (copies / "photos/new.jpg").exists()


def test_what_was_changed_since_it_was_indexed_is_not_removed(
    client: TestClient, copies: Path
) -> None:
    (copies / "photos/forest/brook-1.jpg").write_bytes(TIGER)
    assert client.delete("/api/images/forest/brook-1.jpg").status_code == 409
    assert (copies / "photos/forest/brook-1.jpg").read_bytes() == TIGER


def test_what_is_gone_already_is_gone(client: TestClient, copies: Path) -> None:
    address = "/api/images/forest/brook-1.jpg"
    assert client.delete(address).status_code == 202
    assert client.delete(address).status_code in (404, 410)  # as the index knows of it or not
    (copies / "photos/snow/snow-forest-1.jpg").unlink()
    answer = client.delete("/api/images/snow/snow-forest-1.jpg")
    assert answer.status_code == 410 and "not there any more" in answer.json()["detail"]


def test_images_that_were_left_out_stay_left_out(client: TestClient, copies: Path) -> None:
    (copies / "photos/left-out.jpg").write_bytes(TIGER)
    (copies / "photos/forest/new.jpg").write_bytes(TIGER)
    before = indexed(client)
    ended(client, put(client, "new.jpg").json()["job"])
    assert indexed(client) == before | {"new.jpg"}


def statuses_of_race(client: TestClient, path: str, images: list[bytes]) -> list[int]:
    with ThreadPoolExecutor(len(images)) as threads:
        answers = threads.map(lambda data: put(client, path, data).status_code, images)
        return sorted(answers)


def test_of_several_who_add_the_same_name_one_does(client: TestClient, copies: Path) -> None:
    images = [png(20 + number, 20) for number in range(4)]
    for path in ("race-1.png", "race-2.png", "race-3.png"):
        assert statuses_of_race(client, path, images) == [202, 409, 409, 409]
        assert (copies / "photos" / path).read_bytes() in images
    idle(client)
    assert {"race-1.png", "race-2.png", "race-3.png"} <= indexed(client)


def test_many_additions_are_taken_in_together(client: TestClient, copies: Path) -> None:
    answers = [put(client, f"many/{number}.png", png(30, 30 + number)) for number in range(40)]
    assert {answer.status_code for answer in answers} == {202}
    idle(client)
    assert {f"many/{number}.png" for number in range(40)} <= indexed(client)
    assert len(client.get("/api/jobs").json()["jobs"]) < 40


def test_changes_are_listed_the_last_first(client: TestClient) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        put(client, name)
    told = client.get("/api/changes?limit=2").json()
    assert told["total"] == 3 and len(told["changes"]) == 2
    assert told["changes"][0]["log"] > told["changes"][1]["log"]
    assert client.get("/api/changes?offset=3").json()["changes"] == []


@pytest.mark.parametrize(
    "log", ["no.log", "..", "../index.csv", "%2e%2e%2fmanifest.json", "updating"]
)
def test_only_logs_are_undone(client: TestClient, log: str) -> None:
    put(client, "a.jpg")
    assert client.post(f"/api/changes/{log}/undo").status_code in (404, 405, 422)


@pytest.mark.parametrize("lines", [2, 3], ids=["not finished", "done"])
def test_by_a_log_of_another_dataset_nothing_is_done(
    changing: Changing, copies: Path, lines: int
) -> None:
    other, logs = copies / "other", copies / "index.csv.cbir/changes"
    other.mkdir()
    logs.mkdir(exist_ok=True)
    log = logs / "cbir-forged.log"
    change(plan_changes(str(other), [Addition("new/a.jpg", TIGER)]), str(log))
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:lines]))
    (other / "new/a.jpg").rename(other / "mine.jpg")
    client = changing()
    idle(client)
    (told,) = client.get("/api/changes").json()["changes"]
    assert "another dataset" in told["problem"] and told["to_undo"] == 0
    assert "another dataset" in client.get("/changes").text
    answer = client.post("/api/changes/cbir-forged.log/undo")
    assert answer.status_code == 409 and "another dataset" in answer.json()["detail"]
    idle(client)
    assert sorted(path.name for path in other.iterdir()) == ["mine.jpg", "new"]


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EROFS, 409)]
)
@pytest.mark.parametrize("place", ["cbir.changes.log.open_private", "cbir.changes.changing.add"])
def test_a_full_disk_and_a_folder_that_is_read_only_are_told(
    client: TestClient, copies: Path, monkeypatch: pytest.MonkeyPatch,
    number: int, status: int, place: str,
) -> None:  # fmt: skip
    def fails(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(place, fails)
    before = files(copies / "photos")
    answer = put(client, "a.jpg")
    assert answer.status_code == status, answer.text
    assert os.strerror(number).lower() in answer.json()["detail"].lower()
    assert files(copies / "photos") == before
    assert all(one["time"] for one in client.get("/api/changes").json()["changes"])


REQUESTS = [
    ("PUT", "/api/images/a.jpg"),
    ("DELETE", "/api/images/cats/cat-1.jpg"),
    ("POST", "/api/changes/x.log/undo"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_nothing_is_changed_without_the_token_or_where_it_is_not_allowed(
    changing: Changing, copies: Path, method: str, path: str
) -> None:
    before = files(copies / "photos")
    for client, headers in (
        (changing(), {"X-CBIR-Token": "wrong"}),
        (changing(), {"X-CBIR-Token": ""}),
        (changing(allow_changes=False), {}),
    ):
        answer = client.request(method, path, content=TIGER, headers=headers)
        assert answer.status_code == 403
    assert files(copies / "photos") == before


def test_local_features_are_kept_for_what_is_added(client: TestClient, copies: Path) -> None:
    with Image.open(DATA / "lemurs/lemur-1.jpg") as tiger:
        part = io.BytesIO()
        tiger.crop((tiger.width // 8, 0, tiger.width, tiger.height)).save(part, "PNG")
    for name, data in (("tiger.jpg", TIGER), ("part.png", part.getvalue())):
        ended(client, put(client, name, data).json()["job"])
    found = groups(client, "level=edited")["groups"]
    assert any(group["keep"] == "tiger.jpg" for group in found)


def test_the_index_of_the_command_is_the_same(client: TestClient, copies: Path) -> None:
    ended(client, put(client, "new/tiger.jpg").json()["job"])
    served = (copies / "index.csv").read_bytes()
    cbir.index(str(copies / "photos"), str(copies / "index.csv"))
    assert (copies / "index.csv").read_bytes() == served


@pytest.mark.parametrize("plant", [os.symlink, os.link])
def test_what_is_planted_for_the_note_of_an_update_is_not_touched(
    client: TestClient, copies: Path, plant: Callable[[Path, Path], None]
) -> None:
    (copies / "mine").write_bytes(b"mine")
    (copies / "index.csv.cbir/changes").mkdir(exist_ok=True)
    plant(copies / "mine", copies / "index.csv.cbir/changes/updating")
    put(client, "a.jpg")
    ended(client, client.post("/api/index").json())
    assert (copies / "mine").read_bytes() == b"mine"


def test_the_last_image_is_not_removed(client: TestClient, copies: Path) -> None:
    images = client.get("/api/images?limit=1000").json()["images"]
    answers = [client.delete(image["image"]) for image in images]
    assert [answer.status_code for answer in answers] == [202] * (len(answers) - 1) + [409]
    assert "the last image" in answers[-1].json()["detail"]
    idle(client)
    assert len(indexed(client)) == 1 == len(files(copies / "photos"))
