"""What descriptors and extractors of local features have alike: a name, a version, parameters.

They are made from parameters that are given as text or as values.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from cbir.core.digests import digest
from cbir.core.errors import UsageError
from cbir.core.suggestions import did_you_mean

FILE = "file"
"""In the metadata of a field: the parameter is the path of a file, on whose content the numbers
depend, and not on where it is."""


@dataclass(frozen=True)
class Parametrized:
    """Base of frozen dataclasses whose fields are parameters that change the numbers they give.

    Attributes
    ----------
    name : str
        The registered name.
    version : int
        Raised whenever the numbers change; an index of another version is not mixed with it.
    first : str
        The parameter that is meant by a value without a key, if there is one.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    first: ClassVar[str] = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return {field.name: getattr(self, field.name) for field in parameter_fields(type(self))}

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the numbers: equal fingerprints, comparable numbers."""
        identity = {"name": self.name, "version": self.version, **self._identity()}
        return digest(json.dumps(identity, sort_keys=True).encode())

    def _identity(self) -> dict[str, Any]:
        return {"parameters": self.parameters}

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but what is computed from the rest when it is asked for."""
        return {
            name: value
            for name, value in vars(self).items()
            if not isinstance(getattr(type(self), name, None), cached_property)
        }


def parameter_fields(cls: type[Parametrized]) -> list[dataclasses.Field[Any]]:
    """List the dataclass fields of a class that are parameters."""
    return [field for field in dataclasses.fields(cls) if field.metadata.get("parameter", True)]


def usual_parameters(cls: type[Parametrized]) -> dict[str, Any]:
    """Return the parameters with their defaults; None for those that have none, as a file."""
    return {
        field.name: None if field.default is dataclasses.MISSING else field.default
        for field in parameter_fields(cls)
    }


def required_parameters(cls: type[Parametrized]) -> list[str]:
    """Name the parameters without a default."""
    return [name for name, value in usual_parameters(cls).items() if value is None]


def file_parameters(cls: type[Parametrized]) -> list[str]:
    """Name the parameters that are paths of files."""
    return [field.name for field in parameter_fields(cls) if field.metadata.get(FILE)]


P = TypeVar("P", bound=Parametrized)


def split_parameters(text: str, what: str, first: str = "") -> dict[str, str]:
    """Take ``key=value,key=value`` apart.

    Parameters
    ----------
    text : str
    what : str
        Begins the message when it is something else.
    first : str
        The key of the first value, where this has none.

    Raises
    ------
    UsageError
        When it is something else.

    Examples
    --------
    >>> split_parameters("layout=none", "hsv")
    {'layout': 'none'}
    >>> split_parameters("net.onnx,size=224", "onnx", first="model")
    {'model': 'net.onnx', 'size': '224'}
    """
    parameters: dict[str, str] = {}
    for pair in filter(None, text.split(",")):
        key, given, value = pair.partition("=")
        if not given and first and not parameters:
            key, given, value = first, "=", pair
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
    hints = get_type_hints(cls)
    values = {}
    for key, value in parameters.items():
        if key not in known:
            there = ", ".join(known) or "none"
            raise UsageError(
                f"{what} has no parameter {key!r}; it has: {there}{did_you_mean(key, known)}"
            )
        values[key] = _convert(what, key, value, hints[key])
    missing = [name for name in required_parameters(cls) if name not in values]
    if missing:
        raise UsageError(f"{what} needs {missing[0]}=…; give it behind a colon")
    try:
        return cls(**values)
    except ValueError as error:  # what a plug-in may raise for an impossible value
        raise UsageError(f"{what}: {error}") from None


def _convert(what: str, key: str, value: Any, hint: Any) -> Any:
    where = f"{what}: {key}={value}"
    if get_origin(hint) is Literal:
        choices = {str(choice): choice for choice in get_args(hint)}
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
