"""An index whose format this program does not read is refused whole, and made again if asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cbir
from cbir.core.errors import BrokenIndexError
from cbir.stores.model import FORMAT

CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "newer": ({"cbir:format": FORMAT + 1}, f", this program reads {FORMAT}"),
    "older": ({"cbir:format": FORMAT - 1}, f", this program reads {FORMAT}"),
    "kind of rows": (
        {"cbir:descriptors": [{"alias": "lines", "kind": "sketch"}]},
        "rows of a kind that this program does not know, 'sketch'",
    ),
}


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest) -> tuple[dict[str, Any], str]:
    """What another program writes into the manifest, and what is said of it."""
    return CHANGES[request.param]


@pytest.fixture
def other(change: tuple[dict[str, Any], str], photos: Path, tmp_path: Path) -> Path:
    """An index of another program."""
    path = tmp_path / "index.csv"
    cbir.index(str(photos), str(path), ["hsv", "phash"])
    manifest = next((tmp_path / "index.csv.cbir").glob("generation-*.json"))
    document = json.loads(manifest.read_text())
    assert document["cbir:format"] == FORMAT
    manifest.write_text(json.dumps(document | change[0]))
    return path


def files(index: Path) -> dict[str, bytes]:
    """What an index is made of; the file of the lock says nothing of it."""
    paths = [index, *index.with_name("index.csv.cbir").rglob("*")]
    return {
        str(path): path.read_bytes()
        for path in paths
        if path.is_file() and not path.name.startswith("lock")
    }


def test_it_is_refused_with_the_remedy_and_stays_as_it_is(
    other: Path, change: tuple[dict[str, Any], str], photos: Path
) -> None:
    before = files(other)
    for use in (lambda: cbir.open(str(other)), lambda: cbir.index(str(photos), str(other))):
        with pytest.raises(BrokenIndexError) as caught:
            use()
        assert f"{change[1]}; use the cbir that wrote it, or" in str(caught.value)
        assert "rebuild" in str(caught.value)
    assert files(other) == before


def test_a_rebuild_makes_it_again_and_keeps_the_old_csv(other: Path, photos: Path) -> None:
    csv = other.read_bytes()
    report = cbir.index(str(photos), str(other), ["hsv", "phash"], rebuild=True)
    assert report.images == report.added == 12
    index = cbir.open(str(other))
    assert index.descriptors == ("hsv", "phash")
    assert index.search(photos / "cats" / "cat-1.jpg", top=1).matches[0].distance == 0
    assert other.with_name("index.csv.old").read_bytes() == csv
