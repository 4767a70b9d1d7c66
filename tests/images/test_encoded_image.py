"""Decoding: always upright 8-bit RGB, whatever the file is."""

from __future__ import annotations

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from cbir.core import stderr_capture
from cbir.core.errors import UnreadableImageError, UsageError
from cbir.images import decoding_memory, encoded_image
from cbir.images.encoded_image import EncodedImage
from cbir.images.header import MONTAGE_MARKER
from cbir.images.image_source import ArrayImage, open_image
from cbir.images.pixels import WORKING_SIZES, fit
from tests.conftest import DATA

PHOTO = DATA / "cats" / "cat-1.jpg"


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def pixels(data: bytes, size: int | None = None) -> np.ndarray:
    return EncodedImage("test", data).pixels(size)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.open(PHOTO).convert("RGB")


def test_a_jpeg_decodes_as_pillow_decodes_it() -> None:
    assert np.array_equal(EncodedImage.open(str(PHOTO)).pixels(), np.asarray(Image.open(PHOTO)))


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF", "BMP"])
def test_lossless_formats_come_out_exactly(photo: Image.Image, format_: str) -> None:
    options = {"lossless": True} if format_ == "WEBP" else {}
    assert np.array_equal(pixels(encoded(photo, format_, **options)), np.asarray(photo))


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"])
def test_every_color_mode_shows_the_same_image(photo: Image.Image, mode: str) -> None:
    gray = photo.convert("L")
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(photo, srgb, lab, outputMode="LAB")
    elif mode in ("I;16", "I"):
        deep = np.asarray(gray).astype(np.uint16 if mode == "I;16" else np.int32) * 257
        image = Image.fromarray(deep)
    elif mode == "F":
        image = Image.fromarray(np.asarray(gray).astype(np.float32) / 255)
    else:
        image = photo.convert(mode)
    expected = photo if mode in ("P", "CMYK", "YCbCr", "LAB") else gray.convert("RGB")
    format_ = "JPEG" if mode == "YCbCr" else "TIFF"
    decoded = cv2.blur(pixels(encoded(image, format_)), (9, 9)).astype(int)
    difference = np.abs(decoded - cv2.blur(np.asarray(expected), (9, 9)).astype(int))
    assert difference.mean() < 6


def test_float_values_beyond_one_are_stretched() -> None:
    ramp = np.linspace(-0.5, 0.5, 64, dtype=np.float32).reshape(8, 8)
    decoded = pixels(encoded(Image.fromarray(ramp), "TIFF"))
    assert decoded.min() == 0 and decoded.max() == 255


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_transparency_is_composited_on_white(format_: str) -> None:
    image = Image.new("RGBA", (20, 10), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 10, 10))
    decoded = pixels(encoded(image, format_, lossless=True))
    assert decoded[5, 5].tolist() == [255, 0, 0]
    assert decoded[5, 15].tolist() == [255, 255, 255]


def test_a_transparent_palette_is_composited_on_white() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 1)
    decoded = pixels(encoded(image, "PNG", transparency=0))
    assert decoded[0, 0].tolist() == [200, 100, 50]
    assert decoded[1, 1].tolist() == [255, 255, 255]


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for format_ in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], format_, save_all=True, append_images=frames[1:])
        assert np.abs(pixels(data)[4, 4].astype(int) - (255, 0, 0)).max() < 8, format_


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied_once(orientation: int, format_: str) -> None:
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20, :30] = (255, 0, 0)
    upright[20:, 30:] = (0, 0, 255)
    undo = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    exif = Image.Exif()
    exif[0x0112] = undo
    stored = ImageOps.exif_transpose(_with_exif(Image.fromarray(upright), exif))
    exif[0x0112] = orientation
    options = {"quality": 95} if format_ in ("JPEG", "WEBP") else {}
    image = EncodedImage("test", encoded(stored, format_, exif=exif, **options))
    assert (image.header.width, image.header.height) == (60, 40)
    assert np.abs(image.pixels().astype(int) - upright).mean() < 8
    assert image.pixels(128).shape == (40, 60, 3)


def _with_exif(image: Image.Image, exif: Image.Exif) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, "PNG", exif=exif)))


def test_a_misnamed_extension_is_read_by_content(tmp_path: Path, photo: Image.Image) -> None:
    (tmp_path / "png.jpg").write_bytes(encoded(photo, "PNG"))
    assert np.array_equal(EncodedImage.open(str(tmp_path / "png.jpg")).pixels(), np.asarray(photo))


def test_a_heic_file_is_read_with_the_extra(photo: Image.Image) -> None:
    import pillow_heif

    heif = pillow_heif.from_pillow(photo)
    buffer = io.BytesIO()
    heif.save(buffer, quality=90)
    assert np.abs(pixels(buffer.getvalue()).astype(int) - np.asarray(photo)).mean() < 8


@given(width=st.integers(1, 700), height=st.integers(1, 700), size=st.sampled_from(WORKING_SIZES))
def test_the_working_size_bounds_the_longest_side(width: int, height: int, size: int) -> None:
    image = Image.new("RGB", (width, height), "teal")
    for format_ in ("JPEG", "BMP"):
        decoded = pixels(encoded(image, format_), size)
        assert max(decoded.shape[:2]) == min(max(width, height), size)
        assert decoded.shape == fit(np.asarray(image), size).shape


