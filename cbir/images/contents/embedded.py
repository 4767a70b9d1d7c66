"""What stands in an image file beside the images that Pillow shows.

Videos and images behind the image, extended XMP (the depth maps of phones), private chunks, and
auxiliary images of a HEIC. Found by following the structure of the file; nothing is decoded.

Not found: what is put inside of metadata (EXIF, short XMP, color profiles, Photoshop's resources),
into unused parts of a TIFF or among the items of a HEIC; and what stands behind a JPEG XL that is
no container, an old JPEG in a TIFF, or an RLE bitmap that lies about its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from PIL import Image

from cbir.images.contents.containers import Chunk, bmff_boxes, gif_notes, png_chunks, riff_chunks
from cbir.images.contents.embedded_data import (
    CONTENT,
    LARGEST_NOTE,
    EmbeddedData,
    data_behind,
    end_without_zeros,
    has_media,
)
from cbir.images.contents.embedded_in_jpeg import embedded_in_jpeg
from cbir.images.contents.image_end import (
    end_of_bmp,
    end_of_codestream,
    end_of_pnm,
    end_of_tga,
    end_of_tiff,
)

_SMALL = 1 << 10
"""Bytes of a private chunk that cannot be another image."""

_PNG_PLAIN = frozenset(
    b"IHDR PLTE IDAT IEND acTL fcTL tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs "
    b"tIME oFFs pCAL sCAL sTER gIFg iDOT".split()
)
_PNG_NOTES = frozenset(b"tEXt zTXt iTXt sPLT caBX eXIf zxIf gIFx".split())
_RIFF_PLAIN = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ICCP"))
_RIFF_NOTES = frozenset((b"XMP ", b"EXIF"))
_BOXES_PLAIN = frozenset(
    (b"ftyp", b"meta", b"mdat", b"jP  ", b"jp2h", b"jp2c", b"JXL ", b"jxlc", b"jxlp", b"jbrd")
)
_BOXES_NOTES = frozenset((b"uuid", b"xml ", b"uinf", b"asoc", b"Exif", b"brob", b"jumb", b"free"))
_ONCE = frozenset((b"ftyp", b"meta", b"jP  ", b"jp2h", b"jp2c"))
_VIDEOS = frozenset((b"mpvd", b"moov"))

_GIF_NOTES = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"XMP DataXMP", b"ICCRGBG1012")

_AUXILIARY = re.compile(rb"auxC\0\0\0\0([ -~]+)\0")
_ALPHA_URNS = (b"auxid:1", b"auxiliary:alpha")


def embedded_data(image: Image.Image, data: bytes) -> list[EmbeddedData]:
    """Return what a file holds beside its images, frames and pages; mostly nothing.

    Parameters
    ----------
    image : Image
        As Pillow has opened it, at its first frame.
    data : bytes
        The file.

    Raises
    ------
    ValueError
        When it has too many parts to follow.
    """
    read = _READERS.get(image.format or "")
    return list(read(image, data)) if read else []


def _private(
    data: bytes, chunks: list[Chunk], plain: frozenset[bytes], notes: frozenset[bytes], noun: str
) -> Iterator[EmbeddedData]:
    """Yield what is too large for a note in chunks that are not of the image, by name."""
    named = dict[bytes, list[tuple[int, int]]]()
    for name, start, end in chunks:
        if name not in plain and (name != b"free" or CONTENT.search(data, start, end)):
            named.setdefault(name, []).append((start, end))
    for name, ranges in named.items():
        found = EmbeddedData(f"{noun} {name.decode('ascii', 'replace').strip()}", tuple(ranges))
        if found.size > (LARGEST_NOTE if name in notes else _SMALL) or (
            name not in notes and any(has_media(data, *one) for one in ranges)
        ):
            yield found


def _in_png(image: Image.Image, data: bytes) -> Iterator[EmbeddedData]:
    chunks, end = png_chunks(data)
    frames = getattr(image, "n_frames", 1)
    plain, seen = _PNG_PLAIN, sum(name == b"fcTL" for name, _, _ in chunks)
    if frames > 1 and seen <= frames:
        plain |= {b"fdAT"}
    yield from _private(data, chunks, plain, _PNG_NOTES, "chunks")
    if chunks and (chunks[-1][0] == b"IEND" or data[end + 4 : end + 8] != b"IDAT"):
        yield from data_behind(data, end)


def _in_webp(image: Image.Image, data: bytes) -> Iterator[EmbeddedData]:
    chunks, end = riff_chunks(data)
    plain = _RIFF_PLAIN
    if getattr(image, "n_frames", 1) > 1:
        plain |= {b"ANMF"}
    images = [chunk for chunk in chunks if chunk[0] in (b"VP8 ", b"VP8L")]
    again = [(b"again " + name, start, end) for name, start, end in images[1:]]
    yield from _private(data, [*chunks, *again], plain, _RIFF_NOTES, "chunks")
    yield from data_behind(data, end)


def _in_boxes(_image: Image.Image, data: bytes) -> Iterator[EmbeddedData]:
    if data.startswith(b"\xff\x0a"):
        return  # JPEG XL without boxes
    if data.startswith(b"\xff\x4f"):
        yield from data_behind(data, end_of_codestream(data, 0))
        return
    chunks, end = bmff_boxes(data)
    seen = set[bytes]()
    for i, (name, start, _) in enumerate(chunks):
        if name in seen & _ONCE:  # another file
            chunks, end = chunks[:i], start - 8
            break
        seen.add(name)
    content = tuple((start, last) for name, start, last in chunks if name == b"mdat")
    videos = [(start, last) for name, start, last in chunks if name in _VIDEOS]
    if videos:
        yield EmbeddedData("a video behind the image", (*videos, *content))
    for name, start, last in chunks:
        if name == b"meta":
            kinds = _auxiliary(data, start, last)
            if kinds:
                yield EmbeddedData(f"auxiliary images ({', '.join(kinds)})", content)
        elif name == b"jp2c":
            yield from data_behind(data, end_of_codestream(data, start), last)
    yield from _private(data, chunks, _BOXES_PLAIN | _VIDEOS, _BOXES_NOTES, "boxes")
    yield from data_behind(data, end)


def _auxiliary(data: bytes, start: int, end: int) -> list[str]:
    """Name the kinds of auxiliary images, such as depth and gain maps; alpha is compared."""
    kinds = {
        found[1].decode().rsplit(":", 1)[-1]
        for found in _AUXILIARY.finditer(data, start, end)
        if not found[1].endswith(_ALPHA_URNS)
    }
    if re.compile(rb"infe.{8}tmap", re.DOTALL).search(data, start, end):
        kinds.add("gain map")
    return sorted("depth" if kind == "2" else kind for kind in kinds)


def _in_gif(_image: Image.Image, data: bytes) -> Iterator[EmbeddedData]:
    notes, end = gif_notes(data)
    found = EmbeddedData(
        "comments", tuple(one for one in notes if not data.startswith(_GIF_NOTES, one[0]))
    )
    if found.size > LARGEST_NOTE or any(has_media(data, *one) for one in found.ranges):
        yield found
    yield from data_behind(data, end)


def _in_tga(_image: Image.Image, data: bytes) -> Iterator[EmbeddedData]:
    """Yield what stands behind the pixels, but for the areas of notes that a footer ends."""
    end = end_of_tga(data)
    if end is None:
        return
    last = end_without_zeros(data, end, len(data))
    footer = last - 25
    if data[footer + 8 : last] == b"TRUEVISION-XFILE.":
        notes = LARGEST_NOTE if any(data[footer : footer + 8]) else 0
        if end <= footer <= end + notes and not has_media(data, end, footer):
            return
    yield from data_behind(data, end)


_READERS: dict[str, Callable[[Image.Image, bytes], Iterator[EmbeddedData]]] = {
    "JPEG": embedded_in_jpeg,
    "MPO": embedded_in_jpeg,
    "PNG": _in_png,
    "GIF": _in_gif,
    "WEBP": _in_webp,
    "BMP": lambda _, data: data_behind(data, end_of_bmp(data)),
    "PPM": lambda image, data: data_behind(data, end_of_pnm(image, data)),
    "TGA": _in_tga,
    "TIFF": lambda _, data: data_behind(data, end_of_tiff(data)),
    **dict.fromkeys(("HEIF", "AVIF", "JXL", "JPEG2000"), _in_boxes),
}
