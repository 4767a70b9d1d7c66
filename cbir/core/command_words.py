"""Calls and parameters of the API in the words of the command line: commands and options."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from cbir.core.errors import printable
from cbir.core.messages import Call, Parameter

_OPTIONS = {
    "allowed_hosts": "--allow-host",
    "descriptors": "--descriptor",
    "index_path": "--index",
    "metrics": "--metric",
    "presets": "--preset",
    "references": "--reference",
    "url_hosts": "--allow-url-host",
    "vocabulary": "--model",
}
"""Of the parameters whose option is not just their name with dashes."""

_COMMANDS = {
    "convert": "cbir convert",
    "evaluate": "cbir evaluate",
    "index": "index",
    "learn_projection": "cbir train",
    "open_collection": "cbir duplicates",
    "optimize": "cbir optimize",
    "train_models": "cbir train",
}
"""By the name of the function that does the work, without its module's."""

POSITIONAL = ("source", "target")
"""Parameters that are no options, but follow the command in this order."""

_PLACES = {
    "dataset": "DIR",
    "descriptor": "NAME",
    "descriptors": "NAME",
    "index": "FILE",
    "output": "FILE",
    "truth": "SPEC",
}
"""What stands for a value that only the reader knows."""


def command_of(call: Call, dataset: str | None = None) -> str:
    """Return the command that does what a call does.

    A dataset that is left open is `dataset`, if there is one.

    Examples
    --------
    >>> command_of(Call("index", dataset="my data", index="index.csv", rebuild=True))
    "index --dataset 'my data' --index index.csv --rebuild"
    >>> command_of(Call("index", dataset=..., vocabulary=...))
    'index --dataset DIR --model VALUE'
    >>> command_of(Call("convert", source="index.csv", target="index.parquet", replace=True))
    'cbir convert index.csv index.parquet --replace'
    """
    words = [_COMMANDS[call.function.rpartition(".")[2]]]
    for one in call.arguments:
        if one.name in POSITIONAL:
            words.append(quoted(str(one.value)))
        elif one.value is ...:
            known = dataset if one.name == "dataset" else None
            place = quoted(known) if known else _PLACES.get(one.name, "VALUE")
            words.append(f"{_option(one.name)} {place}")
        else:
            words.append(_with_value(one))
    return " ".join(words)


def quoted(path: str) -> str:
    """Return a path for a shell, so far as a terminal can show it.

    Examples
    --------
    >>> quoted("my images")
    "'my images'"
    """
    return printable(shlex.quote(path))


def options_of(parameter: Parameter) -> str:
    """Return the option for a parameter, with its value if it has one.

    Examples
    --------
    >>> options_of(Parameter("wait", True)), options_of(Parameter("url_hosts", ...))
    ('--wait', '--allow-url-host')
    """
    if parameter.value is None or parameter.value is ...:
        return _option(parameter.name)
    return _with_value(parameter)


def _with_value(parameter: Parameter) -> str:
    option, value = _option(parameter.name), parameter.value
    if value is True:
        return option
    if value is False:
        return option.replace("--", "--no-", 1)
    values = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return " ".join(f"{option} {quoted(str(one))}" for one in values)


def _option(name: str) -> str:
    return _OPTIONS.get(name, f"--{name.replace('_', '-')}")
