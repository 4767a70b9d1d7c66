"""What stands in an image file beside the images that Pillow shows.

Videos and images behind the image, extended XMP (the depth maps of phones), private chunks, and
auxiliary images of a HEIC. Found by following the structure of the file; nothing is decoded.

Not found: what is put inside of metadata (EXIF, short XMP, color profiles, Photoshop's resources),
into unused room of a TIFF or among the items of a HEIC; and what stands behind a JPEG XL that is no
container, an old JPEG in a TIFF, or an RLE bitmap that lies about its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from cbir.images.contents.containers import (
    Piece,
    bmff_boxes,
    gif_notes,
    jpeg_pieces,
    png_pieces,
    riff_pieces,
)
from cbir.images.contents.image_end import (
    end_of_bmp,
    end_of_codestream,
    end_of_pnm,
    end_of_tga,
    end_of_tiff,
)

_CONTENT = re.compile(rb"[^\0\xff\r\n\t ]")
"""A byte that is not filling."""

_MEDIA = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....(?:WEBP|AVI |WAVE)"
    rb"|ftyp[a-z0-9 ]{4}|%PDF-|PK\x03\x04",
    re.DOTALL,
)
"""How images, videos, documents and archives begin."""

_SMALL, NOTE = 1 << 10, 1 << 16
"""Bytes of a private chunk, and of texts and other notes, that cannot be another image."""

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

_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MEDIA = re.compile(rb"G(?:Depth|Image|Audio):Data\b")
_MAY_HAVE_PREVIEWS = (b"JFXX\0", b"Exif\0", b"Photoshop 3.0\0", b"ICC_PROFILE\0", _XMP)
_APPLICATIONS = (b"JFIF\0", b"MPF\0", b"Adobe", b"Ducky", b"JP", _EXTENDED_XMP)
"""What else the segments of applications hold that is no note, or looked at elsewhere."""

_GIF_NOTES = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"XMP DataXMP", b"ICCRGBG1012")

_AUXILIARY = re.compile(rb"auxC\0\0\0\0([ -~]+)\0")
_ALPHA_URNS = (b"auxid:1", b"auxiliary:alpha")


@dataclass(frozen=True, slots=True)
class Part:
    """Something in a file: what it is, in words, and where it stands."""

    what: str
    ranges: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(end - start for start, end in self.ranges)


def embedded(image: Image.Image, data: bytes) -> list[Part]:
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


def _behind(data: bytes, start: int, end: int | None = None) -> Iterator[Part]:
    """Yield what stands behind an image, unless that is filling."""
    end = len(data) if end is None else end
    if _CONTENT.search(data, start, end):
        yield from _rest(data, ((start, end),))


def _rest(data: bytes, ranges: tuple[tuple[int, int], ...]) -> Iterator[Part]:
    if ranges:
        video = any(_is_video(data, *one) for one in ranges)
        yield Part(f"{'a video' if video else 'more data'} behind the image", ranges)


def _is_video(data: bytes, start: int, end: int) -> bool:
    return data.find(b"ftyp", start, min(end, start + 1024)) >= 0 or (
        data.find(b"moov", start, end) >= 0
    )


def _has_media(data: bytes, start: int, end: int) -> bool:
    return bool(_MEDIA.search(data, start, end))


def _without_zeros(data: bytes, start: int, end: int) -> int:
    """Return where the zeros begin that end a part of a file."""
    while start < end:
        block = data[max(start, end - (1 << 20)) : end]
        kept = len(block.rstrip(b"\0"))
        end -= len(block) - kept
        if kept:
            break
    return end


# JPEG


def _in_jpeg(image: Image.Image, data: bytes) -> Iterator[Part]:
    segments, gaps = _segments(image, data)
    gaps = [gap for gap in gaps if _CONTENT.search(data, *gap)]
    if gaps and _are_notes(data, *gaps[-1]):
        gaps.pop()
    yield from _rest(data, tuple(gaps))
    extended = [one for _, *one in segments if _is_extended_xmp(data, *one)]
    if extended:
        yield Part("extended XMP, such as a depth map", tuple((one[0], one[1]) for one in extended))
    others = [one for one in segments if _is_private(data, *one)]
    notes = [one for one in segments if one not in others and _is_note(data, *one[:2])]
    if sum(end - start for _, start, end in notes) > NOTE:
        others += notes
    if others:
        yield Part("private segments", tuple((start, end) for _, start, end in others))


def _segments(
    image: Image.Image, data: bytes
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
    """Return the segments of all images, and what stands between and behind these."""
    segments, end = jpeg_pieces(data, 0)
    gaps = list[tuple[int, int]]()
    for start in _further_images(image, data, segments):
        # Within another image, or none: then it counts as what stands behind.
        if start >= end and data[start : start + 2] == b"\xff\xd8":
            gaps.append((end, start))
            more, end = jpeg_pieces(data, start)
            segments += more
    return segments, [*gaps, (end, len(data))]


def _further_images(
    image: Image.Image, data: bytes, segments: list[tuple[int, int, int]]
) -> list[int]:
    """Return where the further images of the multi-picture format begin."""
    indices = [start for _, start, _ in segments if data.startswith(b"MPF\0", start)]
    if image.format != "MPO" or not indices:
        return []
    entries = image.mpinfo[0xB002]  # type: ignore[attr-defined]
    return sorted(indices[-1] + 4 + entry["DataOffset"] for entry in entries[1:])


def _is_extended_xmp(data: bytes, start: int, end: int) -> bool:
    if data.startswith(_EXTENDED_XMP, start):
        return True
    return data.startswith(_XMP, start) and bool(_XMP_MEDIA.search(data, start, end))


def _is_private(data: bytes, marker: int, start: int, end: int) -> bool:
    """Say whether a segment holds an image that is not a preview."""
    if data.startswith(b"FLIR\0", start):
        return True
    if marker == 0xEB and data.startswith(b"JP", start):
        # Boxes: a manifest of origin may have previews, all others of JPEG XT are content.
        return data[start + 12 : start + 16] != b"jumb"
    if marker not in range(0xE0, 0xF0) and marker != 0xFE:
        return False
    return not data.startswith(_MAY_HAVE_PREVIEWS, start) and _has_media(data, start, end)


def _is_note(data: bytes, marker: int, start: int) -> bool:
    """Say whether a segment is of a comment, or of an application that is not known."""
    if marker == 0xFE:
        return True
    known = _MAY_HAVE_PREVIEWS + _APPLICATIONS
    return marker in range(0xE0, 0xF0) and not data.startswith(known, start)


def _are_notes(data: bytes, start: int, end: int) -> bool:
    """Say whether the end of a file is Samsung's trailer, all of it, with nothing but notes."""
    end = _without_zeros(data, start, end)
    if data[end - 4 : end] != b"SEFT" or end - start > NOTE or _has_media(data, start, end):
        return False
    table = end - 8 - int.from_bytes(data[end - 8 : end - 4], "little")
    if table < start or data[table : table + 4] != b"SEFH":
        return False
    count = int.from_bytes(data[table + 8 : table + 12], "little")
    if table + 12 + 12 * count > end - 8:
        return False
    covered = 0
    for entry in range(table + 12, table + 12 + 12 * count, 12):
        before = int.from_bytes(data[entry + 4 : entry + 8], "little")
        size = int.from_bytes(data[entry + 8 : entry + 12], "little")
        if not size <= before <= table - start:
            return False
        covered += size
    return not _CONTENT.search(data, start, max(start, table - covered))


