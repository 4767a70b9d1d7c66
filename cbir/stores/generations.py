"""Generations: the metadata of each content that the index file had or is about to have."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cbir.descriptors.base import Row, digest
from cbir.errors import BrokenIndexError, printable
from cbir.stores.base import FORMAT, Metadata, Record, Rows
from cbir.stores.files import written_aside

_SAMPLE = 64
"""Pictures by which a CSV that was edited is recognized."""

_CSVW = "http://www.w3.org/ns/csvw"
_DATATYPES = {"u1": "unsignedByte", "u2": "unsignedShort", "f4": "float", "f8": "double"}
_FACTS = (
    ("path", "string", "picture, relative to the dataset"),
    ("path_base64", "base64Binary", "the bytes of a path that is not UTF-8; else absent"),
    ("bytes", "nonNegativeInteger", "size of the file"),
    ("mtime", "long", "time of the last change, in milliseconds since 1970"),
    ("width", "positiveInteger", "pixels, of the upright picture"),
    ("height", "positiveInteger", "pixels, of the upright picture"),
    ("sha256", "hexBinary", "of the file"),
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says of a file: equal stamps, equal contents."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Look at the file."""
        status = os.stat(path)
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Generation:
    """The metadata that belongs to one content of the index file."""

    metadata: Metadata
    stamp: Stamp
    content: str
    sample: Mapping[str, Mapping[str, str]]
    """Of some pictures, by SHA-256, a digest of the row of each descriptor, by alias."""

    @classmethod
    def of(
        cls,
        metadata: Metadata,
        rows: Rows,
        matrices: Mapping[str, Row],
        stamp: Stamp,
        content: str,
    ) -> Generation:
        """Describe an index that is about to be committed."""
        chosen = (
            {int(place) for place in np.linspace(0, len(rows) - 1, _SAMPLE)} if len(rows) else ()
        )
        sample = {
            rows.facts[row]["sha256"].tobytes().hex(): _digests(matrices, row)
            for row in sorted(chosen)
        }
        return cls(metadata, stamp, content, sample)

    def agreement(self, rows: Rows, matrices: Mapping[str, Row]) -> int | None:
        """Say how many pictures of the sample are there with the same numbers.

        None if there is one with other numbers: then these are not the rows of this generation,
        however well the columns fit.
        """
        count = 0
        for row, fact in enumerate(rows.facts):
            expected = self.sample.get(fact["sha256"].tobytes().hex())
            if expected is not None:
                if expected != _digests(matrices, row):
                    return None
                count += 1
        return count

    @property
    def name(self) -> str:
        """Its file's name."""
        return f"generation-{self.content}.json"

    def write(self, folder: Path, csv_name: str) -> None:
        """Write it durably into `folder`, as CSV on the Web metadata (W3C, 2015)."""
        metadata = self.metadata
        document = {
            "@context": _CSVW,
            "url": f"../{csv_name}",
            "tableSchema": {"primaryKey": "path", "columns": _columns(metadata)},
            "cbir:format": metadata.format,
            "cbir:program": metadata.program,
            "cbir:content": self.content,
            "cbir:stamp": asdict(self.stamp),
            "cbir:sample": self.sample,
            "cbir:dataset": metadata.root,
            "cbir:descriptors": [asdict(record) for record in metadata.records],
        }
        with written_aside(str(folder / self.name)) as file:
            file.write(json.dumps(document).encode())


def read_generations(folder: Path) -> list[Generation]:
    """Return the generations in `folder`, sorted by name.

    Raises
    ------
    BrokenIndexError
        When one cannot be read, or was written by a newer program.
    """
    found = []
    for path in sorted(folder.glob("generation-*.json")):
        with contextlib.suppress(FileNotFoundError):  # a writer has just cleared it
            found.append(_read(path))
    return found


def _read(path: Path) -> Generation:
    try:
        document = json.loads(path.read_bytes())
        version = document["cbir:format"]
        if version == FORMAT:
            return _parsed(document)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenIndexError(
            f"{printable(str(path))}: damaged ({type(error).__name__}: {error});"
            " build the index again with --rebuild"
        ) from None
    raise BrokenIndexError(
        f"{printable(str(path))}: the index has format {version}, this program reads {FORMAT};"
        " use the cbir that wrote it, or build the index again with --rebuild"
    )


def _parsed(document: dict[str, Any]) -> Generation:
    records = tuple(Record(**record) for record in document["cbir:descriptors"])
    metadata = Metadata(
        document["cbir:dataset"], records, document["cbir:program"], document["cbir:format"]
    )
    stamp = Stamp(**document["cbir:stamp"])
    return Generation(metadata, stamp, document["cbir:content"], document["cbir:sample"])


def _digests(matrices: Mapping[str, Row], row: int) -> dict[str, str]:
    return {alias: digest(matrix[row].tobytes()) for alias, matrix in matrices.items()}


def _columns(metadata: Metadata) -> list[dict[str, str]]:
    columns = [
        {"name": name, "datatype": datatype, "dc:description": text}
        for name, datatype, text in _FACTS
    ]
    for record in metadata.records:
        kind = np.dtype(record.dtype).str[1:]
        datatype = _DATATYPES.get(kind, "decimal")
        columns += [
            {
                "name": name,
                "datatype": "string"
                if record.kind == "hash" and name == record.alias
                else datatype,
            }
            for name in record.columns
        ]
    return columns
