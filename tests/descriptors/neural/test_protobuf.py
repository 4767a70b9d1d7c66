"""The wire format against messages of the package onnx."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, TensorProto

from cbir.descriptors.neural.protobuf import (
    bytes_field,
    fields,
    number_field,
    signed,
    whole_numbers,
)

numbers = st.integers(-(1 << 63), (1 << 63) - 1)


@given(st.lists(numbers), st.text(), st.binary())
def test_what_others_write_is_read(sizes: list[int], name: str, data: bytes) -> None:
    message = TensorProto(
        dims=sizes, int64_data=sizes, name=name, raw_data=data
    ).SerializeToString()
    read = list(fields(memoryview(message)))
    assert [signed(value) for number, value in read if number == 1] == sizes  # type: ignore[arg-type]
    packed = [value for number, value in read if number == 7]
    assert [one for value in packed for one in whole_numbers(value)] == sizes
    assert [bytes(value) for number, value in read if number == 9] == [data]  # type: ignore[arg-type]


@given(st.integers(0, (1 << 63) - 1), st.text())
def test_what_we_write_is_read_by_others(number: int, text: str) -> None:
    message = AttributeProto.FromString(bytes_field(1, text) + number_field(3, number))
    assert (message.name, message.i) == (text, number)


@pytest.mark.parametrize(
    "data", [b"\x08", b"\x08" + b"\x80" * 20, b"\x0a\x05abc", b"\x0d\0", b"\x0b", b"\x0f"]
)
def test_what_is_cut_off_or_unknown_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        list(fields(memoryview(data)))
