"""What tests of the server use: an index with metadata, and an application that serves it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import cbir
from cbir.web.app import unguarded_app
from cbir.web.security.tokens import Tokens
from cbir.web.service import ServiceState
from cbir.web.settings import WebSettings
from tests.conftest import DATA

NAMES = (
    "cats/cat-1", "cats/cat-2", "cats/cat-3", "desert/orange-dune-1", "desert/orange-dune-2",
    "forest/brook-1", "green/tea-hills-1", "sky/galaxies-1", "snow/snow-forest-1",
    "things/coffee-1", "things/kite-1", "windmills/windmill-1",
)  # fmt: skip

COPY = "copies/a b#1 ü.jpg"
"""An image with the very bytes of ``cats/cat-1.jpg``, under a name that is awkward in addresses."""

TABLE = """path,kind,price,seen
cats/cat-1.jpg,cat,1.5,2020-01-02
cats/cat-2.jpg,cat,2.5,2021-01-02
cats/cat-3.jpg,cat,,2022-01-02
desert/orange-dune-1.jpg,dune,7,2020-05-06
desert/orange-dune-2.jpg,dune,8,2020-05-07
forest/brook-1.jpg,"wood, wet",9,
"""


@pytest.fixture(scope="session")
def _made_collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collection")
    for name in NAMES:
        target = folder / f"photos/{name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(DATA / f"{name}.jpg", target)
    copy = folder / "photos" / COPY
    copy.parent.mkdir()
    shutil.copy2(DATA / "cats/cat-1.jpg", copy)
    table = folder / "table.csv"
    table.write_text(TABLE)
    cbir.index(
        str(folder / "photos"), str(folder / "index.csv"), ["hsv", "phash"], preset="fast",
        metadata=str(table), key="path",
    )  # fmt: skip
    return folder


@pytest.fixture
def collection(_made_collection: Path, tmp_path: Path) -> Path:
    """A folder with photos/, and index.csv with several descriptors, a preset and metadata."""
    folder = tmp_path / "collection"
    shutil.copytree(_made_collection, folder)
    return folder


PART = "copies/part.jpg"
"""A part of ``windmills/windmill-1.jpg``, turned a little and smaller."""


@pytest.fixture(scope="session")
def _made_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for name in ("cats/cat-1", "forest/brook-1", "things/coffee-1", "windmills/windmill-1"):
        target = folder / f"photos/{name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(DATA / f"{name}.jpg", target)
    (folder / "photos/copies").mkdir()
    with Image.open(DATA / "windmills/windmill-1.jpg") as image:
        width, height = image.size
        middle = image.rotate(5, Image.Resampling.BICUBIC).crop(
            (width // 5, height // 5, 4 * width // 5, 4 * height // 5)
        )
    middle.resize((round(0.8 * middle.width), round(0.8 * middle.height))).save(
        folder / "photos" / PART
    )
    cbir.index(str(folder / "photos"), str(folder / "index.csv"), ["hsv"], preset="accurate")
    return folder


@pytest.fixture
def scenes(_made_scenes: Path, tmp_path: Path) -> Path:
    """A folder with photos/ of which two show the same, and an index for the preset accurate."""
    folder = tmp_path / "scenes"
    shutil.copytree(_made_scenes, folder)
    return folder


Serving = Callable[..., TestClient]


@pytest.fixture
def serving(collection: Path) -> Iterator[Serving]:
    """Serve the collection, with settings of one's own; ends with the test."""
    clients: list[TestClient] = []

    def serving(**settings: object) -> TestClient:
        chosen = {"index": os.fspath(collection / "index.csv"), **settings}
        client = TestClient(unguarded_app(WebSettings(**chosen), Tokens(None)))  # type: ignore[arg-type]
        clients.append(client.__enter__())
        return client

    yield serving
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def scene_client(scenes: Path, serving: Serving) -> TestClient:
    """An application that serves the scenes."""
    return serving(index=os.fspath(scenes / "index.csv"))


@pytest.fixture
def client(serving: Serving) -> TestClient:
    """An application that serves the collection."""
    return serving()


def service_of(client: TestClient) -> ServiceState:
    """Return what the routes of an application share."""
    state: ServiceState = client.app.state.service  # type: ignore[attr-defined]
    return state
