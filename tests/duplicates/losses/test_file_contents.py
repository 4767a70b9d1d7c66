"""What a file holds beyond the image that is compared, and what its copy does not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from cbir.duplicates.losses.file_contents import LazyFile, file_losses
from cbir.images.contents.color_space import Gamut, compare_gamuts
from cbir.images.contents.file_contents import read_contents
from cbir.images.encoded_image import EncodedImage

Pixels = np.ndarray


def photo(seed: int = 0, width: int = 96, height: int = 64) -> Image.Image:
    """Smooth patches in strong colors."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def content(data: bytes) -> LazyFile:
    return LazyFile(lambda: EncodedImage("image", data))


def lost(copy: bytes, kept: bytes, **options: bool) -> list[str]:
    return [loss.kind for loss in file_losses(content(copy), content(kept), **options)]


def profile(*primaries: float) -> bytes:
    """Make a color profile by hand: x and y of red, green and blue under D50 (ICC.1:2010)."""
    points = np.reshape(primaries, (3, 2))
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in points]).T
    white = np.array([0.9642, 1.0, 0.8249])
    columns = columns * np.linalg.solve(columns, white)

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, 563, 0)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"wide\0" + bytes(78)
    tags = {b"desc": text + bytes(-len(text) % 4), b"wtpt": b"XYZ " + bytes(4) + fixed(*white)}
    for name, column in zip((b"r", b"g", b"b"), columns.T, strict=True):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*column)
        tags[name + b"TRC"] = curve
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    header = struct.pack(">I4sI", start + len(body), bytes(4), 0x02400000) + b"mntrRGB XYZ "
    header = header.ljust(36, b"\0") + b"acsp" + bytes(28) + fixed(*white)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDE = profile(0.73, 0.27, 0.12, 0.82, 0.04, 0.01)
"""Wider than sRGB in every direction."""


# Frames and pages


def test_further_pages_of_a_tiff_are_lost() -> None:
    pages = [photo(seed) for seed in range(3)]
    scan = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    first = encoded(pages[0], "PNG")
    assert lost(scan, first) == ["frames"]
    assert lost(first, scan) == []
    (loss,) = file_losses(content(scan), content(first))
    assert loss.detail == "2 of 2 further frames or pages"


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_is_not_held_by_its_first_frame(format_: str) -> None:
    frames = [photo(seed) for seed in range(3)]
    moving = encoded(frames[0], format_, save_all=True, append_images=frames[1:], duration=100)
    still = encoded(frames[0], format_)
    assert lost(moving, still) == ["frames"] and lost(still, moving) == []


def test_equal_pages_are_held_in_any_file() -> None:
    pages = [photo(seed) for seed in range(3)]
    scan = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    packed = encoded(
        pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw"
    )
    other = encoded(pages[0], "TIFF", save_all=True, append_images=[pages[1], photo(9)])
    assert lost(scan, packed) == lost(packed, scan) == []
    assert lost(scan, other) == ["frames"]
    (loss,) = file_losses(content(scan), content(other))
    assert loss.detail == "1 of 2 further frames or pages"


def test_a_thumbnail_in_a_tiff_is_no_page() -> None:
    small = photo().resize((24, 16))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    data = encoded(photo(), "TIFF", save_all=True, append_images=[small])
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 2
        image.seek(1)
        assert image.tag_v2[254] == 1
    assert lost(data, encoded(photo(), "PNG")) == []


def test_the_video_of_a_motion_photo_is_lost() -> None:
    still = encoded(photo(), "JPEG")
    video = still + struct.pack(">I", 24) + b"ftypmp42" + bytes(range(200))
    assert lost(video, still) == ["frames"] and lost(still, video) == []
    assert lost(video, video + bytes(9)) == ["frames"]
    progressive = encoded(photo(), "JPEG", progressive=True, quality=95)
    assert lost(progressive + bytes(100), still) == []
    assert lost(progressive + b"\xff\xd8\xff more", still) == ["frames"]


def test_what_follows_the_end_of_a_png_is_lost() -> None:
    still = encoded(photo(), "PNG")
    assert lost(still + b"PK\3\4 an archive", still) == ["frames"]


def test_further_images_of_a_jpeg_are_lost() -> None:
    pair = encoded(photo(), "MPO", save_all=True, append_images=[photo(1)])
    assert lost(pair, encoded(photo(), "JPEG")) == ["frames"]


def animation(*frames: int, format_: str = "GIF", duration: int = 100) -> bytes:
    first, *further = (photo(seed).quantize(16) for seed in frames)
    options = {"save_all": True, "append_images": further, "duration": duration}
    return encoded(first, format_, **options)


