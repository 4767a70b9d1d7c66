"""Approximate searches of whole indexes, against brute force."""

from __future__ import annotations

import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.search.ann.source import ApproximateSource
from cbir.search.ann.structures import list_structures
from cbir.search.ann.tuning import is_reached
from cbir.search.request import IndexedImage
from tests.search.ann.helpers import COUNT, brute_force, recall, write_index

WANTED = 0.95


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index, and what was made for it."""
    folder = tmp_path_factory.mktemp("optimized")
    path = write_index(folder, range(COUNT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "user"))
        for descriptor in ("colors+layout", "phash"):
            cbir.optimize(path, descriptor, recall=WANTED)
    return folder


@pytest.fixture
def folder(written: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, to read only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(written / "user"))
    return written


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index that may change, and what was made for it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    write_index(tmp_path, range(COUNT))
    cbir.optimize(str(tmp_path / "index.csv"), "colors")
    return tmp_path


def opened(folder: Path) -> cbir.Index:
    return cbir.open(str(folder / "index.csv"))


def source_of(index: cbir.Index, descriptor: str) -> ApproximateSource:
    searcher = index.searcher(descriptor, approximate=True)
    source = searcher.source_for(searcher.indexed(0))
    assert isinstance(source, ApproximateSource)
    return source


@pytest.mark.parametrize("descriptor", ["colors", "layout", "phash"])
def test_the_recall_that_is_told_is_that_of_brute_force(folder: Path, descriptor: str) -> None:
    index = opened(folder)
    told = {one.alias: one for one in list_structures(index.snapshot).structures}[descriptor]
    assert told.recall >= WANTED
    assert recall(index, descriptor) >= WANTED - 0.02
    asked = source_of(index, descriptor).candidates(index.vectors(descriptor)[5], 10)
    assert len(asked) < COUNT / 3  # not all were compared


@pytest.mark.parametrize("where", ["width < 140", "width < 105", "width = 120", "width <> 120"])
def test_a_condition_keeps_the_recall(folder: Path, where: str) -> None:
    index = opened(folder)
    eligible = index.matching(where)
    assert recall(index, "colors", eligible, where) >= WANTED - 0.02


def test_distances_are_exact_and_equal_ones_are_in_the_order_of_paths(folder: Path) -> None:
    index = opened(folder)
    found = index.search(IndexedImage(index.paths[7]), 50, descriptor="phash", approximate=True)
    every = index.search(IndexedImage(index.paths[7]), COUNT, descriptor="phash")
    exact = {match.path: match.distance for match in every.matches}
    assert [match.distance for match in found.matches] == [exact[m.path] for m in found.matches]
    ranked = [(match.distance, match.path) for match in found.matches]
    assert ranked == sorted(ranked)
    assert found.metric == "hamming, approximate"


def test_where_all_rows_are_asked_for_the_search_is_the_exact_one(folder: Path) -> None:
    index = opened(folder)
    query = IndexedImage(index.paths[99])
    for descriptor in ("colors", "colors+layout", "phash"):
        approximate = index.search(query, COUNT, descriptor=descriptor, approximate=True)
        exact = index.search(query, COUNT, descriptor=descriptor)
        assert approximate.matches == exact.matches


@pytest.mark.parametrize(
    "options",
    [
        {"rerank": "k-reciprocal"},
        {"expand": 3},
        {"like": [IndexedImage("image-000010.jpg")]},
        {"max_distance": 20.0},
    ],
)
def test_stages_and_examples_find_what_they_find_in_an_exact_search(
    folder: Path, options: Any
) -> None:
    index, shares = opened(folder), []
    for row in range(0, COUNT, 600):
        query = IndexedImage(index.paths[row])
        found = index.search(query, 10, descriptor="colors", approximate=True, **options)
        right = index.search(query, 10, descriptor="colors", **options)
        paths = {match.path for match in right.matches}
        shares.append(len(paths & {match.path for match in found.matches}) / max(1, len(paths)))
    assert np.mean(shares) >= 0.9


@pytest.mark.parametrize("descriptor", ["colors", "colors+layout"])
def test_an_expanded_search_looks_at_few_images(
    folder: Path, descriptor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def estimate(source: ApproximateSource, query: object) -> None:
        raise AssertionError("all images were looked at")

    monkeypatch.setattr(ApproximateSource, "estimate", estimate)
    index = opened(folder)
    query = IndexedImage(index.paths[7])
    found = index.search(query, descriptor=descriptor, expand=3, approximate=True)
    assert found.matches[0].distance == 0 and len(found.matches) == 3


def test_facets_within_a_distance_count_all_images(folder: Path) -> None:
    index = opened(folder)
    query = IndexedImage(index.paths[3])
    limit = brute_force(index, "colors", 3)[400]
    counted = [
        index.search(
            query, descriptor="colors", max_distance=limit, facets="width", approximate=some
        ).facets
        for some in (True, False)
    ]
    assert counted[0] == counted[1]


def test_a_fusion_finds_what_was_measured(folder: Path) -> None:
    index, hits = opened(folder), []
    for row in range(0, COUNT, 120):
        query = IndexedImage(index.paths[row])
        found, right = (
            index.search(
                query, 10, descriptor="colors+layout", exclude_self=True, approximate=some
            ).matches
            for some in (True, False)
        )
        paths = {match.path for match in right}
        hits.append(len(paths & {match.path for match in found}) / 10)
        assert found[0].parts.keys() == {"colors", "layout"}
    assert np.mean(hits) >= WANTED - 0.02


def test_what_cannot_be_approximate_is_refused_with_the_reason(folder: Path) -> None:
    index = opened(folder)
    query = IndexedImage(index.paths[0])
    with pytest.raises(UsageError, match="fusion='ranks' needs the distance of every image"):
        index.search(query, descriptor="colors+layout", fusion="ranks", approximate=True)
    with pytest.raises(UsageError, match="not at the means that dba compares"):
        index.search(query, descriptor="colors", dba=5, approximate=True)
    with pytest.raises(CbirError, match=r"cbir.optimize\(.*, metric='cosine'\)"):
        index.search(query, descriptor="colors", metric="cosine", approximate=True)


def test_images_that_come_and_go_and_are_renamed_are_found_as_they_are(own: Path) -> None:
    # 500 have gone, 300 are new, and all have other names and places.
    numbers = range(500, COUNT + 300)
    write_index(own, numbers, prefix="renamed")
    index = opened(own)
    (state,) = list_structures(index.snapshot).structures
    assert (state.covered, state.gone) == (COUNT - 500, 500)
    assert recall(index, "colors") >= WANTED - 0.02
    new = IndexedImage(f"renamed-{COUNT + 5:06}.jpg")
    found = index.search(new, 1, descriptor="colors", approximate=True).matches
    assert found[0].distance == 0 and found[0].path.endswith(new.path)


def test_new_images_are_added_and_many_changes_build_anew(own: Path) -> None:
    path = str(own / "index.csv")
    write_index(own, range(COUNT + 300))
    (added,) = cbir.optimize(path, "colors").descriptors
    assert (added.added, added.is_new, added.record.images) == (300, False, COUNT + 300)
    (same,) = cbir.optimize(path, "colors").descriptors
    assert (same.added, same.record) == (0, added.record)
    assert recall(opened(own), "colors") >= WANTED - 0.02
    write_index(own, range(3000))
    (anew,) = cbir.optimize(path, "colors").descriptors
    assert (anew.is_new, anew.record.images) == (True, 3000)


def test_little_coverage_is_told(own: Path) -> None:
    write_index(own, range(4000, COUNT + 2000))
    notes = opened(own).searcher("colors", approximate=True).notes
    assert len(notes) == 1 and "50 % of the images are new" in notes[0]


def test_an_index_is_searched_by_threads_after_a_fork_and_unpickled(folder: Path) -> None:
    index = opened(folder)
    queries = [IndexedImage(path) for path in index.paths[:40]]

    def search(query: IndexedImage) -> Any:
        return index.search(query, 5, descriptor="colors", approximate=True).matches

    alone = list(map(search, queries))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(search, queries)) == alone
    again = pickle.loads(pickle.dumps(index))
    found = again.search(queries[3], 5, descriptor="colors", approximate=True)
    assert found.matches == alone[3]
    child = os.fork()
    if child == 0:
        os._exit(0 if search(queries[3]) == alone[3] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_copied_index_has_nothing_and_says_what_makes_it(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("user"))
    index = cbir.open(str(tmp_path / "copy" / "index.csv"))
    with pytest.raises(CbirError, match="not ready for approximate search by colors; make it so"):
        index.search(IndexedImage(index.paths[0]), descriptor="colors", approximate=True)


def test_recall_counts_as_reached_only_if_it_is_hardly_an_accident() -> None:
    few = np.array([1.0] * 9 + [0.6])
    assert few.mean() > 0.95 and not is_reached(few, 0.95)
    assert is_reached(np.array([1.0] * 90 + [0.6] * 10), 0.93)


@pytest.mark.parametrize("count", [1, 2, 12])
def test_a_few_images_are_all_found(tmp_path: Path, count: int) -> None:
    path = write_index(tmp_path, range(count))
    report = cbir.optimize(path, "colors+phash")
    assert all(one.record.recall >= WANTED for one in report.descriptors)
    index = cbir.open(path)
    found = index.search(
        IndexedImage(index.paths[0]), 50, descriptor="colors+phash", approximate=True
    )
    assert len(found.matches) == count


def test_an_index_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="there are no images in it"):
        cbir.optimize(write_index(tmp_path, []))
