"""Parameters of descriptors and extractors, given as text or as values."""

from __future__ import annotations

import math
import typing
from typing import Any, Literal, TypeVar

from cbir.core.errors import UsageError
from cbir.core.suggestions import did_you_mean
from cbir.descriptors.parametrized import Parametrized, parameter_fields

P = TypeVar("P", bound=Parametrized)


def split_parameters(text: str, what: str) -> dict[str, str]:
    """Take ``key=value,key=value`` apart.

    Raises
    ------
    UsageError
        When it is something else; the message begins with `what`.

    Examples
    --------
    >>> split_parameters("layout=none", "hsv")
    {'layout': 'none'}
    """
    parameters = {}
    for pair in filter(None, text.split(",")):
        key, given, value = pair.partition("=")
        if not given:
            raise UsageError(f"{what}: {pair!r} is not key=value")
        if key.strip() in parameters:
            raise UsageError(f"{what}: it gives {key.strip()} twice; leave out one")
        parameters[key.strip()] = value.strip()
    return parameters


def made(cls: type[P], what: str, parameters: dict[str, Any]) -> P:
    """Make an object from its parameters, given as text or values.

    Raises
    ------
    UsageError
        When a parameter or a value is unknown; the message begins with `what`.
    """
    known = {field.name: field for field in parameter_fields(cls)}
    hints = typing.get_type_hints(cls)
    values = {}
    for key, value in parameters.items():
        if key not in known:
            there = ", ".join(known) or "none"
            raise UsageError(
                f"{what} has no parameter {key!r}; it has: {there}{did_you_mean(key, known)}"
            )
        values[key] = _convert(what, key, value, hints[key])
    try:
        return cls(**values)
    except ValueError as error:  # what a plug-in may raise for an impossible value
        raise UsageError(f"{what}: {error}") from None


def _convert(what: str, key: str, value: Any, hint: Any) -> Any:
    where = f"{what}: {key}={value}"
    if typing.get_origin(hint) is Literal:
        choices = {str(choice): choice for choice in typing.get_args(hint)}
        if str(value) not in choices:
            raise UsageError(f"{where}: choose one of {', '.join(choices)}")
        return choices[str(value)]
    if hint is bool:
        if str(value).lower() not in _TRUTH:
            raise UsageError(f"{where}: choose one of yes, no")
        return _TRUTH[str(value).lower()]
    try:
        converted = hint(value)
        if isinstance(value, int | float) and converted != value:  # a fraction, or NaN
            raise ValueError
        if isinstance(converted, float) and not math.isfinite(converted):
            raise ValueError
        return converted
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{where}: not {_WORDS.get(hint, hint.__name__)}") from None


_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_WORDS = {int: "a whole number", float: "a number"}
