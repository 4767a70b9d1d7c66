"""Searching by several examples, from Python, against distances that are put together by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cbir
from cbir.core.errors import UnreadableImageError, UsageError
from cbir.search.examples.formulas import fed_back, soft_minimum
from cbir.search.examples.searcher import ExamplesSearcher
from cbir.search.request import MOST_EXAMPLES, IndexedImage, SearchRequest
from cbir.search.results import SearchResult
from cbir.search.stages.reranking import Reranking

CATS = ("cats/cat-1.jpg", "cats/cat-2.jpg")
WAYS: list[dict[str, Any]] = [
    {"descriptor": "hsv"},
    {"descriptor": "phash"},
    {"descriptor": "hsv+phash"},
    {"descriptor": "hsv+phash", "fusion": "ranks"},
    {"descriptor": "hsv", "rerank": "k-reciprocal"},
]


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> cbir.Index:
    cbir.index(str(photos), str(tmp_path / "index.csv"), ["hsv", "phash"])
    return cbir.open(str(tmp_path / "index.csv"))


def distances(index: cbir.Index, paths: Sequence[str], way: dict[str, Any]) -> np.ndarray:
    """Return the distances of all images to each of some, by separate searches."""
    found = []
    for path in paths:
        result = index.search(IndexedImage(path), len(index), **way)
        by_path = {index.path_in_dataset(match): match.distance for match in result.matches}
        found.append([by_path[one] for one in index.paths])
    return np.array(found)


def ranked(index: cbir.Index, result: SearchResult) -> list[tuple[str, float]]:
    return [(index.path_in_dataset(match), match.distance) for match in result.matches]


def by_hand(
    index: cbir.Index, distances: np.ndarray, without: Sequence[str] = ()
) -> list[tuple[str, float]]:
    order = np.lexsort((np.arange(len(distances)), distances))
    listed = [(index.paths[row], float(distances[row])) for row in order]
    return [(path, distance) for path, distance in listed if path not in without]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_images_together_are_ranked_by_the_soft_minimum(
    index: cbir.Index, way: dict[str, Any]
) -> None:
    result = index.search_together([IndexedImage(path) for path in CATS], 100, **way)
    assert ranked(index, result) == by_hand(index, soft_minimum(distances(index, CATS, way)))


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_feedback_changes_the_distances_by_its_formula(
    index: cbir.Index, way: dict[str, Any]
) -> None:
    query, liked, unliked = "cats/cat-1.jpg", "cats/cat-3.jpg", "desert/orange-dune-1.jpg"
    result = index.search(
        IndexedImage(query),
        100,
        like=[IndexedImage(liked)],
        unlike=[IndexedImage(unliked)],
        **way,
    )
    wanted = soft_minimum(distances(index, [query, liked], way))
    if way.get("rerank"):  # which looks at the rows that may be found only
        assert unliked not in dict(ranked(index, result))
        return
    expected = fed_back(wanted, distances(index, [unliked], way)[0])
    assert ranked(index, result) == by_hand(index, expected, [unliked])


def test_files_and_images_of_the_index_are_alike(index: cbir.Index, photos: Path) -> None:
    by_path = index.search_together([photos / path for path in CATS], 100)
    by_row = index.search_together([IndexedImage(path) for path in CATS], 100)
    assert ranked(index, by_path) == ranked(index, by_row)
    assert by_path.together == tuple(str(photos / path) for path in CATS)


def test_without_a_query_what_is_liked_is_searched_for(index: cbir.Index) -> None:
    liked = [IndexedImage(path) for path in CATS]
    result = index.search(like=liked, top=100)
    assert ranked(index, result) == ranked(index, index.search_together(liked, 100))
    others = index.search(like=liked, top=100, exclude_self=True)
    assert {path for path, _ in ranked(index, others)} == set(index.paths) - set(CATS)


def test_one_image_that_is_liked_may_stand_by_itself(index: cbir.Index, photos: Path) -> None:
    path = str(photos / "cats" / "cat-2.jpg")
    one, several = index.search(path, like=path), index.search(path, like=[path])
    assert ranked(index, one) == ranked(index, several) == ranked(index, index.search(path))


def test_what_is_disliked_is_not_found_and_nor_is_its_copy(index: cbir.Index) -> None:
    found = index.search(
        IndexedImage(CATS[0]), len(index), unlike=[IndexedImage(CATS[1])], max_distance=1e9
    )
    assert CATS[1] not in dict(ranked(index, found))


@pytest.mark.parametrize("way", WAYS[:3], ids=str)
def test_a_turned_image_is_found_and_how_it_was_turned(
    index: cbir.Index, photos: Path, way: dict[str, Any]
) -> None:
    for turn, turned, mirrored in (
        (Image.Transpose.ROTATE_90, 90, False),  # Pillow's turns are the other way round
        (Image.Transpose.ROTATE_180, 180, False),
        (Image.Transpose.FLIP_LEFT_RIGHT, 0, True),
        (Image.Transpose.FLIP_TOP_BOTTOM, 180, True),
    ):
        with Image.open(photos / "things" / "kite-1.jpg") as image:
            query = np.asarray(image.convert("RGB").transpose(turn))
        (match,) = index.search(query, 1, augment=True, **way).matches
        assert index.path_in_dataset(match) == "things/kite-1.jpg"
        assert match.to_dict()["orientation"] == {"turned": turned, "mirrored": mirrored}


def test_the_nearest_orientation_counts(index: cbir.Index, photos: Path) -> None:
    with Image.open(photos / CATS[0]) as image:
        pixels = np.asarray(image.convert("RGB"))
    views = [np.rot90(one, -turn) for one in (pixels, pixels[:, ::-1]) for turn in range(4)]
    each = np.array([index.searcher().distances(index.searcher().describe(one)) for one in views])
    found = index.search(pixels, 100, augment=True)
    assert ranked(index, found) == by_hand(index, each.min(axis=0))


@pytest.mark.parametrize("upright", ["no", "yes"])
def test_features_that_turn_with_the_image_are_not_turned_besides(
    photos: Path, tmp_path: Path, upright: str
) -> None:
    path = str(tmp_path / "local.csv")
    cbir.index(str(photos), path, ["hsv", f"orb:words=30,features=200,upright={upright}"])
    local, fused = (cbir.open(path).searcher(which) for which in ("orb", "hsv+orb"))
    views = [
        len(ExamplesSearcher(one, augment=True).describe(photos / CATS[0]).wanted[0])
        for one in (local, Reranking(local, "k-reciprocal"), fused)
    ]
    assert views == ([2, 2, 8] if upright == "no" else [8, 8, 8])
    with Image.open(photos / CATS[0]) as image:
        query = np.asarray(image.convert("RGB").transpose(Image.Transpose.TRANSPOSE))
    found = cbir.open(path).search(query, 1, descriptor="orb", augment=True)
    assert ranked(cbir.open(path), found)[0][0] == CATS[0]
    if upright == "no":
        assert found.matches[0].to_dict()["orientation"] == {"turned": 0, "mirrored": True}


def test_an_image_of_the_index_is_decoded_to_be_turned(index: cbir.Index, photos: Path) -> None:
    by_row = index.search(IndexedImage(CATS[0]), 100, augment=True)
    assert by_row.matches == index.search(photos / CATS[0], 100, augment=True).matches


def test_a_region_is_turned_not_the_whole(index: cbir.Index, photos: Path) -> None:
    region = "10%,20%,50%,40%"
    found = index.search(photos / CATS[0], 100, region=region, augment=True)
    left, top, width, height = found.to_dict()["region"]
    with Image.open(photos / CATS[0]) as image:
        box = (left, top, left + width, top + height)
        part = np.asarray(image.convert("RGB").crop(box))
    same = {index.path_in_dataset(one): one.distance for one in found.matches}
    for match in index.search(part, 100, augment=True).matches:
        # A reduced decode of a part is not the part of a full one to the last bit.
        assert same[index.path_in_dataset(match)] == pytest.approx(match.distance, abs=2)


def test_a_fusion_tells_its_parts_of_a_turned_query_but_not_of_several(
    index: cbir.Index, photos: Path
) -> None:
    turned = index.search(photos / CATS[0], 5, descriptor="hsv+phash", augment=True)
    for match in turned.matches:
        assert match.parts is not None
        whole = sum(part.contribution for part in match.parts.values())
        assert whole == pytest.approx(match.distance)
    together = index.search_together([photos / path for path in CATS], 5, descriptor="hsv+phash")
    assert all(match.parts is None for match in together.matches)


def test_an_image_that_cannot_be_read_is_told(index: cbir.Index, photos: Path) -> None:
    bad = photos.parent / "bad.jpg"
    bad.write_bytes(b"no image")
    request = SearchRequest([photos / CATS[0], bad], together=True)
    (answer,) = index.answer(request)
    assert isinstance(answer, UnreadableImageError) and answer.path == str(bad)
    for how in ({"like": [bad]}, {"unlike": [bad]}):
        with pytest.raises(UnreadableImageError):
            index.search(photos / CATS[0], **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("queries", "options", "told"),
    [
        ([], {"together": True}, "together is for several images"),
        (CATS[:1], {"together": True}, "together is for several images"),
        ([], {"unlike": CATS[:1]}, "unlike says only what is not wanted"),
        ([], {"like": CATS[:1], "region": "0,0,9,9"}, "there is none"),
        (CATS[:1] * MOST_EXAMPLES, {"together": True, "like": CATS[:1]}, "up to 100 images"),
        (CATS[:1], {"like": CATS[:1] * (MOST_EXAMPLES + 1)}, "up to 100 images"),
    ],
)
def test_what_makes_no_sense_is_refused(
    index: cbir.Index, queries: Sequence[str], options: dict[str, Any], told: str
) -> None:
    for name in ("like", "unlike"):
        options = {**options, name: [IndexedImage(path) for path in options.get(name, ())]}
    with pytest.raises(UsageError, match=told):
        list(index.search_all([IndexedImage(path) for path in queries], **options))


def test_a_search_is_for_something(index: cbir.Index) -> None:
    with pytest.raises(UsageError, match="give an image to search for, or one with like"):
        index.search()
    with pytest.raises(UsageError, match="an image for like"):
        index.search(CATS[0], like=5)  # type: ignore[arg-type]
    searcher = ExamplesSearcher(index.searcher())
    with pytest.raises(UsageError, match="give examples"):
        searcher.top_k(index.searcher().indexed(0))  # type: ignore[arg-type]
