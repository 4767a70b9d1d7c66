"""The quick reading of JPEG headers: Pillow's answer, or none."""

from __future__ import annotations

import io
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cbir.core.errors import UnreadableImageError
from cbir.images import jpeg_header
from cbir.images.encoded_image import EncodedImage
from cbir.images.header import MONTAGE_MARKER
from cbir.images.jpeg_header import read_jpeg_header
from tests.compiled import compiled
from tests.conftest import DATA


def jpeg(mode: str = "RGB", size: tuple[int, int] = (21, 13), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 77).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def plain_size(data: bytes) -> tuple[int, int] | None:
    return read_jpeg_header(data)[0]


def has_many_scans(data: bytes) -> bool:
    return read_jpeg_header(data)[1]


def size_by_pillow(data: bytes) -> tuple[int, int] | None:
    """Return the size if Pillow takes `data` for a plain JPEG."""
    try:
        with mock.patch.object(Image, "MAX_IMAGE_PIXELS", None):
            image = Image.open(io.BytesIO(data))
    except OSError:
        return None
    plain = image.format == "JPEG" and image.mode in ("RGB", "L") and "exif" not in image.info
    return image.size if plain else None


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[0x0131] = MONTAGE_MARKER
    return tags


PLAIN = {
    "color": jpeg(),
    "gray": jpeg("L"),
    "progressive": jpeg(progressive=True),
    "optimized": jpeg(optimize=True),
    "with a comment": jpeg(comment=b"a" * 100),
    "with restarts": jpeg(restart_marker_rows=1),
    "with one table": jpeg(qtables=[[9] * 64]),
    "not subsampled": jpeg(subsampling=0),
    "wide": jpeg(size=(3000, 2)),
}
OTHER = {
    "with EXIF": jpeg(exif=exif()),
    "with a color profile": jpeg(icc_profile=b"a" * 200),
    "of four inks": jpeg("CMYK"),
    "with 16-bit tables": jpeg(qtables=[[999] * 64], quality=1).replace(
        b"\xff\xdb\0C\0", b"\xff\xdb\0C\x10", 1
    ),
    "no JPEG": b"GIF89a",
    "nothing": b"",
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_headers_are_read_as_pillow_reads_them(name: str) -> None:
    assert plain_size(PLAIN[name]) == size_by_pillow(PLAIN[name]) is not None


@pytest.mark.parametrize("name", OTHER)
def test_others_are_left_to_pillow(name: str) -> None:
    assert plain_size(OTHER[name]) is None


def test_images_of_every_kind_have_the_size_that_pillow_reads() -> None:
    known = 0
    for path in sorted(DATA.rglob("*.jp*g")):
        data = path.read_bytes()
        size = plain_size(data)
        known += size is not None
        assert size in (None, size_by_pillow(data))
    assert known


@pytest.mark.parametrize("name", PLAIN)
def test_a_header_that_is_cut_off_is_left_to_pillow(name: str) -> None:
    data = PLAIN[name]
    scan = data.index(b"\xff\xda")
    assert all(plain_size(data[:end]) is None for end in range(scan))


@given(st.sampled_from(sorted(PLAIN)), st.data())
def test_a_garbled_header_is_read_as_pillow_reads_it_or_not_at_all(
    name: str, draw: st.DataObject
) -> None:
    data = bytearray(PLAIN[name])
    places = st.integers(0, data.index(b"\xff\xda") + 8)
    changes = st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)
    for place, value in draw.draw(changes):
        data[place] = value
    assert plain_size(bytes(data)) in (None, size_by_pillow(bytes(data)))


@pytest.mark.parametrize("name", PLAIN)
def test_plain_images_are_decoded(name: str) -> None:
    image, decoded = EncodedImage(name, PLAIN[name]), Image.open(io.BytesIO(PLAIN[name]))
    assert np.array_equal(image.pixels(), np.asarray(decoded.convert("RGB")))


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2) + content


@pytest.mark.parametrize("frame", [0xC0, 0xC2])
def test_a_jpeg_of_thousands_of_scans_is_refused(frame: int) -> None:
    """Progressive, or with one component a scan: a decoder goes over all of the image for each."""
    size = (64).to_bytes(2)
    components = bytes([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
    head = b"\xff\xd8" + segment(0xC4, bytes(17)) + segment(frame, b"\x08" + 2 * size + components)
    scan = segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + b"\0"
    assert not has_many_scans(head + 20 * scan) and has_many_scans(head + 2000 * scan)
    with pytest.raises(UnreadableImageError, match="more scans than any encoder makes"):
        EncodedImage("image", head + 2000 * scan + b"\xff\xd9").pixels(None)


def test_what_looks_like_scans_behind_the_only_one_does_not_matter() -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG")
    data = file.getvalue() + 999 * b"\xff\xda"
    assert not has_many_scans(data) and EncodedImage("image", data).pixels(None).shape == (
        64,
        64,
        3,
    )


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255))))
def test_compiled_it_says_the_same_of_any_bytes(end: bytes, changes: list[tuple[int, int]]) -> None:
    run = compiled(jpeg_header._PARSING)
    data = bytearray((jpeg(progressive=len(end) % 2 == 0) + end)[: 700 - len(end)])
    for place, value in changes:
        data[place % len(data)] = value
    expected, found = jpeg_header._Facts(), jpeg_header._Facts()
    jpeg_header.parse(bytes(data), len(data), expected)
    run(bytes(data), len(data), found)
    assert list(found) == list(expected)
