"""When another format would serve an index better."""

from __future__ import annotations

import contextlib
import os

from cbir.core.amounts import size_text
from cbir.core.errors import printable
from cbir.core.messages import Call, Message
from cbir.core.optional_packages import missing_of

BURDEN = 100_000_000
"""Bytes of a CSV that take five seconds to be read whole, as after an edit: ten times as long as
the same index in Parquet (``benchmarks/index_formats.py``)."""


def recommend_parquet(index: str) -> Message | None:
    """Return what is better for an index whose CSV has become a burden; None for others.

    Parameters
    ----------
    index : str
        The index file.

    Examples
    --------
    >>> recommend_parquet("no such file.csv")
    """
    stem, extension = os.path.splitext(index)
    size = 0
    with contextlib.suppress(OSError):
        size = os.path.getsize(index)
    if size < BURDEN or extension.lower() == ".parquet":
        return None
    needed = missing_of(("pyarrow",), "parquet")
    return Message(
        f"{printable(index)}: a CSV of {size_text(size)} takes long to be read; Parquet takes a"
        " fraction of the room and of the time: ",
        Call("convert", source=index, target=f"{stem}.parquet"),
        f"; it {needed}" if needed else "",
    )
