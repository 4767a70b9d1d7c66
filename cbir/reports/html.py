"""What the pages that the program writes have in common: one file that a browser opens from disk.

Style and images are inside of a page, there is no script, and nothing is fetched from anywhere.
A page says nothing that changes from run to run, such as the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbir.core import stderr_capture
from cbir.core.messages import Message, Parameter
from cbir.core.overwriting import Output
from cbir.core.threads import one_thread_each

if TYPE_CHECKING:
    import jinja2

_START = b"<!doctype html>"
_HEAD = 1024
"""Bytes within which the head names the generator."""

_EXTENSIONS = (".html", ".htm")


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of page.

    Attributes
    ----------
    name : str
        What it is, for messages.
    parameter : Parameter
        What names its file, for messages.
    generator : str
        What the head of the page says of what made it; only such a page is replaced.
    """

    name: str
    parameter: Parameter
    generator: str

    def write(self, path: str, chunks: Iterable[str]) -> None:
        """Write the page while it is rendered; what is there is replaced when all of it is.

        Parameters
        ----------
        path : str
        chunks : iterable of str
            What a template generates. Images are decoded meanwhile.

        Raises
        ------
        CbirError
            When the file cannot be written.
        """
        with stderr_capture.capture(), one_thread_each(), self.file.written(path) as file:
            for chunk in chunks:
                file.write(chunk.encode())

    @property
    def file(self) -> Output:
        """What guards the file against replacing others."""
        remedy = Message("name another with ", self.parameter)
        return Output(self.name, remedy, self._is_ours, _EXTENSIONS)

    def _is_ours(self, path: str) -> bool:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        mark = f'<meta name="generator" content="{self.generator}">'.encode()
        return head.startswith(_START) and mark in head


def environment() -> jinja2.Environment:
    """Return what renders the templates of the package, with everything escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("cbir.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
