"""What the pages that the program writes have in common: one file that a browser opens from disk.

Style and images are inside of a page, there is no script, and nothing is fetched from anywhere.
A page says nothing that changes from run to run, such as the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from cbir.core import stderr_capture
from cbir.core.amounts import percent_text, size_text
from cbir.core.errors import printable
from cbir.core.messages import Message, Parameter
from cbir.core.overwriting import Output
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, ordered_map, threads
from cbir.core.version import __version__

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
    kind : str
        One word. The parameter that names the file is called so, and the template, which gets
        ``cards``. The head of the page says so, and only a page of the same kind is replaced.
    """

    name: str
    kind: str

    def write(
        self,
        path: str,
        jobs: Sequence[Callable[[], tuple[Any, list[str]]]],
        *,
        workers: int | None = None,
        listener: ProgressListener | None = None,
        **values: Any,
    ) -> list[str]:
        """Write the page while it is rendered; what is there is replaced when all of it is.

        Parameters
        ----------
        path : str
        jobs : sequence of callable
            Each makes a card of the page, and returns it with what should be told besides.
        workers : int, optional
            Threads that work on them; by default as many as there are cores.
        listener : ProgressListener, optional
        **values
            What else the template gets.

        Returns
        -------
        list of str
            What the jobs tell.

        Raises
        ------
        CbirError
            When the file cannot be written.
        """
        workers, listener = threads(workers), ProgressListener.of(listener)
        notes = list[str]()

        def cards() -> Iterator[Any]:
            for card, more in ordered_map(lambda job: job(), jobs, workers, batch=1):
                notes.extend(more)
                yield card
                listener.advance()

        template = environment().get_template(f"{self.kind}.html.jinja")
        chunks = template.generate(values, kind=self.kind, version=__version__, cards=cards())
        listener.begin(f"Writing the {self.kind}", len(jobs))
        try:
            with stderr_capture.capture(), one_thread_each(), self.file.written(path) as file:
                for chunk in chunks:
                    file.write(chunk.encode())
        finally:
            listener.end()
        return notes

    @property
    def file(self) -> Output:
        """What guards the file against replacing others."""
        remedy = Message("name another with ", Parameter(self.kind))
        return Output(self.name, remedy, self._is_ours, _EXTENSIONS)

    def _is_ours(self, path: str) -> bool:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        mark = f'<meta name="generator" content="cbir {self.kind}">'.encode()
        return head.startswith(_START) and mark in head


def rooms(sizes: Iterable[int], embedded: int) -> list[int]:
    """Return how many images of each card may be inside of the page, if only the first are.

    Parameters
    ----------
    sizes : iterable of int
        How many images each card has.
    embedded : int
        How many may be inside of all the page.

    Examples
    --------
    >>> rooms([2, 2, 1], 3)
    [3, 1, 0]
    """
    *before, _ = accumulate(sizes, initial=0)
    return [max(0, embedded - earlier) for earlier in before]


def environment(*loaders: jinja2.BaseLoader) -> jinja2.Environment:
    """Return what renders the templates of the package, and others that are built on them.

    Everything is escaped, and a value that is not given is an error. Filters: ``thousands``,
    ``percent``, ``size`` (of files) and ``printable`` (names that are not text).

    Parameters
    ----------
    *loaders : jinja2.BaseLoader
        Of further templates; what they have goes before what is here.

    Examples
    --------
    >>> page = environment().from_string("{{ name }}, {{ 0.999 | percent }}")
    >>> page.render(name="<b>")
    '&lt;b&gt;, 99 %'
    """
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([*loaders, jinja2.PackageLoader("cbir.reports")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "thousands": "{:,}".format,
        "percent": percent_text,
        "size": size_text,
        "printable": printable,
    }
    return made


@cache
def stylesheet() -> bytes:
    """Return the stylesheet that all pages share."""
    return files("cbir.reports").joinpath("templates", "cbir.css").read_bytes()
