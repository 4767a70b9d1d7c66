"""Values as text."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.cell_text import cell_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (" 007 ", " 007 "),
        (1163, "1163"),
        (-(2**63), "-9223372036854775808"),
        (1163.0, "1163.0"),
        (0.1, "0.1"),
        (float("nan"), ""),
        (float("inf"), "inf"),
        (True, "true"),
        (False, "false"),
        (Decimal("1.10"), "1.10"),
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("1E+2"), "100"),
        (Decimal("1E+999999"), "1E+999999"),
        (Decimal("NaN"), ""),
        (Decimal("-Infinity"), "-inf"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 13, 5), "2024-02-29T13:05:00"),
        (datetime(2024, 2, 29, 13, 5, 0, 7, UTC), "2024-02-29T13:05:00.000007+00:00"),
        (time(13, 5), "13:05:00"),
        (timedelta(days=1, microseconds=500), "PT86400.0005S"),
        (["a", 1, None], '["a", 1, null]'),
        ({"ä": {"b": date(2024, 2, 29)}}, '{"ä": {"b": "2024-02-29"}}'),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
)
def test_each_type_has_one_text(value: Any, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"\0", "binary"), ([b"\0"], "binary"), (1j, "type complex"), ({(1, 2): 3}, "keys must be")],
)
def test_what_has_no_text_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        cell_text(value)


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        cell_text(value)


@given(st.floats(allow_nan=False) | st.integers() | st.decimals(allow_nan=False, places=6))
def test_a_number_is_read_again_as_itself(value: Any) -> None:
    assert type(value)(cell_text(value)) == value


@given(st.dictionaries(st.text(), st.lists(st.integers() | st.booleans() | st.none() | st.text())))
def test_nested_values_are_json(value: dict[str, Any]) -> None:
    assert json.loads(cell_text(value)) == value
