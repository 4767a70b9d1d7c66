"""``search --all-pairs``: the neighbors of every image of an index."""

from __future__ import annotations

from collections.abc import Sequence

import click
import numpy as np
from click.core import ParameterSource

from cbir.core.errors import UsageError
from cbir.search.engine import Index
from cbir.search.request import IndexedImage, SearchOptions

_CONTRADICTING = {
    "images": "an image",
    "queries": "--query",
    "liked": "--like",
    "unliked": "--unlike",
    "together": "--together",
    "augment": "--augment",
    "region": "--region",
    "montage": "--montage",
    "explain": "--explain",
}
"""What is about a query of one's own, or an image of the results, by parameter."""


def check_all_pairs(context: click.Context) -> None:
    """Refuse what makes no sense beside ``--all-pairs``."""
    for parameter, shown in _CONTRADICTING.items():
        if context.params[parameter]:
            raise UsageError(f"--all-pairs searches for the images of the index; leave out {shown}")


def pairs_of(index: Index, top: int, options: SearchOptions) -> tuple[Sequence[IndexedImage], int]:
    """Return every image as a query, and how many neighbors of each are wanted at most.

    Each is left out of its own neighbors. Of images that are filtered, only those that may be
    found are searched for.

    Parameters
    ----------
    index : Index
    top : int
        As it was given, or by default: then a limit of the distance alone decides.
    options : SearchOptions
        Of the search; they are changed.
    """
    options["exclude_self"] = True
    where = options["where"]
    rows = range(len(index)) if where is None else np.flatnonzero(index.matching(where)).tolist()
    paths = index.paths
    source = click.get_current_context().get_parameter_source("top")
    if options["max_distance"] is not None and source is ParameterSource.DEFAULT:
        top = len(paths)
    return [IndexedImage(paths[row]) for row in rows], top
