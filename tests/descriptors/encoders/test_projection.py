"""A learned projection: what it computes, from what, and which models it refuses."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.core.progress import ProgressListener
from cbir.descriptors.base import Descriptor
from cbir.descriptors.encoders.projection import Projection, packed
from cbir.descriptors.registry import NamedDescriptor, create
from cbir.descriptors.state import TRAINED, State, with_origin
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import ArrayImage
from cbir.indexing.train import TrainingImages

DIMENSION = 16
PHOTO = "cats/cat-1.jpg"


def ready(name: str, **parameters: object) -> Descriptor:
    descriptor = create(name, parameters)
    if isinstance(descriptor, TrainedDescriptor):
        shipped = descriptor.shipped()
        assert shipped is not None
        return descriptor.bind(shipped)
    return descriptor


def model(*bases: Descriptor) -> State:
    random = np.random.default_rng(5)
    length = sum(base.dimension for base in bases)
    weights = np.arange(1, len(bases) + 1)
    return packed(
        bases, weights, random.normal(size=length) / 50, random.normal(size=(length, DIMENSION))
    )


def bound(*bases: Descriptor) -> Projection:
    return Projection(dimension=DIMENSION).bind(model(*bases))


@pytest.fixture
def image(photos: Path) -> EncodedImage:
    return EncodedImage.open(str(photos / PHOTO))


def test_a_row_is_the_quantized_projection_of_the_values(image: EncodedImage) -> None:
    bases = ready("hsv", layout="none"), ready("fisher")
    state, parts = model(*bases), []
    for weight, base in zip((1, 2), bases, strict=True):
        stored = base.describe(image.pixels(base.working_size))
        values = (stored.astype(float) * base.encoding.scale) ** base.encoding.power
        parts.append(weight * values / np.sqrt((values**2).sum()))
    projected = (np.concatenate(parts) - state["mean"].astype(float)) @ state["matrix"].astype(
        float
    )
    expected = np.round(127 * projected / np.sqrt((projected**2).sum()))
    row = bound(*bases).describe_image(image)
    assert row.dtype == np.int8 and np.array_equal(row, expected)


def test_each_base_sees_its_own_working_size(image: EncodedImage) -> None:
    small, large = ready("hsv"), ready("fisher")
    assert small.working_size != large.working_size
    descriptor = bound(small, large)
    assert descriptor.working_size == max(small.working_size or 0, large.working_size or 0)
    rows = [base.describe(image.pixels(base.working_size))[None] for base in (small, large)]
    assert np.array_equal(descriptor.describe_image(image), descriptor.project(rows)[0])


def test_rows_that_are_known_are_not_computed_again(image: EncodedImage, noise: np.ndarray) -> None:
    base = ready("hog")
    descriptor, named = bound(base), NamedDescriptor("other", bound(base))
    known = {base.fingerprint: base.describe(image.pixels(base.working_size))}
    expected = descriptor.describe_image(image)
    assert np.array_equal(named.describe(ArrayImage(noise), known), expected)
    assert not np.array_equal(named.describe(ArrayImage(noise)), expected)


def test_rows_without_any_number_are_projected_too() -> None:
    descriptor = bound(ready("hog"))
    assert np.isfinite(descriptor.describe(np.zeros((40, 40, 3), np.uint8))).all()


def test_it_is_pickled_with_its_model(image: EncodedImage) -> None:
    descriptor = bound(ready("hog"), ready("fisher"))
    expected = descriptor.describe_image(image)
    again = pickle.loads(pickle.dumps(descriptor))
    assert again.fingerprint == descriptor.fingerprint
    assert np.array_equal(again.describe_image(image), expected)


def test_other_numbers_have_another_fingerprint() -> None:
    hog, gist = ready("hog"), ready("gist")
    prints = {bound(hog).fingerprint, bound(gist).fingerprint, bound(hog, gist).fingerprint}
    assert len(prints) == 3
    noted = Projection(dimension=DIMENSION).bind(with_origin(model(hog), TRAINED))
    assert noted.fingerprint == bound(hog).fingerprint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mean", np.full(1764, np.nan, np.float32)),
        ("mean", np.zeros(1763, np.float32)),
        ("mean", np.zeros(1764)),
        ("weights", np.ones(2, np.float32)),
        ("matrix", np.zeros(DIMENSION, np.float32)),
        ("bases", np.array("[")),
        ("bases", np.array("[]")),
        ("bases", np.array("[1]")),
        ("bases", np.array("[" * 100_000)),
        ("bases", np.array('[{"name": [], "parameters": 1, "version": 1, "fingerprint": ""}]')),
        ("bases", np.array('[{"name": "hog", "parameters": 1, "version": 1, "fingerprint": ""}]')),
    ],
)
def test_a_damaged_model_is_refused(key: str, value: np.ndarray) -> None:
    state = {**model(ready("hog")), key: value}
    assert Projection(dimension=DIMENSION).check_state(state) == "it is damaged"


def test_models_that_do_not_fit_are_refused() -> None:
    state = model(ready("fisher"))
    descriptor = Projection(dimension=DIMENSION)
    assert descriptor.check_state(state) is None
    assert Projection(dimension=8).check_state(state) == (
        "it has dimension=16; use the descriptor projection:dimension=16"
    )
    shipped = create("fisher", {}).shipped()
    assert descriptor.check_state(shipped) == "it is not a model of projection"
    without = {key: array for key, array in state.items() if not key.endswith("means")}
    assert "cannot be used" in str(descriptor.check_state(without))


def test_a_base_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hog = ready("hog")
    state = model(hog)
    monkeypatch.setattr(type(hog), "version", hog.version + 1)
    refusal = str(Projection(dimension=DIMENSION).check_state(state))
    assert "their numbers differ; learn it again" in refusal


def test_a_hash_is_no_base() -> None:
    refusal = Projection(dimension=DIMENSION).check_state(model(ready("phash")))
    assert "phash is no vector of numbers" in str(refusal)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    ("name", "parameters", "which"),
    [
        ("onnx", {"model": "/no.onnx", "normalization": "unit"}, "model"),
        ("torch", {"model": "resnet50", "weights": "/no.pth"}, "weights"),
    ],
)
def test_a_base_with_a_file_is_refused_before_the_file_is_opened(
    name: str, parameters: dict[str, object], which: str, nested: bool
) -> None:
    """A model may be a stranger's; opening the file would say that there is none."""
    state = {**model(ready("hog")), "bases": described(name, parameters)}
    if nested:
        state = {f"base0_{key}": array for key, array in state.items()}
        state |= model(ready("hog")) | {"bases": described("projection", {"dimension": 16})}
    refusal = Projection(dimension=DIMENSION).check_state(state)
    assert f"{name} needs a file beside the model ({which}=…)" in str(refusal)


def described(name: str, parameters: dict[str, object]) -> np.ndarray:
    base = {"name": name, "parameters": parameters, "version": 1, "fingerprint": ""}
    return np.array(json.dumps([base]))


def test_images_alone_teach_it_nothing(photos: Path) -> None:
    images = TrainingImages(str(photos), find_images(str(photos)), 2)
    with pytest.raises(CbirError, match=r"projection learns from labels; make a model by cbir\."):
        images.samples(Projection(), ProgressListener())
    with pytest.raises(CbirError, match="learns from labels"):
        Projection().train([])


@pytest.mark.parametrize("dimension", [0, 2049])
def test_impossible_dimensions_are_refused(dimension: int) -> None:
    with pytest.raises(UsageError, match="must be 1 to 2,048"):
        Projection(dimension=dimension)
