"""Searching: the nearest first, from Python."""

from __future__ import annotations

import hashlib
import io
import math
import multiprocessing
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import cbir
from cbir.core.errors import BrokenIndexError, UnreadableImageError, UsageError
from cbir.search.metrics import METRICS

ALL = ("hsv", "hog", "phash", "orb:words=50")


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> cbir.Index:
    cbir.index(str(photos), str(tmp_path / "index.csv"), ALL)
    return cbir.open(str(tmp_path / "index.csv"))


@pytest.mark.parametrize("descriptor", ["hsv", "hog", "phash", "orb"])
def test_an_image_of_the_dataset_has_distance_0_and_nothing_is_nearer(
    index: cbir.Index, photos: Path, descriptor: str
) -> None:
    metrics = index.searcher(descriptor).named.descriptor.metrics
    for metric in metrics:
        for path in index.paths:
            result = index.search(photos / path, descriptor=descriptor, metric=metric)
            assert result.matches[0].distance == 0
            assert Path(result.matches[0].path).samefile(photos / path)
            assert [match.rank for match in result.matches] == [1, 2, 3]


def test_the_distances_are_those_of_the_metric(index: cbir.Index, photos: Path) -> None:
    query = photos / "cats" / "cat-1.jpg"
    result = index.search(query, top=99)
    encoding = index.searcher().named.descriptor.encoding
    expected = METRICS["chi2"].between(
        encoding.values(cbir.describe(query)), encoding.values(index.vectors())
    )
    assert [match.distance for match in result.matches] == sorted(expected.tolist())


def test_similar_images_come_first(index: cbir.Index, photos: Path) -> None:
    result = index.search(photos / "cats" / "cat-1.jpg")
    assert {Path(match.path).parent.name for match in result.matches} == {"cats"}


def test_the_index_knows_where_its_files_are_and_their_hashes(
    index: cbir.Index, photos: Path
) -> None:
    for path, digest in zip(index.paths, index.hashes, strict=True):
        assert Path(index.shown(path)).samefile(photos / path)
        assert digest == hashlib.sha256((photos / path).read_bytes()).digest()


def test_an_array_can_be_a_query(index: cbir.Index, photos: Path) -> None:
    pixels = np.asarray(Image.open(photos / "cats" / "cat-1.jpg"))
    result = index.search(pixels)
    assert result.query == "<array>"
    assert Path(result.matches[0].path).name == "cat-1.jpg"
    assert result.matches[0].distance < 1
    assert index.search(pixels, exclude_self=True).matches == result.matches


def test_excluding_the_query_leaves_its_copy(photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "cats" / "cat-1.jpg", photos / "copy.jpg")
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    index = cbir.open(str(tmp_path / "index.csv"))
    result = index.search(photos / "cats" / "cat-1.jpg", exclude_self=True)
    assert Path(result.matches[0].path).name == "copy.jpg"
    assert result.matches[0].distance == 0
    assert all(not Path(match.path).samefile(result.query) for match in result.matches)


