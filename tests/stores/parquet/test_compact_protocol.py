"""Footers of Parquet files, as Thrift's compact protocol has them."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.stores.parquet.compact_protocol import read_struct, written


def footer_of(data: bytes) -> bytes:
    length = int.from_bytes(data[-8:-4], "little")
    return data[-8 - length : -8]


def test_what_pyarrow_writes_is_written_again_byte_for_byte() -> None:
    table = pa.table({"a": [1, 2, None], "b": ["x", "y", "z"], "c": [[1.5], [], [2.5, 3]]})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2, write_page_index=True)
    raw = footer_of(sink.getvalue())
    file = io.BytesIO(raw)
    assert written(read_struct(file)) == raw
    assert file.read() == b""


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x16" + b"\xff" * 1_000_000, "too many bytes"),  # a number without end
        (b"\x1c" * 100_000, "without end"),  # structs within structs
        (b"\x19" + b"\x19" * 100_000, "a value of the type"),  # lists within lists
        (b"\x19\xf6\xff\xff\xff\xff\x0f", "too early"),  # a list of four billion numbers
        (b"\x18\xff\xff\xff\xff\x0f", "too early"),
        (b"\x1d\x00", "a value of the type 13"),
        (b"", "too early"),
    ],
)
def test_what_is_no_struct_is_refused_at_once(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_struct(io.BytesIO(raw))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_struct_or_refused(raw: bytes) -> None:
    try:
        struct = read_struct(io.BytesIO(raw))
    except ValueError:
        return
    assert read_struct(io.BytesIO(written(struct))) == struct
