"""VLAD against the formula of the papers, feature by feature."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.descriptors.encoders.vlad import Vlad
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA

EXTRACTOR = SiftExtractor(200, upright=True, step=16)


@cache
def image_of(name: str) -> np.ndarray:
    return EncodedImage.open(str(DATA / f"{name}.jpg")).pixels(512)


@cache
def bound(words: int = 8) -> Vlad:
    plain = Vlad(count=200, words=words)
    images = map(image_of, ("cats/cat-1", "windmills/windmill-1", "things/coffee-1"))
    return plain.bind(plain.train([plain.training_sample(image) for image in images]))


@pytest.mark.parametrize("name", ["cats/cat-2", "forest/brook-1"])
def test_residuals_are_summed_and_scaled_by_word_and_as_a_whole(name: str) -> None:
    descriptor = bound()
    assert descriptor.state is not None
    words = descriptor.state["words"].astype(float)
    sums = np.zeros((8, 128))
    for row in EXTRACTOR.extract(image_of(name)).descriptors.astype(float):
        nearest = int(((words - row) ** 2).sum(axis=1).argmin())
        sums[nearest] += row - words[nearest]
    for place, total in enumerate(sums):
        if total.any():
            sums[place] = total / np.sqrt((total**2).sum())
    vector = sums.ravel() / np.sqrt((sums**2).sum())
    row = descriptor.describe(image_of(name))
    assert row.dtype == np.int8 and row.shape == (1024,)
    assert np.array_equal(row, np.rint(127 * vector))
    assert np.linalg.norm(descriptor.encoding.values(row)) == pytest.approx(1, abs=0.02)


def test_an_image_without_features_is_zero() -> None:
    assert not bound().describe(np.full((90, 90, 3), 80, np.uint8)).any()


def test_training_on_nothing_gives_no_words_and_is_of_no_use_elsewhere() -> None:
    plain = Vlad(words=4)
    state = plain.train([])
    assert plain.check_state(state) is None and plain.check_given(state) is not None
    assert not plain.bind(state).describe(image_of("cats/cat-1")).any()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"words": np.zeros((8, 64), np.uint8)}, "it is damaged"),
        ({"words": np.zeros((8, 128), np.float32)}, "it is damaged"),
        ({"words": np.zeros((9, 128), np.uint8)}, "it is damaged"),
        ({"words": np.zeros(128, np.uint8)}, "it is damaged"),
        ({"vlad_words": np.array(9)}, "it has 9 words, not 8; use the descriptor vlad:words=9"),
        ({"vlad_words": np.array([8])}, "it is damaged"),
        ({"upright": np.array(False)}, "it was trained with upright=False"),
        ({"upright": np.array("yes")}, "it is damaged"),
    ],
)
def test_a_vocabulary_is_checked(change: dict[str, np.ndarray], reason: str) -> None:
    state = bound().state
    assert state is not None
    with pytest.raises(CbirError, match=f"cannot be used for vlad: {reason}"):
        Vlad(count=200, words=8).bind({**state, **change})
    lacking = Vlad().check_state({"words": state["words"]})
    assert lacking == "it is not a vocabulary of vlad"


@pytest.mark.parametrize("parameters", [{"words": 0}, {"words": 257}, {"count": 0}])
def test_impossible_parameters_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="vlad: "):
        Vlad(**parameters)
