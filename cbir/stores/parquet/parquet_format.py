"""Parquet as a format of indexes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import printable
from cbir.core.optional_packages import optional_module
from cbir.core.spliced_rows import Matrix
from cbir.descriptors.base import Row
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Rows
from cbir.stores.parquet.columns import Cells, columns_of
from cbir.stores.single_file.file_format import DATATYPES, FileFormat
from cbir.stores.single_file.hashed_file import HashedFile
from cbir.stores.single_file.kept_rows import KeptRows


class ParquetFormat(FileFormat):
    """One row an image, one column a vector; smaller and faster than a CSV, for programs."""

    name = "Parquet file"

    def check_available(self, path: str) -> None:
        optional_module("pyarrow", f"{printable(path)}: Parquet", "parquet")

    def check_header(self, path: str) -> Collection[str]:
        from cbir.stores.parquet.opened_file import opened

        self.check_available(path)
        with opened(path) as file:
            names: list[str] = file.schema_arrow.names
        return names

    def datatypes(self, entry: DescriptorEntry) -> Mapping[str, str]:
        datatype = DATATYPES.get(np.dtype(entry.dtype).str[1:], "decimal")
        return {
            column.name: "hexBinary" if column.cells is Cells.BITS else datatype
            for column in columns_of(entry)
        }

    def write(
        self,
        file: HashedFile,
        rows: Rows,
        entries: Sequence[DescriptorEntry],
        matrices: Mapping[str, Matrix],
        kept: KeptRows | None = None,
    ) -> NDArray[np.int64]:
        from cbir.stores.parquet.writing import write_parquet

        return write_parquet(file, rows, entries, matrices, kept)

    def read(self, path: str, entries: Sequence[DescriptorEntry]) -> tuple[Rows, dict[str, Row]]:
        from cbir.stores.parquet.reading import read_parquet

        self.check_available(path)
        return read_parquet(path, entries)
