"""What stands in a file beside its images is found, and ordinary files have nothing."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from cbir.core.errors import UnreadableImageError
from cbir.duplicates.losses.file_contents import LazyFile, file_losses
from cbir.images.contents.file_contents import read_contents
from cbir.images.encoded_image import EncodedImage


def photo(seed: int = 0, width: int = 96, height: int = 64) -> Image.Image:
    """Smooth patches in strong colors."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


OTHER = encoded(photo(7), "PNG")
SMALL = encoded(photo(7, 24, 16), "JPEG")


def extras(data: bytes) -> list[str]:
    return [what for what, _ in read_contents(EncodedImage("image", data)).extras]


def lost(copy: bytes, kept: bytes) -> list[str]:
    files = [LazyFile(lambda data=data: EncodedImage("image", data)) for data in (copy, kept)]
    return [loss.kind for loss in file_losses(*files, same_pixels=True)]


# Behind the image

BY_FORMAT = {
    "GIF": encoded(photo(), "GIF", comment=b"a note"),
    "animated GIF": encoded(photo(), "GIF", save_all=True, append_images=[photo(1)], loop=0),
    "WEBP": encoded(photo(), "WEBP"),
    "animated WEBP": encoded(photo(), "WEBP", save_all=True, append_images=[photo(1)]),
    "BMP": encoded(photo(), "BMP"),
    "palette BMP": encoded(photo().quantize(16), "BMP"),
    "PPM": encoded(photo(), "PPM"),
    "PGM": encoded(photo().convert("L"), "PPM"),
    "PBM": encoded(photo().convert("1"), "PPM"),
    "16-bit PGM": b"P5\n# a note\n7 5 65535\n" + bytes(70),
    "10-bit PPM": b"P6 2 2 1023\n" + bytes(24),
    "PPM in digits": b"P3 2 1 255\n1 2 3 # a P6\n 4 5 6\n",
    "TIFF": encoded(photo(), "TIFF"),
    "packed TIFF": encoded(photo(), "TIFF", compression="tiff_lzw"),
    "TIFF with pages": encoded(photo(), "TIFF", save_all=True, append_images=[photo(1)]),
    "JPEG2000": encoded(photo(), "JPEG2000"),
    "bare JPEG2000": encoded(photo(), "JPEG2000", no_jp2=True),
    "TGA": encoded(photo(), "TGA"),
    "packed TGA": encoded(photo(), "TGA", compression="tga_rle"),
    "TGA without a footer": encoded(photo(), "TGA")[:-26],
    "AVIF": encoded(photo(), "AVIF"),
    "PNG": encoded(photo(), "PNG"),
    "animated PNG": encoded(photo(), "PNG", save_all=True, append_images=[photo(1)]),
    "JPEG": encoded(photo(), "JPEG"),
    "JPEG with images": encoded(photo(), "MPO", save_all=True, append_images=[photo(1)]),
}


@pytest.mark.parametrize("name", BY_FORMAT)
def test_an_image_behind_an_image_is_lost(name: str) -> None:
    plain = BY_FORMAT[name]
    assert extras(plain) == [] and extras(plain + bytes(3)) == []
    for more in (OTHER, SMALL, plain):
        assert "frames" in lost(plain + more, plain), more[:4]
        assert extras(plain + more)[0].partition(" (")[0].endswith("behind the image")
    assert "frames" not in lost(plain, plain + OTHER)


def test_an_image_in_a_heic_or_behind_it_is_lost() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    plain = encoded(photo(), "HEIF")
    assert extras(plain) == []
    for more in (OTHER, plain, struct.pack(">I4s", len(OTHER) + 8, b"prVW") + OTHER):
        assert "frames" in lost(plain + more, plain)


def test_the_size_in_a_header_does_not_hide_what_is_appended() -> None:
    webp, bmp = BY_FORMAT["WEBP"], BY_FORMAT["BMP"]
    chunk = b"prVW" + struct.pack("<I", len(OTHER)) + OTHER + bytes(len(OTHER) % 2)
    size = struct.pack("<I", len(webp) + len(chunk) - 8)
    assert extras(webp[:4] + size + webp[8:] + chunk) == [f"chunks prVW ({len(OTHER):,} bytes)"]
    size = struct.pack("<I", len(bmp) + len(OTHER))
    assert extras(bmp[:2] + size + bmp[6:] + OTHER)


def test_a_longer_box_does_not_hide_what_is_appended() -> None:
    plain = BY_FORMAT["JPEG2000"]
    place = plain.index(b"jp2c") - 4
    assert extras(plain[:place] + bytes(4) + plain[place + 4 :]) == []
    assert extras(plain[:place] + bytes(4) + plain[place + 4 :] + OTHER)


