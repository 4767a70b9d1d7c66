"""Bags of visual words of ORB features: votes, and the vocabulary."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.descriptors.encoders.bovw import OrbBovw
from cbir.descriptors.local_features.base import LocalFeatures
from cbir.descriptors.local_features.orb import OrbExtractor
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return EncodedImage.open(str(DATA / "windmills" / "windmill-1.jpg")).pixels(512)


def test_a_feature_votes_for_its_three_nearest_words(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    bound = descriptor.bind(descriptor.train([descriptor.training_sample(photo)]))
    features = OrbExtractor(1000).extract(photo)
    code = bound.encode(features)
    bits = np.unpackbits(features.descriptors, axis=1).astype(int)
    words = np.unpackbits(bound.vocabulary["words"], axis=1).astype(int)
    votes = np.zeros(20, int)
    for one in bits:
        nearest = np.argsort(np.abs(words - one).sum(axis=1), kind="stable")
        votes[nearest[:3]] += (4, 2, 1)
    assert code.words.tolist() == np.flatnonzero(votes).tolist()
    assert code.payloads.view("<u2").ravel().tolist() == votes[votes > 0].tolist()


def test_an_image_without_keypoints_has_no_words(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    bound = descriptor.bind(descriptor.train([descriptor.training_sample(photo)]))
    assert bound.describe(np.full((100, 100, 3), 50, np.uint8)).tolist() == [0]
    assert bound.describe(photo).tolist() == [len(OrbExtractor(1000).extract(photo))]
    assert len(bound.encode(bound.extractor.nothing())) == 0


def test_training_on_nothing_gives_a_vocabulary_without_words(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=5)
    bound = descriptor.bind(descriptor.train([]))
    features: LocalFeatures = bound.extractor.extract(photo)
    assert len(bound.encode(features)) == 0
    assert bound.check_given(bound.vocabulary) is not None


def test_a_vocabulary_is_checked(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    state = descriptor.train([descriptor.training_sample(photo)])
    assert descriptor.check_state(state) is None
    assert "it has 20 words, not 30; use the descriptor orb:words=20" in (
        OrbBovw(words=30).check_state(state) or ""
    )
    assert "upright" in (OrbBovw(words=20, upright=True).check_state(state) or "")
    for lacking in ({"words": state["words"]}, {"a": np.zeros(3)}):
        assert "not a vocabulary of orb features" in (descriptor.check_state(lacking) or "")
    other = {**state, "features": np.array("sift")}
    assert "a vocabulary of sift features, not of orb" in (descriptor.check_state(other) or "")


def test_the_vocabulary_is_part_of_the_identity(photo: np.ndarray) -> None:
    descriptor = OrbBovw(words=20)
    sample = descriptor.training_sample(photo)
    one, other = descriptor.train([sample]), descriptor.train([sample[::2]])
    assert descriptor.bind(one).fingerprint == descriptor.bind(dict(one)).fingerprint
    assert descriptor.bind(one).fingerprint != descriptor.bind(other).fingerprint


@pytest.mark.parametrize("parameters", [{"words": 0}, {"features": 0}, {"features": 10_000}])
def test_impossible_parameters_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="orb: "):
        OrbBovw(**parameters)


@pytest.mark.parametrize(
    "damage",
    [
        {"words": np.zeros((1, 32), np.uint8)},
        {"words": np.zeros((20, 32), np.uint16)},
        {"words": np.zeros((20, 16), np.uint8)},
        {"words": np.zeros((0, 32), np.uint8)},
        {"usage": np.full(20, np.nan)},
        {"usage": np.full(20, -1)},
        {"usage": np.full(20, 2)},
        {"usage": np.full(20, "many")},
        {"images": np.array(-1)},
        {"images": np.array([20])},
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