def test_a_scaled_jpeg_decode_is_close_to_area_averaging(photo: Image.Image) -> None:
    data = encoded(photo.resize((1600, 1200), Image.Resampling.LANCZOS), "JPEG", quality=95)
    scaled, exact = pixels(data, 128), fit(pixels(data), 128)
    assert scaled.shape == exact.shape
    assert np.abs(scaled.astype(int) - exact).mean() < 2


def test_each_working_size_is_decoded_once() -> None:
    image = EncodedImage.open(str(PHOTO))
    assert image.pixels(128) is image.pixels(128)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty", b"", "empty"),
        ("text", b"this is no image\n" * 50, "not an image"),
        ("zeros", b"\0" * 5000, "not an image"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        EncodedImage(name, data).pixels(128)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_unreadable(photo: Image.Image, format_: str, kept: float) -> None:
    data = encoded(photo, format_)
    with stderr_capture.capture(), pytest.raises(UnreadableImageError):
        pixels(data[: int(len(data) * kept)], 128)


def test_a_jpeg_damaged_in_the_middle_is_decoded_and_warned_of(
    photo: Image.Image, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(encoded(photo, "JPEG"))
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(300)
    with stderr_capture.capture():
        image = EncodedImage("damaged", bytes(data))
        assert "Corrupt JPEG data" in stderr_capture.output_of(lambda: image.pixels(128))
        assert image.pixels(128).shape == (83, 128, 3)
    assert image.may_be_damaged
    assert capfd.readouterr().err == ""


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG whose header promises a huge image."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 4096)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (20_000, 13_000)])
def test_a_decompression_bomb_is_refused_from_its_header(width: int, height: int) -> None:
    with stderr_capture.capture(), pytest.raises(UnreadableImageError, match="256 million pixels"):
        pixels(bomb(width, height), 128)


def test_a_montage_of_ours_is_known_by_its_marker(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0131] = MONTAGE_MARKER
    assert EncodedImage("m", encoded(photo, "JPEG", exif=exif)).header.is_generated
    assert not EncodedImage("m", encoded(photo, "JPEG")).header.is_generated


def test_damaged_exif_does_no_harm(photo: Image.Image) -> None:
    data = encoded(photo, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage")
    with stderr_capture.capture():
        assert EncodedImage("exif", data).pixels().shape == (*photo.size[::-1], 3)


def test_arrays_are_taken_as_images(noise: np.ndarray) -> None:
    assert np.array_equal(open_image(noise).pixels(), noise)
    assert ArrayImage(noise[..., 0]).pixels(None).shape == noise.shape
    opaque = np.dstack([noise, np.full(noise.shape[:2], 255, np.uint8)])
    assert np.array_equal(ArrayImage(opaque).pixels(), noise)
    for wrong in (noise.astype(float), noise[..., :2], np.zeros((0, 5, 3), np.uint8)):
        with pytest.raises(UnreadableImageError):
            ArrayImage(wrong)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"BM"):
        with stderr_capture.capture(), pytest.raises(UnreadableImageError):
            EncodedImage("fuzz", start + data).pixels(128)


def test_both_byte_orders_of_16_bits_are_the_same_image() -> None:
    dark = np.arange(200, dtype=np.uint16).reshape(10, 20)
    little = pixels(encoded(Image.fromarray(dark), "TIFF"))
    big = pixels(encoded(Image.fromarray(dark.astype(">u2")), "TIFF"))
    assert np.array_equal(little, big) and little.max() == 0


def test_an_image_too_wide_for_opencv_is_decoded() -> None:
    assert pixels(encoded(Image.new("RGB", (1_100_000, 1), "red"), "PNG"), 128).shape == (1, 128, 3)


def test_programs_are_no_images() -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n%%EOF\n"
    with pytest.raises(UnreadableImageError, match="not an image"):
        pixels(postscript)


def test_decoding_shares_a_budget_and_its_size_changes_no_result(
    photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [encoded(photo, format_) for format_ in ("PNG", "JPEG", "WEBP")] * 4
    expected = [pixels(data, 128) for data in files]
    active, most = [], []

    def watched(data: bytes, reduction: int) -> np.ndarray | None:
        active.append(data)
        most.append(len(active))
        time.sleep(0.01)
        try:
            return decode(data, reduction)
        finally:
            active.remove(data)

    decode = encoded_image.decode_with_opencv
    monkeypatch.setattr(encoded_image, "decode_with_opencv", watched)
    monkeypatch.setenv(decoding_memory.DECODING_MB, "0")
    decoding_memory.decoding_budget.cache_clear()
    try:
        with ThreadPoolExecutor(4) as pool:
            decoded = list(pool.map(lambda data: pixels(data, 128), files))
    finally:
        decoding_memory.decoding_budget.cache_clear()
    assert max(most) == 1
    assert all(map(np.array_equal, decoded, expected))


@pytest.mark.parametrize("text", ["", "-1", "1.5", "lots"])
def test_a_budget_that_is_no_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(decoding_memory.DECODING_MB, text)
    decoding_memory.decoding_budget.cache_clear()
    try:
        with pytest.raises(UsageError, match="whole number of megabytes"):
            EncodedImage.open(str(PHOTO)).pixels(128)
    finally:
        decoding_memory.decoding_budget.cache_clear()


def test_of_a_large_image_only_the_working_sizes_are_kept(
    photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(photo, "PNG")
    expected = {size: pixels(data, size) for size in WORKING_SIZES}
    monkeypatch.setattr(encoded_image, "_KEPT", 1000)
    image = EncodedImage("large", data)
    for size in WORKING_SIZES:
        assert np.array_equal(image.pixels(size), expected[size])
    assert None not in image._decoded
