"""Filters of metadata, against those of pandas; and searches with them, against full rankings."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.search.filters import metadata_filter

COUNT = 60
KINDS = {
    "hsv:layout=none": {},
    "phash": {},
    "orb": {},
    "jcd+phash": {},
    "jcd+phash by ranks": {"fusion": "ranks"},
}
Mask = Callable[[pandas.DataFrame], "pandas.Series[bool]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of random images, with columns of metadata."""
    folder, rng = tmp_path_factory.mktemp("shop"), np.random.default_rng(0)
    (folder / "images").mkdir()
    for number in range(COUNT):
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(folder / "images" / f"{number:02}.png")
    aliases = ["h=hsv:layout=none", "phash", "jcd", "orb:words=20"]
    cbir.index(str(folder / "images"), str(folder / "index.csv"), aliases)
    frame = pandas.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    frame["gender"] = rng.choice(["Women", "Men", "Unisex", ""], COUNT)
    frame["color"] = rng.choice(["Blue", "Navy Blue", "Red"], COUNT)
    frame["year"] = rng.choice([*map(str, range(2008, 2016)), "NA"], COUNT)
    frame["price"] = [f"{price:.2f}" for price in rng.uniform(1, 100, COUNT)]
    frame["name"] = [f"Thing {number:02}" for number in range(COUNT)]
    frame.to_csv(folder / "index.csv", index=False)
    return folder


@pytest.fixture
def index(folder: Path) -> cbir.Index:
    return cbir.open(str(folder / "index.csv"))


def frame_of(folder: Path) -> pandas.DataFrame:
    frame = pandas.read_csv(folder / "index.csv", na_values={"gender": [""]}, dtype={"name": str})
    return frame.sort_values("path", ignore_index=True)


def random_condition(rng: random.Random, depth: int = 2) -> tuple[str, Mask]:
    """An SQL condition, and the same for pandas, where nothing is compared with a missing value."""
    if depth and rng.random() < 0.6:
        (one, left), (other, right) = (random_condition(rng, depth - 1) for _ in "ab")
        if rng.random() < 0.5:
            return f"({one} AND {other})", lambda frame: left(frame) & right(frame)
        return f"({one} OR {other})", lambda frame: left(frame) | right(frame)
    kind, year, price = rng.randrange(6), rng.randint(2008, 2015), round(rng.uniform(1, 100), 2)
    gender, number = rng.choice(["Women", "Men", "Unisex"]), rng.randrange(10)
    simple: list[tuple[str, Mask]] = [
        (f"gender = '{gender}'", lambda frame: frame["gender"] == gender),
        (f"year >= {year}", lambda frame: frame["year"] >= year),
        (f"price < {price}", lambda frame: frame["price"] < price),
        (
            "color IN ('Blue', 'Navy Blue')",
            lambda frame: frame["color"].isin(["Blue", "Navy Blue"]),
        ),
        (f"name LIKE '%{number}'", lambda frame: frame["name"].str.endswith(str(number))),
        ("gender IS NULL", lambda frame: frame["gender"].isna()),
    ]
    return simple[kind]


