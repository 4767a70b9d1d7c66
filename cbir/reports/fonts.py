"""Fonts that can write any file name, as far as the system has them."""

from __future__ import annotations

import contextlib
import itertools
import operator
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FAMILIES = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-zenhei.ttc",
    "PingFang.ttc",
    "msyh.ttc",
)
_MISSING = "\U0010ffff"
"""A code point that no font has a glyph for."""


def runs(text: str, size: int) -> list[tuple[str, Font]]:
    """Split `text` into parts that one font each can write.

    Characters that no font of the system has are written as escapes, so that names that differ
    look different.

    Examples
    --------
    >>> [part for part, font in runs("plain.jpg", 14)]
    ['plain.jpg']
    """
    for font in _families(size):
        if _covers(font, text):
            return [(text, font)]
    chosen = [_font_for(char, size) for char in text]
    return [
        ("".join(char for _, char in some), font)
        for font, some in itertools.groupby(chosen, operator.itemgetter(0))
    ]


def _font_for(char: str, size: int) -> tuple[Font, str]:
    """Return a font for `char`, or the first font and an escape."""
    for font in _candidates(char, size):
        if _covers(font, char):
            return font, char
    return _families(size)[0], char.encode("unicode_escape").decode()


def _candidates(char: str, size: int) -> Iterator[Font]:
    yield from _families(size)
    yield from _by_fontconfig(char, size)


@lru_cache(maxsize=16)
def _families(size: int) -> tuple[Font, ...]:
    fonts = list[Font]()
    for family in _FAMILIES:
        with contextlib.suppress(OSError):  # the system does not have it
            fonts.append(ImageFont.truetype(family, size))
    fonts.append(ImageFont.load_default(size))
    return tuple(fonts)


@lru_cache(maxsize=1024)
def _by_fontconfig(char: str, size: int) -> tuple[Font, ...]:
    """Ask fontconfig, where there is one, for a font with this character."""
    if shutil.which("fc-list") is None:
        return ()
    query = ["fc-list", f":charset={ord(char):x}", "--format", "%{file}\n"]
    listed = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    for path in sorted(listed.splitlines()):
        with contextlib.suppress(OSError):  # a bitmap font
            return (ImageFont.truetype(path, size),)
    return ()


def _covers(font: Font, text: str) -> bool:
    return all(char.isspace() or _has(font, char) for char in set(text))


@lru_cache(maxsize=4096)
def _has(font: Font, char: str) -> bool:
    return bytes(font.getmask(char)) != _missing(font)


@lru_cache(maxsize=64)
def _missing(font: Font) -> bytes:
    return bytes(font.getmask(_MISSING))
