"""The limits of a table."""

from __future__ import annotations

import pytest

from cbir.core.errors import CbirError
from cbir.tables import model
from cbir.tables.model import Wanted, table_of


def test_a_table_with_too_many_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MAX_CELLS", 9)
    assert len(table_of("x", Wanted(["a", "b"]), [["12", "34"], ["56", "78"]]).columns["a"]) == 4
    with pytest.raises(CbirError, match="x: the table is too large: more than 9 cells"):
        table_of("x", Wanted(["a", "b"]), [["12", "34"], ["567", "789"]])


def test_a_table_with_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MAX_TEXT", 9)
    with pytest.raises(CbirError, match="or 9 characters; leave out rows or columns"):
        table_of("x", Wanted(["a"]), [[["12345", "67890"]]])


def test_the_row_that_has_no_text_is_named_unless_the_column_may_go() -> None:
    batches = [[["a", "b"], [1, 2]], [["c", "d"], [3, b"\0"]]]
    with pytest.raises(CbirError, match="x: row 4, column two: a binary value"):
        table_of("x", Wanted(["one", "two"]), batches)
    table = table_of("x", Wanted(["one"], ["one", "two"]), batches)
    assert table.columns == {"one": ["a", "b", "c", "d"]}
