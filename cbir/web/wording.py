"""Messages of the library in the words of the API: its fields, and commands of the command line."""

from __future__ import annotations

from cbir.core.amounts import counted
from cbir.core.command_words import command_of, options_of
from cbir.core.errors import CbirError
from cbir.core.messages import Call, Message, Parameter

_OF_COMMANDS = frozenset(
    (
        "allowed_hosts", "dataset", "exclude", "follow_links", "host", "include", "index",
        "index_path", "port", "rebuild", "result_path", "retrain", "url_hosts", "vocabulary",
        "wait",
    )
)  # fmt: skip
"""Parameters that are decided by who starts the server or indexes."""


def told(error: CbirError) -> str:
    """Return what an error says to somebody who asked by HTTP.

    Examples
    --------
    >>> told(CbirError("give ", Parameter("top", 3), " or ", Call("index", dataset="photos")))
    'give top=3 or cbir index --dataset photos'
    >>> told(CbirError("name it in ", Parameter("url_hosts")))
    'name it in --allow-url-host'
    """
    return said(error.message)


def said(message: str) -> str:
    """Return a message in these words, as :func:`told` does that of an error."""
    return message.worded(_words) if isinstance(message, Message) else message


def matching_text(inliers: int, is_same: bool) -> str:
    """Return what verification found.

    Examples
    --------
    >>> matching_text(34, True), matching_text(6, False)
    ('34 matching features', '6 matching features: too few to tell')
    """
    features = counted(inliers, "matching feature")
    return features if is_same else f"{features}: too few to tell"


def _words(named: Parameter | Call) -> str:
    if isinstance(named, Call):
        return f"cbir {command_of(named).removeprefix('cbir ')}"
    if named.name in _OF_COMMANDS:
        return options_of(named)
    if named.value is None or named.value is ...:
        return named.name
    value = str(named.value).lower() if isinstance(named.value, bool) else named.value
    return f"{named.name}={value}"
