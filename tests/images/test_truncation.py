"""A file that lacks only its end is decoded and warned of; one that lacks more stays unreadable."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cbir.core import stderr_capture
from cbir.core.errors import UnreadableImageError
from cbir.core.progress import ProgressListener
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.build import build_index
from tests.conftest import DATA

PHOTO = DATA / "cats" / "cat-1.jpg"


def encoded(format_: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.open(PHOTO).convert(mode).save(file, format_, **options)
    return file.getvalue()


def decode(data: bytes) -> EncodedImage:
    image = EncodedImage("test", data)
    with stderr_capture.capture():
        image.pixels(None)
    return image


_KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 2},
    "gray": {"mode": "L"},
    "cmyk": {"mode": "CMYK"},
}


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_marker_is_shown_whole(kind: str, missing: int) -> None:
    data = encoded("JPEG", **_KINDS[kind])  # type: ignore[arg-type]
    image = decode(data[:-missing])
    assert np.array_equal(image.pixels(None), decode(data).pixels(None))
    assert image.damage == "the end of the file is missing" and image.may_be_damaged
    assert image.data == data[:-missing]


def test_a_jpeg_without_its_last_few_blocks_is_decoded_and_told_of() -> None:
    data = encoded("JPEG")
    image = decode(data[:-6])
    assert "of the image with it" in image.damage
    other = decode(data).pixels(None)
    assert np.array_equal(image.pixels(None)[:-16], other[:-16])


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_jpeg_that_lacks_more_is_unreadable(kind: str, kept: float) -> None:
    data = encoded("JPEG", **_KINDS[kind])  # type: ignore[arg-type]
    with pytest.raises(UnreadableImageError):
        decode(data[: int(len(data) * kept)])


def test_a_progressive_jpeg_without_its_last_scans_is_unreadable() -> None:
    data = encoded("JPEG", progressive=True)
    last_scan = data.rindex(b"\xff\xda")
    with pytest.raises(UnreadableImageError):
        decode(data[:last_scan])


@pytest.mark.parametrize("missing", [1, 12, 14])
def test_a_png_without_its_end_chunk_is_shown_whole(missing: int) -> None:
    data = encoded("PNG")
    image = decode(data[:-missing])
    assert np.array_equal(image.pixels(None), decode(data).pixels(None))
    assert image.damage == "the end of the file is missing"


@pytest.mark.parametrize("missing", [40, 1000])
def test_a_png_that_lacks_pixels_is_unreadable(missing: int) -> None:
    with pytest.raises(UnreadableImageError):
        decode(encoded("PNG")[:-missing])


def test_what_is_whole_is_not_said_to_lack_anything() -> None:
    for format_ in ("JPEG", "PNG"):
        image = decode(encoded(format_))
        assert image.damage == "" and not image.may_be_damaged


def test_indexing_takes_it_warns_and_counts(tmp_path: Path) -> None:
    warnings = []

    class Listener(ProgressListener):
        def warn(self, message: str) -> None:
            warnings.append(message)

    stderr_capture.enable(False)  # in somebody's program the warning is told, too
    (tmp_path / "cut.jpg").write_bytes(PHOTO.read_bytes()[:-2])
    report = build_index(str(tmp_path), str(tmp_path / "index.csv"), listener=Listener())
    assert report.images == 1 and report.unreadable == ()
    assert report.warned == (str(tmp_path / "cut.jpg"),)
    assert warnings == [f"{tmp_path / 'cut.jpg'}: the end of the file is missing"]