def test_200_random_conditions_find_what_pandas_finds_in_the_order_of_the_full_ranking(
    index: cbir.Index, folder: Path
) -> None:
    rng, frame = random.Random(0), frame_of(folder)
    queries = sorted((folder / "images").glob("*.png"))[:5]
    full = {
        (query, kind): index.search(query, COUNT, descriptor=descriptor, **options)
        for query in queries
        for kind, options in KINDS.items()
        for descriptor in [alias_of(kind)]
    }
    sizes = set()
    for number in range(200):
        where, mask_of = random_condition(rng)
        mask = mask_of(frame).to_numpy(bool)
        assert index.matching(where).tolist() == mask.tolist(), where
        query, kind = queries[number % 5], list(KINDS)[number % len(KINDS)]
        limit = rng.choice([None, full[query, kind].matches[COUNT // 2].distance])
        found = index.search(
            query, 7, descriptor=alias_of(kind), where=where, max_distance=limit, **KINDS[kind]
        )
        wanted = [
            (match.path, match.distance)
            for match in full[query, kind].matches
            if mask[int(Path(match.path).stem)] and (limit is None or match.distance <= limit)
        ]
        assert [(match.path, match.distance) for match in found.matches] == wanted[:7]
        sizes.add(len(found.matches))
    assert len(sizes) > 4


def alias_of(kind: str) -> str:
    return "h" if kind.startswith("hsv") else kind.partition(" ")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_of_each_group_the_nearest_is_found(index: cbir.Index, folder: Path, kind: str) -> None:
    query, options = folder / "images" / "07.png", KINDS[kind]
    full = index.search(query, COUNT, descriptor=alias_of(kind), columns=["gender"], **options)
    nearest = {}
    for match in full.matches:
        nearest.setdefault(match.metadata["gender"], match.path)
    for top in (1, 3, 9):
        found = index.search(query, top, descriptor=alias_of(kind), group_by="gender", **options)
        assert [match.path for match in found.matches] == list(nearest.values())[:top]


@pytest.mark.parametrize("kind", KINDS)
def test_facets_count_what_is_near_or_else_what_is_found(
    index: cbir.Index, folder: Path, kind: str
) -> None:
    query, options = folder / "images" / "07.png", {**KINDS[kind], "descriptor": alias_of(kind)}
    full = index.search(query, COUNT, columns=["color", "year"], **options).matches
    limit = full[COUNT // 3].distance
    near = index.search(query, 2, facets=["color", "year"], max_distance=limit, **options)
    for column in ("color", "year"):
        counts = Counter(one.metadata[column] for one in full if one.distance <= limit)
        assert near.facets[column] == counts
        assert list(near.facets[column].values()) == sorted(counts.values(), reverse=True)
    found = index.search(query, 5, facets="color", where="year > 2009", **options)
    assert found.facets["color"] == Counter(
        index.search(query, 5, columns="color", where="year > 2009", **options).to_frame()["color"]
    )


def test_matches_tell_what_is_known_about_them(index: cbir.Index, folder: Path) -> None:
    (match,) = index.search(
        folder / "images" / "07.png", 1, columns=["name", "price", "year", "gender", "width"]
    ).matches
    row = frame_of(folder).iloc[7]
    assert match.metadata == {
        "name": row["name"],
        "price": row["price"],
        "year": None if np.isnan(row["year"]) else row["year"],
        "gender": None if not isinstance(row["gender"], str) else row["gender"],
        "width": 64,
    }
    assert match.texts["price"] == f"{row['price']:.2f}"


@pytest.mark.parametrize(
    "options", [{"columns": ["colour"]}, {"group_by": "colour"}, {"facets": ["colour"]}]
)
def test_a_column_that_is_not_there_is_named(
    index: cbir.Index, folder: Path, options: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match=r"no column 'colour'; it has: gender, color.*'color'\?"):
        index.search(folder / "images" / "07.png", **options)


def test_the_index_tells_its_columns_and_what_they_are(index: cbir.Index) -> None:
    wanted = {"gender": "category", "year": "number", "price": "number", "name": "text"}
    assert wanted.items() <= index.columns.items()
    assert {"path", "width", "mtime"} < set(index.columns)


def test_nothing_matches_nothing_is_found(index: cbir.Index, folder: Path) -> None:
    query = folder / "images" / "07.png"
    assert index.search(query, where="year > 3000", facets=["color"]).matches == ()
    assert index.search(query, where="year > 3000", group_by="color").matches == ()


def test_threads_may_filter_at_once(index: cbir.Index) -> None:
    wanted = [index.matching(f"price < {price}").sum() for price in range(100)]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda price: index._filter._find(f"price < {price}").sum(), range(100))
    assert list(found) == wanted


@pytest.mark.parametrize("uses_it", [True, False])
def test_a_forked_process_may_filter_and_ends(folder: Path, uses_it: bool) -> None:
    program = f"""
import os, sys, cbir
index = cbir.open({str(folder / "index.csv")!r})
wanted = index.matching("price < 50").sum()
if os.fork() == 0:
    sys.exit({uses_it} and int(index.matching("price <= 49.999").sum() != wanted))
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_without_the_optional_package_the_remedy_is_told(
    index: cbir.Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(CbirError, match=r"pip install 'cbir\[metadata\]'"):
        index.search(folder / "images" / "07.png", where="price < 50")
    query = folder / "images" / "07.png"
    assert index.search(query, columns="name", group_by="color", facets="year").matches


def test_what_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_filter, "_LONGEST", 0.2)
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"
    with (
        metadata_filter._cursor() as cursor,
        pytest.raises(CbirError, match="it took longer than"),
    ):
        metadata_filter._result(cursor, endless)