# JPEG


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(marker: int, content: bytes) -> bytes:
    plain = BY_FORMAT["JPEG"]
    return plain[:2] + segment(marker, content) + plain[2:]


def samsung(*blocks: tuple[bytes, bytes]) -> bytes:
    """Make the trailer that phones append: named notes, a directory of them, its length, a mark."""
    body, entries = b"", []
    for name, note in blocks:
        block = struct.pack("<HHI", 0, 0x0A01, len(name)) + name + note
        entries.append((len(body), len(block)))
        body += block
    table = b"SEFH" + struct.pack("<II", 106, len(entries))
    for start, size in entries:
        table += struct.pack("<HHII", 0, 0x0A01, len(body) - start, size)
    return body + table + struct.pack("<I", len(table)) + b"SEFT"


NOTES = ((b"Image_UTC_Data", b"1502733600000"), (b"MCC_Data", b"262"))


def test_the_notes_of_a_phone_are_nothing() -> None:
    plain = BY_FORMAT["JPEG"]
    assert extras(plain + samsung(*NOTES)) == []
    assert extras(plain + bytes(40) + samsung(*NOTES)) == []
    assert extras(BY_FORMAT["JPEG with images"] + samsung(*NOTES)) == []


@pytest.mark.parametrize(
    "tail",
    [
        OTHER + b"SEFT",
        OTHER + samsung(*NOTES),
        samsung(*NOTES, (b"DualShot_DepthMap_1", OTHER)),
        samsung(*NOTES, (b"DualShot_DepthMap_1", bytes(range(256)) * 400)),
        b"raw depth" + samsung(*NOTES),
        samsung(*NOTES)[:-8] + b"\xff\xff\xff\xffSEFT",
        samsung((b"", b"")).replace(b"SEFH\x6a\0\0\0\1", b"SEFH\x6a\0\0\0\xff"),
    ],
)
def test_a_trailer_does_not_hide_what_stands_before_or_in_it(tail: bytes) -> None:
    plain = BY_FORMAT["JPEG"]
    assert lost(plain + tail, plain) == ["frames"]


def test_data_between_the_images_of_a_jpeg_is_lost() -> None:
    first, second = (encoded(photo(seed), "JPEG") for seed in range(2))

    def joined(gap: bytes) -> bytes:
        index = b"MPF\0II*\0\x08\0\0\0" + struct.pack("<H", 3)
        index += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
        index += struct.pack("<HHII", 0xB001, 4, 1, 2) + struct.pack("<HHII", 0xB002, 7, 32, 50)
        start = len(first) + len(gap) + 4 + len(index) + 4 + 32 - 10
        index += bytes(4) + struct.pack("<IIIHH", 0x030000, len(first), 0, 0, 0)
        index += struct.pack("<IIIHH", 0, len(second), start, 0, 0)
        return first[:2] + segment(0xE2, index) + first[2:] + gap + second

    facts = read_contents(EncodedImage("pair", joined(bytes(10))))
    assert facts.further == (1,) and facts.extras == ()
    assert lost(joined(OTHER), joined(b"")) == ["frames"]


def test_extended_xmp_is_lost() -> None:
    plain = BY_FORMAT["JPEG"]
    depth = with_segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + SMALL)
    assert lost(depth, plain) == ["frames"] and lost(depth, depth) == []
    short = b'http://ns.adobe.com/xap/1.0/\0<x GDepth:Data="' + base64.b64encode(SMALL) + b'"/>'
    assert lost(with_segment(0xE1, short), plain) == ["frames"]


def test_metadata_of_a_jpeg_is_nothing_and_private_images_are_lost() -> None:
    exif = Image.Exif()
    exif[270] = "a caption"
    plain = encoded(photo(), "JPEG", exif=exif, xmp=b"<x>GDepth</x>", comment=b"a note")
    assert extras(plain) == []
    assert extras(with_segment(0xE1, b"Exif\0\0" + SMALL)) == []  # the usual thumbnail
    assert extras(with_segment(0xED, b"Photoshop 3.0\0" + SMALL)) == []
    assert extras(with_segment(0xE4, b"debugging" + bytes(range(255, -1, -1)) * 200)) == []
    for marker in (0xE1, 0xE2, 0xE9, 0xFE):
        assert extras(with_segment(marker, b"maker\0" + SMALL))[0].startswith("private segments")
    assert extras(with_segment(0xE1, b"FLIR\0" + bytes(100)))


# PNG


