"""Which images query."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import numpy as np

from cbir.core.amounts import counted
from cbir.core.arguments import check_type, one_of, path_of
from cbir.core.digests import sha256_of
from cbir.core.errors import (
    CbirError,
    UnreadableImageError,
    UsageError,
    excerpt,
    printable,
    reason_of,
)
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.evaluation.boxed_queries import boxed_queries
from cbir.evaluation.boxed_truth import BoxedTruth
from cbir.evaluation.query import Queries, Query
from cbir.evaluation.query_files import rows_by_file
from cbir.evaluation.relevance import GroundTruth, about_truth
from cbir.images.discovery import find_images
from cbir.search.engine import Index

Protocol = Literal["all", "first", "ukbench"]
PROTOCOLS: tuple[Protocol, ...] = ("all", "first", "ukbench")
"""``all``: every image queries the others. ``first``: the first one of each class, by path,
queries all others, as in INRIA Holidays. ``ukbench``: every image queries all, itself among them,
as in UKBench; there the query is one of the four that can be found."""


def default_protocol(truth: str, folder: str | None = None) -> Protocol:
    """Return the protocol that goes with a truth, given as `read_ground_truth` takes it.

    Examples
    --------
    >>> default_protocol("folders"), default_protocol("groups:^(....)")
    ('all', 'first')
    """
    return "first" if truth.startswith("groups:") and folder is None else "all"


def choose_queries(
    index: Index,
    truth: GroundTruth,
    protocol: Protocol = "all",
    folder: str | None = None,
    listener: ProgressListener | None = None,
    *,
    where: str | None = None,
) -> Queries:
    """Choose the images that query.

    Images that the truth does not know are no queries.

    Parameters
    ----------
    index : Index
    truth : GroundTruth
    protocol : {"all", "first", "ukbench"}
        See :data:`PROTOCOLS`.
    folder : str, optional
        Its images query, instead of the index's; the truth is asked for their paths below it.
        One that is itself a file of the index is left out of its own ranking. Where the truth
        has queries of its own, the folder is where their images are.
    listener : ProgressListener, optional
        Told of images of the folder that cannot be read, or that the truth does not know, and of
        topics of the truth that are no images.
    where : str, optional
        Of the index's images, only those query for which this condition on their metadata holds.

    Raises
    ------
    UsageError
        When `protocol` makes no sense for the folder, or for the truth.
    CbirError
        When no image is left to query.
    """
    check_type(index, Index, "an index")
    check_type(truth, GroundTruth, "a truth")
    one_of(protocol, PROTOCOLS, "protocol")
    listener = ProgressListener.of(listener)
    check_holds_for_some(index, where)
    if isinstance(truth, BoxedTruth):
        if protocol != "all":
            raise UsageError(
                about_truth(truth.spec, f"it says itself which images query, not {protocol};"),
                " leave out the protocol",
            )
        return boxed_queries(index, truth, folder, listener, where=where)
    if folder is None:
        chosen, place = _of_index(index, truth, protocol, where), "the index"
    elif protocol != "all":
        raise UsageError(
            f"the protocol {protocol} says which images of the index query, ",
            Parameter("queries"),
            " takes those of a folder: give one of them",
        )
    else:
        chosen, place = _of_folder(index, truth, folder, listener), folder
    places = place if folder is None else f"the index or of {folder}"
    for reason in _unused(truth, chosen, place, places):
        listener.warn(about_truth(truth.spec, reason))
    if not chosen:
        raise CbirError(
            about_truth(
                truth.spec, f"it knows no image of {printable(place)}, so there is no query;"
            ),
            " check it against their paths",
        )
    return Queries(protocol if folder is None else f"queries:{folder}", tuple(chosen))


def check_holds_for_some(index: Index, where: str | None) -> None:
    """Make sure that images are left.

    Raises
    ------
    CbirError
        When a condition holds for none.
    """
    if where is not None and not index.matching(where).any():
        raise CbirError(Parameter("where"), f" {printable(where)}: {index.about_nothing(where)}")


def _of_index(
    index: Index, truth: GroundTruth, protocol: Protocol, where: str | None
) -> list[Query]:
    if protocol == "first" and not truth.has_classes:
        raise UsageError(
            about_truth(truth.spec, "it has no classes of which the first could query;"),
            " its topics say which images do: use the protocol all",
        )
    paths, hashes = index.paths, index.hashes
    rows = range(len(index)) if where is None else np.flatnonzero(index.matching(where)).tolist()
    queries, seen = [], set[str]()
    for row, topic in zip(rows, truth.topics([paths[row] for row in rows]), strict=True):
        if topic is None or (protocol == "first" and topic in seen):
            continue
        seen.add(topic)
        left_out = protocol != "ukbench"
        queries.append(Query(index.shown(paths[row]), topic, hashes[row], row, row, left_out))
    return queries


def _of_folder(
    index: Index, truth: GroundTruth, folder: str, listener: ProgressListener
) -> list[Query]:
    if not os.path.isdir(path_of(folder, "a folder of queries")):
        reason = f" {printable(folder)}: there is no such folder of images"
        raise CbirError(Parameter("queries"), reason)
    names = [found.path for found in find_images(folder, on_error=listener.unreadable)]
    topics = truth.topics(names)
    unknown = [name for name, topic in zip(names, topics, strict=True) if topic is None]
    if unknown and len(unknown) < len(names):
        reason = (
            f"it does not know {len(unknown)} of {len(names)} images of {printable(folder)},"
            f" {printable(unknown[0])} for one; they do not query"
        )
        listener.warn(about_truth(truth.spec, reason))
    rows = rows_by_file(index)
    queries = []
    for name, topic in zip(names, topics, strict=True):
        path = os.path.join(folder, name)
        if topic is None:
            continue
        try:
            digest = sha256_of(path)
        except OSError as error:
            listener.unreadable(UnreadableImageError(path, reason_of(error)))
            continue
        row = rows.get(os.path.realpath(path))
        queries.append(Query(path, topic, digest, None, row, row is not None))
    return queries


def _unused(truth: GroundTruth, queries: list[Query], place: str, places: str) -> Iterator[str]:
    """Say what of the truth is no image: topics, at the place of queries, and names, anywhere."""
    unqueried = truth.unqueried_topics([query.topic for query in queries])
    if queries and unqueried:
        yield (
            f"{len(unqueried)} of its topics are no image of {printable(place)},"
            f" {excerpt(unqueried[0])} for one; they are left out"
        )
    unmatched = truth.unmatched_names()
    if unmatched:
        yield (
            f"{counted(len(unmatched), 'name')} in it"
            f" {'is no image' if len(unmatched) == 1 else 'are no images'} of"
            f" {printable(places)}, {excerpt(unmatched[0])} for one"
        )
