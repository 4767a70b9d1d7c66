"""Searching by fusions, from Python, against distances that are put together by hand."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.descriptors import presets
from cbir.descriptors.presets import Preset
from cbir.search.fusion.backgrounds import shipped
from cbir.search.inverted.local_searcher import LocalDescription
from cbir.search.sources import open_source

ALL = ("hsv", "hog", "phash", "orb:words=50", "small=hsv:layout=none")
QUERY = Path("cats", "cat-1.jpg")
WAYS: list[dict[str, object]] = [{}, {"adaptive": True}, {"fusion": "ranks"}]
TRIAL = Preset("trial", "for tests", ("hsv", "dhash"), (1.0, 0.5))


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> cbir.Index:
    cbir.index(str(photos), str(tmp_path / "index.csv"), ALL)
    return cbir.open(str(tmp_path / "index.csv"))


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Preset:
    """A preset that stays as it is whatever the real ones become."""
    monkeypatch.setitem(presets.PRESETS, "trial", TRIAL)
    return TRIAL


def background(index: cbir.Index, alias: str, row: np.ndarray) -> np.ndarray:
    """Distances to the rows that come with the package, or else to the rows of the index."""
    searcher = index.single_searcher(alias)
    rows = shipped(searcher.named.descriptor)
    if rows is None:
        distances = searcher.distances(row)
    else:
        source = open_source(searcher.named.descriptor, rows, searcher.metric)
        distances = source.exact(row, np.arange(len(rows)))
    return distances[distances > 0]


def fused_by_hand(
    index: cbir.Index, query: Path, aliases: Sequence[str], weights: Sequence[float]
) -> np.ndarray:
    above, below = np.zeros(len(index)), 0.0
    for alias, weight in zip(aliases, weights, strict=True):
        searcher = index.single_searcher(alias)
        row = searcher.describe(query)
        unrelated = background(index, alias, row)
        mean = unrelated.mean()
        squares = ((unrelated - mean) ** 2).sum() + 2 * (0.1 * mean) ** 2
        deviation = np.sqrt(squares / (len(unrelated) + 2))
        above += weight * searcher.distances(row) / deviation
        below += weight * mean / deviation
    return above / below


@pytest.mark.parametrize(
    ("aliases", "weights"),
    [
        (("hsv", "hog"), (1, 1)),
        (("hsv", "hog", "phash", "orb", "small"), (1, 0.5, 0.25, 2, 1)),
        (("orb", "small"), (3, 1)),
    ],
)
def test_a_fusion_adds_normalized_distances(
    index: cbir.Index, photos: Path, aliases: Sequence[str], weights: Sequence[float]
) -> None:
    label = "+".join(aliases)
    result = index.search(photos / QUERY, 99, descriptor=label, weights=weights)
    expected = fused_by_hand(index, photos / QUERY, aliases, weights)
    order = sorted(range(len(index)), key=lambda row: (expected[row], row))
    assert (result.descriptor, result.metric) == (label, "fused")
    assert [match.path.split("photos/")[1] for match in result.matches] == [
        index.paths[row] for row in order
    ]
    assert [match.distance for match in result.matches] == pytest.approx(expected[order].tolist())
    assert result.matches[0].distance == 0


def same(one: object, other: object) -> bool:
    """Say whether two descriptions are: rows, or local features and their words."""
    if isinstance(one, LocalDescription) and isinstance(other, LocalDescription):
        pairs = (
            (one.features.points, other.features.points),
            (one.features.descriptors, other.features.descriptors),
            (one.code.words, other.code.words),
            (one.code.payloads, other.code.payloads),
        )
        return all(np.array_equal(*pair) for pair in pairs)
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_parts_add_up_and_all_ways_agree(index: cbir.Index, photos: Path) -> None:
    for options in WAYS:
        searcher = index.searcher("hsv+phash+orb", **options)
        description = searcher.describe(photos / QUERY)
        distances = searcher.distances(description)
        stored = searcher.indexed(index.paths.index(str(QUERY)))
        assert all(same(one, two) for one, two in zip(description, stored, strict=True))
        result = index.search(photos / QUERY, 99, descriptor="hsv+phash+orb", **options)
        assert sorted(match.distance for match in result.matches) == sorted(distances.tolist())
        for match in result.matches:
            assert match.parts is not None and list(match.parts) == ["hsv", "phash", "orb"]
            assert sum(part.contribution for part in match.parts.values()) == pytest.approx(
                match.distance
            )
            row = index.paths.index(match.path.split("photos/")[1])
            for alias, part in match.parts.items():
                alone = index.single_searcher(alias)
                assert part.distance == alone.distances(alone.describe(photos / QUERY))[row]
        ranked = searcher.top_k(description, 2)
        assert [(one.distance, one.components) for one in ranked] == [
            (match.distance, match.parts) for match in result.matches[:2]
        ]


def test_adaptive_weights_change_what_parts_count(index: cbir.Index, photos: Path) -> None:
    def share(adaptive: bool) -> float:
        result = index.search(photos / QUERY, 2, descriptor="hsv+phash", adaptive=adaptive)
        match = result.matches[1]
        assert match.parts is not None
        return match.parts["phash"].contribution / match.distance

    assert share(True) < share(False)


def test_both_kinds_of_searcher_are_used_alike(index: cbir.Index, photos: Path) -> None:
    single, fused = index.searcher("hsv"), index.searcher("hsv+phash")
    assert (single.label, single.metric_name, single.bytes_per_image) == ("hsv", "chi2", 1536)
    assert (fused.label, fused.metric_name) == ("hsv+phash", "fused")
    assert fused.bytes_per_image == 1536 + 33
    assert index.searcher("hsv+phash", fusion="ranks").metric_name == "rrf"
    assert index.searcher("hsv+phash") is fused
    for searcher in (single, fused):
        row = index.paths.index(str(QUERY))
        distances = searcher.distances(searcher.indexed(row))
        assert distances.shape == (12,) and distances[row] == 0
        (first,) = searcher.top_k(searcher.indexed(row), 1)
        assert (first.row, first.distance) == (row, 0)
        (second,) = searcher.top_k(searcher.indexed(row), 1, eligible=np.arange(12) != row)
        assert second.row != row and second.distance == np.sort(distances)[1]


def test_a_fusion_of_equal_images_is_ordered_by_path(photos: Path, tmp_path: Path) -> None:
    for name in ("z.jpg", "B.jpg", "a.jpg"):
        shutil.copy(photos / QUERY, photos / name)
    cbir.index(str(photos), str(tmp_path / "index.csv"), ["hsv", "phash"])
    index = cbir.open(str(tmp_path / "index.csv"))
    for fusion in ("scores", "ranks"):
        result = index.search(photos / "a.jpg", 4, descriptor="hsv+phash", fusion=fusion)
        names = [Path(match.path).name for match in result.matches]
        assert names == ["B.jpg", "a.jpg", "cat-1.jpg", "z.jpg"]
        own = index.search(
            photos / "a.jpg", 3, descriptor="hsv+phash", fusion=fusion, exclude_self=True
        )
        assert [match.distance for match in own.matches] == [0, 0, 0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_index_of_next_to_nothing_can_be_searched(
    photos: Path, tmp_path: Path, count: int
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(photos.rglob("*.jpg"))[:count]:
        shutil.copy(path, few)
    Image.new("RGB", (64, 64), "white").save(tmp_path / "blank.png")
    cbir.index(str(few), str(tmp_path / "index.csv"), ALL)
    index = cbir.open(str(tmp_path / "index.csv"))
    for options in WAYS:
        for query in (few / "cat-1.jpg", tmp_path / "blank.png"):
            result = index.search(query, descriptor="small+orb+phash", **options)
            distances = np.array([match.distance for match in result.matches])
            assert len(distances) == count and np.isfinite(distances).all()
            assert (distances >= 0).all()
        itself = index.search(few / "cat-1.jpg", descriptor="small+orb", **options).matches[0]
        assert (Path(itself.path).name, itself.distance) == ("cat-1.jpg", 0)


def test_many_queries_give_what_one_gives(index: cbir.Index, photos: Path) -> None:
    paths = [str(photos / path) for path in index.paths]
    many = index.search_all(paths, descriptor="hsv+hog", weights={"hog": 0.5})
    assert list(many) == [
        index.search(path, descriptor="hsv+hog", weights=[1, 0.5]) for path in paths
    ]


def test_one_decoding_serves_all_descriptors(
    index: cbir.Index, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cbir.images.encoded_image import EncodedImage

    sizes = []
    decode = EncodedImage._decode
    monkeypatch.setattr(
        EncodedImage, "_decode", lambda self, size: sizes.append(size) or decode(self, size)
    )
    index.search(photos / QUERY, descriptor="hsv+small+phash+orb")
    assert len(sizes) == len(set(sizes)) == 2


def test_a_preset_is_indexed_and_searched(photos: Path, tmp_path: Path, trial: Preset) -> None:
    path = str(tmp_path / "index.csv")
    cbir.index(str(photos), path, "phash", preset="trial")
    index = cbir.open(path)
    assert index.descriptors == ("phash", "hsv", "dhash")
    result = index.search(photos / QUERY, preset="trial")
    same = index.search(photos / QUERY, descriptor="hsv+dhash", weights=trial.weights)
    assert (result.descriptor, result.matches) == ("trial", same.matches)
    again = index.search(photos / QUERY, preset="trial", weights={"hsv": 1})
    assert again == result != index.search(photos / QUERY, preset="trial", weights=[1, 1])


def test_an_index_without_the_preset_is_told_how_to_add_it(
    index: cbir.Index, photos: Path, tmp_path: Path, trial: Preset
) -> None:
    with pytest.raises(CbirError, match=r"no dhash, .* preset trial needs; .*preset='trial'\)$"):
        index.search(photos / QUERY, preset="trial")
    cbir.index(str(photos), str(tmp_path / "other.csv"), ["dhash", "hsv:layout=none"])
    other = cbir.open(str(tmp_path / "other.csv"))
    with pytest.raises(CbirError, match=r"another descriptor as hsv than hsv:layout=grid"):
        other.search(photos / QUERY, preset="trial")


REFUSALS: list[tuple[dict[str, object], str]] = [
    ({"descriptor": "hsv+"}, "name each descriptor once"),
    ({"descriptor": "hsv+hsv"}, "name each descriptor once"),
    ({"descriptor": "hsv+hog", "metric": "chi2"}, "compared by its own metric"),
    ({"descriptor": "hsv+hog", "fusion": "sum"}, "no fusion 'sum'; there are: scores, ranks"),
    ({"descriptor": "hsv+hog", "fusion": "ranks", "adaptive": True}, "leave one out"),
    ({"descriptor": "hsv+hog", "weights": [1]}, "1 for 2 descriptors"),
    ({"descriptor": "hsv+hog", "weights": [0, 0]}, "not only zeros"),
    ({"descriptor": "hsv+hog", "weights": [1, 1e308]}, "give numbers up to 1,000,000"),
    ({"descriptor": "hsv+hog", "weights": [1, -1]}, "number from 0 on"),
    ({"descriptor": "hsv+hog", "weights": [1, float("nan")]}, "number from 0 on"),
    ({"descriptor": "hsv+hog", "weights": {"orb": 1}}, "'orb' is not fused"),
    ({"descriptor": "hsv", "fusion": "scores"}, "for several descriptors"),
    ({"descriptor": "hsv+hog", "preset": "fast"}, "contradict each other"),
    ({"preset": "best"}, "no preset 'best'; there are: fast"),
]


def test_what_makes_no_sense_is_refused(index: cbir.Index, photos: Path) -> None:
    for options, message in REFUSALS:
        with pytest.raises(UsageError, match=message):
            index.search(photos / QUERY, **options)
    with pytest.raises(CbirError, match="no descriptor 'gist'; name one of its own: hsv"):
        index.search(photos / QUERY, descriptor="hsv+gist")
