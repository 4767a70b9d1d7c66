"""Messages of the library in the words of the command line: options and commands."""

from __future__ import annotations

import click

from cbir.core import command_words
from cbir.core.command_words import options_of
from cbir.core.errors import CbirError, MissingIndexError
from cbir.core.messages import Call, Message, Parameter


def worded(message: str) -> str:
    """Return a message of the library in the words of the command line.

    Examples
    --------
    >>> worded(Message("wait for it with ", Parameter("wait", True)))
    'wait for it with --wait'
    """
    return message.worded(_words) if isinstance(message, Message) else message


def error_text(error: CbirError) -> str:
    """Return what an error says, and what else helps on the command line."""
    text = worded(error.message)
    if isinstance(error, MissingIndexError):
        text += ", or search a folder without one: search IMG --dataset DIR"
    return text


def command_of(call: Call) -> str:
    """Return the command that does what a call does.

    A dataset that is left open is the one that this command is about, if there is one.
    """
    return command_words.command_of(call, _the_dataset())


def _words(named: Parameter | Call) -> str:
    return command_of(named) if isinstance(named, Call) else options_of(named)


def _the_dataset() -> str | None:
    context = click.get_current_context(silent=True)
    parameters = context.params if context is not None else {}
    dataset: str | None = parameters.get("dataset") or parameters.get("folder")
    return dataset
