"""JSON that does harm is refused like any other that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbir.core.json_text import parse_json, read_checked, write_checked


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


def test_a_value_with_its_checksum_is_read_again(tmp_path: Path) -> None:
    write_checked(tmp_path / "a.json", "sizes", {"b": [1], "a": None})
    assert read_checked(tmp_path / "a.json", "sizes") == {"b": [1], "a": None}


@pytest.mark.parametrize(
    "text", ["", "5", "[]", "{}", '{"sizes": 1}', '{"sizes": 1, "checksum": 5}', "[" * 100_000]
)
def test_a_value_that_is_damaged_or_missing_is_none(tmp_path: Path, text: str) -> None:
    assert read_checked(tmp_path / "a.json", "sizes") is None
    (tmp_path / "a.json").write_text(text)
    assert read_checked(tmp_path / "a.json", "sizes") is None
