"""The images of an index as a list, and as queries."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import cbir
from cbir.core.errors import UsageError
from cbir.search.engine import open_index
from cbir.search.request import IndexedImage


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> cbir.Index:
    folder = tmp_path_factory.mktemp("catalog")
    table = folder / "kinds.csv"
    images = sorted(Path("data").glob("*/*.jpg"))
    table.write_text(
        "path,kind\n" + "".join(f"{p.parent.name}/{p.name},{p.parent.name}\n" for p in images)
    )
    path = str(folder / "index.csv")
    cbir.index("data", path, ["hsv", "phash"], metadata=str(table))
    return open_index(path)


def test_pages_are_the_paths_in_order(index: cbir.Index) -> None:
    paths = index.paths
    seen: list[str] = []
    while page := index.catalog.page(len(seen), 7).entries:
        seen += [entry.path for entry in page]
    assert seen == paths
    assert index.catalog.page(0, 1).total == len(index)


def test_a_page_of_a_condition_has_what_it_asks_for(index: cbir.Index) -> None:
    page = index.catalog.page(1, 2, "kind = 'cats'", ["kind", "width"])
    cats = [path for path in index.paths if path.startswith("cats/")]
    assert page.total == len(cats)
    assert [entry.path for entry in page.entries] == cats[1:3]
    for entry in page.entries:
        assert entry.metadata == {"kind": "cats", "width": entry.width}
        data = Path("data", entry.path)
        assert entry.bytes == data.stat().st_size


def test_facets_count_what_is_there(index: cbir.Index) -> None:
    expected = Counter(path.split("/")[0] for path in index.paths)
    assert index.catalog.facets(["kind"]) == {"kind": dict(expected)}
    assert index.catalog.facets(["kind"], "kind = 'cats'") == {"kind": {"cats": expected["cats"]}}


def test_what_is_not_there_is_told(index: cbir.Index) -> None:
    assert index.catalog.find("cats/cat-1.jpg") is not None
    assert index.catalog.find("cats/../cats/cat-1.jpg") is None
    with pytest.raises(UsageError, match="no column"):
        index.catalog.facets(["color"])
    with pytest.raises(UsageError, match="no such image"):
        index.search(IndexedImage("cats/none.jpg"))


@pytest.mark.parametrize("options", [{}, {"descriptor": "hsv+phash"}, {"exclude_self": True}])
def test_an_indexed_image_finds_what_its_file_finds(index: cbir.Index, options: dict) -> None:
    for path in index.paths[::9]:
        by_row = index.search(IndexedImage(path), 10, **options)
        by_file = index.search(index.shown(path), 10, **options)
        assert by_row == by_file


def test_the_generation_is_that_of_the_commit(index: cbir.Index, tmp_path: Path) -> None:
    assert open_index(index.path).generation == index.generation
    cbir.index("data/cats", str(tmp_path / "index.csv"))
    assert open_index(str(tmp_path / "index.csv")).generation != index.generation