# Chunks and boxes


def _private(
    data: bytes, pieces: list[Piece], plain: frozenset[bytes], notes: frozenset[bytes], noun: str
) -> Iterator[Part]:
    """Yield what is too large for a note in chunks that are not of the image, by name."""
    named = dict[bytes, list[tuple[int, int]]]()
    for name, start, end in pieces:
        if name not in plain and (name != b"free" or _CONTENT.search(data, start, end)):
            named.setdefault(name, []).append((start, end))
    for name, ranges in named.items():
        part = Part(f"{noun} {name.decode('ascii', 'replace').strip()}", tuple(ranges))
        if part.size > (NOTE if name in notes else _SMALL) or (
            name not in notes and any(_has_media(data, *one) for one in ranges)
        ):
            yield part


def _in_png(image: Image.Image, data: bytes) -> Iterator[Part]:
    pieces, end = png_pieces(data)
    frames = getattr(image, "n_frames", 1)
    plain, seen = _PNG_PLAIN, sum(name == b"fcTL" for name, _, _ in pieces)
    if frames > 1 and seen <= frames:
        plain |= {b"fdAT"}
    yield from _private(data, pieces, plain, _PNG_NOTES, "chunks")
    if pieces and (pieces[-1][0] == b"IEND" or data[end + 4 : end + 8] != b"IDAT"):
        yield from _behind(data, end)