def test_excluding_the_query_works_through_links(photos: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    for number, path in enumerate(sorted(photos.rglob("*.jpg"))):
        (links / f"{number}.jpg").symlink_to(path)
    (tmp_path / "way").symlink_to(links)
    cbir.index(str(links), str(tmp_path / "index.csv"))
    index = cbir.open(str(tmp_path / "index.csv"))
    for query in (links / "0.jpg", tmp_path / "way" / "0.jpg"):
        result = index.search(query, exclude_self=True)
        assert Path(result.matches[0].path).name != "0.jpg"


def test_equal_distances_are_ordered_by_path(photos: Path, tmp_path: Path) -> None:
    for name in ("z.jpg", "B.jpg", "a.jpg"):
        shutil.copy(photos / "cats" / "cat-1.jpg", photos / name)
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    result = cbir.open(str(tmp_path / "index.csv")).search(photos / "a.jpg", top=4)
    names = [Path(match.path).name for match in result.matches]
    assert names == ["B.jpg", "a.jpg", "cat-1.jpg", "z.jpg"]


def test_results_are_dictionaries_and_frames(index: cbir.Index, photos: Path) -> None:
    result = index.search(photos / "cats" / "cat-1.jpg", top=2, descriptor="phash")
    document = result.to_dict()
    assert list(document) == ["query", "descriptor", "metric", "results"]
    assert list(document["results"][0]) == ["rank", "path", "distance"]
    frame = result.to_frame()
    assert list(frame.columns) == ["rank", "path", "distance"]
    assert frame["distance"].tolist() == [match.distance for match in result.matches]


def test_top_may_exceed_the_index(index: cbir.Index, photos: Path) -> None:
    assert len(index.search(photos / "cats" / "cat-1.jpg", top=1000).matches) == len(index) == 12


def test_the_dataset_may_have_moved(index: cbir.Index, photos: Path, tmp_path: Path) -> None:
    query = tmp_path / "query.jpg"
    shutil.copy(photos / "cats" / "cat-1.jpg", query)
    moved = photos.rename(tmp_path / "elsewhere")
    index = cbir.open(str(tmp_path / "index.csv"), result_path=str(moved))
    result = index.search(query)
    assert Path(result.matches[0].path).samefile(moved / "cats" / "cat-1.jpg")
    own = index.search(moved / "cats" / "cat-1.jpg", exclude_self=True)
    assert Path(own.matches[0].path).name != "cat-1.jpg"
    with pytest.raises(cbir.CbirError, match="no such folder"):
        cbir.open(str(tmp_path / "index.csv"), result_path=str(tmp_path / "nowhere"))


def test_paths_open_from_the_current_folder(
    index: cbir.Index, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, photos, photos / "cats", Path("/")):
        monkeypatch.chdir(folder)
        opened = cbir.open(str(tmp_path / "index.csv"))
        match = opened.search(photos / "cats" / "cat-1.jpg").matches[0]
        assert Path(match.path).samefile(photos / "cats" / "cat-1.jpg")
    monkeypatch.chdir(tmp_path)
    match = cbir.open("index.csv").search(photos / "cats" / "cat-1.jpg").matches[0]
    assert match.path == str(photos / "cats" / "cat-1.jpg")
    assert match.shown == match.to_dict()["path"] == "photos/cats/cat-1.jpg"


@pytest.mark.parametrize("result_path", [None, "photos", "./photos/", "link"])
def test_an_open_index_and_its_results_outlive_a_change_of_the_folder(
    index: cbir.Index, photos: Path, tmp_path: Path, monkeypatch: Any, result_path: str | None
) -> None:
    (tmp_path / "link").symlink_to(photos)
    monkeypatch.chdir(tmp_path)
    opened = cbir.open("index.csv", result_path)
    query = photos / "cats" / "cat-1.jpg"
    before = opened.search(query)
    monkeypatch.chdir(photos / "sky")
    for result in (before, opened.search(query), opened.search(query, descriptor="orb")):
        for match in result.matches:
            assert Path(match.path).is_file()
    assert Path(opened.search(query).matches[0].shown).samefile(query)
    assert Path(opened.shown("cats/cat-1.jpg")).samefile(query)
    assert Path(opened.search(query).to_frame()["path"][0]).samefile(query)
    (own,) = opened.search("../cats/cat-1.jpg", 1, exclude_self=True).matches
    assert Path(own.path).name != "cat-1.jpg"


def test_the_folder_may_be_removed_under_an_open_index(
    index: cbir.Index, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    opened = cbir.open(str(tmp_path / "index.csv"))
    (match,) = opened.search(photos / "cats" / "cat-1.jpg", 1).matches
    assert match.path == match.shown == str(photos / "cats" / "cat-1.jpg")


@pytest.mark.parametrize(
    "limits",
    [{"top": -1}, {"top": 0}, {"top": 2.5}, {"top": None}, {"max_distance": -0.1}]
    + [{"max_distance": value} for value in (math.nan, math.inf, "near")],
)
def test_limits_with_which_nothing_is_found_are_refused(
    index: cbir.Index, photos: Path, limits: dict[str, Any]
) -> None:
    query = str(photos / "cats" / "cat-1.jpg")
    name = next(iter(limits))
    with pytest.raises(UsageError, match=f"{name}=.*number from [01] on"):
        index.search(query, **limits)
    with pytest.raises(UsageError, match=f"{name}="):
        next(index.search_all([query], **limits))
    searcher = index.searcher()
    with pytest.raises(UsageError, match=f"{name}="):
        searcher.top_k(searcher.describe(query), **limits)


def test_an_option_that_there_is_not_is_told(index: cbir.Index, photos: Path) -> None:
    with pytest.raises(UsageError, match=r"no option 'metrik'.*did you mean 'metric'"):
        index.search(photos / "cats" / "cat-1.jpg", metrik="l2")  # type: ignore[call-arg]


def test_a_copy_with_the_same_bytes_is_counted_and_can_be_left_out(
    photos: Path, tmp_path: Path
) -> None:
    query = photos / "cats" / "cat-1.jpg"
    shutil.copy(query, photos / "sky" / "twin.jpg")
    shutil.copy(query, tmp_path / "outside.jpg")
    cbir.index(str(photos), str(tmp_path / "i.csv"))
    index = cbir.open(str(tmp_path / "i.csv"))
    for one in (query, tmp_path / "outside.jpg"):
        assert index.search(one).identical == 0
        kept = index.search(one, exclude_self=True)
        assert "twin.jpg" in {Path(match.path).name for match in kept.matches}
        assert kept.identical == (1 if one == query else 2)
        (without,) = index.search_all([str(one)], 99, exclude_identical=True)
        assert not isinstance(without, UnreadableImageError)
        assert {"cat-1.jpg", "twin.jpg"}.isdisjoint(Path(m.path).name for m in without.matches)
        assert len(without.matches) == 11 and without.identical == 0
    pixels = np.asarray(Image.open(query))
    assert index.search(pixels, exclude_identical=True).identical == 0


def test_what_makes_no_sense_is_refused(index: cbir.Index, photos: Path) -> None:
    query = photos / "cats" / "cat-1.jpg"
    with pytest.raises(UsageError, match=r"hamming makes no sense for hsv; .*chi2, manhattan"):
        index.search(query, metric="hamming")
    with pytest.raises(UsageError, match=r"chi2 makes no sense for phash; .*hamming"):
        index.search(query, descriptor="phash", metric="chi2")
    with pytest.raises(UsageError, match="no metric 'nearest'"):
        index.search(query, metric="nearest")
    with pytest.raises(
        cbir.CbirError, match="no descriptor 'gist'; name one of its own: hsv, hog, phash, orb"
    ):
        index.search(query, descriptor="gist")


def test_an_unreadable_query_is_refused_or_yielded(
    index: cbir.Index, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("text")
    with pytest.raises(UnreadableImageError, match="not an image"):
        index.search(tmp_path / "text.jpg")
    good = str(photos / "cats" / "cat-1.jpg")
    results = list(index.search_all([good, str(tmp_path / "text.jpg"), good]))
    assert isinstance(results[1], UnreadableImageError)
    assert results[0] == results[2] == index.search(good)


def test_a_missing_vocabulary_leaves_the_other_descriptors(
    index: cbir.Index, photos: Path, tmp_path: Path
) -> None:
    next((tmp_path / "index.csv.cbir" / "state").iterdir()).unlink()
    opened = cbir.open(str(tmp_path / "index.csv"))
    assert opened.search(photos / "cats" / "cat-1.jpg").matches
    with pytest.raises(
        BrokenIndexError, match=r"vocabulary-orb.* needs this file.* rebuild=True\)"
    ):
        opened.search(photos / "cats" / "cat-1.jpg", descriptor="orb")


def test_a_half_read_search_changes_nothing_in_the_process(
    index: cbir.Index, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = cv2.getNumThreads()
    paths = [str(photos / path) for path in index.paths] * 3
    results = index.search_all(paths)
    next(results)
    assert cv2.getNumThreads() == before
    os.write(2, b"mine\n")
    assert capfd.readouterr().err == "mine\n"
    rest = [result for result in results if not isinstance(result, UnreadableImageError)]
    assert [result.query for result in rest] == paths[1:]


def test_a_pillow_image_is_a_query_and_is_turned_upright(index: cbir.Index, photos: Path) -> None:
    path = photos / "cats" / "cat-1.jpg"
    image = Image.open(path)
    expected = index.search(np.asarray(image))
    assert index.search(image) == expected == index.search(image.convert("RGBA"))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned = image.transpose(Image.Transpose.ROTATE_90)
    file = io.BytesIO()
    turned.save(file, "PNG", exif=exif)
    assert index.search(Image.open(file)) == expected
    assert np.array_equal(cbir.describe(image), cbir.describe(np.asarray(image)))


def test_a_pillow_image_that_cannot_be_read_is_refused(index: cbir.Index, photos: Path) -> None:
    data = (photos / "cats" / "cat-1.jpg").read_bytes()
    with pytest.raises(UnreadableImageError, match="truncated"):
        index.search(Image.open(io.BytesIO(data[: len(data) // 2])))


def test_results_can_be_pickled(index: cbir.Index, photos: Path) -> None:
    result = index.search(photos / "cats" / "cat-1.jpg", descriptor="hsv+phash")
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_limit_may_be_any_number(index: cbir.Index, photos: Path) -> None:
    query = photos / "cats" / "cat-1.jpg"
    few = index.search(query, 9, max_distance="15")
    assert few.matches == index.search(query, 9, max_distance=15).matches
    with pytest.raises(UsageError, match="there is no metric ''"):
        index.search(query, metric="")


def test_a_path_that_no_file_has_is_refused(index: cbir.Index) -> None:
    for call in (index.search, cbir.open, lambda path: cbir.index("photos", path)):
        with pytest.raises(UsageError, match="no file name has"):
            call("\ud800.jpg")


def test_an_index_goes_to_spawned_workers(index: cbir.Index, photos: Path) -> None:
    queries = [photos / path for path in index.paths[:3]]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(index.search, queries, chunksize=3)
    assert [one.matches for one in found] == [index.search(query).matches for query in queries]


def test_a_pickled_index_is_opened_from_any_folder(
    index: cbir.Index, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(photos, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    opened = cbir.open("index.csv", "moved")
    pickled = pickle.dumps(opened)
    query = photos / "cats" / "cat-1.jpg"
    here = pickle.loads(pickled).search(query)
    assert here.matches == cbir.open("index.csv", "moved").search(query).matches
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.dumps(opened) == pickled
    again = pickle.loads(pickled)
    assert again.root == str(tmp_path / "moved") and again.generation == index.generation
    found = [Path(match.path) for match in again.search(query).matches]
    expected = [tmp_path / match.path for match in here.matches]
    assert [one.resolve() for one in found] == [one.resolve() for one in expected]


def test_an_index_that_is_gone_cannot_be_opened_again(index: cbir.Index) -> None:
    pickled = pickle.dumps(index)
    os.remove(index.path)
    with pytest.raises(BrokenIndexError, match="does not exist"):
        pickle.loads(pickled)
