"""The eight orientations of an image, as Pillow turns and mirrors it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import ArrayImage
from cbir.images.oriented_image import (
    ORIENTATIONS,
    UNTURNED,
    Orientation,
    OrientedImage,
    oriented,
)
from tests.conftest import DATA

PHOTO = DATA / "cats" / "cat-1.jpg"


def turned_by_pillow(image: Image.Image, orientation: Orientation) -> np.ndarray:
    if orientation.mirrored:
        image = ImageOps.mirror(image)
    return np.asarray(image.rotate(-orientation.turned, expand=True))  # Pillow's are the other way


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_an_image_is_turned_as_pillow_turns_it(orientation: Orientation) -> None:
    with Image.open(PHOTO) as photo:
        image = photo.convert("RGB").resize((60, 41))
    lying = OrientedImage(ArrayImage(np.asarray(image)), orientation)
    expected = turned_by_pillow(image, orientation)
    assert (lying.pixels() == expected).all()
    assert lying.dimensions == expected.shape[1::-1]
    assert lying.pixels(30).shape[:2] == tuple(
        max(1, round(side / 2)) for side in expected.shape[:2]
    )


def test_the_eight_are_all_different_and_begin_with_the_image_itself() -> None:
    image = ArrayImage(np.arange(12, dtype=np.uint8).reshape(3, 4))
    views = [oriented(image, one) for one in ORIENTATIONS]
    assert views[0] is image
    assert len({(view.pixels().shape, view.pixels().tobytes()) for view in views}) == 8


def test_a_file_is_decoded_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (80, 50), "red").save(buffer, "JPEG")
    image = EncodedImage("test", buffer.getvalue())
    decoded = []
    decode = EncodedImage._decode

    def counting(self: EncodedImage, reduction: int = 1) -> np.ndarray:
        decoded.append(reduction)
        return decode(self, reduction)

    monkeypatch.setattr(EncodedImage, "_decode", counting)
    for orientation in ORIENTATIONS:
        oriented(image, orientation).pixels(128)
    assert len(decoded) == 1


def test_an_orientation_is_told_in_words() -> None:
    assert [str(one) for one in ORIENTATIONS[:2]] == ["as it is", "turned by 90°"]
    assert [str(one) for one in UNTURNED] == ["as it is", "mirrored"]
    assert str(Orientation(180, mirrored=True)) == "mirrored, turned by 180°"
    assert Orientation(90).to_dict() == {"turned": 90, "mirrored": False}


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_places_go_where_their_pixels_go(orientation: Orientation) -> None:
    image = np.zeros((5, 7), np.uint8)
    image[1, 2] = 1
    (row,), (column,) = np.nonzero(orientation.of(image))
    place = orientation.matrix(7, 5) @ [2.5, 1.5, 1]
    assert place.tolist() == [column + 0.5, row + 0.5, 1]
