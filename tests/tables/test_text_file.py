"""Lines of text files: how long one may be."""

from __future__ import annotations

import pytest

from cbir.core.errors import CbirError
from cbir.tables import text_file
from cbir.tables.reading import read_table
from cbir.tables.source import Source
from tests.tables.helpers import all_columns


@pytest.mark.parametrize(
    ("kind", "data"), [("text", b"a,b\n1,2\n" + b"," * 99), ("json", b"{}\n{}\n[" + b" " * 99)]
)
def test_a_line_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: str, data: bytes
) -> None:
    monkeypatch.setattr(text_file, "MAX_LINE", 50)
    with pytest.raises(CbirError, match="x: line 3 has more than 50 characters"):
        read_table(Source("x", kind, "x", data), all_columns)


def test_lines_keep_their_ends() -> None:
    source = Source("x", "text", "x", "a\r\nb\rc\u2028\nd".encode())
    encoding, _ = text_file.text_encoding(source)
    assert list(text_file.text_lines(source, encoding)) == ["a\r\n", "b\r", "c\u2028\n", "d"]
