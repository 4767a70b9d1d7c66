"""Groups of rows that are carried over, and footers that are not as they should be."""

from __future__ import annotations

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbir.stores.parquet.compact_protocol import Struct, written
from cbir.stores.parquet.row_groups import ParquetParts, write_joined
from cbir.stores.single_file.file_format import PARQUET_MAGIC
from cbir.stores.single_file.hashed_file import HashedFile

I32 = 5
ROWS, GROUPS, CHUNK_COLUMNS, CHUNK, DATA, SIZE = 3, 4, 1, 3, 9, 7


def file_of(values: range) -> io.BytesIO:
    sink = io.BytesIO()
    table = pa.table({"a": list(values), "b": [f"text {one}" for one in values]})
    pq.write_table(table, sink, row_group_size=3)
    return sink


def test_groups_of_two_files_are_joined() -> None:
    one, other, joined = file_of(range(8)), file_of(range(20, 24)), io.BytesIO()
    parts = [ParquetParts.of(file) for file in (one, other)]
    assert (parts[0].rows, parts[1].rows) == ([3, 3, 2], [3, 1])
    write_joined(HashedFile(joined), [(parts[0], [2, 0]), (parts[1], [1])])
    found = pq.ParquetFile(io.BytesIO(joined.getvalue()))
    assert found.read().to_pydict() == {
        "a": [6, 7, 0, 1, 2, 23],
        "b": [f"text {one}" for one in (6, 7, 0, 1, 2, 23)],
    }
    assert found.metadata.num_row_groups == 3
    assert found.metadata.num_rows == 6


def no_groups(footer: Struct) -> None:
    del footer.fields[GROUPS]


def no_list(footer: Struct) -> None:
    footer.fields[GROUPS] = I32, 7


def no_chunks(footer: Struct) -> None:
    footer[GROUPS].values[0][CHUNK_COLUMNS].values.clear()


def far_away(footer: Struct) -> None:
    footer[GROUPS].values[1][CHUNK_COLUMNS].values[0][CHUNK][DATA] = 1 << 40


def too_large(footer: Struct) -> None:
    footer[GROUPS].values[1][CHUNK_COLUMNS].values[0][CHUNK][SIZE] = 1 << 40


def negative(footer: Struct) -> None:
    footer[GROUPS].values[1][CHUNK_COLUMNS].values[0][CHUNK][SIZE] = -(1 << 40)


def no_rows(footer: Struct) -> None:
    del footer.fields[ROWS]


@pytest.mark.parametrize(
    "damage",
    [no_groups, no_list, no_chunks, far_away, too_large, negative, no_rows],
)
def test_a_footer_that_says_something_else_is_refused(damage: Callable[[Struct], None]) -> None:
    data = file_of(range(8)).getvalue()
    footer = ParquetParts.of(io.BytesIO(data)).footer
    damage(footer)
    raw = written(footer)
    start = data[: -8 - int.from_bytes(data[-8:-4], "little")]
    damaged = start + raw + len(raw).to_bytes(4, "little") + PARQUET_MAGIC
    with pytest.raises(ValueError, match=r"footer|group"):
        ParquetParts.of(io.BytesIO(damaged))


@pytest.mark.parametrize("data", [b"PAR1" + 4 * b"\xff" + b"PAR1", b"PAR1\0\0\0\0PAR1"])
def test_a_file_without_a_footer_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"too early|a value|footer"):
        ParquetParts.of(io.BytesIO(data))
