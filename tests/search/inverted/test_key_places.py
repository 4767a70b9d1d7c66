from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.search.inverted.key_places import KeyPlaces, as_keys
from cbir.search.inverted.segment import Segment

KEYS = st.lists(st.binary(min_size=2, max_size=2).map(lambda end: bytes(29) + end + b"\0"))
"""Many of them are equal, and all begin alike."""


def segment(keys: list[bytes]) -> Segment:
    one = Segment.__new__(Segment)
    one.keys = as_keys(keys)
    return one


@given(st.lists(KEYS, max_size=3), KEYS)
def test_a_key_is_found_in_the_first_segment_that_has_it(
    held: list[list[bytes]], asked: list[bytes]
) -> None:
    every = [one for keys in held for one in keys]
    asked = asked + every[::2]
    found = KeyPlaces([segment(keys) for keys in held]).find(as_keys(asked))
    assert found.tolist() == [every.index(one) if one in every else -1 for one in asked]


def test_keys_may_be_a_column_of_an_index() -> None:
    column = np.array([(b"a" * 32, 1), (b"b" * 32, 2)], [("sha256", "V32"), ("bytes", "<i8")])
    assert as_keys(column["sha256"]).tobytes() == b"a" * 32 + b"b" * 32
    assert as_keys(column["sha256"][:0]).shape == as_keys([]).shape == (0, 32)


@pytest.mark.parametrize("keys", [[b"short"], np.zeros((3, 16), np.uint8)])
def test_other_lengths_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        as_keys(keys)
