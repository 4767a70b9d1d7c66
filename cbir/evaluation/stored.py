"""Reads evaluations that were kept in files.

A file may be damaged, or made to do harm: every value is checked, sizes are limited, and a path in
it is nothing but a name to be looked up in an index; no file is opened by it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from typing import Any

from cbir.core.arguments import path_of
from cbir.core.errors import CbirError, excerpt, printable, reason_of
from cbir.core.json_text import parse_json
from cbir.core.json_values import (
    DamageError,
    count,
    flag,
    list_of,
    number,
    object_of,
    or_none,
    plain_text,
    share,
    shown_text,
)
from cbir.core.messages import Parameter
from cbir.core.regular_files import read_regular
from cbir.evaluation.document import FORMAT, VERSION
from cbir.evaluation.model import MEASURES, RECALLS, REVISITED_CUTOFFS
from cbir.evaluation.stored_model import StoredEvaluation, StoredHit, StoredQuery, StoredRun

_LATER = frozenset(f"mp@{k}" for k in REVISITED_CUTOFFS)
"""Measures that evaluations of earlier versions do not have."""

MAX_BYTES = 16_000_000
MAX_RUNS, MAX_QUERIES, MAX_HITS = 1000, 10_000, 100


class UnreadableEvaluationError(CbirError):
    """A file that cannot be read as an evaluation.

    Parameters
    ----------
    path : str
    reason : str
        Why, in a few words.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"{printable(path)}: {reason}; name a file that was written with ", Parameter("save")
        )


def read_evaluation(path: str) -> StoredEvaluation:
    """Read an evaluation that :func:`cbir.evaluation.document.write_evaluation` wrote.

    What :func:`cbir.evaluation.document.evaluation_document` gives is read as well, as ``cbir
    evaluate`` prints it; it has no curves and no queries.

    Parameters
    ----------
    path : str

    Raises
    ------
    UnreadableEvaluationError
        When the file cannot be read, is larger than 16 MB, or has anything else in it.
    """
    return read_document(path)[0]


def read_document(path: str) -> tuple[StoredEvaluation, bytes]:
    """Read an evaluation, and return the document that it is from as well.

    Parameters
    ----------
    path : str

    Returns
    -------
    StoredEvaluation
    bytes
        All that the file says, as JSON that any program can read.

    Raises
    ------
    UnreadableEvaluationError
        As :func:`read_evaluation`.
    """
    path = path_of(path, "the evaluation")
    try:
        document = parse_json(read_regular(path, MAX_BYTES), True)
        return _evaluation(stem(path), document), json.dumps(document, allow_nan=False).encode()
    except OSError as error:
        reason = reason_of(error)
    except ValueError as error:
        reason = f"no evaluation, or a damaged one ({excerpt(str(error), 200)})"
    raise UnreadableEvaluationError(path, reason)


def stem(path: str) -> str:
    """Return how an evaluation in a file is called.

    Examples
    --------
    >>> stem("results/with hog.json")
    'with hog'
    """
    return printable(os.path.splitext(os.path.basename(path))[0])


def _evaluation(name: str, document: Any) -> StoredEvaluation:
    fields = object_of(document, "the document")
    if fields.get("format", FORMAT) != FORMAT or fields.get("version", VERSION) != VERSION:
        raise DamageError(f"its format is not {FORMAT!r}, version {VERSION}")
    columns = tuple(list_of(fields.get("columns", []), "columns", MAX_QUERIES, shown_text))
    return StoredEvaluation(
        name=name,
        dataset=shown_text(fields.get("dataset"), "dataset"),
        protocol=shown_text(fields.get("protocol"), "protocol"),
        truth=shown_text(fields.get("truth"), "truth"),
        where=or_none(fields.get("where"), "where", shown_text),
        images=count(fields.get("images"), "images"),
        queries=count(fields.get("queries"), "queries"),
        empty_queries=count(fields.get("empty_queries"), "empty_queries"),
        columns=columns,
        runs=tuple(
            list_of(
                fields.get("runs"),
                "runs",
                MAX_RUNS,
                lambda value, where: _run(value, where, len(columns)),
            )
        ),
    )


