"""Fisher descriptors: their parts against other programs, and on the sample images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.core.npz import load_arrays
from cbir.core.threads import one_thread_each, ordered_map
from cbir.descriptors.encoders.daisy import Daisy
from cbir.descriptors.encoders.fisher import ColorFisher, Fisher, FisherVector
from cbir.descriptors.encoders.fisher_model import (
    _crop,
    _principal_axes,
    _reduction,
    _views,
    fewest_images,
    packed,
    unpacked,
)
from cbir.descriptors.local_features.dense import Patches
from cbir.descriptors.state import State, state_digest
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.train import train_models
from tests.conftest import DATA, PROJECT, Run
from tests.descriptors.encoders.test_gmm import Mixture, plain_fisher_vector

CLASSES = [Fisher, ColorFisher, Daisy]
NAMES = ("cats/cat-1", "desert/orange-dune-1", "forest/brook-1", "things/kite-1")


def trained(descriptor: FisherVector, images: Sequence[np.ndarray]) -> State:
    with one_thread_each():
        return descriptor.train([descriptor.training_sample(image) for image in images])


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    return [EncodedImage.open(str(DATA / f"{name}.jpg")).pixels(128) for name in NAMES]


@pytest.fixture(scope="module", params=CLASSES, ids=lambda cls: cls.name)
def small(request: Any, images: list[np.ndarray]) -> FisherVector:
    """A small descriptor that was trained on four images."""
    descriptor = request.param(gaussians=4, size=8)
    return descriptor.bind(trained(descriptor, images))


@pytest.fixture(scope="module", params=CLASSES, ids=lambda cls: cls.name)
def shipped(request: Any) -> FisherVector:
    """A descriptor with the model of the package."""
    return request.param().bind(request.param().shipped())


def state_of(descriptor: FisherVector) -> dict[str, np.ndarray]:
    assert descriptor.state is not None
    return dict(descriptor.state)


def plain_row(descriptor: FisherVector, image: np.ndarray) -> np.ndarray:
    """What is stored, by the published formulas in double precision, before rounding."""
    state = {name: array.astype(float) for name, array in state_of(descriptor).items()}
    patches = descriptor.patches.extract(image)
    local = (patches.values.astype(float) - state["local_center"]) @ state["local_axes"]
    rows = np.hstack([local, (patches.places - 0.5) * state["place_scale"]])
    mixture = Mixture(state["weights"], state["means"], state["variances"])
    vector = plain_fisher_vector(mixture, rows)
    vector = np.sign(vector) * np.abs(vector) ** 0.2
    vector = vector / np.linalg.norm(vector) - state["center"]
    reduced = vector @ (state["projection"] * state["scale"])
    return reduced / np.linalg.norm(reduced)


def test_a_row_is_that_of_the_formulas(small: FisherVector, images: list[np.ndarray]) -> None:
    image = images[0][:60, :70]
    # The smallest numbers of a Fisher vector, raised to the power 0.2, are the least certain.
    np.testing.assert_allclose(
        small.encoding.values(small.describe(image)), plain_row(small, image), atol=0.02
    )


SHAPES = pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 5), (128, 99)])


@SHAPES
def test_any_image_gives_a_row_of_length_1(small: FisherVector, shape: tuple[int, int]) -> None:
    expect_rows_of_length_1(small, shape)


@SHAPES
def test_so_with_the_model_of_the_package(shipped: FisherVector, shape: tuple[int, int]) -> None:
    expect_rows_of_length_1(shipped, shape)


def expect_rows_of_length_1(descriptor: FisherVector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (*shape, 3), np.uint8)
    for image in (noise, noise[..., :1].repeat(3, axis=2), np.full((*shape, 3), 9, np.uint8)):
        row = descriptor.describe(image)
        assert row.shape == (descriptor.dimension,) and row.dtype == np.int8
        rounding = descriptor.encoding.scale / 2 * np.sqrt(len(row))
        length = np.linalg.norm(descriptor.encoding.values(row))
        assert length == pytest.approx(1, abs=rounding)


def test_threads_describe_as_one_does(shipped: FisherVector, images: list[np.ndarray]) -> None:
    # Bound anew: the threads are the first to want the model.
    again = shipped.bind(state_of(shipped))
    with one_thread_each():
        alone = [shipped.describe(image).tobytes() for image in 3 * images]
        rows = ordered_map(again.describe, 3 * images, workers=4, batch=1)
        assert [row.tobytes() for row in rows] == alone


def test_all_is_computed_in_single_precision(
    shipped: FisherVector, images: list[np.ndarray]
) -> None:
    encoded = shipped._model.encode(shipped.patches.extract(images[0]))
    assert encoded.dtype == shipped._model.reduce(encoded).dtype == np.float32


def test_a_crop_is_nearest_to_its_image(shipped: FisherVector, images: list[np.ndarray]) -> None:
    rows = [shipped.describe(image).astype(float) for image in images]
    for number, image in enumerate(images):
        cropped = shipped.describe(np.ascontiguousarray(image[6:-6, 6:-6]))
        assert int(np.argmax([cropped @ row for row in rows])) == number


def test_training_is_always_the_same(small: FisherVector, images: list[np.ndarray]) -> None:
    again = trained(small, images)
    assert state_digest(again) == state_digest(state_of(small))
    assert small.check_state(again) is None


def test_one_and_two_workers_train_the_same(photos: Path, tmp_path: Path) -> None:
    contents = set()
    for workers in (1, 2):
        path = tmp_path / f"{workers}.npz"
        train_models(str(photos), ["fisher:gaussians=4,size=8"], str(path), workers=workers)
        contents.add(path.read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("cls", CLASSES)
def test_too_few_images_are_refused(cls: type[FisherVector]) -> None:
    descriptor = cls(size=256)
    sample = descriptor.training_sample(np.zeros((64, 64, 3), np.uint8))
    assert fewest_images(256) == 32
    with pytest.raises(CbirError, match=f"^{cls.name}: 31 images to train on: .* at least 32"):
        descriptor.train([sample] * 31)


@pytest.mark.parametrize("cls", CLASSES)
def test_too_few_patches_are_refused(cls: type[FisherVector], noise: np.ndarray) -> None:
    descriptor = cls(gaussians=1000, size=8)
    sample = descriptor.training_sample(noise[:32, :32])
    assert len(sample) < 1000
    refused = rf"^{cls.name}: 1 image with {len(sample)} patches: too few for gaussians=1000"
    with pytest.raises(CbirError, match=refused):
        descriptor.train([sample])


@pytest.mark.parametrize("cls", CLASSES)
def test_images_that_show_nothing_are_refused(cls: type[FisherVector]) -> None:
    descriptor = cls(gaussians=4, size=8)
    sample = descriptor.training_sample(np.full((64, 64, 3), 200, np.uint8))
    with pytest.raises(CbirError, match="nothing to see in any of 3 images"):
        descriptor.train([sample] * 3)


@pytest.mark.parametrize("cls", CLASSES)
def test_images_that_show_hardly_anything_suffice(cls: type[FisherVector]) -> None:
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:, 32:] = 255
    descriptor = cls(gaussians=4, size=8)
    bound = descriptor.bind(trained(descriptor, [halves, halves, 255 - halves]))
    assert all(np.isfinite(array).all() for array in state_of(bound).values())
    assert bound.describe(halves).any()


def test_what_does_not_fit_is_refused(small: FisherVector) -> None:
    cls, state = type(small), state_of(small)
    assert small.check_state(state) is None
    assert cls(gaussians=8, size=8).check_state(state) == (
        f"it has gaussians=4 and size=8; use the descriptor {cls.name}:gaussians=4,size=8"
    )
    assert "size=8; use" in (cls(gaussians=4, size=9).check_state(state) or "")
    other = ColorFisher if cls is Fisher else Fisher
    assert "other local descriptors" in (other(gaussians=4, size=8).check_state(state) or "")
    assert "not a model" in (small.check_state({"words": np.zeros((3, 32), np.uint8)}) or "")
    del state["scale"]
    assert "not a model" in (small.check_state(state) or "")


@pytest.mark.parametrize("key", ["local_axes", "place_scale", "means", "center", "projection"])
def test_damage_is_told(small: FisherVector, key: str) -> None:
    array = state_of(small)[key]
    for other in (array[None], np.zeros((2, 3)), array.astype(str)):
        assert small.check_state({**state_of(small), key: other}) == "it is damaged"


@pytest.mark.parametrize(
    ("parameters", "named"),
    [({"gaussians": 0}, "gaussians=0"), ({"size": 5000}, "size=5000"), ({"size": 0}, "size=0")],
)
@pytest.mark.parametrize("cls", CLASSES)
def test_impossible_parameters_are_refused(
    cls: type[FisherVector], parameters: dict[str, int], named: str
) -> None:
    with pytest.raises(UsageError, match=f"{cls.name}: {named}"):
        cls(**parameters)
    with pytest.raises(UsageError, match="up to"):
        cls(gaussians=1, size=200)


@pytest.mark.parametrize("descriptor", [Fisher(), Fisher(gaussians=4, size=8)])
def test_drift_is_the_length_of_the_mean(descriptor: Fisher) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.3, 1, (2000, descriptor.size))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    rows = np.rint(values / descriptor.encoding.scale).astype(np.int8)
    expected = np.linalg.norm(values.mean(axis=0))
    assert descriptor.drift(rows) == pytest.approx(expected, abs=0.01)
    assert descriptor.drift(np.concatenate([rows, -rows])) == pytest.approx(0, abs=1e-6)
    assert descriptor.drift(np.repeat(rows[:1], 90, axis=0)) == pytest.approx(1, abs=0.03)
    fewest = max(50, fewest_images(descriptor.size))
    assert descriptor.drift(rows[:fewest]) > 0 == descriptor.drift(rows[: fewest - 1])


def test_images_all_alike_do_not_drift_beyond_the_limit_that_means_never() -> None:
    color = ColorFisher()
    assert color.drift_limit == 1
    assert color.drift(np.full((60, 256), 127, np.int8)) <= color.drift_limit


def test_packing_keeps_255ths(images: list[np.ndarray]) -> None:
    patches = Fisher().patches.extract(images[0])
    again = unpacked(packed(patches))
    np.testing.assert_allclose(again.values, patches.values, atol=0.51 / 255)
    np.testing.assert_allclose(again.places, patches.places, atol=0.51 / 255)


def test_views_are_the_image_its_mirror_image_and_crops_of_both(
    images: list[np.ndarray],
) -> None:
    color, image = ColorFisher(), np.ascontiguousarray(images[0][:80, :80])
    patches = color.patches.extract(image)
    views = list(_views(patches, 6, color.patches.mirrored))
    assert views[0] is patches
    turned = color.patches.extract(np.ascontiguousarray(image[:, ::-1]))
    for one, other in ((views[1].values, turned.values), (views[1].places, turned.places)):
        np.testing.assert_allclose(np.sort(one, axis=0), np.sort(other, axis=0), atol=1e-3)
    for view in views[2:]:
        assert 50 <= len(view.values) < len(patches.values)
        assert view.places.min() >= 0 and view.places.max() <= 1
    again = list(_views(patches, 6, color.patches.mirrored))
    assert all(np.array_equal(a.values, b.values) for a, b in zip(views, again, strict=True))


def test_a_crop_is_a_part_of_the_places_spread_over_all() -> None:
    rng = np.random.default_rng(0)
    places = rng.random((2000, 2), np.float32)
    crop = _crop(Patches(places, places), rng)  # as if a patch's values were its place
    kept = crop.values
    inside = ((places >= kept.min(axis=0)) & (places <= kept.max(axis=0))).all(axis=1)
    assert inside.sum() == len(kept)
    assert (np.ptp(kept, axis=0) > 0.45).all()
    assert crop.places.min() < 0.02 and crop.places.max() > 0.98
    few = Patches(places[:49], places[:49])
    assert _crop(few, rng) is few


def test_principal_axes_are_those_of_scikit_learn() -> None:
    rows = np.random.default_rng(3).normal(size=(500, 9)) * np.arange(1, 10)
    _, axes, variances = _principal_axes(rows.astype(np.float32), 4)
    theirs = PCA(4).fit(rows)
    np.testing.assert_allclose(variances, theirs.explained_variance_, rtol=1e-4)
    cosines = np.abs((axes * theirs.components_.T).sum(axis=0))
    np.testing.assert_allclose(cosines, 1, atol=1e-4)


def test_the_reduction_is_that_of_scikit_learn_halfway_whitened() -> None:
    vectors = np.random.default_rng(4).normal(size=(60, 90)) * np.linspace(0.1, 2, 90) + 1
    theirs = PCA(12).fit(vectors)
    found = _reduction(vectors.copy(), 12)
    projection = found["projection"] * found["scale"]
    variance = theirs.explained_variance_ * 59 / 60
    expected = theirs.components_.T / variance**0.25
    expected *= np.sign((expected * projection).sum(axis=0))
    np.testing.assert_allclose(found["center"], vectors.mean(axis=0), atol=1e-5)
    np.testing.assert_array_less(np.abs(projection - expected).max(axis=0), 0.51 * found["scale"])


def test_a_search_of_the_samples_finds_their_kind(tmp_path: Path) -> None:
    index = str(tmp_path / "index.csv")
    cbir.index(str(DATA), index, ["colorfisher", "fisher"])
    opened = cbir.open(index)
    for query, kind in (("windmill", "windmills"), ("cat", "cats")):
        for descriptor in ("colorfisher", "fisher"):
            found = opened.search(PROJECT / "queries" / f"{query}.jpg", descriptor=descriptor)
            assert Path(found.matches[0].path).parent.name == kind


def test_a_model_of_ones_own_is_used(photos: Path, run: Run, tmp_path: Path) -> None:
    own = ["--descriptor", "fisher:gaussians=8,size=16"]
    done = run("train", "-d", "photos", *own, "-o", "own.npz", "--quiet")
    assert done.returncode == 0, done.stderr
    done = run("index", "-d", "photos", *own, "--model", "own.npz", "--quiet")
    assert done.returncode == 0 and done.stderr == ""
    index = cbir.open(str(tmp_path / "index.csv"))
    descriptor = Fisher(gaussians=8, size=16).bind(load_arrays(str(tmp_path / "own.npz")))
    for path, row in zip(index.paths, index.vectors(), strict=True):
        with one_thread_each():
            again = descriptor.describe(EncodedImage.open(str(photos / path)).pixels(256))
        assert row.tobytes() == again.tobytes()
    assert index.vectors().std(axis=0).min() > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights", np.nan),
        ("weights", 0),
        ("means", np.inf),
        ("variances", 0),
        ("center", np.nan),
        ("projection", 0),
        ("scale", 0),
        ("local_axes", 0),
        ("place_scale", np.nan),
    ],
)
def test_a_model_with_impossible_numbers_is_refused_when_it_is_loaded(
    name: str, value: float
) -> None:
    state = dict(Fisher().shipped() or {})
    state[name] = np.full_like(state[name], value)
    with pytest.raises(CbirError, match="model cannot be used for fisher: it is damaged"):
        Fisher().bind(state)
