"""Many paths in little memory."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import given, strategies

from cbir.core.packed_text import PackedText
from cbir.stores.paths import PathList


def test_rows_of_paths_are_those_that_are_found_one_by_one() -> None:
    rng = np.random.default_rng(0)
    names = sorted({f"{number:03}" for number in rng.integers(0, 300, 200)})
    for _ in range(50):
        known = PathList.of(name for name in names if rng.random() < 0.6)
        asked = [name for name in names if rng.random() < 0.4]
        rows = [known.find(name) for name in asked]
        expected = [-1 if row is None else row for row in rows]
        assert known.rows_of(asked).tolist() == expected


def test_paths_are_equal_where_each_is() -> None:
    assert PathList.of(["a.jpg", "b.jpg"]) == PathList.of(["a.jpg", "b.jpg"])
    assert PathList.of(["a", "bc"]) != PathList.of(["ab", "c"])
    assert PathList.of(["a"]) != PathList.of(["a", "b"])
    assert PathList.of(["a"]) != ["a"]


@given(strategies.lists(strategies.text("ab/é\udcff", min_size=1), unique=True), strategies.data())
def test_paths_are_found_among_many(names: list[str], data: strategies.DataObject) -> None:
    many = [f"{number:04}" for number in range(300)]
    asked = sorted({*names, *many}, key=os.fsencode)
    gone = data.draw(strategies.sets(strategies.sampled_from(asked), max_size=9))
    known = [name for name in asked if name not in gone]
    places = {name: place for place, name in enumerate(known)}
    rows = [places.get(name, -1) for name in asked]
    assert PathList.of(known).rows_of(PathList.of(asked)).tolist() == rows
    kept = [place for place, name in enumerate(asked) if name not in gone]
    assert PathList.of(asked).rows_of(known).tolist() == kept


@given(
    strategies.lists(strategies.text("ab/é\udcff")), strategies.integers(), strategies.integers()
)
def test_slices_are_those_of_a_list(texts: list[str], start: int, stop: int) -> None:
    assert PackedText.of(texts)[start:stop] == texts[start:stop]
    assert PackedText.of(texts)[start:stop:2] == texts[start:stop:2]


@given(strategies.lists(strategies.binary(max_size=3)))
def test_utf8_is_what_each_text_is(raw: list[bytes]) -> None:
    def is_utf8(text: bytes) -> bool:
        try:
            return text.decode() is not None
        except UnicodeDecodeError:
            return False

    assert PackedText.of(map(os.fsdecode, raw)).is_utf8 == all(map(is_utf8, raw))
