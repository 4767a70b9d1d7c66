"""Visual words: against brute force, and on real photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist, jensenshannon

from cbir.core.errors import CbirError, UsageError
from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.bovw import OrbBovw, count_votes, k_majority, nearest_words
from cbir.descriptors.local_features.orb import OrbExtractor, _spread
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA

BITS = arrays(
    np.uint8, st.tuples(st.integers(3, 200), st.just(32)), elements=st.sampled_from([0, 7, 255])
)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return EncodedImage.open(str(DATA / "windmills" / "windmill-1.jpg")).pixels(512)


@given(features=BITS, words=BITS)
def test_the_nearest_words_are_those_of_scipy_lowest_number_first(
    features: np.ndarray, words: np.ndarray
) -> None:
    distances = cdist(np.unpackbits(features, axis=1), np.unpackbits(words, axis=1), "cityblock")
    expected = np.argsort(distances, axis=1, kind="stable")[:, :3]
    nearest, distance = nearest_words(features, words, 3)
    assert np.array_equal(nearest, expected)
    assert np.array_equal(distance, distances.min(axis=1))


def test_votes_on_many_threads_are_those_on_one() -> None:
    rng = np.random.default_rng(0)
    features = rng.integers(0, 256, (20_000, 32), np.uint8)
    words = rng.integers(0, 256, (50, 32), np.uint8)
    parts = [count_votes(part, words, 60) for part in np.array_split(features, 7)]
    assert np.array_equal(count_votes(features, words, 60), np.sum(parts, axis=0))


def test_k_majority_finds_the_centers_of_clear_clusters() -> None:
    rng = np.random.default_rng(5)
    centers = rng.integers(0, 256, (6, 32), np.uint8)
    bits = np.repeat(np.unpackbits(centers, axis=1), 50, axis=0)
    bits ^= (rng.random(bits.shape) < 0.05).astype(np.uint8)
    words = k_majority(np.packbits(bits, axis=1), 6)
    found = {word.tobytes() for word in words} & {center.tobytes() for center in centers}
    # From a random start two centers may share a word, never more than that.
    assert len(found) >= 4


@settings(max_examples=20)
@given(BITS)
def test_k_majority_never_serves_features_worse_than_its_start(features: np.ndarray) -> None:
    words = k_majority(features, 2)
    assert len(words) <= 2 and words.dtype == np.uint8
    assert np.array_equal(words, k_majority(features, 2))


def test_few_features_give_few_words() -> None:
    features = np.repeat(np.arange(3, dtype=np.uint8)[:, None], 32, axis=1)
    assert len(k_majority(np.tile(features, (5, 1)), 10)) == 3


def test_keypoints_are_spread_over_cells_and_levels() -> None:
    """A cell that is full of strong corners does not take the places of the weak ones."""
    rng = np.random.default_rng(0)
    crowd = [cv2.KeyPoint(*rng.uniform(0, 99, 2), 31, 0, 1.0, 0) for _ in range(900)]
    weak = [cv2.KeyPoint(*rng.uniform(100, 399, 2), 31, 0, 0.1, 0) for _ in range(90)]
    above = [cv2.KeyPoint(*rng.uniform(0, 399, 2), 31, 0, 0.1, 1) for _ in range(150)]
    kept = _spread(crowd + weak + above, 220, 100.0)
    assert len(kept) == 220
    on_ground = [keypoint for keypoint in kept if keypoint.octave == 0]
    assert sum(keypoint.response < 1 for keypoint in on_ground) == 90
    assert len(on_ground) == pytest.approx(220 * 1.2 / 2.2, abs=1)


@pytest.mark.parametrize("count", [1, 50, 1000])
def test_no_more_features_than_asked_for(photo: np.ndarray, count: int) -> None:
    assert 0 < len(OrbExtractor(count).extract(photo).descriptors) <= count


def test_turning_an_image_changes_little_unless_upright(photo: np.ndarray) -> None:
    turned = np.ascontiguousarray(np.rot90(photo))

    def matched(upright: bool) -> float:
        extractor = OrbExtractor(500, upright)
        one, other = (extractor.extract(image).descriptors for image in (photo, turned))
        distances = cdist(np.unpackbits(one, axis=1), np.unpackbits(other, axis=1), "cityblock")
        return float((distances.min(axis=1) < 30).mean())

    assert matched(upright=False) > 0.5 > 0.2 > matched(upright=True)


def test_an_image_without_keypoints_is_all_zeros(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    bound = descriptor.bind(descriptor.train([descriptor.training_sample(photo)]))
    assert not bound.describe(np.full((100, 100, 3), 50, np.uint8)).any()
    assert not bound.describe(np.zeros((1, 1, 3), np.uint8)).any()
    assert bound.describe(photo).sum() == 7 * len(OrbExtractor(1000).extract(photo).descriptors)


def test_training_on_nothing_gives_a_vocabulary_without_words() -> None:
    descriptor = OrbBovw(words=5)
    bound = descriptor.bind(descriptor.train([]))
    assert bound.describe(np.zeros((90, 90, 3), np.uint8)).tolist() == [0] * 5


def test_a_vocabulary_is_checked(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    state = descriptor.train([descriptor.training_sample(photo)])
    assert descriptor.check_state(state) is None
    assert "it has 20 words, not 30; use the descriptor orb:words=20" in (
        OrbBovw(words=30).check_state(state) or ""
    )
    assert "upright" in (OrbBovw(words=20, upright=True).check_state(state) or "")
    assert "incomplete" in (descriptor.check_state({"words": state["words"]}) or "")
    assert "not a vocabulary" in (descriptor.check_state({"a": np.zeros(3)}) or "")


def test_the_vocabulary_is_part_of_the_identity(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    sample = descriptor.training_sample(photo)
    one, other = descriptor.train([sample]), descriptor.train([sample[::2]])
    assert descriptor.bind(one).fingerprint == descriptor.bind(dict(one)).fingerprint
    assert descriptor.bind(one).fingerprint != descriptor.bind(other).fingerprint


def test_drift_is_the_jensen_shannon_divergence_of_the_words_use(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    bound = descriptor.bind(descriptor.train([descriptor.training_sample(photo)]))
    assert bound.state is not None
    rows = np.random.default_rng(1).integers(0, 9, (60, 20)).astype(np.uint16)
    expected = jensenshannon(bound.state["usage"], rows.sum(axis=0), base=2) ** 2
    assert bound.drift(rows) == pytest.approx(expected)
    assert bound.drift(np.repeat(bound.describe(photo)[None], 60, axis=0)) < 0.02
    assert bound.drift(rows[:10]) == 0
    assert bound.drift(np.zeros((60, 20), np.uint16)) == 0


@pytest.mark.parametrize("parameters", [{"words": 0}, {"features": 0}, {"features": 10_000}])
def test_impossible_parameters_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="orb: "):
        OrbBovw(**parameters)


def test_clustering_tells_its_rounds() -> None:
    class Counting(ProgressListener):
        def __init__(self) -> None:
            self.calls: list[object] = []

        def begin(self, task: str, total: int, unit: str = "images") -> None:
            self.calls.append((task, total, unit))

        def advance(self, steps: int = 1) -> None:
            self.calls.append(steps)

        def end(self) -> None:
            self.calls.append("end")

    listener = Counting()
    features = np.random.default_rng(5).integers(0, 256, (400, 32), np.uint8)
    assert np.array_equal(k_majority(features, 7, listener), k_majority(features, 7))
    first, *rounds, last = listener.calls
    assert first == ("clustering", 5, "rounds") and last == "end"
    assert 1 <= len(rounds) <= 5 and set(rounds) == {1}


@pytest.mark.parametrize(
    "damage",
    [
        {"words": np.zeros((20, 32), np.uint8)},
        {"words": np.zeros((1, 32), np.uint8)},
        {"words": np.zeros((0, 32), np.uint8)},
        {"usage": np.full(20, np.nan)},
        {"usage": np.full(20, -1)},
        {"usage": np.zeros(20)},
        {"usage": np.full(20, "many")},
        {"words_asked": np.array(20j)},
        {"words_asked": np.array("twenty")},
        {"words_asked": np.array(20.0)},
        {"upright": np.array("yes")},
        {"upright": np.array([True])},
    ],
)
def test_a_damaged_vocabulary_is_refused_when_it_is_loaded(
    photo: np.ndarray, damage: dict[str, np.ndarray]
) -> None:
    descriptor = OrbBovw(words=20)
    state = descriptor.train([descriptor.training_sample(photo)])
    with pytest.raises(CbirError, match="vocabulary cannot be used for orb: it is damaged"):
        descriptor.bind({**state, **damage})
