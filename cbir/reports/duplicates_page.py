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
from collections.abc import Sequence
from functools import partial

from cbir.core.amounts import counted
from cbir.core.checks import check_whole
from cbir.core.errors import printable
from cbir.core.progress import ProgressListener
from cbir.duplicates.model import COPY_LEVELS, CopyLevel, Group, KeepPolicy
from cbir.reports.html import Page, rooms
from cbir.reports.image_card import card
from cbir.reports.tally import summary

REPORT = Page("the report", "report")

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
    check_whole("embedded", embedded, least=0)
    duplicates = [copy for group in groups for copy in group.duplicates]
    levels = Counter(copy.match.level for copy in duplicates)
    notes = list[str]()
    if len(duplicates) > embedded:
        notes.append(
            f"The report holds the images of the first {embedded:,} of"
            f" {counted(len(duplicates), 'copy')}; further ones are shown from their own files,"
            " without the difference"
        )
    folder = os.path.dirname(os.path.abspath(path))
    shown = rooms((len(group.duplicates) for group in groups), embedded)
    return notes + REPORT.write(
        path,
        [partial(card, group, room, folder) for group, room in zip(groups, shown, strict=True)],
        workers=workers,
        listener=listener,
        title=printable(title),
        facts=summary(images, groups),
        copies=len(duplicates),
        by_level=[(one, levels[one]) for one in COPY_LEVELS if levels[one]],
        level=level,
        threshold=threshold,
        keep=keep,
        embedded=min(embedded, len(duplicates)),
    )
