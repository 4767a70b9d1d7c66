"""The ignore file: pairs of images that were judged different, and stay apart from then on.

It is a text file that people may edit, with one pair a line: the SHA-256 of the one file, that of
the other, and whatever is helpful behind a ``#``. So a pair is about contents, not about names. It
stays apart wherever the two files are moved to, and so do other files of the very same bytes. A
file that is saved again, even if only its metadata change, is another one: mark it again.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from cbir.core.atomic_files import explained, written_aside
from cbir.core.digests import sha256_of
from cbir.core.errors import CbirError, printable
from cbir.core.folder_locks import locked_folders
from cbir.core.regular_files import read_regular
from cbir.duplicates.model import ImageRecord

_HEADER = b"""\
# Pairs of images that were judged different: a search for duplicates keeps them apart.
# One pair a line: the SHA-256 of the one file and that of the other. What follows a # is a
# comment, like the names that the two files had. The pair is known by the contents, so it stays
# apart wherever the files are, and copies of the same bytes do too. Delete a line to undo it.

"""

_HASH = re.compile(rb"[0-9a-fA-F]{64}")
_BOM = b"\xef\xbb\xbf"

MAX_BYTES = 1 << 28
"""An ignore file may have no more: a million pairs."""

_Pair = tuple[bytes, bytes]
"""Two SHA-256, the smaller one first."""


@dataclass(frozen=True, slots=True)
class ExclusionList:
    """The pairs of an ignore file.

    Attributes
    ----------
    pairs : frozenset of tuples of bytes
        Two SHA-256 each, 32 bytes, the smaller one first.

    Examples
    --------
    >>> one, other = (ImageRecord(name, name.encode() * 32, 9, 0, 4, 3, 100) for name in "ab")
    >>> exclusions = ExclusionList(frozenset({(one.sha256, other.sha256)}))
    >>> exclusions.is_excluded(other, one), exclusions.is_excluded(one, one)
    (True, False)
    """

    pairs: frozenset[_Pair] = frozenset()

    def is_excluded(self, a: ImageRecord, b: ImageRecord) -> bool:
        """Say whether two images, or files of the same bytes, were judged different."""
        return bool(self.pairs) and _pair(a.sha256, b.sha256) in self.pairs


def read_exclusions(path: str) -> ExclusionList:
    """Read an ignore file; one that is missing holds no pairs.

    Raises
    ------
    CbirError
        When it cannot be read, or a line of it is no pair.
    """
    return ExclusionList(frozenset(_pairs(path, _content(path))))


def mark_different(path: str, first_file: str, second_file: str) -> bool:
    """Add a pair of files to an ignore file, which is made if it is missing.

    What the file holds stays as it is. The order of the two does not matter.

    Parameters
    ----------
    path : str
        The ignore file.
    first_file, second_file : str
        The two images.

    Returns
    -------
    bool
        False when the pair was there already.

    Raises
    ------
    CbirError
        When one of the three cannot be read, the ignore file is malformed or cannot be written,
        or the two have the same bytes.
    """
    first, second = _sha256(first_file), _sha256(second_file)
    names = f"{printable(first_file)} | {printable(second_file)}"
    if first == second:
        raise CbirError(
            f"{names}: these are the same bytes, and an ignore file knows images by their bytes,"
            " so it cannot keep them apart; leave one of the files out of the search instead"
        )
    # A link to the file stays one.
    target = os.path.realpath(path)
    with locked_folders([os.path.dirname(target)], wait=True):
        content, pair = _content(path), _pair(first, second)
        if pair in _pairs(path, content):
            return False
        line = f"{pair[0].hex()}  {pair[1].hex()}  # {names}\n".encode()
        if not content:
            content = _HEADER
        elif not content.endswith(b"\n"):
            content += b"\n"
        with explained(path, "write the ignore file"), written_aside(target) as file:
            file.write(content + line)
        return True


def _pair(first: bytes, second: bytes) -> _Pair:
    return (first, second) if first <= second else (second, first)


def _content(path: str) -> bytes:
    if not os.path.lexists(path):
        return b""
    with explained(path, "read the ignore file"):
        return read_regular(path, MAX_BYTES)


def _pairs(path: str, content: bytes) -> set[_Pair]:
    pairs = set()
    for number, line in enumerate(content.removeprefix(_BOM).split(b"\n"), 1):
        words = line.partition(b"#")[0].split()
        if not words:
            continue
        reason = _malformed(words)
        if reason:
            raise CbirError(
                f"{printable(path)}: line {number}: {reason}; write two SHA-256 of 64 hexadecimal"
                " digits, as sha256sum prints them, put a # before a comment, or delete the line"
            )
        first, second = (bytes.fromhex(word.decode()) for word in words)
        pairs.add(_pair(first, second))
    return pairs


def _malformed(words: list[bytes]) -> str | None:
    """Say why the words of a line are no pair, or None."""
    for word in words:
        if not _HASH.fullmatch(word):
            return f"{printable(os.fsdecode(word[:20]))}{'…' * (len(word) > 20)} is no SHA-256"
    if len(words) != 2:
        return f"{len(words)} SHA-256 instead of two"
    if words[0].lower() == words[1].lower():
        return "the two SHA-256 are the same"
    return None


def _sha256(path: str) -> bytes:
    try:
        with explained(path, "read the image"):
            return sha256_of(path)
    except ValueError as error:  # a NUL in the name
        raise CbirError(f"{printable(path)}: {error}; name a file") from None
