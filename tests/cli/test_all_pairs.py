"""The neighbors of every image of an index."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import cbir
from tests.conftest import Run


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> str:
    path = str(tmp_path / "index.csv")
    cbir.index(photos, path, ["hsv:layout=none", "phash"])
    return path


def pairs(output: str) -> list[tuple[str, str, float]]:
    rows = csv.DictReader(io.StringIO(output))
    return [
        (Path(row["query"]).name, Path(row["path"]).name, float(row["distance"])) for row in rows
    ]


def distances(index: str) -> tuple[list[str], np.ndarray]:
    opened = cbir.open(index)
    bits = np.unpackbits(opened.vectors("phash")[:, :-1], axis=1)
    return [Path(path).name for path in opened.paths], bits.shape[1] * cdist(bits, bits, "hamming")


def test_each_image_has_its_nearest_neighbors_but_itself(run: Run, index: str) -> None:
    output = run(
        "search", "-i", index, "--all-pairs", "--descriptor", "phash", "--top", "2",
        "--format", "csv",
    ).stdout  # fmt: skip
    names, expected = distances(index)
    np.fill_diagonal(expected, np.inf)
    nearest = np.argsort(expected, axis=1, kind="stable")[:, :2]
    assert pairs(output) == [
        (names[row], names[other], round(expected[row, other]))
        for row in range(len(names))
        for other in nearest[row]
    ]


def test_a_limit_of_the_distance_alone_gives_all_pairs_within(run: Run, index: str) -> None:
    names, expected = distances(index)
    np.fill_diagonal(expected, np.inf)
    limit = float(np.median(expected))
    output = run(
        "search", "-i", index, "--all-pairs", "--descriptor", "phash", "--max-distance", str(limit),
        "--format", "csv",
    ).stdout  # fmt: skip
    found = pairs(output)
    wanted = {(names[row], names[other]) for row, other in np.argwhere(np.round(expected) <= limit)}
    assert {(query, path) for query, path, _ in found} == wanted
    assert len(found) == len(wanted) > len(names)


def test_of_filtered_images_only_those_are_searched_for(run: Run, index: str) -> None:
    shown = run(
        "search", "-i", index, "--all-pairs", "--where", "path like 'cat%'", "--format", "jsonl"
    ).stdout
    catalog = cbir.open(index)
    count = int(catalog.matching("path like 'cat%'").sum())
    assert 0 < count < len(catalog)
    assert len(shown.splitlines()) == count
    assert not Path(index).with_name("montage.jpg").exists()


@pytest.mark.parametrize(
    "other", [["x.jpg"], ["--like", "x.jpg"], ["--montage", "m.jpg"], ["--region", "0,0,5,5"]]
)
def test_there_is_no_query_beside(run: Run, index: str, other: list[str]) -> None:
    failed = run("search", "-i", index, "--all-pairs", *other)
    assert failed.returncode == 2
    assert "--all-pairs searches for the images of the index; leave out" in failed.stderr
