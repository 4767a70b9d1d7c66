"""A page with the groups of duplicates side by side, that a browser opens from disk.

The page is one file: style and images are inside, there is no script, and nothing is fetched
from anywhere. Images are thumbnails; a group of two takes about 40 kB. So that a page of
thousands of groups still opens, only the first 1,500 copies (`EMBEDDED`) are shown like that:
further ones are shown from their own files, which the browser reads when it comes to them, and
without the difference, which no file holds.

The page says nothing that changes from run to run, such as the time, and gives times as UTC.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from cbir.core.amounts import counted, size_text
from cbir.core.checks import check_whole
from cbir.core.errors import printable
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.core.threads import ordered_map, threads
from cbir.core.version import __version__
from cbir.duplicates.model import COPY_LEVELS, CopyLevel, Group, KeepPolicy
from cbir.reports.html import Page, environment
from cbir.reports.image_card import GroupCard, card

if TYPE_CHECKING:
    import jinja2

REPORT = Page("the report", Parameter("report"), "cbir report")

EMBEDDED = 1500
"""Copies whose images are inside of the page."""


def write_report(
    path: str,
    groups: Sequence[Group],
    *,
    title: str = "Duplicates",
    images: int | None = None,
    level: CopyLevel | None = None,
    threshold: int | None = None,
    keep: KeepPolicy | None = None,
    embedded: int = EMBEDDED,
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> list[str]:
    """Write the page.

    Parameters
    ----------
    path : str
        The file; it must end with .html or .htm.
    groups : sequence of Group
        Shown in this order.
    title : str
    images : int, optional
        That were compared.
    level, threshold, keep : optional
        With which the groups were found, for the summary.
    embedded : int
        Copies whose images are inside of the page.
    workers : int, optional
        Threads; by default as many as there are cores. The page is the same with any number.
    listener : ProgressListener, optional

    Returns
    -------
    list of str
        What a reader should know: images that vanished or were changed meanwhile, or that are
        not inside of the page.

    Raises
    ------
    UsageError
        When the name ends otherwise.
    CbirError
        When the file cannot be written, or is there and is no report of ours.
    """
    REPORT.file.check(path)
    check_whole("embedded", embedded, least=0)
    workers = threads(workers)
    listener = listener or ProgressListener()
    before = [0, *accumulate(len(group.duplicates) for group in groups)]
    copies = before.pop()
    notes = list[str]()
    if copies > embedded:
        notes.append(
            f"The report holds the images of the first {embedded:,} of {counted(copies, 'copy')};"
            " further ones are shown from their own files, without the difference"
        )
    page = _environment().get_template("report.html.jinja")
    folder = os.path.dirname(os.path.abspath(path))

    def prepared(job: tuple[Group, int]) -> GroupCard:
        group, earlier = job
        return card(group, max(0, embedded - earlier), folder)

    def cards() -> Iterator[GroupCard]:
        jobs = zip(groups, before, strict=True)
        for one in ordered_map(prepared, jobs, workers):
            notes.extend(one.notes)
            yield one
            listener.advance()

    listener.begin("Writing the report", len(groups))
    chunks = page.generate(
        generator=REPORT.generator,
        title=printable(title),
        version=__version__,
        summary=_Summary(groups, images, level, threshold, keep),
        embedded=min(embedded, copies),
        cards=cards(),
    )
    try:
        REPORT.write(path, chunks)
    finally:
        listener.end()
    return notes


def _environment() -> jinja2.Environment:
    templates = environment()
    templates.filters["size"] = size_text
    templates.filters["percent"] = _percent
    templates.filters["contents"] = _contents
    return templates


def _percent(share: float) -> str:
    if 0 < share < 0.01:
        return "less than 1 %"
    # What is not all is never called all.
    return f"{min(99, round(100 * share)) if share < 1 else 100} %"


@dataclass(frozen=True)
class _Summary:
    groups: Sequence[Group]
    images: int | None
    level: CopyLevel | None
    threshold: int | None
    keep: KeepPolicy | None

    @cached_property
    def copies(self) -> int:
        return sum(len(group.duplicates) for group in self.groups)

    @cached_property
    def staying(self) -> int:
        return sum(map(_staying, self.groups))

    @cached_property
    def references(self) -> int:
        return sum(map(_references, self.groups))

    @cached_property
    def freeable(self) -> int:
        return sum(map(_freeable, self.groups))

    @cached_property
    def by_level(self) -> list[tuple[CopyLevel, int]]:
        counts = Counter(copy.match.level for group in self.groups for copy in group.duplicates)
        return [(level, counts[level]) for level in COPY_LEVELS if counts[level]]


def _contents(group: Group) -> str:
    """Say what goes and what stays of a group, besides the image that is kept."""
    staying, references = _staying(group), _references(group)
    copies = len(group.duplicates) - staying - references
    parts = [counted(copies, "copy")] if copies else []
    parts += [f"{size_text(_freeable(group))} to free"] if _freeable(group) else []
    parts += [f"{staying:,} that {'shows' if staying == 1 else 'show'} more"] if staying else []
    parts += [counted(references, "reference")] if references else []
    return " · ".join(parts)


def _staying(group: Group) -> int:
    return sum(copy.stays for copy in group.duplicates)


def _references(group: Group) -> int:
    return sum(copy.record.reference and not copy.stays for copy in group.duplicates)


def _freeable(group: Group) -> int:
    return sum(copy.record.bytes for copy in group.duplicates if copy.removable)
