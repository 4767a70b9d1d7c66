"""JSON that does harm is refused like any other that is none."""

from __future__ import annotations

import pytest

from cbir.core.json_text import parse_json


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "\ud800", b"\xff\xfe\xfd"]
)
def test_what_is_no_sound_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_a_document_is_parsed() -> None:
    assert parse_json(b'{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}


def test_a_surrogate_that_stands_for_no_byte_is_refused() -> None:
    assert parse_json(rb'["\udc80", "\ud83d\ude00", "\\ud800"]') == ["\udc80", "😀", r"\ud800"]
    for text in (rb'["\ud800"]', rb'{"\udfff": 1}', b'["\xed\xa0\x80"]'):
        with pytest.raises(ValueError):
            parse_json(text)
