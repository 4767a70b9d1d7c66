"""Which candidate source serves which kind of rows."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Protocol

from cbir.descriptors.base import Descriptor, Row
from cbir.descriptors.row_kinds import GLOBAL, HASH
from cbir.search.candidates import CandidateSource
from cbir.search.metrics import Metric

_SOURCES = {
    GLOBAL.name: "cbir.search.exact.flat:FlatIndex",
    HASH.name: "cbir.search.exact.binary:BinaryFlatIndex",
}
"""By the name of the kind; imported when they are asked for."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """What a candidate source is made of; see :func:`open_source`."""

    descriptor: Descriptor
    matrix: Row
    metric: Metric


class SourceClass(Protocol):
    """What is registered: a class that is made of stored rows."""

    def of(self, stored: StoredRows) -> CandidateSource[Row]:
        """Return the rows, ready to be searched."""


def open_source(descriptor: Descriptor, matrix: Row, metric: Metric) -> CandidateSource[Row]:
    """Return the candidate source of a descriptor's rows.

    Parameters
    ----------
    descriptor : Descriptor
        What the rows are.
    matrix : ndarray, shape (n, width)
        The stored rows.
    metric : Metric
        One that the descriptor allows.
    """
    name = _SOURCES.get(descriptor.kind.name, _SOURCES[GLOBAL.name])
    source: SourceClass = resolve_name(name)
    return source.of(StoredRows(descriptor, matrix, metric))
