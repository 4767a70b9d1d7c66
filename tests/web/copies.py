"""An index of images that are copies of each other, and a server that may change them."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image

import cbir
from cbir.duplicates.collection import open_collection
from cbir.web.app import unguarded_app
from cbir.web.security.tokens import Tokens
from cbir.web.settings import WebSettings
from tests.conftest import DATA

HOSTILE = "cats/<img src=x onerror=alert(1)>&\"'.jpg"
"""A name that is not what it looks like, of an image with the very bytes of ``cats/cat-1.jpg``."""

ODD = os.fsdecode(b"cats/\xff odd.jpg")
"""A name that is not UTF-8, of an image that is a smaller ``cats/cat-1.jpg``."""

SINGLE = ("forest/brook-1.jpg", "windmills/windmill-1.jpg", "snow/snow-forest-1.jpg")


def make_copies(folder: Path) -> None:
    """Make photos/ with copies, and index.csv with all that is needed to find them."""
    photos = folder / "photos"
    for name in ("cats/cat-1.jpg", "desert/orange-dune-1.jpg", *SINGLE):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(DATA / name, photos / name)
    shutil.copy2(DATA / "cats/cat-1.jpg", photos / HOSTILE)
    with Image.open(DATA / "cats/cat-1.jpg") as cat:
        cat.resize((cat.width // 2, cat.height // 2)).save(photos / "x.jpg", quality=90)
        (photos / "x.jpg").rename(photos / ODD)
    with Image.open(DATA / "desert/orange-dune-1.jpg") as dune:
        part = dune.crop((dune.width // 8, 0, dune.width, dune.height * 7 // 8))
        part.save(photos / "desert/part.jpg", quality=90)
    cbir.index(str(photos), str(folder / "index.csv"), "hsv")
    with open_collection(str(photos), str(folder / "index.csv"), level="edited"):
        pass


@pytest.fixture(scope="session")
def _made_copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copies")
    make_copies(folder)
    return folder


@pytest.fixture
def copies(_made_copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos/ and index.csv; the desktop's trash is in it, as trash/Trash."""
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "copies" / "trash"))
    shutil.copytree(_made_copies, tmp_path / "copies")
    return tmp_path / "copies"


Changing = Callable[..., TestClient]


@pytest.fixture
def changing(copies: Path) -> Iterator[Changing]:
    """Serve the copies, with changes allowed and the token for them sent along."""
    clients: list[TestClient] = []

    def changing(**settings: Any) -> TestClient:
        tokens = Tokens(None)
        chosen = {"index": str(copies / "index.csv"), "allow_changes": True, **settings}
        headers = {"X-CBIR-Token": tokens.change_token}
        client = TestClient(unguarded_app(WebSettings(**chosen), tokens), headers=headers)
        clients.append(client.__enter__())
        return client

    yield changing
    for client in clients:
        client.__exit__(None, None, None)


def ended(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of a job; return how it ended."""
    for _ in range(3000):
        state: dict[str, Any] = client.get(f"/api/jobs/{job['id']}").json()
        if state["state"] not in ("waiting", "running"):
            return state
        time.sleep(0.01)
    raise AssertionError(f"it does not end: {job}")


def idle(client: TestClient) -> None:
    """Wait until no job runs."""
    while any(
        job["state"] in ("waiting", "running") for job in client.get("/api/jobs").json()["jobs"]
    ):
        time.sleep(0.01)


def answered(client: TestClient, asked: str) -> Response:
    """Ask for duplicates, however long it takes to find them."""
    address = f"/api/duplicates?{asked}"
    answer = client.get(address)
    while answer.status_code == 202:
        ended(client, answer.json())
        answer = client.get(address)
    return answer


def groups(client: TestClient, asked: str = "") -> dict[str, Any]:
    """Find duplicates, and return the groups."""
    answer = answered(client, asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def files(folder: Path) -> list[str]:
    """Return the paths of all files below a folder."""
    return sorted(
        os.path.relpath(os.path.join(place, name), folder)
        for place, _, names in os.walk(folder)
        for name in names
    )


def indexed(client: TestClient) -> set[str]:
    """Return the paths of the images that are served."""
    images = client.get("/api/images?limit=1000").json()["images"]
    return {image["path"] for image in images}
