"""The options of ``search`` about several images of one search: together, turned, liked or not."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from cbir.core.errors import UsageError
from cbir.search.engine import Index
from cbir.search.request import IndexedImage, QuerySource

F = TypeVar("F", bound=Callable[..., Any])


def example_options(function: F) -> F:
    """Add ``--together``, ``--augment``, ``--like`` and ``--unlike``."""
    together = click.option(
        "--together",
        is_flag=True,
        help="Search once for all queries together: one list of results.",
    )
    augment = click.option(
        "--augment",
        is_flag=True,
        help="Search also by the query turned by 90, 180 and 270 degrees, and mirrored.",
    )
    like = click.option(
        "--like",
        "liked",
        metavar="PATH",
        multiple=True,
        help="An image, a file or one of the index, that results are to be like, too; repeatable."
        " Needs no query.",
    )
    unlike = click.option(
        "--unlike",
        "unliked",
        metavar="PATH",
        multiple=True,
        help="One that results are not to be like, and that is not found itself; repeatable.",
    )
    return together(augment(like(unlike(function))))


def check_examples(queries: Sequence[str], together: bool, like: Sequence[str]) -> None:
    """Refuse a search without anything to search for."""
    if not queries and not like:
        raise UsageError(
            "name an image to search for, as IMG or with --query PATH, or one with --like"
        )
    if together and not queries:
        raise UsageError("--together is for several queries; what is liked is together anyway")


def examples(index: Index, paths: Sequence[str]) -> list[QuerySource]:
    """Return images that are liked or disliked: files, or else images of the index.

    Parameters
    ----------
    index : Index
    paths : sequence of str
        What is no file may be a path as the index has it.
    """
    return [
        path if os.path.lexists(path) or index.catalog.find(path) is None else IndexedImage(path)
        for path in paths
    ]