def _in_webp(image: Image.Image, data: bytes) -> Iterator[Part]:
    pieces, end = riff_pieces(data)
    plain = _RIFF_PLAIN
    if getattr(image, "n_frames", 1) > 1:
        plain |= {b"ANMF"}
    images = [piece for piece in pieces if piece[0] in (b"VP8 ", b"VP8L")]
    again = [(b"again " + name, start, end) for name, start, end in images[1:]]
    yield from _private(data, [*pieces, *again], plain, _RIFF_NOTES, "chunks")
    yield from _behind(data, end)


def _in_boxes(_image: Image.Image, data: bytes) -> Iterator[Part]:
    if data.startswith(b"\xff\x0a"):
        return  # JPEG XL without boxes
    if data.startswith(b"\xff\x4f"):
        yield from _behind(data, end_of_codestream(data, 0))
        return
    pieces, end = bmff_boxes(data)
    seen = set[bytes]()
    for i, (name, start, _) in enumerate(pieces):
        if name in seen & _ONCE:  # another file
            pieces, end = pieces[:i], start - 8
            break
        seen.add(name)
    content = tuple((start, last) for name, start, last in pieces if name == b"mdat")
    videos = [(start, last) for name, start, last in pieces if name in _VIDEOS]
    if videos:
        yield Part("a video behind the image", (*videos, *content))
    for name, start, last in pieces:
        if name == b"meta":
            kinds = _auxiliary(data, start, last)
            if kinds:
                yield Part(f"auxiliary images ({', '.join(kinds)})", content)
        elif name == b"jp2c":
            yield from _behind(data, end_of_codestream(data, start), last)
    yield from _private(data, pieces, _BOXES_PLAIN | _VIDEOS, _BOXES_NOTES, "boxes")
    yield from _behind(data, end)


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


# GIF and TGA


def _in_gif(_image: Image.Image, data: bytes) -> Iterator[Part]:
    notes, end = gif_notes(data)
    part = Part("comments", tuple(one for one in notes if not data.startswith(_GIF_NOTES, one[0])))
    if part.size > NOTE or any(_has_media(data, *one) for one in part.ranges):
        yield part
    yield from _behind(data, end)


def _in_tga(_image: Image.Image, data: bytes) -> Iterator[Part]:
    """Yield what stands behind the pixels, but for the areas of notes that a footer ends."""
    end = end_of_tga(data)
    if end is None:
        return
    last = _without_zeros(data, end, len(data))
    footer = last - 25
    if data[footer + 8 : last] == b"TRUEVISION-XFILE.":
        room = NOTE if any(data[footer : footer + 8]) else 0
        if end <= footer <= end + room and not _has_media(data, end, footer):
            return
    yield from _behind(data, end)


def _in_bmp(_image: Image.Image, data: bytes) -> Iterator[Part]:
    end = end_of_bmp(data)
    if end is not None:
        yield from _behind(data, end)


def _in_tiff(_image: Image.Image, data: bytes) -> Iterator[Part]:
    end = end_of_tiff(data)
    if end is not None:
        yield from _behind(data, end)


def _in_pnm(image: Image.Image, data: bytes) -> Iterator[Part]:
    yield from _behind(data, end_of_pnm(image, data))


_READERS: dict[str, Callable[[Image.Image, bytes], Iterator[Part]]] = {
    "JPEG": _in_jpeg,
    "MPO": _in_jpeg,
    "PNG": _in_png,
    "GIF": _in_gif,
    "WEBP": _in_webp,
    "BMP": _in_bmp,
    "PPM": _in_pnm,
    "TGA": _in_tga,
    "TIFF": _in_tiff,
    "HEIF": _in_boxes,
    "AVIF": _in_boxes,
    "JXL": _in_boxes,
    "JPEG2000": _in_boxes,
}