@pytest.mark.parametrize("format_", ["GIF", "PNG"])
def test_order_and_repetition_of_frames_are_lost(format_: str) -> None:
    moving = animation(0, 1, 2, 1, format_=format_)
    assert lost(moving, moving + bytes(2)) == []
    assert lost(moving, animation(0, 1, 2, format_=format_)) == ["frames"]
    assert lost(animation(0, 1, 2, format_=format_), moving) == []
    (loss,) = file_losses(content(moving), content(animation(0, 2, 1, 1, 3, format_=format_)))
    assert loss.detail.startswith(("the order", "1 of 3"))
    (loss,) = file_losses(content(animation(0, 1, 2)), content(animation(0, 2, 1)))
    assert loss.detail == "the order of the frames"
    again = content(animation(0, 1, 0)), content(animation(0, 1, 2))
    assert [loss.detail for loss in file_losses(*again)] == ["1 of 2 further frames or pages"]


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
def test_the_speed_of_an_animation_is_lost(format_: str) -> None:
    slow, fast = (animation(0, 1, 2, format_=format_, duration=ms) for ms in (200, 40))
    assert lost(slow, slow + bytes(2)) == []
    (loss,) = file_losses(content(slow), content(fast))
    assert loss.kind == "frames" and loss.detail == "how long each frame is shown"


def test_the_depth_map_of_a_heic_is_lost() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    image = photo()
    image.putalpha(photo(1).convert("L"))
    clear = encoded(image, "HEIF")
    assert b"hevc:2015:auxid:1\0" in clear and read_contents(EncodedImage("a", clear)).extras == ()
    deep = clear.replace(b"hevc:2015:auxid:1\0", b"hevc:2015:auxid:2\0")
    ((what, _),) = read_contents(EncodedImage("a", deep)).extras
    assert what.startswith("auxiliary images (depth)")
    assert "frames" in lost(deep, encoded(photo(), "HEIF"))
    assert "frames" not in lost(deep, deep + bytes(9))


# Depth


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jp2"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_not_held_by_eight(suffix: str, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (40, 60, channels), dtype=np.uint16)
    deep = cv2.imencode(suffix, values)[1].tobytes()
    export = cv2.imencode(".png", (values >> 8).astype(np.uint8))[1].tobytes()
    assert lost(deep, export) == ["depth"] and lost(export, deep) == []
    assert lost(deep, deep, same_pixels=True) == []


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_values_that_are_equal_in_8_bits_only_are_not_the_same(suffix: str, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (40, 60, channels), dtype=np.uint16)
    deep = cv2.imencode(suffix, values)[1].tobytes()
    packed = cv2.imencode(".png", values, (cv2.IMWRITE_PNG_COMPRESSION, 9))[1].tobytes()
    assert lost(packed, deep, same_pixels=True) == []
    finer = cv2.imencode(suffix, values ^ 1)[1].tobytes()
    assert lost(finer, deep) == []  # merely near: recompressed
    assert lost(finer, deep, same_pixels=True) == ["depth"]


def test_a_ppm_says_how_many_bits_it_has() -> None:
    wide = np.asarray(photo()).astype(">u2") * 257
    data = b"P6 96 64 65535\n" + wide.tobytes()
    assert lost(data, encoded(photo(), "PNG")) == ["depth"]
    assert lost(encoded(photo(), "PPM"), encoded(photo(), "PNG")) == []


def test_gray_is_not_held_by_black_and_white() -> None:
    gray = photo().convert("L")
    assert lost(encoded(gray, "PNG"), encoded(gray.convert("1"), "PNG")) == ["depth"]
    assert lost(encoded(gray.convert("1"), "PNG"), encoded(gray, "PNG")) == []


def test_the_depth_of_a_heic_is_read() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = encoded(photo(), "HEIF")
    assert read_contents(EncodedImage("a.heic", data)).depth == 8
    assert lost(data, encoded(photo(), "JPEG")) == []
    values = np.random.default_rng(0).integers(0, 65536, (64, 64, 3), dtype=np.uint16)
    file = io.BytesIO()
    heif.encode("RGB;16", (64, 64), values.tobytes(), file)
    assert lost(file.getvalue(), encoded(photo(), "JPEG")) == ["depth"]


# Transparency


def cutout(background: int = 0) -> Image.Image:
    """A disk on nothing."""
    image = photo(width=96, height=96)
    mask = Image.new("L", image.size, background)
    ImageDraw.Draw(mask).ellipse((16, 16, 80, 80), fill=255)
    image.putalpha(mask)
    return image


