"""Verification: edited photographs are copies, other photographs and other shots are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from cbir.images.pixels import fit
from cbir.verification import (
    COVERED,
    DAMAGED,
    DISPLACEMENT_ALLOWANCE,
    EDITED,
    LARGEST_STRETCH,
    LEAST_SHARED,
    WHOLE,
    Limits,
    View,
    closeness,
    unmirrored,
    verify,
)
from cbir.verification.comparison import Comparison, compare
from tests.edits import EDITS, captioned, cropped, mirrored, photo, photographed_again

PHOTOS = ["cats/cat-1", "windmills/windmill-1"]

DIFFERENT = [
    "autumn/maple-leaf-1", "buildings/pagoda-1", "cats/cat-1", "city-night/skyline-1",
    "fish/fish-1", "forest/brook-1", "lemurs/lemur-1", "windmills/windmill-1",
]  # fmt: skip
"""One of a folder: within a folder, some are overlapping parts of one photograph."""


def view(image: Image.Image | np.ndarray) -> View:
    return View.of(fit(np.asarray(image), 512))


@cache
def view_of(name: str) -> View:
    return view(photo(name))


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", PHOTOS)
def test_edited_photographs_are_copies(name: str, edit: str) -> None:
    found = verify(view_of(name), view(EDITS[edit](photo(name))))
    assert found.copy and found.alignment is not None and found.comparison is not None
    assert found.mirrored == (edit == "mirrored")
    least = 0.4 if edit == "captioned" else 0.9
    assert found.comparison.agreement > least


@pytest.mark.parametrize("edit", ["pasted", "mirrored"])
def test_the_direction_does_not_matter(edit: str) -> None:
    original, copy = view_of("cats/cat-1"), view(EDITS[edit](photo("cats/cat-1")))
    forth, back = verify(original, copy), verify(copy, original)
    assert forth.copy and back.copy and forth.mirrored == back.mirrored
    assert forth.comparison is not None and back.comparison is not None
    corner = np.array([200, 100, 1])
    there = forth.comparison.transform @ corner
    assert back.comparison.transform @ [*there, 1] == pytest.approx(corner[:2], abs=0.5)


def test_different_photographs_are_no_copies() -> None:
    for one, other in combinations(DIFFERENT, 2):
        assert not verify(view_of(one), view_of(other)).copy, (one, other)


def test_overlapping_parts_of_one_photograph_are_copies() -> None:
    """Two sections of an image of a cat."""
    found = verify(view_of("cats/cat-1"), view_of("cats/cat-2"))
    assert found.copy and found.comparison is not None and found.comparison.agreement > 0.9


@pytest.mark.parametrize("name", ["cats/cat-2", "forest/brook-1"])
def test_a_scene_that_is_photographed_again_is_no_copy(name: str) -> None:
    """It agrees nearly everywhere, but not to a part of a pixel."""
    image = np.asarray(photo(name))
    same = verify(view_of(name), view(photographed_again(image, 0)))
    found = verify(view_of(name), view(photographed_again(image, 0.5)))
    assert same.copy and not found.copy
    assert found.comparison is not None and found.comparison.agreement > 0.8
    assert closeness(found.comparison, [replace(one, agreement=0.0) for one in EDITED]) < 1


def test_mirroring_is_tried_only_where_it_is_wanted() -> None:
    original, copy = view_of("cats/cat-1"), view(mirrored(photo("cats/cat-1")))
    assert not verify(original, copy, mirrored=False).copy
    assert verify(original, copy, mirrored=True).copy
    assert not verify(original, original, mirrored=True).copy
    found = verify(original, copy).comparison
    assert found is not None
    width = photo("cats/cat-1").width
    assert found.transform == pytest.approx(np.array([[-1, 0, width - 1], [0, 1, 0]]), abs=0.05)


def test_the_limits_can_be_chosen() -> None:
    original, copy = view_of("cats/cat-1"), view(captioned(photo("cats/cat-1")))
    found = verify(original, copy).comparison
    assert found is not None and found.agreement < 0.9
    assert not verify(original, copy, limits=[Limits(found.agreement + 0.01, 0, 1)]).copy
    assert verify(original, copy, limits=[Limits(found.agreement - 0.01, 0, 1)]).copy


def test_pixels_are_asked_for_only_when_features_align() -> None:
    def never() -> np.ndarray:
        raise AssertionError

    one, other = view_of("cats/cat-1"), view_of("things/coffee-1")
    one, other = View(one.features, never), View(other.features, never)
    found = verify(one, other)
    assert (found.copy, found.alignment, found.comparison) == (False, None, None)


def test_images_without_features_are_no_copies() -> None:
    flat = view(np.full((100, 100, 3), 70, np.uint8))
    assert not verify(flat, flat).copy
    assert not verify(flat, view_of("cats/cat-1")).copy


def comparison(**changes: object) -> Comparison:
    perfect = Comparison(1.0, 0.0, 1.0, 1.0, 100, (1.0, 1.0), np.eye(3)[:2])
    return replace(perfect, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", EDITED)
def test_each_limit_counts(limits: Limits) -> None:
    at_the_limit = comparison(
        agreement=limits.agreement,
        fidelity=limits.fidelity,
        displacement=limits.displacement + DISPLACEMENT_ALLOWANCE / 2,
        detail=0.5,
        shared=(0.05, LEAST_SHARED),
        transform=np.diag([LARGEST_STRETCH, 1, 1])[:2],
    )
    assert closeness(at_the_limit, [limits]) == pytest.approx(1)
    inside = replace(
        at_the_limit, displacement=limits.displacement + DISPLACEMENT_ALLOWANCE / 2 - 0.001
    )
    assert closeness(inside, [limits]) >= 1
    assert closeness(replace(inside, shared=(LEAST_SHARED, 0.05)), [limits]) >= 1
    for change in (
        {"agreement": limits.agreement - 0.01},
        {"displacement": limits.displacement + DISPLACEMENT_ALLOWANCE / 2 + 0.001},
        {"displacement": np.inf},
        {"detail": 0.51},
        {"shared": (LEAST_SHARED - 0.01, 0.05)},
        {"transform": np.diag([1, 1.01 * LARGEST_STRETCH, 1])[:2]},
        {"transform": np.diag([0.0, 1, 1])[:2]},
    ):
        assert closeness(replace(inside, **change), [limits]) < 1
    if limits.fidelity:
        assert closeness(replace(inside, fidelity=limits.fidelity - 0.01), [limits]) < 1


@pytest.mark.parametrize(
    ("changes", "copy"),
    [
        ({"displacement": 0.055}, True),
        ({"displacement": 0.055, "agreement": 0.9}, False),
        ({"displacement": 0.02, "agreement": 0.8, "fidelity": 0.3}, True),
        ({"displacement": 0.02, "agreement": 0.5, "fidelity": 0.3}, False),
        ({"displacement": 0.02, "agreement": 0.5, "fidelity": 0.9}, True),
        ({"displacement": 0.02, "agreement": 0.3, "fidelity": 1.0}, False),
    ],
)
def test_one_set_of_limits_is_enough(changes: dict[str, object], copy: bool) -> None:
    assert (closeness(comparison(**changes), [WHOLE, DAMAGED, COVERED]) >= 1) is copy


def test_where_nothing_is_asked_nothing_need_be_there() -> None:
    lossy = comparison(fidelity=0.0, agreement=0.0)
    assert closeness(lossy, [Limits(0.0, 0.0, 0.1)]) >= 1


def test_what_could_not_be_compared_is_no_copy() -> None:
    assert closeness(None, EDITED) == 0


def test_unmirrored_transforms_lead_into_the_image_itself() -> None:
    """Where the pixels of the mirrored image came from."""
    image = np.asarray(cropped(photo("cats/cat-1")).convert("L"))
    into_mirrored = np.array([[1.0, 0, 0], [0, 1, 0]])
    flipped = np.ascontiguousarray(image[:, ::-1])
    found = compare(flipped, image, unmirrored(into_mirrored, image.shape[1]))
    assert found is not None and found.agreement == 1
    some = np.array([[0.5, -0.2, 7], [0.2, 0.4, -3]])
    assert np.allclose(unmirrored(unmirrored(some, 90), 90), some)
