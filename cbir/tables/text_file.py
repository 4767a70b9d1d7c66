"""Text of files whose encoding nobody told, line by line."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from cbir.core.errors import CbirError, printable
from cbir.tables.source import Source

MAX_LINE = 1 << 24
"""Characters of a line: millions of cells in one row would take gigabytes of memory."""

_BOMS = {
    codecs.BOM_UTF8: ("utf-8-sig", "UTF-8"),
    codecs.BOM_UTF16_LE: ("utf-16", "UTF-16"),
    codecs.BOM_UTF16_BE: ("utf-16", "UTF-16"),
}


def text_encoding(source: Source) -> tuple[str, str]:
    """Return the encoding of a text file, as Python calls it and for people.

    Raises
    ------
    CbirError
        When it is no text.
    """
    for bom, names in _BOMS.items():
        if source.data.startswith(bom):
            candidates = [names]
            break
    else:
        candidates = [("utf-8", "UTF-8"), ("cp1252", "Windows-1252")]
        if b"\0" in source.data:
            candidates = []
    for encoding, encoding_name in candidates:
        try:
            source.data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding, encoding_name
    raise CbirError(
        f"{printable(source.name)}: this is no text in UTF-8, UTF-16 or Windows-1252; save the"
        " table as UTF-8"
    )


def text_lines(source: Source, encoding: str) -> Iterator[str]:
    """Yield the lines of a text file, with their ends as they are.

    Raises
    ------
    CbirError
        When one is too long.
    """
    lines = io.TextIOWrapper(io.BytesIO(source.data), encoding, newline="")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise CbirError(
                f"{printable(source.name)}: line {number:,} has more than {MAX_LINE:,} characters"
            )
        yield line
