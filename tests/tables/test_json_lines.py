"""Tables in JSON lines."""

from __future__ import annotations

import pandas
import pytest

from cbir.core.errors import CbirError
from cbir.tables.json_lines import read_json_lines
from cbir.tables.model import Table
from cbir.tables.source import Source
from tests.tables.helpers import all_columns


def read(text: str, encoding: str = "utf-8") -> Table:
    data = text.encode(encoding)
    return read_json_lines(Source("x.jsonl", "json", "x.jsonl", data), all_columns)


def test_an_object_is_a_row_and_what_it_lacks_is_empty() -> None:
    text = '{"id": 1, "price": 9.5}\n\n{"price": null, "tags": ["ä", {"b": 1}], "ok": true}\r\n'
    expected = {
        "id": ["1", ""],
        "price": ["9.5", ""],
        "tags": ["", '["ä", {"b": 1}]'],
        "ok": ["", "true"],
    }
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read(text, encoding).columns == expected


def test_what_pandas_writes_is_read() -> None:
    frame = pandas.DataFrame({"file": ["a b.jpg", 'c"\n\u2028.jpg'], "number": [7, 2**60]})
    text = frame.to_json(orient="records", lines=True)
    assert read(text).columns == frame.astype(str).to_dict("list")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1}\n[1, 2]\n', r"line 2 is no JSON object: it begins with \[1, 2\]"),
        ('{"a": 1}\n{"a": \n', "line 2 is no JSON object"),
        ('{"a": ' + "[" * 100_000 + "\n", "line 1 is no JSON object: nested too deeply"),
        (
            '{"a": ' + "9" * 5000 + "}\n",
            "line 1 is no JSON object: a number of thousands of",
        ),
        ('{"a": 1}\n\n{"b": 1, "a": 1, "a": 2}\n', "line 3: an object has the name 'a' twice"),
        ('{"a": {"b": 1, "b": 1}}\n', "line 1: an object has the name 'b' twice"),
        ('{"a": "\\ud800"}\n', "line 1 is no JSON object"),
        ('{"a": "\\udcff"}\n', "line 1, column a: half a character"),
        ('{"a": "x"}\n{"a": "\\u0000"}\n', "line 2, column a: a NUL character"),
        ('{"a": "' + "x" * 200_000 + '"}\n', "line 1, column a: more than 131,072 characters"),
        ("", "the table is empty"),
        ("{}\n", "the table is empty"),
        ("".join(f'{{"{number}": 1}}\n' for number in range(2001)), "2,001 columns"),
    ],
)
def test_what_is_no_table_is_refused(text: str, reason: str) -> None:
    with pytest.raises(CbirError, match=f"x.jsonl: {reason}"):
        read(text)