def flattened(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def test_transparency_is_not_held_by_a_flat_image() -> None:
    clear, flat = encoded(cutout(), "PNG"), encoded(flattened(cutout()), "JPEG", quality=90)
    assert lost(clear, flat) == ["alpha"] and lost(flat, clear) == []


def test_faint_transparency_is_not_held_by_an_opaque_image() -> None:
    faint = photo(width=96, height=96)
    faint.putalpha(Image.linear_gradient("L").resize(faint.size).point(lambda a: 255 - a // 40))
    opaque = photo(width=96, height=96)
    for kept in (encoded(opaque, "PNG"), encoded(opaque, "JPEG", quality=90)):
        assert lost(encoded(faint, "PNG"), kept) == ["alpha"]


def test_the_same_transparency_is_held_resized_and_in_another_format() -> None:
    clear = encoded(cutout(), "PNG")
    small = cutout().resize((50, 50), Image.Resampling.LANCZOS)
    assert lost(encoded(small, "WEBP", quality=60), clear) == []
    assert lost(clear, encoded(small, "PNG")) == []


def test_another_transparency_is_lost() -> None:
    moved = cutout()
    moved.putalpha(
        moved.getchannel("A").transpose(Image.Transpose.ROTATE_90).point(lambda a: 255 - a)
    )
    assert lost(encoded(cutout(), "PNG"), encoded(moved, "PNG")) == ["alpha"]


def test_an_unused_alpha_channel_is_nothing() -> None:
    opaque = cutout(background=255)
    assert opaque.mode == "RGBA"
    assert lost(encoded(opaque, "PNG"), encoded(photo(), "JPEG")) == []


def test_one_transparent_color_is_transparency() -> None:
    image = photo().quantize(16)
    data = encoded(image, "PNG", transparency=3)
    assert lost(data, encoded(photo(), "PNG")) == ["alpha"]


# Gamut


def test_the_same_numbers_in_another_gamut_are_other_colors() -> None:
    wide = encoded(photo(), "PNG", icc_profile=WIDE)
    bare = encoded(photo(), "PNG")
    for same in (True, False):
        assert lost(wide, bare, same_pixels=same) == ["gamut"]
        assert lost(bare, wide, same_pixels=same) == ["gamut"]


def test_the_same_numbers_of_a_muted_image_are_other_colors_too() -> None:
    muted = Image.fromarray((np.asarray(photo()) // 4 + 96).astype(np.uint8))
    plain, labeled = encoded(muted, "PNG"), encoded(muted, "PNG", icc_profile=WIDE)
    assert lost(plain, labeled, same_pixels=True) == ["gamut"]


def with_profile(format_: str) -> bytes:
    """Encode an image with a profile in the way of formats for which Pillow writes none."""
    if format_ == "GIF":
        data = encoded(photo().quantize(16), "GIF")
        blocks = [WIDE[i : i + 255] for i in range(0, len(WIDE), 255)]
        note = b"!\xff\x0bICCRGBG1012" + b"".join(bytes([len(one)]) + one for one in blocks)
        place = 13 + (3 << ((data[10] & 7) + 1))
        return data[:place] + note + b"\0" + data[place:]
    if format_ == "JPEG2000":
        data = encoded(photo(), "JPEG2000")
        box, header = data.index(b"colr") - 4, data.index(b"jp2h") - 4
        size = int.from_bytes(data[box : box + 4])
        new = struct.pack(">I", 11 + len(WIDE)) + b"colr" + bytes([2, 0, 0]) + WIDE
        whole = int.from_bytes(data[header : header + 4]) - size + len(new)
        head = data[:header] + struct.pack(">I", whole) + data[header + 4 : box]
        return head + new + data[box + size :]
    pixels = np.asarray(photo())[::-1, :, ::-1].tobytes()
    head = struct.pack("<2sIHHI", b"BM", 138 + len(pixels) + len(WIDE), 0, 0, 138)
    head += struct.pack("<IiiHHIIiiII", 124, 96, 64, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    head += bytes(16) + b"DEBM" + bytes(48)
    return head + struct.pack("<IIII", 4, 124 + len(pixels), len(WIDE), 0) + pixels + WIDE


@pytest.mark.parametrize("format_", ["GIF", "JPEG2000", "BMP"])
def test_profiles_count_in_formats_whose_reader_does_not_tell_of_them(format_: str) -> None:
    labeled = with_profile(format_)
    assert read_contents(EncodedImage("image", labeled)).gamut.profile == WIDE
    with Image.open(io.BytesIO(labeled)) as image:
        plain = encoded(image.convert("RGB"), "PNG")
    assert "gamut" in lost(labeled, plain)


def test_the_colors_of_a_tiff_count_in_numbers_and_on_every_page() -> None:
    plain = encoded(photo(), "TIFF")
    for primaries, expected in (((0.64, 0.33, 0.21, 0.71, 0.15, 0.06), ["gamut"]),
                                ((0.64, 0.33, 0.3, 0.6, 0.15, 0.06), [])):  # fmt: skip
        tags = {318: (0.3127, 0.329), 319: primaries}
        assert lost(encoded(photo(), "TIFF", tiffinfo=tags), plain) == expected
    pages = [photo(), photo(1)]
    scan = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    pages[1].encoderinfo = {"icc_profile": WIDE}
    labeled = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert lost(labeled, scan) == ["frames"] and lost(labeled, labeled + b"\0") == []


def test_colors_that_were_converted_to_a_smaller_gamut_are_held() -> None:
    wide = Gamut("RGB", "wide", WIDE)
    assert (
        compare_gamuts(Gamut("RGB"), wide) == "within"
        and compare_gamuts(wide, Gamut("RGB")) == "other"
    )
    source = ImageCms.ImageCmsProfile(io.BytesIO(SRGB))
    target = ImageCms.ImageCmsProfile(io.BytesIO(WIDE))
    original = ImageCms.profileToProfile(photo(), source, target)
    assert original is not None
    export = encoded(photo(), "JPEG", quality=85)
    assert lost(export, encoded(original, "JPEG", quality=95, icc_profile=WIDE)) == []
    assert lost(encoded(original, "JPEG", quality=95, icc_profile=WIDE), export) == ["gamut"]


def test_srgb_may_be_said_or_not() -> None:
    bare = encoded(photo(), "JPEG")
    for data in (
        encoded(photo(), "JPEG", icc_profile=SRGB),
        encoded(photo(), "WEBP", icc_profile=SRGB),
        encoded(photo(), "TIFF", icc_profile=SRGB),
        encoded(photo().convert("L"), "JPEG"),
        with_chunk(b"sRGB", b"\0"),
        with_chunk(b"gAMA", struct.pack(">I", 45455)),
    ):
        assert lost(data, bare) == lost(bare, data) == []


def with_chunk(name: bytes, value: bytes) -> bytes:
    info = PngInfo()
    info.add(name, value)
    return encoded(photo(), "PNG", pnginfo=info)


def test_a_png_says_its_colors_without_a_profile() -> None:
    bare = encoded(photo(), "JPEG")
    for data in (
        with_chunk(b"gAMA", struct.pack(">I", 100_000)),
        with_chunk(b"cICP", bytes((9, 16, 0, 1))),
    ):
        assert lost(data, bare) == lost(bare, data) == ["gamut"]
        assert lost(data, data[:-12] + data[-12:]) == []


def test_inks_are_not_held_by_lights() -> None:
    inks = encoded(photo().convert("CMYK"), "JPEG", quality=95)
    assert lost(inks, encoded(photo(), "JPEG")) == ["gamut"]


def test_a_profile_that_is_damaged_equals_only_itself() -> None:
    broken = encoded(photo(), "JPEG", icc_profile=WIDE[:150])
    assert lost(broken, encoded(photo(), "JPEG")) == ["gamut"]
    assert lost(broken, encoded(photo(), "JPEG", quality=30, icc_profile=WIDE[:150])) == []


# In general


def test_plain_copies_lose_nothing() -> None:
    original = encoded(photo(), "JPEG", quality=95)
    for copy in (
        encoded(photo(), "JPEG", quality=30, progressive=True, optimize=True),
        encoded(photo().resize((48, 32)), "PNG"),
        encoded(photo().convert("L"), "PNG"),
        encoded(photo().quantize(64), "GIF"),
        encoded(photo(), "WEBP", quality=60),
        encoded(photo(), "BMP"),
        encoded(photo(), "TIFF"),
        encoded(photo(), "PPM"),
        encoded(photo(), "JPEG2000"),
        encoded(photo(), "AVIF"),
        encoded(photo(), "JPEG", comment=b"a note", exif=Image.Exif()),
    ):
        assert lost(copy, original) == []


def test_what_cannot_be_found_out_counts_as_lost(tmp_path: Path) -> None:
    pages = encoded(photo(), "TIFF", save_all=True, append_images=[photo(1)])
    first = EncodedImage("scan.tif", pages)
    damaged = pages.replace(pages[-60:], zlib.compress(b"x").ljust(60, b"\1"))
    assert read_contents(first).further == (1,)
    losses = file_losses(content(b"no image"), content(damaged))
    assert [loss.kind for loss in losses] == ["frames", "depth", "alpha", "gamut"]
    assert all(loss.detail.startswith("unknown: ") for loss in losses)