def with_chunk(name: bytes, content: bytes, count: int = 1) -> bytes:
    plain = BY_FORMAT["PNG"]
    chunk = struct.pack(">I", len(content)) + name + content
    chunk += struct.pack(">I", zlib.crc32(name + content))
    return plain[:33] + chunk * count + plain[33:]


def test_metadata_of_a_png_is_nothing() -> None:
    info = PngInfo()
    info.add_text("prompt", "my work " * 500)
    info.add_itxt("XML:com.adobe.xmp", "<x/>" * 900, zip=True)
    full = encoded(photo(), "PNG", pnginfo=info, dpi=(72, 72), exif=Image.Exif())
    assert extras(full) == []
    for name in (b"iDOT", b"vpAg", b"orNT", b"tIME"):
        assert extras(with_chunk(name, bytes(28))) == []


def test_private_chunks_and_long_texts_of_a_png_are_lost() -> None:
    for data in (
        with_chunk(b"prVW", SMALL),
        with_chunk(b"mkBT", bytes(range(256)) * 9),
        with_chunk(b"prVW", bytes(range(250)), count=9),
        with_chunk(b"tEXt", b"image\0" + b"iVBORw0KGgo" * 7000),
        with_chunk(b"tEXt", b"image\0" + b"iVBORw0KGgo" * 700, count=10),
    ):
        assert lost(data, BY_FORMAT["PNG"]) == ["frames"]


def test_frames_of_a_png_that_is_not_shown_moving_are_lost() -> None:
    moving = BY_FORMAT["animated PNG"]
    place = moving.index(b"acTL") - 4
    assert lost(moving[:place] + moving[place + 20 :], BY_FORMAT["PNG"]) == ["frames"]


# TIFF


def tiff(samples: np.ndarray, extra: tuple[int, ...]) -> bytes:
    """Make an uncompressed RGB TIFF with further samples a pixel."""
    height, width, count = samples.shape
    entries = [(256, 4, (width,)), (257, 4, (height,)), (258, 3, (8,) * count), (259, 3, (1,))]
    entries += [(262, 3, (2,)), (273, 4, (8,)), (277, 3, (count,)), (278, 4, (height,))]
    entries += [(279, 4, (samples.nbytes,)), (338, 3, extra)]
    start = 8 + samples.nbytes
    table, values = struct.pack("<H", len(entries)), b""
    for tag, kind, numbers in entries:
        value = struct.pack(f"<{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(value) > 4:
            place = start + 2 + 12 * len(entries) + 4 + len(values)
            value, values = struct.pack("<I", place), values + value + bytes(len(value) % 4)
        table += struct.pack("<HHI", tag, kind, len(numbers)) + value.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", start) + samples.tobytes() + table + bytes(4) + values


@pytest.mark.parametrize("extra", [(0,), (0, 0), (2, 0)])
def test_channels_that_are_not_shown_are_lost(extra: tuple[int, ...]) -> None:
    shown = np.asarray(photo())
    hidden = [np.full(shown.shape[:2], 255, np.uint8), np.asarray(photo(3).convert("L"))]
    data = tiff(np.dstack([shown, *hidden[-len(extra) :]]), extra)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (96, 64)
    assert "frames" in lost(data, BY_FORMAT["TIFF"])
    assert "frames" not in lost(BY_FORMAT["TIFF"], data)
    assert lost(data, data) == []


def test_a_shown_alpha_channel_is_no_hidden_one() -> None:
    opaque = np.full((64, 96), 255, np.uint8)
    assert extras(tiff(np.dstack([np.asarray(photo()), opaque]), (2,))) == []


def reduced(page: Image.Image) -> bytes:
    page.encoderinfo = {"tiffinfo": {254: 1}}  # type: ignore[attr-defined]
    return encoded(photo(), "TIFF", save_all=True, append_images=[page], compression="tiff_lzw")


def test_a_page_that_only_says_it_is_reduced_is_lost() -> None:
    for page in (photo(5), photo(5, 24, 16), photo(0, 96, 32), photo()):
        assert lost(reduced(page), BY_FORMAT["TIFF"]) == ["frames"]
    assert lost(reduced(photo(0, 24, 16)), BY_FORMAT["TIFF"]) == []


def with_tags(page: Image.Image, tags: dict[int, bytes]) -> Image.Image:
    page.encoderinfo = {"tiffinfo": tags}  # type: ignore[attr-defined]
    return page


@pytest.mark.parametrize("tag", [37724, 65000])
@pytest.mark.parametrize("place", [0, 1])
def test_layers_and_private_data_of_any_page_are_lost(tag: int, place: int) -> None:
    plain = BY_FORMAT["TIFF with pages"]
    pages = [photo(), photo(1)]
    info = ImageFileDirectory_v2()
    info[tag], info.tagtype[tag] = np.random.default_rng(0).bytes(70_000), 7
    first = {"tiffinfo": info} if place == 0 else {}
    if place:
        pages[1].encoderinfo = {"tiffinfo": info}  # type: ignore[attr-defined]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], **first)
    assert lost(data, plain) == ["frames"] and lost(plain, data) == []


def test_what_fills_pixels_of_a_bmp_up_to_32_bits_is_lost_if_it_is_something() -> None:
    shown = np.dstack([np.asarray(photo())[::-1, :, ::-1], np.zeros((64, 96), np.uint8)])
    head = struct.pack("<2sIHHI", b"BM", 54 + shown.nbytes, 0, 0, 54)
    head += struct.pack("<IiiHHIIiiII", 40, 96, 64, 1, 32, 0, shown.nbytes, 0, 0, 0, 0)
    plain = head + shown.tobytes()
    shown[..., 3] = np.asarray(photo(3).convert("L"))
    assert lost(head + shown.tobytes(), plain) == ["frames"]
    assert lost(plain, BY_FORMAT["PNG"]) == []


def test_notes_of_unknown_applications_are_lost_where_they_are_long() -> None:
    plain, raw = BY_FORMAT["JPEG"], np.random.default_rng(0).integers(1, 127, 60_000, np.uint8)
    for marker in (0xE3, 0xEC, 0xFE):
        segment = struct.pack(">BBH", 0xFF, marker, 2 + len(raw)) + raw.tobytes()
        assert lost(plain[:2] + segment + plain[2:], plain) == []
        assert lost(plain[:2] + 2 * segment + plain[2:], plain) == ["frames"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "I;16"])
