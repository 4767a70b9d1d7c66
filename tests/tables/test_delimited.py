"""Tables in text: encodings, separators, quotes, and what is refused."""

from __future__ import annotations

import csv
import io

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.errors import CbirError
from cbir.tables.delimited import read_delimited
from cbir.tables.model import Table, Wanted
from cbir.tables.source import Source
from tests.tables.helpers import all_columns


def read(data: bytes) -> Table:
    return read_delimited(Source("x.csv", "text", "x.csv", data), all_columns)


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "UTF-16, separated by commas"),
        ("cp1252", "Windows-1252, separated by commas"),
    ],
)
def test_the_encoding_is_found_out(encoding: str, note: str) -> None:
    table = read("file,what\r\na.jpg,Möwe – 5 €\r\n".encode(encoding))
    assert table.columns == {"file": ["a.jpg"], "what": ["Möwe – 5 €"]}
    assert table.note == note


def test_utf_16_of_either_byte_order_is_read() -> None:
    for encoding, bom in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        assert read(bom + "a\tb\n1\tö\n".encode(encoding)).columns == {"a": ["1"], "b": ["ö"]}


@pytest.mark.parametrize("data", [b"a,b\0\n1,2\n", b"\x81\x8d,\x8f\n", b"\xff\xfea"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(CbirError, match=r"x\.csv: this is no text in UTF-8, UTF-16"):
        read(data)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        ("a\tb\n1,5\t2\n", {"a": ["1,5"], "b": ["2"]}),
        ("a;b\n1,5;2\n3,5;4\n", {"a": ["1,5", "3,5"], "b": ["2", "4"]}),
        ("a|b\n1|2\n", {"a": ["1"], "b": ["2"]}),
        ("id;name, first\n1;x\n", {"id": ["1"], "name, first": ["x"]}),
        ('id,note\n1,"a;b;c"\n2,"d;e;f"\n', {"id": ["1", "2"], "note": ["a;b;c", "d;e;f"]}),
        ('"a;b",c\n"1;2",3\n', {"a;b": ["1;2"], "c": ["3"]}),
        ("file\na b.jpg\n", {"file": ["a b.jpg"]}),
        ("a,b\n", {"a": [], "b": []}),
    ],
)
def test_the_separator_is_found_out(text: str, columns: dict[str, list[str]]) -> None:
    assert read(text.encode()).columns == columns


def test_quotes_are_honored_and_empty_lines_skipped() -> None:
    table = read(b'\n\na,b\r\n"1\r\n2","say ""x"""\r\n\r\n=1+1,NA\r\n')
    assert table.columns == {"a": ["1\r\n2", "=1+1"], "b": ['say "x"', "NA"]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('a,b\n"1\n2",3\n4,5,6\n', "line 4 has 3 cells, and the header has 2"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cell, and the header has 2"),
        ('a,b\n1,2\n3,"4\n5\n', "line 4: unexpected end of data"),
        ('a,b\n1,"2" x\n', 'line 2: .*expected after .*"'),
        (f"a,b\n1,{'x' * 200_000}\n", r"line 2: field larger than field limit \(131072\)"),
        (f"a,b\n{'x' * 100_000}\n" + "".join("1,\n" for _ in range(9)), "line 2 has 1 cell"),
        ("", "the table is empty"),
        ("\n\n", "the table is empty"),
        ("a," * 3000 + "\n", "3,001 columns; more than 2,000 are not read"),
    ],
)
def test_a_table_with_a_slip_is_refused_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(CbirError, match=f"x.csv: {reason}"):
        read(text.encode())


def test_only_what_is_wanted_has_to_be_clear() -> None:
    source = Source("x.csv", "text", "x.csv", b"a,,a,b\n1,2,3,4\n")
    assert read_delimited(source, lambda _: Wanted(["b", ""])).columns == {"b": ["4"], "": ["2"]}
    with pytest.raises(CbirError, match="2 columns are called 'a'; rename all but one"):
        read_delimited(source, lambda _: Wanted(["a"]))


CELLS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6
) | st.sampled_from([",", '"', ";", "\t", "\n", "\r\n", "|", ",,", '"";', "NA"])


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8))
def test_what_pandas_writes_is_read_as_pandas_reads_it(rows: list[list[str]]) -> None:
    frame = pandas.DataFrame(rows, columns=["a", "b"])
    text = frame.to_csv(index=False, quoting=csv.QUOTE_ALL, lineterminator="\n")
    assert read(text.encode()).columns == frame.to_dict("list")
    plain = io.StringIO(newline="")
    csv.writer(plain).writerows([["a", "b"], *rows])
    assert read(plain.getvalue().encode()).columns == frame.to_dict("list")
