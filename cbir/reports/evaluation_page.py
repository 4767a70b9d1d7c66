"""A page with the queries that an evaluation did worst on, and what they returned.

The page is like that of :mod:`cbir.reports.duplicates_page`: one file with small images inside.
Only the first 2,000 images (`EMBEDDED`) are; further ones are shown from their own files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from cbir.core.amounts import counted
from cbir.core.checks import check_whole
from cbir.core.errors import UnreadableImageError, printable
from cbir.core.progress import ProgressListener
from cbir.evaluation.document import WORST
from cbir.evaluation.model import KEPT_HITS, Evaluation, Run
from cbir.images.encoded_image import EncodedImage
from cbir.reports.html import Page, rooms
from cbir.reports.image_card import ImageCard, data_uri, named_card, told
from cbir.reports.query_card import HitCard, QueryCard, region_label, rounded_down
from cbir.search.results import distance_text

FAILURES = Page("the page of failures", "failures")

EMBEDDED = 2000
"""Images that are inside of the page."""

THUMBNAIL = 160
"""Longest side, in pixels."""

_WORKING_SIZE = 256
_QUALITY = 70


def write_failures(
    path: str,
    evaluation: Evaluation,
    *,
    worst: int = WORST,
    embedded: int = EMBEDDED,
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> list[str]:
    """Write the page.

    Parameters
    ----------
    path : str
        The file; it must end with .html or .htm.
    evaluation : Evaluation
        Its runs are shown in their order, the queries of each by their average precision, the
        lowest first. Queries that are answered without a mistake are left out.
    worst : int
        Queries of each run.
    embedded : int
        Images that are inside of the page.
    workers : int, optional
        Threads; by default as many as there are cores. The page is the same with any number.
    listener : ProgressListener, optional

    Returns
    -------
    list of str
        What a reader should know: images that vanished, or that are not inside of the page.

    Raises
    ------
    UsageError
        When the name ends otherwise.
    CbirError
        When the file cannot be written, or is there and is no page of ours.
    """
    check_whole("worst", worst)
    check_whole("embedded", embedded, least=0)
    sections = [(run, _failed(run, worst)) for run in evaluation.runs]
    queries = [(run, row) for run, rows in sections for row in rows]
    sizes = [1 + len(run.hits[row]) for run, row in queries]
    images = sum(sizes)
    notes = list[str]()
    if images > embedded:
        notes.append(
            f"The page of failures holds the first {embedded:,} of {counted(images, 'image')};"
            " further ones are shown from their own files"
        )
    folder = os.path.dirname(os.path.abspath(path))
    notes += FAILURES.write(
        path,
        [
            partial(_failure, run, row, evaluation.columns, room, folder)
            for (run, row), room in zip(queries, rooms(sizes, embedded), strict=True)
        ],
        workers=workers,
        listener=listener,
        title=f"Failures: {printable(evaluation.dataset)}",
        evaluation=evaluation,
        protocol=printable(evaluation.protocol),
        truth=printable(evaluation.truth),
        where=printable(evaluation.where or ""),
        runs=[(run, len(rows)) for run, rows in sections],
        first=islice,
        shown=KEPT_HITS,
        embedded=embedded,
        images=images,
    )
    return list(dict.fromkeys(notes))


def _failed(run: Run, worst: int) -> list[int]:
    """Return the numbers of the queries of a run to show."""
    precisions = run.scores.values["map"]
    return [row for row in run.worst(worst) if precisions[row] < 1]


def _failure(
    run: Run, row: int, columns: Sequence[str], room: int, folder: str
) -> tuple[QueryCard, list[str]]:
    """Prepare a query for the page, and return what should be told about it besides.

    Of its images, `room` are shown by thumbnails.
    """
    hits, label = run.hits[row], run.labels[row]
    notes = list[str]()
    query = _image(named_card(run.queries[row], folder), run.queries[row], room > 0, notes)
    hits_shown = []
    for place, hit in enumerate(hits, 1):
        known = told(zip(columns, hit.texts, strict=True))
        shown = partial(named_card(hit.path, folder), metadata=known)
        image = _image(shown, hit.path, place < room, notes)
        hits_shown.append(HitCard(image, hit.relevant, distance_text(run.metric, hit.distance)))
    region = run.region(row)
    failure = QueryCard(
        query,
        region_label(
            None if label is None else printable(label), None if region is None else str(region)
        ),
        rounded_down(float(run.scores.values["map"][row])),
        hits_shown,
    )
    return failure, notes


def _image(
    shown: Callable[..., ImageCard], path: str, embedded: bool, notes: list[str]
) -> ImageCard:
    """Return an image for the page; why it cannot be shown is added to `notes`."""
    if not embedded:
        return shown()
    try:
        pixels = EncodedImage.open(path).pixels(_WORKING_SIZE)
    except UnreadableImageError as error:
        notes.append(f"Not in the failures: {error}")
        return shown(failure=error.reason)
    return shown(thumbnail=data_uri(pixels, _QUALITY, THUMBNAIL))
