"""Groups of rows carried over from one Parquet file to another as they are, without unpacking."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from cbir.stores.parquet.compact_protocol import Struct, read_struct, written
from cbir.stores.single_file.file_format import PARQUET_MAGIC
from cbir.stores.single_file.hashed_file import HashedFile

# The numbers of the fields that are needed, as parquet.thrift of the format has them.
_SCHEMA, _ROWS, _GROUPS, _NOTES = 2, 3, 4, 5  # of FileMetaData
_COLUMNS, _GROUP_ROWS, _FILE_OFFSET, _PACKED_SIZE, _ORDINAL = 1, 3, 5, 6, 7  # of RowGroup
_CHUNK_OFFSET, _CHUNK = 2, 3  # of ColumnChunk
_PLACES = 9, 10, 11  # of ColumnMetaData: its data, its index and its dictionary
_PACKED_CHUNK = 7
_LENGTH_BYTES = 4

_BUFFER = 1 << 20


@dataclass(frozen=True)
class ParquetParts:
    """A Parquet file, and its footer.

    Parameters
    ----------
    file : file
        Opened for reading.
    footer : Struct
        Its FileMetaData.
    """

    file: BinaryIO
    footer: Struct

    @classmethod
    def of(cls, file: BinaryIO) -> ParquetParts:
        """Read the footer of a file.

        Raises
        ------
        ValueError
            When there is none, or it does not say what it should.
        """
        end = len(PARQUET_MAGIC) + _LENGTH_BYTES
        size = file.seek(-end, os.SEEK_END)
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        file.seek(max(0, size - length))
        parts = cls(file, read_struct(io.BytesIO(file.read(length))))
        try:
            parts._check(size - length)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("a footer that lacks something") from error
        return parts

    def _check(self, end: int) -> None:
        """Make sure that all that is needed of the groups is there, and lies before `end`."""
        for part in (_SCHEMA, _ROWS):
            self.footer[part]
        for group in self.groups:
            chunks = [chunk[_CHUNK] for chunk in group[_COLUMNS].values]
            start, size = _extent(chunks)
            offsets = [chunk[_CHUNK_OFFSET] for chunk in group[_COLUMNS].values]
            places = [chunk[place] for chunk in chunks for place in _PLACES if place in chunk]
            numbers = [start, size, group[_GROUP_ROWS], *offsets, *places]
            if any(not 0 <= number <= end for number in numbers) or start + size > end:
                raise ValueError("a group of rows that is not within the file")

    @property
    def groups(self) -> list[Struct]:
        """What the footer says of the groups of rows."""
        groups: list[Struct] = self.footer[_GROUPS].values
        return groups

    def has_columns_of(self, other: ParquetParts) -> bool:
        """Say whether both have the same columns."""
        return all(
            self.footer.fields.get(part) == other.footer.fields.get(part)
            for part in (_SCHEMA, _NOTES)
        )

    @property
    def rows(self) -> list[int]:
        """How many rows each group has."""
        return [group[_GROUP_ROWS] for group in self.groups]


def write_joined(file: HashedFile, parts: Sequence[tuple[ParquetParts, Sequence[int]]]) -> None:
    """Write a Parquet file of some groups of others, which have the same columns.

    Parameters
    ----------
    file : HashedFile
        It is empty.
    parts : sequence of (ParquetParts, sequence of int)
        Files, and which of their groups to take. The last one says what else the footer has.
    """
    file.write(PARQUET_MAGIC)
    groups: list[Struct] = []
    for source, numbers in parts:
        known = source.groups
        for number in numbers:
            groups.append(_copied(file, source.file, known[number], len(groups)))
    footer = parts[-1][0].footer
    footer[_GROUPS].values[:] = groups
    footer[_ROWS] = sum(group[_GROUP_ROWS] for group in groups)
    raw = written(footer)
    file.write(raw + len(raw).to_bytes(_LENGTH_BYTES, "little") + PARQUET_MAGIC)


def _extent(chunks: Sequence[Struct]) -> tuple[int, int]:
    """Return where the chunks of a group begin, and how many bytes they have."""
    start = min(
        (chunk[place] for chunk in chunks for place in _PLACES if place in chunk), default=-1
    )
    return start, sum(chunk[_PACKED_CHUNK] for chunk in chunks)


def _copied(file: HashedFile, source: BinaryIO, group: Struct, number: int) -> Struct:
    """Append the bytes of a group; return what the footer is to say of it."""
    chunks = [chunk[_CHUNK] for chunk in group[_COLUMNS].values]
    start, left = _extent(chunks)
    moved = file.tell() - start
    source.seek(start)
    while piece := source.read(min(_BUFFER, left)):
        file.write(piece)
        left -= len(piece)
    for chunk in chunks:
        for place in _PLACES:
            if place in chunk:
                chunk[place] += moved
    for outer in group[_COLUMNS].values:
        if outer[_CHUNK_OFFSET]:  # 0 unless an old writer repeats the description of a chunk
            outer[_CHUNK_OFFSET] += moved
    if _FILE_OFFSET in group:
        group[_FILE_OFFSET] += moved
    if _ORDINAL in group:
        group[_ORDINAL] = number
    return group
