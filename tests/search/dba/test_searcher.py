"""Searches among means: what is at which distance, and how the means are kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.errors import UsageError
from cbir.core.progress import ProgressListener
from cbir.search.dba.neighbor_means import NeighborMeans
from cbir.search.prepare import prepare
from cbir.search.request import IndexedImage
from cbir.search.sources import open_source
from cbir.search.stage_options import Stages
from cbir.stores.single_file.array_files import checksum

DESCRIPTORS = ("hsv", "hog", "phash")


@pytest.fixture
def path(photos: Path, tmp_path: Path) -> str:
    path = str(tmp_path / "index.csv")
    cbir.index(str(photos), path, DESCRIPTORS)
    return path


def made(path: str) -> list[Path]:
    """Return the means that are kept of an index."""
    return sorted(Path(f"{path}.cbir").glob("cache/*/*dba*.npy"))


def means_by_hand(index: cbir.Index, alias: str, count: int) -> np.ndarray:
    one = index.searcher(alias, stages=Stages(dba=0))
    descriptor = index.single_searcher(alias).named.descriptor
    rows = index.vectors(alias)
    source = one.source_for(one.indexed(0))
    means = NeighborMeans(source, rows, descriptor.encoding, count)
    return np.array([means.mean_of(row) for row in rows])


def test_distances_are_those_of_the_means(path: str, photos: Path) -> None:
    index = cbir.open(path)
    searcher = index.searcher("hog", stages=Stages(dba=2))
    plain = index.single_searcher("hog")
    means = means_by_hand(index, "hog", 2)
    assert (means != index.vectors("hog")).any()
    source = open_source(plain.named.descriptor, means, plain.metric)
    everything = np.arange(len(index))
    for row, name in enumerate(index.paths):
        expected = source.exact(means[row], everything)
        assert np.array_equal(searcher.distances(searcher.indexed(row)), expected)
        assert np.array_equal(searcher.distances(searcher.describe(str(photos / name))), expected)
        assert expected[row] == 0
    assert searcher.metric_name == f"{plain.metric_name}, dba 2"
    assert "averaged with up to 2 neighbors" in searcher.meaning
    assert searcher.bytes_per_image == 2 * plain.bytes_per_image


def test_a_fusion_averages_vectors_and_compares_hashes_as_they_are(path: str) -> None:
    index = cbir.open(path)
    query = IndexedImage(index.paths[3])
    options = {"descriptor": "hsv+hog+phash", "top": 5}
    plain, averaged = (index.search(query, **options, dba=dba) for dba in (0, 2))
    assert (plain.metric, averaged.metric) == ("fused", "fused, dba 2")
    assert averaged.matches[0].distance == 0
    for match in averaged.matches:
        row = index.paths.index(index.path_in_dataset(match))
        assert match.parts is not None
        for alias in ("hsv", "hog", "phash"):
            dba = 0 if alias == "phash" else 2
            one = index.searcher(alias, stages=Stages(dba=dba))
            assert match.parts[alias].distance == one.distances(one.indexed(3))[row]


@pytest.mark.parametrize("rerank", ["k-reciprocal", "diffusion"])
def test_stages_follow(path: str, rerank: str) -> None:
    index = cbir.open(path)
    query = IndexedImage(index.paths[0])
    found = index.search(query, 99, descriptor="hsv+hog", dba=2, rerank=rerank)
    assert found.metric == f"fused, dba 2, {rerank}" and len(found.matches) == len(index)
    assert found.matches[0].distance == 0
    expanded = index.search(query, 99, descriptor="hsv+hog", dba=2, rerank=rerank, expand=2)
    assert expanded.metric == f"fused, dba 2, expanded by 2, {rerank}"
    assert expanded.matches != found.matches


def test_means_are_kept_and_belong_to_their_content(path: str, photos: Path) -> None:
    assert not made(path)
    query = str(photos / "cats" / "cat-1.jpg")
    first = cbir.open(path).search(query, dba=3)
    (kept,) = made(path)
    before = kept.read_bytes(), kept.stat().st_mtime_ns
    assert cbir.open(path).search(query, dba=3) == first
    assert (kept.read_bytes(), kept.stat().st_mtime_ns) == before
    (photos / "cats" / "cat-1.jpg").unlink()
    cbir.index(str(photos), path)
    assert not made(path)
    index = cbir.open(path)
    averaged = index.searcher("hsv", stages=Stages(dba=3))
    means = np.array([averaged.indexed(row) for row in range(len(index))])
    assert np.array_equal(means, means_by_hand(index, "hsv", 3))


def test_damaged_means_are_made_again(path: str, photos: Path) -> None:
    query = str(photos / "cats" / "cat-1.jpg")
    expected = cbir.open(path).search(query, dba=3)
    (kept,) = made(path)
    sound = kept.read_bytes()
    kept.write_bytes(sound[:-40] + bytes(40))
    assert cbir.open(path).search(query, dba=3) == expected
    assert kept.read_bytes() == sound
    kept.unlink()
    assert cbir.open(path).search(query, dba=3) == expected
    assert kept.read_bytes() == sound


def test_an_index_may_ask_for_it(path: str, photos: Path) -> None:
    csv = Path(path).read_bytes()
    query = str(photos / "cats" / "cat-1.jpg")
    plain = cbir.open(path).search(query)
    cbir.index(str(photos), path, dba=2)
    assert Path(path).read_bytes() == csv  # which stays the truth
    tasks: list[str] = []

    class Listener(ProgressListener):
        def begin(self, task: str, total: int, unit: str = "images") -> None:
            tasks.append(task)

    prepare(path, False, Listener())
    assert tasks == ["averaging hsv with neighbors", "averaging hog with neighbors"]
    assert len(made(path)) == 2
    for _ in range(2):
        index = cbir.open(path)
        assert index.search(query).metric == "chi2, dba 2"
        assert index.search(query) == index.search(query, dba=2)
        assert index.search(query, dba=0) == plain
        assert index.search(query, descriptor="phash").metric == "hamming"
        cbir.index(str(photos), path)  # it is remembered
    cbir.index(str(photos), path, dba=0)
    assert cbir.open(path).search(query) == plain and not made(path)


def test_what_has_no_vectors_is_refused(path: str) -> None:
    index = cbir.open(path)
    with pytest.raises(UsageError, match=r"dba.*phash"):
        index.searcher("phash", stages=Stages(dba=1))
    for wrong in (-1, 101, "some"):
        with pytest.raises(UsageError, match="dba"):
            Stages(dba=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="dba"):
        cbir.index("nowhere", path, dba=101)


def test_forged_means_change_nothing(path: str) -> None:
    """They are as many rows as some other index has, and their checksum is right."""
    query = IndexedImage(cbir.open(path).paths[0])
    expected = cbir.open(path).search(query, descriptor="hsv", dba=2, top=50).matches
    (means,) = made(path)
    listed = means.with_name(means.name.removesuffix(".means.npy") + ".json")
    whole = np.load(means)
    for forged in (whole[:3], np.concatenate([whole] * 3), whole[:, :7], whole.astype(float)):
        np.save(means, forged)
        listed.write_text(json.dumps({"means": checksum(forged)}))
        found = cbir.open(path).search(query, descriptor="hsv", dba=2, top=50).matches
        assert found == expected
        assert np.array_equal(np.load(means), whole)