def test_data_behind_the_pixels_of_a_png_is_lost(mode: str) -> None:
    image = Image.fromarray(np.arange(35, dtype=np.uint16).reshape(5, 7)) if mode == "I;16" else (
        photo(0, 33, 17).convert(mode)
    )  # fmt: skip
    data = encoded(image, "PNG")
    assert extras(data) == []
    start = data.index(b"IDAT")
    length = int.from_bytes(data[start - 4 : start])
    stored = data[start + 4 : start + 4 + length]
    rest = data[start + 8 + length :]
    for more in (stored + SMALL, zlib.compress(zlib.decompress(stored) + SMALL)):
        chunk = b"IDAT" + more
        whole = data[: start - 4] + struct.pack(">I", len(more)) + chunk
        whole += struct.pack(">I", zlib.crc32(chunk)) + rest
        assert extras(whole) == ["more data behind the pixels"]


# Hostile files


def test_many_pages_that_call_themselves_reduced_are_refused_soon() -> None:
    pages = [with_tags(photo(0, 24, 16), {254: 1}) for _ in range(300)]
    data = encoded(photo(), "TIFF", save_all=True, append_images=pages)
    assert len(read_contents(EncodedImage("image", data)).further) == 300 - 32


def test_frames_with_many_pixels_equal_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    data = BY_FORMAT["animated GIF"]
    assert lost(data, data + b"\0") == []
    monkeypatch.setattr("cbir.images.contents.frames._MOST_PIXELS", 96 * 64)
    assert lost(data, data + b"\0") == ["frames"]


@pytest.mark.parametrize("name", BY_FORMAT)
def test_damaged_files_are_unreadable_at_worst(name: str) -> None:
    plain = BY_FORMAT[name]
    random = np.random.default_rng(0)
    reasons = []
    for _ in range(30):
        damaged = bytearray(plain)
        for place in random.integers(0, min(len(plain), 400), 4):
            damaged[place] = random.integers(256)
        try:
            read_contents(
                EncodedImage("image", bytes(damaged[: random.integers(1, len(plain) + 1)]))
            )
        except UnreadableImageError as error:
            reasons.append(error.reason)
    assert reasons and all(reasons)


def test_too_many_parts_are_refused_soon() -> None:
    comments = b"#\n" * ((1 << 18) + 9)
    with pytest.raises(UnreadableImageError, match="too many parts"):
        extras(b"P3 1 1 255 1 2 3 " + comments)
    with pytest.raises(UnreadableImageError, match="too many parts"):
        extras(BY_FORMAT["AVIF"] + struct.pack(">I4s", 8, b"free") * ((1 << 18) + 9))


def test_directories_in_a_circle_end() -> None:
    data = bytearray(BY_FORMAT["TIFF"])
    start = struct.unpack("<I", data[4:8])[0]
    after = start + 2 + 12 * struct.unpack("<H", data[start : start + 2])[0]
    data[after : after + 4] = struct.pack("<I", start)
    assert extras(bytes(data)) == []
