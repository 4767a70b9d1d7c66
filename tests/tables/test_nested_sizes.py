"""How long nested values will be as text."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from cbir.core.cell_text import cell_text
from cbir.tables.nested_sizes import nested_sizes

LONG = "x" * 400
KINDS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "list": (pa.list_(pa.string()), [[LONG, "a"], None, [], ["b", None]]),
    "large list": (pa.large_list(pa.int64()), [[1] * 100, None, [], [None]]),
    "fixed list": (pa.list_(pa.string(), 2), [[LONG, "a"], None, ["b", None], ["", ""]]),
    "struct": (
        pa.struct([("s", pa.string()), ("n", pa.int8())]), [{"s": LONG}, None, {}, {"n": 1}],
    ),
    "map": (pa.map_(pa.string(), pa.int8()), [[(LONG, 1)], None, [], [("a", None)]]),
    "texts told once": (
        pa.list_(pa.dictionary(pa.int32(), pa.string())), [[LONG, LONG], None, [], ["b", None]],
    ),
    "deep": (
        pa.list_(pa.list_(pa.struct([("s", pa.string())]))), [[[{"s": LONG}]], None, [[]], []],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_is_a_lower_bound_that_grows_with_the_text(kind: str) -> None:
    array = pa.array(KINDS[kind][1], KINDS[kind][0])
    sizes = nested_sizes(array)
    for size, value in zip(sizes.tolist(), array.to_pylist(), strict=True):
        assert size <= max(1, len(cell_text(value)))
    assert sizes[0] >= 100
    assert nested_sizes(array[1:]).tolist() == sizes[1:].tolist()
