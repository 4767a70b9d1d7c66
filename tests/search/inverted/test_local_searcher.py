"""Searching by local features: what is kept where, what may be missing, and what older programs
wrote."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cbir
from cbir.core.errors import BrokenIndexError
from cbir.core.json_text import write_checked
from cbir.descriptors.encoders.local_descriptor import LocalDescriptor
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.local_searcher import LocalSearcher
from cbir.search.inverted.segment import name_of
from cbir.search.inverted.segment_layout import HEADER_BYTES, SECTIONS, packed
from cbir.search.prepare import prepare
from cbir.search.request import SearchOptions
from cbir.stores import open_store
from cbir.stores.descriptor_entry import DescriptorEntry

SPEC = "asmk:features=orb,count=200,upright=no,words=60"
QUERY = Path("cats", "cat-1.jpg")


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> str:
    path = str(tmp_path / "index.csv")
    cbir.index(str(photos), path, SPEC)
    cbir.open(path).single_searcher("asmk")  # makes the inverted file
    return path


def folder(index: str, name: str) -> Path:
    return Path(f"{index}.cbir") / name


def searcher_of(index: str) -> LocalSearcher:
    searcher = cbir.open(index).single_searcher("asmk")
    assert isinstance(searcher, LocalSearcher)
    return searcher


def test_a_query_is_described_as_an_image_of_the_index(index: str, photos: Path) -> None:
    searcher, opened = searcher_of(index), cbir.open(index)
    row = opened.paths.index(str(QUERY))
    found, stored = searcher.describe(photos / QUERY), searcher.indexed(row)
    assert np.array_equal(found.features.descriptors, stored.features.descriptors)
    assert np.array_equal(found.code.words, stored.code.words)
    assert opened.vectors("asmk")[row].tolist() == [len(found.features)]
    distances = searcher.distances(found)
    assert distances.argmin() == row and ((distances >= 0) & (distances <= 1)).all()


def test_missing_features_are_refused_with_the_remedy(index: str, photos: Path) -> None:
    shutil.rmtree(folder(index, "features"))
    row = cbir.open(index).paths.index(str(QUERY))
    # The inverted file is enough for queries that are images themselves.
    expected = searcher_of(index).distances(searcher_of(index).describe(photos / QUERY))
    with pytest.raises(BrokenIndexError, match=r"the local features of 1 image are missing"):
        searcher_of(index).indexed(row)
    shutil.rmtree(folder(index, "inverted"))
    with pytest.raises(BrokenIndexError) as caught:
        searcher_of(index)
    assert "the local features of 12 images are missing or damaged" in str(caught.value)
    assert f"make them again: cbir.index({str(photos)!r}, {index!r})" in str(caught.value)
    cbir.index(str(photos), index)
    again = searcher_of(index)
    assert np.array_equal(again.distances(again.describe(photos / QUERY)), expected)


def test_the_inverted_file_is_made_again_without_the_images(index: str, photos: Path) -> None:
    query = photos.parent / "query.jpg"
    shutil.copy(photos / QUERY, query)
    before = searcher_of(index)
    expected = before.distances(before.describe(query))
    for path in folder(index, "inverted").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:50])
    photos.rename(photos.parent / "elsewhere")
    after = searcher_of(index)
    assert np.array_equal(after.distances(after.describe(query)), expected)


def test_the_inverted_file_of_a_dropped_descriptor_goes(index: str, photos: Path) -> None:
    cbir.index(str(photos), index, "bovw:features=orb,count=200,upright=no,words=60")
    searcher = cbir.open(index).single_searcher("bovw")
    there = {path.name for path in folder(index, "inverted").iterdir()}
    assert there == {entry.fingerprint for entry in open_store(index).snapshot().manifest.entries}
    cbir.index(str(photos), index, drop="asmk")
    cbir.open(index).single_searcher("bovw")
    kept = {path.name for path in folder(index, "inverted").iterdir()}
    assert kept == {searcher.named.descriptor.fingerprint}
    cbir.index(str(photos), index, "hsv", drop="bovw")
    prepare(index, is_new=False)
    assert not list(folder(index, "inverted").iterdir())


def test_bags_of_an_older_program_are_described_again(photos: Path, tmp_path: Path) -> None:
    """An index as version 1 of `orb` wrote it: counts of words, compared as they were."""
    path = str(tmp_path / "old.csv")
    cbir.index(str(photos), path, "hsv")
    store = open_store(path)
    parameters = {"features": 100, "words": 20, "upright": False}
    counts = np.random.default_rng(0).integers(0, 9, (12, 20)).astype(np.uint16)
    vocabulary = {
        "words": np.random.default_rng(1).integers(0, 256, (20, 32), np.uint8),
        "usage": np.full(20, 0.5),
        "words_asked": np.array(20),
        "upright": np.array(False),
    }
    with store.writer() as writer:
        snapshot = writer.previous()
        assert snapshot is not None
        state = writer.save_state(vocabulary, "vocabulary-orb")
        bags = DescriptorEntry(
            "orb", "orb", 1, parameters, "0123456789abcdef", "local", 20, 20, "<u2", state
        )
        entries = (*snapshot.manifest.entries, bags)
        manifest = replace(snapshot.manifest, entries=entries, program="0.0.9")
        matrices = {"hsv": snapshot.matrix("hsv"), "orb": counts}
        writer.commit(manifest, snapshot.rows, matrices)

    old = cbir.open(path)
    assert list(old.descriptors) == ["hsv", "orb"]
    assert np.array_equal(open_store(path).snapshot().matrix("orb"), counts)
    assert old.search(photos / QUERY, descriptor="hsv").matches[0].distance == 0
    with pytest.raises(BrokenIndexError, match="written by version 1 of orb, this is version 2"):
        old.search(photos / QUERY, descriptor="orb")

    report = cbir.index(str(photos), path)
    assert (report.updated, report.images) == (12, 12)
    new = cbir.open(path)
    named = new.single_searcher("orb").named
    assert isinstance(named.descriptor, LocalDescriptor) and named.columns == ["orb_features"]
    assert named.descriptor.parameters == parameters
    found = new.search(photos / QUERY, descriptor="orb").matches
    assert found[0].path.endswith("cat-1.jpg") and found[0].distance == pytest.approx(0, abs=1e-3)


BAGS = "bovw:features=orb,count=200,words=60"


@pytest.mark.parametrize(("spec", "metric", "farthest"), [
    (SPEC, None, 1), (BAGS, "chi2", 1), (BAGS, "manhattan", 2), (BAGS, "euclidean", 2**0.5),
])  # fmt: skip
def test_without_features_nothing_is_in_common_but_with_the_same_file(
    photos: Path, tmp_path: Path, spec: str, metric: str | None, farthest: float
) -> None:
    for name, color in (("blank", "white"), ("black", "black")):
        Image.new("RGB", (90, 70), color).save(photos / f"{name}.png")
    shutil.copy(photos / "blank.png", photos / "copy.png")
    path = str(tmp_path / "blank.csv")
    cbir.index(str(photos), path, spec)
    index = cbir.open(path)
    searcher = index.single_searcher(None, metric)
    rows = [index.paths.index(name) for name in ("blank.png", "copy.png")]
    for description in (searcher.describe(photos / "blank.png"), searcher.indexed(rows[0])):
        distances = searcher.distances(description)
        assert np.flatnonzero(distances == 0).tolist() == rows
        assert np.delete(distances, rows) == pytest.approx(farthest)
        assert searcher.lacking(description) == (spec.partition(":")[0],)
    array = np.zeros((70, 90, 3), np.uint8)
    assert (searcher.distances(searcher.describe(array)) > 0).all()
    photograph = searcher.describe(photos / QUERY)
    assert searcher.lacking(photograph) == ()
    assert searcher.distances(photograph)[rows] == pytest.approx(farthest)


def test_a_search_by_what_has_no_features_says_so(photos: Path, tmp_path: Path) -> None:
    blank, cat = str(photos / "blank.png"), str(photos / QUERY)
    Image.new("RGB", (90, 70), "white").save(blank)
    cbir.index(str(photos), str(tmp_path / "blank.csv"), (SPEC, "hsv"))
    index = cbir.open(str(tmp_path / "blank.csv"))
    options: list[SearchOptions] = [
        {"descriptor": "asmk"},
        {"descriptor": "hsv+asmk", "rerank": "diffusion", "expand": 2},
        {"descriptor": "hsv", "verify": 3},
        {"descriptor": "asmk", "augment": True},
    ]
    for some in options:
        (note,) = index.search(blank, **some).notes
        lacking = "verification" if some.get("verify") else "asmk"
        assert note.startswith(f"{blank}: it has no local features") and lacking in note
        result = index.search_together([cat, blank], **some)
        assert result.notes == (note,) == tuple(result.to_dict()["notes"])
        assert index.search(cat, **some).notes == ()
    assert index.search(blank, descriptor="hsv").notes == ()
    assert index.search(blank, descriptor="hsv+asmk").matches[0].distance == 0


@pytest.mark.parametrize("section", ["images", "norms"])
def test_a_forged_inverted_file_is_made_again(index: str, photos: Path, section: str) -> None:
    options = SearchOptions(descriptor="asmk", rerank="k-reciprocal")
    expected = cbir.open(index).search(photos / QUERY, top=12, **options)
    searcher = searcher_of(index)
    (segment,) = searcher.inverted.segments
    parts = {name: getattr(segment, name).copy() for name in SECTIONS}
    parts[section] = np.full_like(parts[section], 2**16 - 1 if section == "images" else -1)
    raw = packed(parts, searcher.inverted.codes.digest)
    (path,) = folder(index, "inverted").rglob("*.segment")
    forged = path.with_name(name_of(raw[:HEADER_BYTES].tobytes()))
    path.unlink()
    forged.write_bytes(raw.tobytes())
    write_checked(path.parent / "segments.json", "segments", [forged.name])
    assert len(InvertedFile([path.parent], searcher._kernel, path.parent.name)) == 0
    found = cbir.open(index).search(photos / QUERY, top=12, **options)
    assert found.matches == expected.matches
    assert not forged.exists() and path.exists()
