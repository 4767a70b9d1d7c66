"""A page with the queries that an evaluation did worst on, and what they returned.

The page is like that of :mod:`cbir.reports.duplicates_page`: one file with small images inside.
Only the first 2,000 images (`EMBEDDED`) are; further ones are shown from their own files.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice

from cbir.core.amounts import counted
from cbir.core.checks import check_whole
from cbir.core.errors import UnreadableImageError, printable
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.core.threads import ordered_map, threads
from cbir.core.version import __version__
from cbir.evaluation.model import KEPT_HITS, Evaluation, Run
from cbir.images.encoded_image import EncodedImage
from cbir.reports.html import Page, environment
from cbir.reports.image_card import data_uri, file_url
from cbir.search.results import distance_text

FAILURES = Page("the page of failures", Parameter("failures"), "cbir failures")

WORST = 20
"""Queries of each run that are shown unless told otherwise."""

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
    FAILURES.file.check(path)
    check_whole("worst", worst)
    check_whole("embedded", embedded, least=0)
    workers = threads(workers)
    listener = listener or ProgressListener()
    sections = [_section(run, worst) for run in evaluation.runs]
    before = [0, *accumulate(_images(run, row) for run, rows in sections for row in rows)]
    images = before.pop()
    notes = dict[str, None]()
    if images > embedded:
        note = (
            f"The page of failures holds the first {embedded:,} of {counted(images, 'image')};"
            " further ones are shown from their own files"
        )
        notes[note] = None
    template = environment().get_template("failures.html.jinja")
    folder = os.path.dirname(os.path.abspath(path))

    def prepared(job: tuple[tuple[Run, int], int]) -> _Failure:
        (run, row), earlier = job
        return _failure(run, row, max(0, embedded - earlier), folder)

    def failures() -> Iterator[_Failure]:
        queries = ((run, row) for run, rows in sections for row in rows)
        jobs = zip(queries, before, strict=True)
        for one in ordered_map(prepared, jobs, workers, batch=1):
            notes.update(dict.fromkeys(one.notes))
            yield one
            listener.advance()

    def runs() -> Iterator[_RunCard]:
        all_failures = failures()
        for number, (run, rows) in enumerate(sections, 1):
            yield _RunCard(number, run, len(rows), islice(all_failures, len(rows)))

    listener.begin("Writing the failures", len(before))
    chunks = template.generate(
        generator=FAILURES.generator,
        title=f"Failures: {printable(evaluation.dataset)}",
        version=__version__,
        evaluation=evaluation,
        protocol=printable(evaluation.protocol),
        truth=printable(evaluation.truth),
        runs=runs(),
        shown=KEPT_HITS,
        embedded=embedded,
        images=images,
    )
    try:
        FAILURES.write(path, chunks)
    finally:
        listener.end()
    return list(notes)


@dataclass(frozen=True, slots=True)
class _PageImage:
    """An image on the page; `src` is empty when there is none to show, for `failure`."""

    name: str
    path: str
    url: str
    src: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _HitCard:
    image: _PageImage
    distance: str
    relevant: bool


@dataclass(frozen=True, slots=True)
class _Failure:
    """A query on the page, with what it returned, and what should be told about it besides."""

    image: _PageImage
    label: str | None
    average_precision: str
    hits: list[_HitCard]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _RunCard:
    number: int
    run: Run
    count: int
    failures: Iterator[_Failure]


def _section(run: Run, worst: int) -> tuple[Run, list[int]]:
    """Return a run with the numbers of the queries to show."""
    precisions = run.scores.values["map"]
    return run, [row for row in run.worst(worst) if precisions[row] < 1]


def _images(run: Run, row: int) -> int:
    return 1 + len(run.hits[row])


def _failure(run: Run, row: int, room: int, folder: str) -> _Failure:
    """Prepare a query for the page, with `room` images that are shown by thumbnails."""
    hits, label = run.hits[row], run.labels[row]
    notes = list[str]()
    query, *images = (
        _image(path, place < room, folder, notes)
        for place, path in enumerate([run.queries[row], *(hit.path for hit in hits)])
    )
    return _Failure(
        query,
        None if label is None else printable(label),
        _rounded_down(float(run.scores.values["map"][row])),
        [
            _HitCard(image, distance_text(run.metric, hit.distance), hit.relevant)
            for image, hit in zip(images, hits, strict=True)
        ],
        notes,
    )


def _rounded_down(value: float) -> str:
    """Return three decimals; what is not 1 is never called 1."""
    return f"{math.floor(1000 * value) / 1000:.3f}"


def _image(path: str, embedded: bool, folder: str, notes: list[str]) -> _PageImage:
    """Return an image for the page; why it cannot be shown is added to `notes`."""
    name, readable = printable(os.path.basename(path)), printable(path)
    url = file_url(path, folder)
    if not embedded:
        return _PageImage(name, readable, url, url)
    try:
        pixels = EncodedImage.open(path).pixels(_WORKING_SIZE)
    except UnreadableImageError as error:
        notes.append(f"Not in the failures: {error}")
        return _PageImage(name, readable, url, "", error.reason)
    return _PageImage(name, readable, url, data_uri(pixels, _QUALITY, THUMBNAIL))
