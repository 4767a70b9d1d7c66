"""A thousand requests that bring no image, each as the bytes that are sent."""

from __future__ import annotations

import functools
import io
import json
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from tests.conftest import DATA

_BOUNDARY = "a-boundary-of-parts"
_SIDE = 100_000
_FORMATS: tuple[tuple[str, dict[str, object]], ...] = (
    ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {}), ("WEBP", {}), ("PPM", {}),
    ("JPEG2000", {}),
)  # fmt: skip
_NAMES = (
    "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\x.jpg", "%2e%2e%2fx.jpg",
    "....//x.jpg", "a\0.jpg", "x.jpg/", "", ".", "..", "~/.ssh/id_rsa", "CON", "a" * 5000,
    "\u202egpj.exe", "<img src=x onerror=alert(1)>.jpg", "'; drop table images",
    "*", "?", "|id",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """One request.

    Attributes
    ----------
    name : str
        What is wrong with it.
    data : bytes
        The request, with ``HOST`` where the host stands.
    may_be_fine : bool
        Some of it can be read as an image.
    """

    name: str
    data: bytes
    may_be_fine: bool = False


def request(body: bytes, kind: str | None, *more: str, length: str | None = None) -> bytes:
    """Return a search by POST with a body."""
    lines = ["POST /api/search HTTP/1.1", "Host: HOST", "Connection: close", *more]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    if length != "":
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


def form(*parts: bytes, boundary: str = _BOUNDARY) -> bytes:
    """Return a search by a form of some parts."""
    return request(_multipart(*parts), f"multipart/form-data; boundary={boundary}")


def file_part(data: bytes, name: str = "a.jpg", field: str = "image") -> bytes:
    """Return a part of a form that is a file."""
    quoted = name.replace('"', "%22").encode("utf-8", "surrogateescape")
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="'.encode()
    return disposition + quoted + b'"\r\nContent-Type: image/jpeg\r\n\r\n' + data


def field_part(name: str, value: str) -> bytes:
    """Return a part of a form that is a field."""
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


@functools.cache
def photo() -> bytes:
    """Return a JPEG file."""
    return (DATA / "cats/cat-1.jpg").read_bytes()


def malformed() -> list[Sent]:
    """Return all of them."""
    kinds = (
        _truncated, _bombs, _no_images, _badly_framed, _wrong_parts, _wrong_kinds, _odd_names,
        _wrong_lengths, _wrong_chunks, _huge_heads, _wrong_fields,
    )  # fmt: skip
    return [one for kind in kinds for one in kind()]


def _multipart(*parts: bytes) -> bytes:
    marker = f"--{_BOUNDARY}".encode()
    return b"".join(marker + b"\r\n" + part + b"\r\n" for part in parts) + marker + b"--\r\n"


def _truncated() -> Iterator[Sent]:
    with Image.open(DATA / "cats/cat-1.jpg") as image:
        small = image.resize((160, 104))
    for format_, options in _FORMATS:
        buffer = io.BytesIO()
        small.save(buffer, format_, **options)  # type: ignore[arg-type]
        whole = buffer.getvalue()
        for twentieth in range(1, 19):
            data = whole[: len(whole) * twentieth // 20]
            # A loader may take the rows that are there; what it makes of them is its affair.
            may_be_fine = format_ in ("WEBP", "TIFF", "JPEG2000")
            yield Sent(f"{format_} {options} to {twentieth}/20", form(file_part(data)), may_be_fine)


def _bombs() -> Iterator[Sent]:
    for name, data in {
        "PNG": _png(_SIDE, _SIDE, bytes(1000)),
        "GIF": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"\x2c",
        "BMP": b"BM"
        + struct.pack("<IIIIiiHHIIiiII", 1 << 20, 0, 54, 40, _SIDE, _SIDE, 1, 24, *6 * [0]),
        "TIFF": _tiff(_SIDE, _SIDE),
        "JPEG": b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 65535, 65535)
        + b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01" + bytes(100),
        "PPM": b"P6 100000 100000 255\n" + bytes(1000),
        "WEBP": b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<I", 10)
        + b"\x10\0\0\0\xfe\xff\xff\xfe\xff\xff" + bytes(20),
    }.items():  # fmt: skip
        for copies in (1, 2, 8):
            parts = [file_part(data)] * copies
            yield Sent(f"{name} of {_SIDE} × {_SIDE}, {copies} times", form(*parts))
    zeros = zlib.compress(bytes(200_000_000), 9)
    for chunk in (b"zTXt", b"iTXt", b"iCCP"):
        text = b"comment\0\0" + (b"\x01\0\0\0" if chunk == b"iTXt" else b"") + zeros
        yield Sent(f"{chunk!r} bomb", form(file_part(_png(8, 8, bytes(200), (chunk, text)))), True)
    for side in (8, 100, 7_900):
        data = _png(side, side, b"", (b"IDAT", zeros))
        yield Sent(f"PNG of {side} with {200_000_000} bytes", form(file_part(data)), True)
    for size in (60_000, 65_533):
        exif = b"\xff\xe1" + struct.pack(">H", size) + b"Exif\0\0II*\0" + b"\xff" * (size - 12)
        data = photo()[:2] + exif * 200 + photo()[2:]
        yield Sent(f"EXIF of {200 * size} bytes", form(file_part(data)), True)


def _png(width: int, height: int, pixels: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    middle = chunks if any(name == b"IDAT" for name, _ in chunks) else (
        *chunks, (b"IDAT", zlib.compress(pixels))
    )  # fmt: skip
    data = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), *middle, (b"IEND", b"")):
        checked = name + content
        data += struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
    return data


