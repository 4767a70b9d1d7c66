"""Packages that the program does without, until somebody asks for what needs them."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

from cbir.core.errors import CbirError
from cbir.core.messages import Part


def optional_module(name: str, needed_by: Part, extra: str | None) -> ModuleType:
    """Import a module of an optional package.

    Parameters
    ----------
    name : str
        The module, called as the package is.
    needed_by : str or Parameter
        What needs it.
    extra : str or None
        Of cbir, which installs it; None: it is installed by its own name.

    Raises
    ------
    CbirError
        When it is not there, or does not load.

    Examples
    --------
    >>> optional_module("json", "this example", "all").loads("[1]")
    [1]
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise CbirError(needed_by, f" {need(name, extra)}") from None


def missing_of(names: tuple[str, ...], extra: str | None) -> str | None:
    """Say which of some modules is not there and what installs it, without importing any; or None.

    Examples
    --------
    >>> missing_of(("json",), "all")
    >>> missing_of(("json", "no_such_package"), "all")
    "needs the optional package no_such_package; install it: pip install 'cbir[all]'"
    """
    missing = next((name for name in names if find_spec(name) is None), None)
    return None if missing is None else need(missing, extra)


def need(name: str, extra: str | None) -> str:
    """Return the end of a message on what is missing.

    Examples
    --------
    >>> need("annoy", None)
    'needs the optional package annoy; install it: pip install annoy'
    """
    what = name if extra is None else f"'cbir[{extra}]'"
    return f"needs the optional package {name}; install it: pip install {what}"
