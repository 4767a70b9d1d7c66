"""Generations: the manifest of each content that the index file had or is about to have."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.atomic_files import written_aside
from cbir.core.digests import digest
from cbir.core.errors import BrokenIndexError, printable
from cbir.core.json_text import json_checksum, parse_json
from cbir.core.mapped_arrays import release
from cbir.core.messages import Parameter
from cbir.core.spliced_rows import Matrix
from cbir.core.text import as_path
from cbir.descriptors.row_kinds import KINDS
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.file_stamps import Stamp
from cbir.stores.model import FORMAT, MOST_AVERAGED, Manifest, Rows
from cbir.stores.single_file.file_format import FACTS, FileFormat
from cbir.stores.single_file.row_digests import Digests, read_digests, row_digests

_SAMPLE = 64
"""Images by which older programs recognize an index that was edited."""

_CONTENT = re.compile("[0-9a-f]{16}")
_FINGERPRINT = re.compile(r"[\w-]+")
_STATE = re.compile(r"[^/\\\0]+\.npz")
_SCALARS = (str, int, float, bool, type(None))
_MOST_NUMBERS = 1_000_000
"""Of an image."""

_CSVW = "http://www.w3.org/ns/csvw"


@dataclass(frozen=True, slots=True)
class Generation:
    """The manifest that belongs to one content of the index file."""

    manifest: Manifest
    stamp: Stamp
    content: str
    sample: Mapping[str, Mapping[str, str]]
    """Of some images, by SHA-256, a digest of the row of each descriptor, by alias."""

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        rows: Rows,
        matrices: Mapping[str, Matrix],
        stamp: Stamp,
        content: str,
    ) -> Generation:
        """Describe an index that is about to be committed."""
        places = np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE), dtype=int)
        sample = {
            rows.facts[row]["sha256"].tobytes().hex(): _digests(matrices, row) for row in places
        }
        release(matrices.values())
        return cls(manifest, stamp, content, sample)

    def compare(
        self, folder: Path, rows: Rows, matrices: Mapping[str, Matrix]
    ) -> tuple[NDArray[np.bool_], int]:
        """Say which rows are as they were committed, and how many are certainly of this generation.

        By their digests; an index that an older program wrote has none, but only those of a sample
        of its images: then all rows are, or none.
        """
        digests = self.digests(folder)
        if digests is not None:
            sound = np.isin(row_digests(rows, matrices), digests, assume_unique=True)
            return sound, int(sound.sum())
        expected = [self.sample.get(fact["sha256"].tobytes().hex()) for fact in rows.facts]
        sampled = [row for row, digests in enumerate(expected) if digests is not None]
        fits = all(expected[row] == _digests(matrices, row) for row in sampled)
        return np.full(len(rows), fits), len(sampled) if fits else 0

    def digests(self, folder: Path) -> Digests | None:
        """Read the digests of the rows, if there are any."""
        return read_digests(folder / self.digests_name)

    @property
    def name(self) -> str:
        """Its file's name."""
        return f"generation-{self.content}.json"

    @property
    def digests_name(self) -> str:
        """The name of the file with the digests of its rows."""
        return f"generation-{self.content}.digests"

    def write(self, folder: Path, file_name: str, file_format: FileFormat) -> None:
        """Write it into `folder`, in the vocabulary of CSV on the Web (W3C, 2015).

        The caller makes the file's name durable.
        """
        manifest = self.manifest
        document = {
            "@context": _CSVW,
            "url": f"../{file_name}",
            "tableSchema": {"primaryKey": "path", "columns": _columns(manifest, file_format)},
            "cbir:format": manifest.format,
            "cbir:program": manifest.program,
            "cbir:content": self.content,
            "cbir:stamp": asdict(self.stamp),
            "cbir:sample": self.sample,
            "cbir:dataset": manifest.root,
            "cbir:descriptors": [asdict(entry) for entry in manifest.entries],
        }
        if manifest.dba:
            document["cbir:dba"] = manifest.dba
        document["cbir:checksum"] = json_checksum(document)
        with written_aside(str(folder / self.name), sync_name=False) as file:
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
        document = parse_json(path.read_bytes())
        reason = _foreign(document)
        if reason is None:
            return _parsed(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenIndexError(
            f"{printable(str(path))}: damaged ({type(error).__name__}: {error});"
            " build the index again with ",
            Parameter("rebuild", True),
        ) from None
    raise BrokenIndexError(
        f"{printable(str(path))}: the index has {reason}; use the cbir that wrote it, or build the"
        " index again with ",
        Parameter("rebuild", True),
    )


def _foreign(document: dict[str, Any]) -> str | None:
    """Say what of an index is that of another version of the program, if anything is."""
    if document["cbir:format"] != FORMAT:
        return f"format {document['cbir:format']}, this program reads {FORMAT}"
    unknown = {entry["kind"] for entry in document["cbir:descriptors"]} - KINDS.keys()
    return f"rows of a kind that this program does not know, {min(unknown)!r}" if unknown else None


def _parsed(document: dict[str, Any]) -> Generation:
    expected = document.pop("cbir:checksum", None)  # an older program wrote none
    if expected is not None and expected != json_checksum(document):
        raise ValueError("its checksum is another one")
    entries = tuple(_checked(DescriptorEntry(**entry)) for entry in document["cbir:descriptors"])
    root, content = as_path(document["cbir:dataset"]), document["cbir:content"]
    dba = document.get("cbir:dba", 0)
    if "\0" in root or not _CONTENT.fullmatch(content):
        raise ValueError("not a dataset or a content")
    if not isinstance(dba, int) or not 0 <= dba <= MOST_AVERAGED:
        raise ValueError("not a number of neighbors")
    manifest = Manifest(root, entries, document["cbir:program"], document["cbir:format"], dba)
    stamp = Stamp(**document["cbir:stamp"])
    return Generation(manifest, stamp, content, dict(document["cbir:sample"]))


def _checked(entry: DescriptorEntry) -> DescriptorEntry:
    """Check what would otherwise fail much later, or name a file outside of the index."""
    texts = (entry.alias, entry.name, entry.fingerprint, entry.kind, entry.state or "")
    numbers = (entry.version, entry.dimension, entry.width)
    sound = (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int) and 0 < number <= _MOST_NUMBERS for number in numbers)
        and _FINGERPRINT.fullmatch(entry.fingerprint) is not None
        and (entry.state is None or _STATE.fullmatch(entry.state) is not None)
        and np.dtype(entry.dtype).kind in "fiu"
        and all(isinstance(value, _SCALARS) for value in entry.parameters.values())
    )
    if not sound:
        raise ValueError(f"not a descriptor: {entry.alias!r}")
    return entry


def _digests(matrices: Mapping[str, Matrix], row: int) -> dict[str, str]:
    return {alias: digest(matrix[row].tobytes()) for alias, matrix in matrices.items()}


def _columns(manifest: Manifest, file_format: FileFormat) -> list[dict[str, str]]:
    columns = [
        {"name": name, "datatype": datatype, "dc:description": text}
        for name, datatype, text in FACTS
    ]
    for entry in manifest.entries:
        datatypes = file_format.datatypes(entry)
        columns += [{"name": name, "datatype": datatypes[name]} for name in datatypes]
    return columns