def _tiff(width: int, height: int) -> bytes:
    tags = ((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (278, height))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(200)


def _no_images() -> Iterator[Sent]:
    dice = random.Random(1)
    contents = [
        b"", b"\0", b"hello", b"<!doctype html><script>alert(1)</script>", b"%PDF-1.7\n%\xff\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"PK\x03\x04" + bytes(100), b"\x7fELF" + bytes(100), b"\0\0\0\x18ftypmp42" + bytes(100),
        b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0",
        b"MM\0*",
        b"RIFF\0\0\0\0WEBP", b"P6", b"#!/bin/sh\nid\n", b"push graphic-context\nimage over 0,0 0,0",
        b"%!PS\n(/etc/passwd) (r) file", b"\0" * 1_000_000, b"[]",
        json.dumps({"image": 1}).encode(),
    ]  # fmt: skip
    contents += [dice.randbytes(dice.randrange(1, 4000)) for _ in range(130)]
    for content in contents:
        yield Sent(f"file of {content[:30]!r}", form(file_part(content)))
        yield Sent(f"two files, {content[:30]!r}", form(file_part(photo()), file_part(content)))


def _badly_framed() -> Iterator[Sent]:
    body = _multipart(file_part(photo()[:500]), field_part("top", "5"))
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    for end in range(1, len(body) - 60, 9):
        yield Sent(f"form cut at {end}", request(body[:end], kind))
    for boundary in ("", '""', "other", "x" * 10_000, "a b", "=", ";", f"{_BOUNDARY}-", "\xff"):
        yield Sent(f"boundary {boundary[:20]!r}", form(file_part(photo()), boundary=boundary))
    for name, part in {
        "no name": b"Content-Disposition: form-data\r\n\r\nx",
        "no disposition": b"Content-Type: image/jpeg\r\n\r\n" + photo(),
        "no colon": b"Content-Disposition\r\n\r\nx",
        "no head": photo(),
        "no line break": b"x",
        "other disposition": b'Content-Disposition: attachment; name="image"\r\n\r\nx',
        "empty head": b"\r\n\r\nx",
        "encoded": b"Content-Disposition: form-data; name=\"image\"; filename*=utf-8''%ff\r\n\r\nx",
        "bare line feeds": b'Content-Disposition: form-data; name="image"\n\nx',
    }.items():
        yield Sent(f"part with {name}", form(part))
    yield Sent("no multipart at all", request(photo(), kind))
    yield Sent("no boundary", request(body, "multipart/form-data"))


def _wrong_parts() -> Iterator[Sent]:
    for count in (17, 40, 999):
        yield Sent(f"{count} files", form(*[file_part(photo()[:200])] * count))
    for count in (1001, 3000):
        yield Sent(f"{count} files", form(*[file_part(b"x")] * count))
        yield Sent(f"{count} fields", form(*[field_part("path", "x")] * count))
    for count in (0, 1, 5):
        yield Sent(f"{count} useless fields", form(*[field_part("top", "3")] * count))
    for number in range(30):
        yield Sent("unknown field", form(file_part(photo()), field_part(f"field{number}", "1")))
        yield Sent("unknown file", form(file_part(photo()), file_part(photo(), field=f"f{number}")))
    for name in ("top", "descriptor", "path", "offset", "where"):
        yield Sent(f"file as {name}", form(file_part(photo()), file_part(photo(), field=name)))
    yield Sent("field as image", form(field_part("image", "a.jpg")))
    yield Sent("huge field", form(file_part(photo()), field_part("where", "x" * 3_000_000)))


def _wrong_kinds() -> Iterator[Sent]:
    document = json.dumps({"path": "cats/cat-1.jpg", "top": 3}).encode()
    kinds = (
        "application/json", "text/plain", "image/jpeg", "application/octet-stream",
        "multipart/mixed",
        "multipart/byteranges", "application/xml", "multipart", "", "/", "multipart/form-data;",
    )  # fmt: skip
    for kind in (*kinds, None):
        for body in (b"", b"{}", document, photo(), b"[" * 100_000):
            yield Sent(f"{kind} with {body[:10]!r}", request(body, kind))


def _odd_names() -> Iterator[Sent]:
    for name in _NAMES:
        yield Sent(f"file {name[:30]!r}", form(file_part(b"no image", name)))
        yield Sent(f"path {name[:30]!r}", form(field_part("path", name)))
        yield Sent(f"key {name[:30]!r}", form(field_part("query", name)))


def _wrong_lengths() -> Iterator[Sent]:
    body = _multipart(file_part(photo()[:300]))
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    for length in ("-1", "+5", "1e3", "0x10", "five", "5, 5", "5 5", " ", "9" * 30, "1.0", "٣"):
        yield Sent(f"length {length[:10]!r}", request(body, kind, length=length))
    for more in (1, 100, 10_000):
        yield Sent(f"{more} bytes missing", request(body, kind, length=str(len(body) + more)))
    for size in (40_000_000, 1 << 40):
        yield Sent(f"length {size}", request(body, kind, length=str(size)))
    twice = request(body, kind, "Content-Length: 5")
    yield Sent("two lengths", twice)
    yield Sent("length and coding", request(body, kind, "Transfer-Encoding: chunked"))
    for size in range(0, 60, 3):
        yield Sent(f"length {size} of more", request(body, kind, length=str(size)))


def _wrong_chunks() -> Iterator[Sent]:
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    coded = "Transfer-Encoding: chunked"
    for chunks in (
        b"zz\r\n", b"-5\r\nhello\r\n", b"5\r\nhi\r\n0\r\n\r\n", b"fffffffffffffffff\r\n", b"\r\n",
        b"5;" + b"x" * 100_000, b"0\r\n\r\n", b"5\r\nhello\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n",
    ):  # fmt: skip
        yield Sent(f"chunks {chunks[:20]!r}", request(chunks, kind, coded, length=""))
    for coding in ("gzip", "chunked, chunked", "identity", "xchunked", "gzip, chunked"):
        data = request(b"0\r\n\r\n", kind, f"Transfer-Encoding: {coding}", length="")
        yield Sent(f"coding {coding}", data)


def _huge_heads() -> Iterator[Sent]:
    body = _multipart(file_part(photo()[:300]))
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    for size in (70_000, 1_000_000):
        yield Sent(f"header of {size}", request(body, kind, f"X-Large: {'x' * size}"))
        yield Sent(f"part head of {size}", form(b"X-Large: " + b"x" * size + b"\r\n\r\nx"))
        yield Sent(f"file name of {size}", form(file_part(b"x", "x" * size)))
        yield Sent(f"field name of {size}", form(file_part(photo()), field_part("x" * size, "1")))
    yield Sent("10,000 headers", request(body, kind, *[f"X-{i}: 1" for i in range(10_000)]))
    yield Sent("10,000 part headers", form(b"".join(b"X: 1\r\n" for _ in range(10_000)) + b"\r\nx"))
    yield Sent("long address", b"POST /api/search?" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n")
    tls = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(50)
    lines = (
        b"GET", tls, b"POST /api/search HTTP/9.9\r\nHost: HOST", b"\0\0\0\0",
        b"POST  /api/search  HTTP/1.1", b"PRI * HTTP/2.0\r\n\r\nSM",
    )  # fmt: skip
    for line in (line + b"\r\n\r\n" for line in lines):
        yield Sent(f"line {line[:20]!r}", line)


def _wrong_fields() -> Iterator[Sent]:
    numbers = (
        "-1",
        "0",
        "1e9",
        "NaN",
        "Infinity",
        "0x1",
        "1_0",
        "",
        " ",
        "9" * 400,
        "٣",
        "1;2",
        "[]",
    )
    for name in ("top", "offset", "max_distance"):
        for value in numbers:
            fine = value in {"", " ", "0", "1_0", "1e9"}
            data = form(file_part(photo()), field_part(name, value))
            yield Sent(f"{name} {value[:10]!r}", data, may_be_fine=fine)
    texts = (
        "nonsense",
        "x" * 5000,
        "hsv+",
        "+",
        "a,b",
        '"',
        "\0",
        "../x",
        "'; --",
        "${x}",
        "{{1}}",
    )
    names = ("descriptor", "metric", "preset", "fusion", "weights", "group_by", "columns", "where")
    for name in (*names, "region", "facets"):
        for value in texts:
            data = form(file_part(photo()), field_part(name, value))
            yield Sent(f"{name} {value[:10]!r}", data)
