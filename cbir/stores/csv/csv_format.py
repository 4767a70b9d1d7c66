"""The CSV as a format of indexes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.core.spliced_rows import Matrix
from cbir.descriptors.base import Row
from cbir.stores.csv.cells import codec_of
from cbir.stores.csv.reading import read_csv, read_header
from cbir.stores.csv.writing import write_csv
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Rows
from cbir.stores.single_file.file_format import DATATYPES, FileFormat
from cbir.stores.single_file.hashed_file import HashedFile
from cbir.stores.single_file.kept_rows import KeptRows


class CsvFormat(FileFormat):
    """One row an image, one column a number; for people, and for every program."""

    name = "CSV"

    def check_available(self, path: str) -> None:
        """Need no optional package."""

    def check_header(self, path: str) -> Collection[str]:
        return read_header(path)

    def datatypes(self, entry: DescriptorEntry) -> Mapping[str, str]:
        texts = codec_of(entry).text_columns(entry)
        datatype = DATATYPES.get(np.dtype(entry.dtype).str[1:], "decimal")
        return {name: "string" if name in texts else datatype for name in entry.columns}

    def write(
        self,
        file: HashedFile,
        rows: Rows,
        entries: Sequence[DescriptorEntry],
        matrices: Mapping[str, Matrix],
        kept: KeptRows | None = None,
    ) -> NDArray[np.int64]:
        return write_csv(file, rows, entries, matrices, kept)

    def read(self, path: str, entries: Sequence[DescriptorEntry]) -> tuple[Rows, dict[str, Row]]:
        return read_csv(path, entries)
