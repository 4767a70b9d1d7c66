"""What is kept of a structure beside its file: a small checked document."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Self

from cbir.core.json_values import (
    DamageError,
    count,
    flag,
    number,
    or_none,
    plain_text,
    share,
)

VERSION = 2
"""Raised when structures of before cannot be used any more."""

_READ = {
    "int": count,
    "float": share,
    "seconds": number,
    "str": plain_text,
    "bool": flag,
}

_TOKEN = re.compile("[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class StructureRecord:
    """How a structure was made, and how it is searched.

    Attributes
    ----------
    fingerprint, metric : str
        Of the descriptor, and by what its rows are compared.
    form : str
        Of the :class:`~cbir.search.ann.geometry.Geometry`.
    wide, width : int
        Numbers of a vector before and after the projection; the same without one. Or bytes.
    engine : str
    size : int or None
        Bytes that the engine was to keep of a vector.
    pca : int or None
        The width that was asked for.
    images : int
        Vectors that are in it.
    effort, depth : int
    recall : float
    reached : bool
        Of the :class:`~cbir.search.ann.tuning.Tuning`.
    wanted : float
        The recall that was asked for.
    queries : int
        Rows on which recall was measured.
    build_seconds : float
        That arranging took.
    bytes : int
        That the structure takes.
    checksum : int
        Of its file: a native reader may fall over one that is damaged.
    array_bytes : int
        That the arrays beside it take: which image is which, and the projection.
    token : str
        In the names of its files.
    """

    fingerprint: str
    metric: str
    form: str
    wide: int
    width: int
    engine: str
    size: int | None
    pca: int | None
    images: int
    effort: int
    depth: int
    recall: float
    reached: bool
    wanted: float
    queries: int
    build_seconds: float
    bytes: int
    checksum: int
    array_bytes: int
    token: str

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what a document says.

        Raises
        ------
        DamageError
            When it is none of a structure.
        """
        fields = {field.name: str(field.type) for field in dataclasses.fields(cls)}
        if document.keys() != fields.keys():
            raise DamageError("not what is kept of a structure")
        values: dict[str, Any] = {}
        for name, kind in fields.items():
            read = _READ["seconds" if name == "build_seconds" else kind.partition(" ")[0]]
            value = document[name]
            values[name] = or_none(value, name, read) if "None" in kind else read(value, name)
        record = cls(**values)
        if not _TOKEN.fullmatch(record.token):
            raise DamageError("token is none")
        if not (record.depth and record.effort):
            raise DamageError("nothing would be looked at")
        return record
