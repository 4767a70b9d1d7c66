"""Messages stay on one line, whatever a file is called."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from cbir.errors import UnreadableImageError, printable


@given(st.binary(max_size=30).map(os.fsdecode))
def test_any_name_is_printed_on_one_line_of_utf8(name: str) -> None:
    text = printable(name)
    assert text.isprintable()
    assert text.encode("utf-8").decode() == text


def test_different_names_look_different() -> None:
    names = [os.fsdecode(name) for name in (b"\xff", b"\xfe", b"\n", b"\t", "é".encode())]
    assert len({printable(name) for name in names}) == len(names)


def test_an_unreadable_picture_names_path_reason_and_remedy() -> None:
    error = UnreadableImageError("a\nb.heic", "no reader", "install one")
    assert str(error) == "a\\nb.heic: no reader (install one)"
