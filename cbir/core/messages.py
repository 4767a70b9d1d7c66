"""Messages that name parameters and calls of the API, and can be said in other words.

The library says what helps as a program would do it. A front end that has its own words for the
same, as the command line has options and commands, says a message by :meth:`Message.worded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

_BY_POSITION = ("dataset", "index", "source", "target")
"""Arguments whose names nobody writes."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the API.

    Attributes
    ----------
    name : str
    value : object
        None: the parameter as such. ``...``: some value, which the reader knows.

    Examples
    --------
    >>> print(Parameter("index"), Parameter("rebuild", True), Parameter("descriptors", ...))
    index rebuild=True descriptors=...
    """

    name: str
    value: object = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self._value}"

    @property
    def as_argument(self) -> str:
        """The parameter as a call is written."""
        if self.name not in _BY_POSITION:
            return str(self)
        return self.name if self.value is ... else self._value

    @property
    def _value(self) -> str:
        return "..." if self.value is ... else repr(self.value)


@dataclass(frozen=True, slots=True, init=False)
class Call:
    """A call of the API that helps.

    Parameters
    ----------
    function : str
        Its name, without the package's.
    arguments
        In the order in which they are written; ``...`` is a value that the reader knows.

    Examples
    --------
    >>> print(Call("index", dataset="data", index="index.csv", rebuild=True))
    cbir.index('data', 'index.csv', rebuild=True)
    >>> print(Call("index", dataset=..., index="index.csv"))
    cbir.index(dataset, 'index.csv')
    """

    function: str
    arguments: tuple[Parameter, ...]

    def __init__(self, function: str, /, **arguments: object) -> None:
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "arguments", tuple(map(Parameter, arguments, arguments.values())))

    def __str__(self) -> str:
        return f"cbir.{self.function}({', '.join(one.as_argument for one in self.arguments)})"


class _Carrier(Protocol):
    """What has a message, as an error of cbir has."""

    @property
    def message(self) -> Message: ...


Part = str | Parameter | Call | _Carrier
"""What messages are made of."""


class Message(str):
    """Text in the words of the API, which remembers what the words are for.

    Parameters
    ----------
    parts : str, Parameter, Call, Message or CbirError
        Messages and errors are taken apart, so that their words can be said anew, too.

    Examples
    --------
    >>> message = Message("it is there; give ", Parameter("rebuild", True))
    >>> print(message)
    it is there; give rebuild=True
    >>> message.worded(lambda named: f"the option {named.name}")
    'it is there; give the option rebuild'
    """

    parts: tuple[str | Parameter | Call, ...]

    def __new__(cls, *parts: Part) -> Message:
        """Put the parts together."""
        single = tuple(one for part in parts for one in _taken_apart(part))
        message = super().__new__(cls, "".join(map(str, single)))
        message.parts = single
        return message

    def __getnewargs__(self) -> tuple[str | Parameter | Call, ...]:  # type: ignore[override]
        return self.parts

    def worded(self, words: Callable[[Parameter | Call], str]) -> str:
        """Return the message with `words` for its parameters and calls."""
        return "".join(part if isinstance(part, str) else words(part) for part in self.parts)


def _taken_apart(part: Part) -> Iterator[str | Parameter | Call]:
    if isinstance(part, Message):
        yield from part.parts
    elif isinstance(part, str | Parameter | Call):
        yield part
    else:
        message = getattr(part, "message", None)
        yield from message.parts if isinstance(message, Message) else [str(part)]
