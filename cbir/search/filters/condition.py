"""Conditions on metadata as SQL expressions, of which only harmless ones pass.

DuckDB parses an expression into a tree, and that tree is looked through before anything runs:
it may hold columns, constants, comparisons and functions of a list, and nothing else. So there is
no way to write, to read a file, to attach a database, to load an extension, or to compute without
end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cbir.core.errors import UsageError, printable
from cbir.core.messages import Parameter, Part
from cbir.core.text import readable_path

if TYPE_CHECKING:
    import duckdb

TABLE = "images"
"""What the table is called that a condition is about."""

_BEFORE = f"SELECT 1 FROM {TABLE} WHERE "

_LONGEST = 20_000
"""Characters of a condition."""

_DEEPEST = 32
"""Open brackets, and signs and words in a row: what DuckDB's parser takes for a text that is no
condition grows with the square of them, to gigabytes for a page of text."""

_OPENING = frozenset({b"(", b"[", b"{"})
_CLOSING = frozenset({b")", b"]", b"}"})

_VALUES = frozenset({"identifier", "numeric_const", "string_const"})
"""Tokens after which nothing is open but brackets."""

_SHOWN = 72
"""Characters of a condition that a message shows around the place of a fault."""

_NOWHERE = 1 << 40
"""Above all places; DuckDB writes a very large number where it knows none."""

_CLASSES = {
    "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
    "OPERATOR", "TYPE",
}  # fmt: skip
_REFUSED = {
    "COLLATE": "a collation",
    "DEFAULT": "DEFAULT",
    "LAMBDA": "a lambda",
    "PARAMETER": "a parameter",
    "POSITIONAL_REFERENCE": "a column's number",
    "STAR": "*",
    "SUBQUERY": "a query inside of it",
    "WINDOW": "a window function",
}
"""What else DuckDB knows, in words."""

_OPERATORS = {
    "COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_COALESCE", "OPERATOR_IS_NOT_NULL",
    "OPERATOR_IS_NULL", "OPERATOR_NOT", "OPERATOR_NULLIF",
}  # fmt: skip

FUNCTIONS = frozenset(
    """
    + - * / // % ~~ ~~* !~~ !~~* ~~~ ^@ ** ^
    like_escape ilike_escape not_like_escape not_ilike_escape
    abs ceil ceiling exp floor greatest least ln log log10 log2 mod pow power round sign sqrt trunc
    contains ends_with left length levenshtein lower ltrim position prefix regexp_full_match
    regexp_matches right rtrim starts_with strip_accents strpos substr substring suffix trim upper
    date_diff date_part date_trunc datediff datepart datetrunc day dayofweek dayofyear hour isodow
    minute month quarter second week weekday year
    to_days to_hours to_minutes to_months to_seconds to_weeks to_years
    ifnull nullif
    """.split()
)
"""Functions of a row's values whose result is not longer than what they are given: so what is
computed takes no more memory than what is there."""

_TYPES = frozenset(
    "BIGINT BOOLEAN BOOL DATE DATETIME DECIMAL DOUBLE FLOAT HUGEINT INT INT4 INT8 INTEGER INTERVAL"
    " LONG NUMERIC REAL SMALLINT STRING TEXT TIME TIMESTAMP TINYINT VARCHAR".split()
)
"""To which values may be cast."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name in a condition that is to be a column's.

    Attributes
    ----------
    name : str
    place : tuple of (int, int)
        Where it stands: the first byte, and how many.
    """

    name: str
    place: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that is harmless.

    Attributes
    ----------
    sql : str
        The expression, written anew from what was looked through.
    references : tuple of Reference
        The columns that it is about.
    """

    sql: str
    references: tuple[Reference, ...]

    @classmethod
    def parsed(cls, text: str, cursor: duckdb.DuckDBPyConnection) -> Condition:
        """Let DuckDB parse a condition, and look through it.

        Raises
        ------
        UsageError
            When it is no condition, or something in it is not allowed; with the place.
        """
        _check_text(text)
        _check_tokens(text)
        serialized = _asked(cursor, text, "SELECT json_serialize_sql(?)", _BEFORE + text)
        try:
            tree = json.loads(serialized)
        except RecursionError:
            raise _too_deep(text) from None
        if tree["error"]:
            place = int(tree.get("position", _NOWHERE)) - len(_BEFORE)
            # What follows is of use to those who set up a database.
            reason = str(tree["error_message"]).partition("\n")[0].partition(". Use ")[0]
            hint = "; join conditions by and, or" if "&&" in text else ""
            raise fault(text, f"no condition: {reason}{hint}", (place, 1))
        _check_whole(text, tree["statements"])
        where = tree["statements"][0]["node"]["where_clause"]
        references = []
        for node in _nodes(where):
            _check_node(text, node)
            if node["class"] == "COLUMN_REF":
                references.append(_reference(text, node))
        # What runs is what was looked through, not the text.
        statement = _asked(cursor, text, "SELECT json_deserialize_sql(?)", serialized)
        return cls(statement.removeprefix(_BEFORE), tuple(references))


