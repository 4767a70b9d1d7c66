"""The server is killed while it changes something: nothing is lost, and the next start goes on."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import urllib3

import cbir
from cbir.changes import list_logs
from tests.conftest import DATA
from tests.web.copies import ODD, _made_copies, copies
from tests.web.serving import Served, served

__all__ = ["_made_copies", "copies"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LEMURS = [(DATA / f"lemurs/lemur-{number}.jpg").read_bytes() for number in range(1, 6)]


@contextmanager
def changing(copies: Path) -> Iterator[tuple[Served, dict[str, str]]]:
    with served(copies, "--index", "index.csv", "--allow-changes") as server:
        token = server.get("/api/info").json()["change_token"]
        yield server, {"X-CBIR-Token": token}


Work = Callable[[Served, dict[str, str]], None]


def killed_during(copies: Path, work: Work, seconds: float) -> None:
    """Start a server, let something be asked of it, and kill it after some time."""
    with changing(copies) as (server, headers):

        def ask() -> None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):  # it is killed
                work(server, headers)

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(seconds)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        thread.join()


def settled(copies: Path) -> set[str]:
    """Start a server again, wait until it has gone on, and return the images of the index."""
    with changing(copies) as (server, _):
        for _ in range(2000):
            jobs = server.get("/api/jobs").json()["jobs"]
            if all(job["state"] not in ("waiting", "running") for job in jobs):
                break
            time.sleep(0.02)
        assert all(job["state"] == "done" for job in jobs), jobs
        images = server.get("/api/images?limit=1000").json()["images"]
        code, told = server.end()
        assert (code, told) == (0, "")
    return {image["path"] for image in images}


def images_in(copies: Path) -> set[str]:
    photos = copies / "photos"
    assert not list(photos.rglob(".cbir-*"))
    return {os.path.relpath(path, photos) for path in photos.rglob("*.*") if path.is_file()}


def readable(paths: set[str]) -> set[str]:
    return {os.fsencode(path).decode(errors="replace") for path in paths}


def whole(copies: Path) -> None:
    """No log is left in the middle of something."""
    assert not any(log.open or log.problem for log in list_logs(f"{copies}/index.csv.cbir/changes"))


def test_additions(copies: Path) -> None:
    chance = random.Random(1)
    before = images_in(copies)
    for round_ in range(5):

        def add(server: Served, headers: dict[str, str], round_: int = round_) -> None:
            for number in range(60):
                data = LEMURS[number % len(LEMURS)]
                path = f"/api/images/new/{round_}-{number}.jpg"
                assert server.request("PUT", path, body=data, headers=headers).status == 202

        killed_during(copies, add, chance.uniform(0.05, 0.8))
        images = settled(copies)
        assert readable(images) == readable(images_in(copies))
        assert all(
            (copies / "photos" / path).read_bytes() in LEMURS for path in images_in(copies) - before
        )
        whole(copies)
    assert images_in(copies) > before


def test_removals(copies: Path) -> None:
    chance = random.Random(2)
    photos = copies / "photos"
    contents = sorted(path.read_bytes() for path in photos.rglob("*.*") if path.is_file())
    for _ in range(3):
        paths = sorted(images_in(copies), key=os.fsencode)

        def remove(server: Served, headers: dict[str, str], paths: list[str] = paths) -> None:
            for path in paths[:2]:
                address = f"/api/images/{quote(os.fsencode(path))}"
                assert server.request("DELETE", address, headers=headers).status == 202

        killed_during(copies, remove, chance.uniform(0.0, 0.15))
        assert readable(settled(copies)) == readable(images_in(copies))
        whole(copies)
        kept = [path.read_bytes() for path in photos.rglob("*.*") if path.is_file()]
        trash = [path.read_bytes() for path in (copies / "trash").rglob("files/*")]
        assert sorted(kept + trash) == contents


def test_acting_on_duplicates(copies: Path) -> None:
    photos = copies / "photos"
    data = (photos / "cats/cat-1.jpg").read_bytes()
    for number in range(30):
        (photos / f"copy-{number:02}.jpg").write_bytes(data)
    cbir.index(str(photos), str(copies / "index.csv"), features="sift")
    count = len(images_in(copies))
    chance = random.Random(3)
    for _ in range(3):

        def act(server: Served, headers: dict[str, str]) -> None:
            while server.get("/api/duplicates?level=exact").status == 202:
                time.sleep(0.02)
            address, asked = "/api/duplicates/plan", {"level": "exact"}
            plan = server.request("POST", address, json=asked, headers=headers).json()["plan"]
            address = "/api/duplicates/act"
            server.request("POST", address, json={"plan": plan}, headers=headers)
            time.sleep(9)

        killed_during(copies, act, chance.uniform(0.3, 0.9))
        assert readable(settled(copies)) == readable(images_in(copies))
        whole(copies)
        trashed = list((copies / "trash").rglob("files/*"))
        assert len(images_in(copies)) + len(trashed) == count
        assert (photos / ODD).exists()


def test_an_update(copies: Path) -> None:
    for number in range(100):
        (copies / f"photos/new-{number}.jpg").write_bytes(LEMURS[number % len(LEMURS)])

    def update(server: Served, headers: dict[str, str]) -> None:
        assert server.request("POST", "/api/index", headers=headers).status == 202
        time.sleep(9)

    killed_during(copies, update, 0.15)
    assert readable(settled(copies)) == readable(images_in(copies))
