"""Columns of metadata: what types they have, and that they hold what they were made of."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.stores.metadata import ColumnType, LazyColumns, MetadataColumn
from cbir.stores.single_file.packed_metadata import pack, unpack

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=12)


@given(TEXTS)
def test_a_column_holds_its_texts(texts: list[str]) -> None:
    column = MetadataColumn.of(texts)
    assert column.texts() == texts and len(column) == len(texts)
    assert list(column.distinct) == list(dict.fromkeys(texts))


@given(TEXTS, st.data())
def test_the_column_of_other_images_is_that_of_their_texts(
    texts: list[str], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(-1, len(texts) - 1), max_size=12))
    wanted = ["" if row < 0 else texts[row] for row in rows]
    assert MetadataColumn.of(texts).take(np.array(rows, np.intp)) == MetadataColumn.of(wanted)


@given(st.lists(st.tuples(*[st.sampled_from(["", "a", "7", "2.5", "2020-02-03"])] * 3), max_size=9))
def test_packed_columns_are_the_same(rows: list[tuple[str, ...]]) -> None:
    columns = [MetadataColumn.of(row[i] for row in rows) for i in range(3)]
    unpacked = unpack(pack(columns), len(rows))
    assert unpacked == columns
    for one, other in zip(columns, unpacked, strict=True):
        assert one.type == other.type and one.values() == other.values()


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        (["1", "-20", ""], "number"),
        (["1.5", "2", "1e-05", "NA"], "number"),
        (["9" * 18, "0"], "number"),
        ([str(2**63 - 1), str(-(2**63))], "number"),
        ([str(2**63), "1"], "text"),  # of which no number holds every digit
        ([str(2**53 + 1), "0.5"], "text"),
        (["0.12345678901234567890", "1"], "text"),
        (["007", "008"], "text"),  # a code, not a number
        (["12e45", "13e46"], "text"),
        (["1e+999", "2.0"], "text"),
        (["2020-01-31", ""], "date"),
        (["2020-01-31T10:20:30Z", "2020-01-31 12:00+02:00"], "date"),
        (["2020-02-30"], "text"),
        (["red", "blue", "red", "red"], "category"),
        (["red", "blue"], "text"),
        (["1", "one"], "text"),
        (["", "NA"], "text"),
        ([], "category"),
    ],
)
def test_the_type_of_a_column_is_found_out(texts: list[str], type_: ColumnType) -> None:
    assert MetadataColumn.of(texts).type == type_


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
    | st.lists(st.integers(-(2**63), 2**63 - 1))
)
def test_numbers_are_what_pandas_reads(numbers: list[float]) -> None:
    texts = [*map(repr, numbers), ""]
    wanted = pandas.to_numeric(pandas.Series(texts[:-1], dtype=object)).tolist()
    values = MetadataColumn.of(texts).values()
    assert values == [*wanted, None]


def test_missing_values_are_none() -> None:
    assert MetadataColumn.of(["NA", "3", ""]).values() == [None, 3, None]
    assert MetadataColumn.of(["NA", "x", ""]).values() == ["NA", "x", None]
    assert MetadataColumn.of(["NA", "2020-01-02"]).values() == [None, "2020-01-02"]


def test_times_with_a_zone_are_compared_in_utc() -> None:
    column = MetadataColumn.of(["2020-01-31T10:00:00Z", "2020-01-31T12:00:00+02:00"])
    assert column.typed[0] == column.typed[1] == np.datetime64("2020-01-31T10:00:00")


def test_columns_are_loaded_when_they_are_asked_for() -> None:
    loaded = []

    def load(name: str) -> MetadataColumn:
        loaded.append(name)
        return MetadataColumn.of([name])

    columns = LazyColumns(["a", "b"], load)
    assert list(columns) == ["a", "b"] and "a" in columns and "c" not in columns and not loaded
    assert columns["b"].texts() == columns["b"].texts() == ["b"] and loaded == ["b"]
    assert columns == {"a": MetadataColumn.of(["a"]), "b": MetadataColumn.of(["b"])}
    with pytest.raises(KeyError):
        columns["c"]
