"""Messages stay on one line, whatever a file is called."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbir
from cbir.core.errors import CbirError, UnreadableImageError, excerpt, printable


@given(st.binary(max_size=30).map(os.fsdecode))
def test_any_name_is_printed_on_one_line_of_utf8(name: str) -> None:
    text = printable(name)
    assert text.isprintable()
    assert text.encode("utf-8").decode() == text


def test_different_names_look_different() -> None:
    names = [os.fsdecode(name) for name in (b"\xff", b"\xfe", b"\n", b"\t", "é".encode())]
    assert len({printable(name) for name in names}) == len(names)


def test_an_unreadable_image_names_path_reason_and_remedy() -> None:
    error = UnreadableImageError("a\nb.heic", "no reader", "install one")
    assert str(error) == "a\\nb.heic: no reader (install one)"


def _subclasses(cls: type[CbirError]) -> list[type[CbirError]]:
    return [cls, *(one for child in cls.__subclasses__() for one in _subclasses(child))]


def _all_errors() -> list[type[CbirError]]:
    for module in pkgutil.walk_packages(cbir.__path__, "cbir."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return _subclasses(CbirError)


@pytest.mark.parametrize("cls", _all_errors())
def test_every_error_can_be_pickled(cls: type[CbirError]) -> None:
    count = len(inspect.signature(cls.__init__).parameters) - 1
    error = cls(*("a.heic", "no reader", "install one")[:count])
    error.add_note("a note")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls and str(copy) == str(error) and vars(copy) == vars(error)
    assert copy.args == error.args


@given(st.text(max_size=300), st.integers(4, 100))
def test_an_excerpt_is_the_whole_text_or_its_ends(text: str, most: int) -> None:
    shown, whole = excerpt(text, most), printable(text)
    assert shown.isprintable() and len(shown) <= most
    if len(whole) <= most:
        assert shown == whole
    else:
        beginning, _, end = shown.rpartition("…")
        assert len(shown) == most and whole.startswith(beginning) and whole.endswith(end)