def _run(value: Any, where: str, columns: int) -> StoredRun:
    fields = object_of(value, where)
    intervals = object_of(fields.get("intervals"), f"{where}.intervals")
    curve = list_of(fields.get("curve", []), f"{where}.curve", len(RECALLS), share)
    if len(curve) not in (0, len(RECALLS)):
        raise DamageError(f"{where}.curve has {len(curve)} numbers")
    return StoredRun(
        descriptor=shown_text(fields.get("descriptor"), f"{where}.descriptor"),
        metric=shown_text(fields.get("metric"), f"{where}.metric"),
        queries=count(fields.get("queries"), f"{where}.queries"),
        setup=or_none(fields.get("setup"), f"{where}.setup", shown_text),
        means={name: number(_measure(fields, name, None), f"{where}.{name}") for name in MEASURES},
        intervals={
            name: _interval(_measure(intervals, name, [None, None]), f"{where}.intervals.{name}")
            for name in MEASURES
        },
        ms_per_query=number(fields.get("ms_per_query", ""), f"{where}.ms_per_query"),
        bytes_per_image=count(fields.get("bytes_per_image"), f"{where}.bytes_per_image"),
        curve=tuple(curve),
        worst=tuple(
            list_of(
                fields.get("worst", []),
                f"{where}.worst",
                MAX_QUERIES,
                lambda value, where: _query(value, where, columns),
            )
        ),
    )


def _query(value: Any, where: str, columns: int) -> StoredQuery:
    fields = object_of(value, where)
    return StoredQuery(
        path=_path(fields, where),
        outside=flag(fields.get("outside", False), f"{where}.outside"),
        label=or_none(fields.get("label"), f"{where}.label", shown_text),
        average_precision=share(fields.get("map", ""), f"{where}.map"),
        region=or_none(fields.get("region"), f"{where}.region", shown_text),
        hits=tuple(
            list_of(
                fields.get("hits"),
                f"{where}.hits",
                MAX_HITS,
                lambda value, where: _hit(value, where, columns),
            )
        ),
    )


def _hit(value: Any, where: str, columns: int) -> StoredHit:
    fields = object_of(value, where)
    texts = list_of(fields.get("texts", []), f"{where}.texts", columns, shown_text)
    if len(texts) != columns:
        raise DamageError(f"{where}.texts has {len(texts)} of {columns} columns")
    return StoredHit(
        path=_path(fields, where),
        distance=number(fields.get("distance", ""), f"{where}.distance"),
        relevant=flag(fields.get("relevant"), f"{where}.relevant"),
        texts=tuple(texts),
    )


def _measure(fields: Mapping[str, Any], name: str, absent: Any) -> Any:
    """Find ``precision@10`` as ``["precision"]["10"]``; `absent` stands for a later measure."""
    measure, _, cutoff = name.partition("@")
    if not cutoff:
        return fields.get(measure, "")
    if name in _LATER and measure not in fields:
        return absent
    return object_of(fields.get(measure), measure).get(cutoff, "")


def _interval(value: Any, where: str) -> tuple[float, float]:
    ends = list_of(value, where, 2, number)
    if len(ends) != 2:
        raise DamageError(f"{where} has {len(ends)} ends")
    return ends[0], ends[1]


def _path(fields: Mapping[str, Any], where: str) -> str:
    encoded = fields.get("path_base64")
    text = plain_text(fields.get("path"), f"{where}.path")
    if encoded is not None:
        try:
            raw = base64.b64decode(plain_text(encoded, f"{where}.path_base64"), validate=True)
        except binascii.Error:
            raise DamageError(f"{where}.path_base64 is not base64") from None
        text = raw.decode("utf-8", "surrogateescape")
    if not text or "\0" in text:
        raise DamageError(f"{where}.path is no path")
    return text