def _asked(cursor: duckdb.DuckDBPyConnection, text: str, question: str, value: str) -> str:
    """Return DuckDB's answer; it has limits of its own, and no message of use about them."""
    import duckdb

    try:
        ((answer,),) = cursor.execute(question, [value]).fetchall()
    except duckdb.Error:
        raise _too_deep(text) from None
    return str(answer)


def _too_deep(text: str) -> UsageError:
    return fault(text, "it is nested too deeply; make it simpler", (_NOWHERE, 1))


def _check_text(text: str) -> None:
    if len(text) > _LONGEST:
        raise UsageError(
            Parameter("where"), f": it has {len(text):,} characters; up to {_LONGEST:,} are allowed"
        )
    if not text.strip():
        raise UsageError(Parameter("where"), ": it is empty; give a condition, or leave it out")
    if "\0" in text or readable_path(text)[1]:
        raise UsageError(Parameter("where"), ": it is not text in UTF-8")


def _check_tokens(text: str) -> None:
    """Refuse what could hide from a reader what follows, and what would cost too much to parse."""
    import duckdb

    raw, depth, row = text.encode(), 0, 0
    tokens = duckdb.tokenize(text)
    ends = [at for at, _ in tokens[1:]] + [len(raw)]
    for (at, kind), end in zip(tokens, ends, strict=True):
        if kind == duckdb.token_type.comment:
            raise fault(text, "a comment is not allowed in a condition", (at, 1))
        sign = raw[at:end].strip() if kind == duckdb.token_type.operator else b""
        if sign == b";":
            raise fault(text, "one condition is one expression, without a semicolon", (at, 1))
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if kind.name in _VALUES or sign in _CLOSING:
            row = 0
        elif sign not in _OPENING:
            row += max(1, len(sign))
        if max(depth, row) > _DEEPEST:
            what = "brackets are open" if depth > row else "signs and words are in a row"
            raise fault(text, f"more than {_DEEPEST} {what} here; make it simpler", (at, 1))


def fault(text: str, reason: str, place: tuple[int, int], *more: Part) -> UsageError:
    """Return the error that points at a place of a condition.

    Parameters
    ----------
    text : str
        The condition.
    reason : str
    place : tuple of (int, int)
        The first byte of the place, and how many; one that is outside is not shown.
    more
        What the message ends with.
    """
    raw = text.encode()
    start, length = place
    if not 0 <= start <= len(raw):
        return UsageError(Parameter("where"), f": {reason}", *more)
    before = raw[:start].decode(errors="ignore")
    marked = raw[start : start + length].decode(errors="ignore")
    after = raw[start + length :].decode(errors="ignore")
    room = max(0, _SHOWN - len(before) - len(marked))
    before, marked, after = before[-_SHOWN:], marked[:_SHOWN], after[:room]
    line = f"  {_plain(before)}{_plain(marked)}{_plain(after)}".rstrip()
    arrows = " " * (2 + len(_plain(before))) + "^" * max(1, len(_plain(marked)))
    return UsageError(Parameter("where"), f": {reason}", *more, f"\n{line}\n{arrows}")


def _plain(text: str) -> str:
    return printable(" ".join(text.split("\n")))


def _check_whole(text: str, statements: list[dict[str, Any]]) -> None:
    """Check that a text is one condition, and nothing behind it."""
    node = statements[0]["node"]
    parts = ("modifiers", "group_expressions", "group_sets", "having", "sample", "qualify")
    is_alone = (
        len(statements) == 1
        and node["type"] == "SELECT_NODE"
        and not any(node[part] for part in parts)
        and not node["cte_map"]["map"]
        and len(node["select_list"]) == 1
        and node["from_table"]["table_name"] == TABLE
        and node["where_clause"] is not None
    )
    if not is_alone:
        raise fault(text, "give one condition, without anything behind it", (_NOWHERE, 1))


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield all expressions in a tree."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "class" in one:
                yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _check_node(text: str, node: dict[str, Any]) -> None:
    kind = node["class"]
    if kind not in _CLASSES:
        raise _refusal(text, node, _REFUSED.get(kind, kind.lower()))
    if kind == "OPERATOR" and node["type"] not in _OPERATORS:
        raise _refusal(text, node, node["type"].lower().replace("_", " "))
    if kind == "FUNCTION":
        name = node["function_name"].lower()
        is_plain = not (node["distinct"] or node["filter"] or node["order_bys"]["orders"])
        if name not in FUNCTIONS or not is_plain or node["schema"] or node["catalog"]:
            raise _refusal(text, node, f"the function {printable(name)}")
    if kind == "TYPE" and str(node["type_name"]).upper() not in _TYPES:
        raise _refusal(text, node, f"a cast to {printable(str(node['type_name']))}")


def _reference(text: str, node: dict[str, Any]) -> Reference:
    place = node["query_location"] - len(_BEFORE), node["query_location_length"]
    if len(node["column_names"]) > 1:
        raise fault(text, "name a column by itself, without a table", place)
    return Reference(node["column_names"][0], place)


def _refusal(text: str, node: dict[str, Any], what: str) -> UsageError:
    place = node["query_location"] - len(_BEFORE), node["query_location_length"]
    return fault(text, f"{what} is not allowed in a condition", place)
