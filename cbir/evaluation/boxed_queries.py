"""The queries that a ground truth names itself: boxes of images of the index, or of a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cbir.core.amounts import counted
from cbir.core.arguments import path_of
from cbir.core.digests import sha256_of
from cbir.core.errors import CbirError, UnreadableImageError, excerpt, printable, reason_of
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.evaluation.boxed_truth import BoxedQuery, BoxedTruth
from cbir.evaluation.query import Queries, Query
from cbir.evaluation.query_files import rows_by_file
from cbir.evaluation.relevance import about_truth
from cbir.images.discovery import find_images
from cbir.search.engine import Index
from cbir.tables.image_keys import match_keys


def boxed_queries(
    index: Index,
    truth: BoxedTruth,
    folder: str | None,
    listener: ProgressListener,
    *,
    where: str | None = None,
) -> Queries:
    """Find the images of the queries.

    An image of the index stays in the ranking of its own query: whether it counts there is what the
    truth says. Oxford and Paris have it among the right ones, the revisited protocol sets it aside.

    Parameters
    ----------
    index : Index
    truth : BoxedTruth
    folder : str or None
        Where images of queries are that the index does not have.
    listener : ProgressListener
        Told of queries whose image is missing, or cannot be read: they are left out.
    where : str, optional
        Of the index's images, only those query for which this condition holds.

    Raises
    ------
    CbirError
        When no query is left.
    """
    listed = {} if folder is None else _files_below(folder, truth, listener)
    eligible = None if where is None else index.matching(where)
    rows = rows_by_file(index) if listed else {}
    chosen, absent = [], []
    for query in truth.queries:
        row = truth.row_of(query.image)
        if query.image in listed:
            found = _of_folder(query, listed[query.image], rows, listener)
        elif row is None:
            absent.append(query)
            continue
        elif eligible is not None and not eligible[row]:
            continue
        else:
            path = index.shown(index.paths[row])
            digest = index.hashes[row]
            found = Query(path, query.topic, digest, None, row, False, query.region)
        if found is not None:
            chosen.append(found)
    place = "the index" if folder is None else f"the index or of {folder}"
    if not chosen:
        raise CbirError(
            about_truth(
                truth.spec,
                f"none of its queries is an image of {printable(place)}"
                f"{f', not even {excerpt(absent[0].image)}' if absent else ''};",
            ),
            " name the folder that has them with ", Parameter("queries"),
        )  # fmt: skip
    if absent:
        reason = (
            f"{counted(len(absent), 'query')} of {len(truth.queries)} are no image of"
            f" {printable(place)}, {excerpt(absent[0].image)} for one; they are left out, so"
            " that the measures are not those of the whole data"
        )
        listener.warn(about_truth(truth.spec, reason))
    return Queries(truth.own_protocol, tuple(chosen))


def _files_below(folder: str, truth: BoxedTruth, listener: ProgressListener) -> dict[str, str]:
    """Return the path of each query's image that is below a folder."""
    if not os.path.isdir(path_of(folder, "a folder of queries")):
        reason = f" {printable(folder)}: there is no such folder of images"
        raise CbirError(Parameter("queries"), reason)
    names = [found.path for found in find_images(folder, on_error=listener.unreadable)]
    keys = match_keys({query.image for query in truth.queries}, names, truth.spec)
    return {
        key: os.path.join(folder, name)
        for key, name in zip(keys, names, strict=True)
        if key is not None
    }


def _of_folder(
    query: BoxedQuery, path: str, rows: Mapping[str, int], listener: ProgressListener
) -> Query | None:
    try:
        digest = sha256_of(path)
    except OSError as error:
        listener.unreadable(UnreadableImageError(path, reason_of(error)))
        return None
    row = rows.get(os.path.realpath(path))
    return Query(path, query.topic, digest, None, row, False, query.region)
