"""Read the lines of a log, and check them: a log may be damaged, or forged."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import replace
from typing import Any, TypeVar, get_args

from cbir.changes.attributes import MOST_BYTES, Attributes
from cbir.changes.logged_steps import PERMISSIONS, Action, Intent, LoggedStep, RunHeader, State
from cbir.changes.places import below, is_hidden
from cbir.core.json_text import parse_json

LONGEST_LINE = 1 << 20
"""Bytes; paths and attributes are bounded by the system far below that."""

_T = TypeVar("_T")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ASIDE = re.compile(r"\.cbir-[0-9a-f]{8}-([1-9][0-9]{0,15})")
_MOST_STEPS = 10**15
_LARGEST = 2**63 - 1
_LATEST = _LARGEST * 10**9
"""Nanoseconds; file systems count seconds in 64 bits."""


def parsed(line: bytes) -> dict[str, Any]:
    """Read a line of a log.

    Raises
    ------
    ValueError
        When it is too long, or no JSON object.
    """
    if len(line) > LONGEST_LINE:
        raise ValueError("too long")
    try:
        event = parse_json(line)
    except UnicodeError:
        raise ValueError("no UTF-8") from None
    if not isinstance(event, dict):
        raise ValueError("no object")
    return event


def header_of(event: dict[str, Any]) -> RunHeader | None:
    """Read the line that begins a run; None for one that begins an undo.

    Raises
    ------
    KeyError, ValueError
    """
    if event.get("action") == "undo":
        return None
    destination = event.get("destination")
    return RunHeader(_path(event["root"]), None if destination is None else _path(destination))


def text_of(event: dict[str, Any], name: str) -> str:
    """Return a text of a line; an empty one when there is none.

    Raises
    ------
    ValueError
    """
    return _typed(event.get(name, ""), str)


def add_event(
    steps: dict[int, LoggedStep], event: dict[str, Any], header: RunHeader | None
) -> None:
    """Add what a line tells of a step to what is told of the steps so far.

    Parameters
    ----------
    steps : dict of int to LoggedStep
        By number. The state of a step that is open is not looked up.
    event : dict
    header : RunHeader or None
        What began last; None for an undo.

    Raises
    ------
    KeyError, ValueError
        When anything is missing, of another type, out of range, or not where it should be.
    """
    number = _integer(event["step"], 1, _MOST_STEPS)
    step = steps.get(number) or LoggedStep(number, _file_of(event), "unclear")
    kind = event["event"]
    if kind == "intent":
        if header is None or step.intent is not None:
            raise ValueError(kind)
        step = replace(step, intent=_intent_of(event, header), header=header)
    elif kind in get_args(State):
        step = replace(step, state=kind, reason=text_of(event, "reason"))
    elif kind not in ("undo", "left"):
        raise ValueError(kind)
    steps[number] = replace(step, open=kind in ("intent", "undo"), undoing=kind == "undo")


def _intent_of(event: dict[str, Any], header: RunHeader) -> Intent:
    """Read what a step was going to do, and make sure that it is what :mod:`acting` does."""
    action = event["action"]
    if action not in get_args(Action):
        raise ValueError(action)
    intent = Intent(
        number=_integer(event["step"], 1, _MOST_STEPS),
        action=action,
        path=_file_of(event),
        kept=_kept_of(event),
        target=_only_for(action == "move", event["target"]),
        link=_only_for(action == "symlink", event["link"]),
        aside=_path(event["aside"]),
        made=tuple(_path(folder) for folder in _typed(event["made"], list)),
        sha256=_typed(event["sha256"], str),
        size=_integer(event["size"], 0, _LARGEST),
        mtime_ns=_integer(event["mtime_ns"], -_LATEST, _LATEST),
        mode=_integer(event["mode"], 0, 0o7777) & PERMISSIONS,
        uid=_integer(event["uid"], 0, 2**32 - 2),
        gid=_integer(event["gid"], 0, 2**32 - 2),
        permanently=_typed(event["permanently"], bool),
        companion=_typed(event.get("companion", False), bool),
        attributes=_attributes(event.get("attributes", {})),
    )
    _check(intent, header)
    return intent


def _file_of(event: dict[str, Any]) -> str:
    return _path(event["path"] if "path" in event else event["copy"])  # so called up to version 3


def _kept_of(event: dict[str, Any]) -> str | None:
    kept = event["kept"] if "kept" in event else event["keeper"]  # so called up to version 2
    return None if kept is None else _path(kept)


def _check(intent: Intent, header: RunHeader) -> None:
    """Raise ValueError unless the parts of an intent fit each other, and the run."""
    folder = os.path.dirname(intent.target or intent.path)
    name = _ASIDE.fullmatch(os.path.basename(intent.aside))
    # Names that begin with a dot are neither indexed nor moved.
    places = not is_hidden(below(intent.path, header.root) or "")
    link = os.path.normpath(os.path.join(os.path.dirname(intent.path), intent.link or ""))
    above = os.path.join(folder, "")
    places &= all(above.startswith(os.path.join(made, "")) for made in intent.made)
    if intent.action == "add":
        inside = (below(path, header.root) for path in (intent.path, *intent.made))
        places &= all(relative not in (None, ".") for relative in inside)
    elif intent.target is None:
        places &= not intent.made
    else:
        _path(intent.target)
        destination = header.destination
        places &= destination is not None and below(intent.target, destination) not in (None, ".")
        places &= not is_hidden(below(intent.target, destination or "") or "")
        places &= _extension(intent.target) == _extension(intent.path)
    if not (
        places
        and _DIGEST.fullmatch(intent.sha256)
        and name is not None
        and int(name[1]) == intent.number
        and os.path.dirname(intent.aside) == folder
        and _goes_with(intent.kept, intent)
        and (intent.link is None or ("\0" not in intent.link and link == intent.kept))
        and (intent.action == "delete" or not intent.permanently)
        and (not intent.companion or intent.action in ("move", "delete"))
    ):
        raise ValueError("contradicts itself")


def _goes_with(kept: str | None, intent: Intent) -> bool:
    """Say whether a step may rely on an image, or on none."""
    if kept is None:
        return intent.action in ("delete", "add") and not (intent.permanently or intent.companion)
    hidden = os.path.basename(kept).startswith(".cbir-")
    return intent.action != "add" and kept != intent.path and not hidden


def _extension(path: str) -> str:
    return os.path.splitext(path)[1]


def _path(value: object) -> str:
    """Return an absolute path as :mod:`acting` writes it, which some file may have."""
    path = _typed(value, str)
    os.fsencode(path)
    if "\0" in path or not os.path.isabs(path) or os.path.normpath(path) != path:
        raise ValueError(path)
    return path


def _attributes(value: object) -> Attributes:
    encoded = _typed(value, dict)
    try:
        attributes = {
            _typed(name, str): base64.b64decode(_typed(text, str), validate=True)
            for name, text in encoded.items()
        }
    except binascii.Error:
        raise ValueError("no base64") from None
    if sum(len(name) + len(each) for name, each in attributes.items()) > MOST_BYTES:
        raise ValueError("too large")
    return attributes


def _only_for(wanted: bool, value: object) -> str | None:
    """Return the text that one action needs, and no other action has."""
    if (value is not None) != wanted:
        raise ValueError(value)
    return _typed(value, str) if wanted else None


def _integer(value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not least <= _typed(value, int) <= most:
        raise ValueError(value)
    return _typed(value, int)


def _typed(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise ValueError(value)
    return value
