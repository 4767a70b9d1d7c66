"""What the pages that the program writes have in common: one file that a browser opens from disk.

Style and pictures are inside of a page, there is no script, and nothing is fetched from anywhere.
A page says nothing that changes from run to run, such as the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cbir import native
from cbir.errors import CbirError, UsageError, printable
from cbir.parallel import one_thread_each
from cbir.stores.files import explained, written_aside

if TYPE_CHECKING:
    import jinja2

GENERATOR = b'<meta name="generator" content="cbir report">'
"""Pages that have this in their head may be overwritten."""

_START = b"<!doctype html>"
_HEAD = 1024
"""Bytes within which the head names the generator."""

_EXTENSIONS = (".html", ".htm")


def check_page(path: str, what: str, option: str) -> None:
    """Make sure, before the work, that a page may be written to `path`.

    Parameters
    ----------
    path : str
    what : str
        What it is, for messages.
    option : str
        What names it on the command line, for messages.

    Raises
    ------
    UsageError
        When the name ends otherwise than with .html or .htm.
    CbirError
        When the folder is missing, or the file is there and is no page of ours.
    """
    if not path.lower().endswith(_EXTENSIONS):
        raise UsageError(
            f"{option} {printable(path)}: the name must end with {' or '.join(_EXTENSIONS)}"
        )
    check_folder(path, option)
    if os.path.lexists(path) and not _is_ours(path):
        raise not_ours(path, what, option)


def write_page(path: str, what: str, chunks: Iterable[str]) -> None:
    """Write a page while it is rendered; what is there is replaced when all of it is.

    Parameters
    ----------
    path : str
    what : str
        What it is, for messages.
    chunks : iterable of str
        What a template generates. Pictures are decoded meanwhile.

    Raises
    ------
    CbirError
        When the file cannot be written.
    """
    with (
        explained(path, f"write {what}"),
        native.caught(),
        one_thread_each(),
        written_aside(path) as file,
    ):
        for chunk in chunks:
            file.write(chunk.encode())


def check_folder(path: str, option: str) -> None:
    """Make sure that there is a folder for the file `path`.

    Raises
    ------
    CbirError
        When it is missing.
    """
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise CbirError(f"{option} {printable(path)}: there is no folder {printable(folder)}")


def not_ours(path: str, what: str, option: str) -> CbirError:
    """Return the refusal to overwrite a file that this program did not make."""
    return CbirError(
        f"{printable(path)}: this file is there and was not made by this program, so {what} was"
        f" not written; name another with {option}"
    )


def environment() -> jinja2.Environment:
    """Return what renders the templates of the package, with everything escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("cbir"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _is_ours(path: str) -> bool:
    if not os.path.isfile(path):  # a pipe would never end
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return head.startswith(_START) and GENERATOR in head
