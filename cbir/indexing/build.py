"""From a dataset to its index, in four stages: scan, plan, describe, commit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from cbir.core import stderr_capture
from cbir.core.arguments import path_of, text_of, tuple_of
from cbir.core.checks import check_whole
from cbir.core.errors import UsageError
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, threads
from cbir.descriptors import presets
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.descriptors.local_features.registry import extractor_of
from cbir.descriptors.registry import parse
from cbir.indexing.commit import IndexReport, commit
from cbir.indexing.describe import describe
from cbir.indexing.metadata_join import MetadataRequest
from cbir.indexing.paced_threads import PacedThreads
from cbir.indexing.plan import plan
from cbir.indexing.request import IndexRequest
from cbir.indexing.scan import scan
from cbir.stores import open_store
from cbir.stores.model import MOST_AVERAGED


def build_index(
    dataset: str,
    index: str = "index.csv",
    descriptors: str | Sequence[str] = (),
    *,
    preset: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    vocabulary: str | Sequence[str] | None = None,
    metadata: str | None = None,
    key: str | None = None,
    table: str | None = None,
    columns: str | Sequence[str] = (),
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    workers: int | None = None,
    rebuild: bool = False,
    retrain: bool = False,
    features: str | LocalExtractor[Any] | None = None,
    keep_others: bool = False,
    paths: Sequence[str] | None = None,
    dba: int | None = None,
    wait: bool = False,
    listener: ProgressListener | None = None,
) -> IndexReport:
    """Make the index of a folder of images, or bring it up to date.

    Images that are unchanged are not described again, those that are gone leave, and those that
    were renamed are recognized by their content.

    Parameters
    ----------
    dataset : str
        The folder; it is searched for images at any depth.
    index : str
        The index file.
    descriptors : str or sequence of str
        Descriptors to add, as ``NAME``, ``NAME:key=value`` or ``ALIAS=NAME:…``. A new index
        without any gets ``hsv``. The first one of an index is what searches use by default.
    preset : str or sequence of str
        Presets whose descriptors to add, after the others.
    drop : str or sequence of str
        Aliases of descriptors, or names of metadata columns, to remove.
    vocabulary : str or sequence of str, optional
        Vocabularies or models: ``.npz`` files, folders of them, or indexes that have one. Where one
        is needed and none of these fits, the index goes on with what it has, or takes what comes
        with the package, or else trains one.
    metadata : str, optional
        A table whose columns become columns of the index, in the place of those of the same names:
        a file (CSV, JSON lines, Parquet, SQLite) or the URL of a database.
    key : str, optional
        The column of it that names the images by path or name, with or without the ending. Unless
        told otherwise it is the one that names the most of them.
    table : str, optional
        The table of a database; the only one unless told otherwise.
    columns : str or sequence of str
        The columns to join, as ``NAME`` or, to rename one, ``NEW=NAME``; all but the key unless
        told otherwise.
    include, exclude : str or sequence of str
        Shell patterns of images to take and to leave.
    workers : int, optional
        Threads; all cores unless told otherwise. The index does not depend on it.
    rebuild : bool
        Start from nothing; only columns that the user added are kept.
    retrain : bool
        Train vocabularies and models on these images, whatever there is.
    features : str or LocalExtractor, optional
        Also keep the local features that this extracts of each image, as in ``sift:count=300``.
    keep_others : bool
        Images of the index that the patterns leave out stay in it.
    paths : sequence of str, optional
        Look only at these paths of the dataset, relative to it and with ``/``: those where an image
        is enter the index or are brought up to date, the others of them leave it. All other images
        stay in it as they are.
    dba : int, optional
        Database-side augmentation: searches of this index are to compare means of each image and
        so many of its neighbors, unless they are told otherwise; 0: images themselves. As before
        unless given.
    wait : bool
        Wait for another process that writes to the index.
    listener : ProgressListener, optional
        Told of progress and of unreadable files.

    Returns
    -------
    IndexReport

    Raises
    ------
    CbirError
        When there is nothing to index, the table cannot be read or joined, or the index cannot be
        written. The old one survives.
    """
    listener = ProgressListener.of(listener)
    if paths is not None and (include or exclude):
        raise UsageError(
            "paths are looked at without ", Parameter("include"), " and ", Parameter("exclude"),
        )  # fmt: skip
    of_presets = [presets.get(name).specs for name in tuple_of(preset, "a preset")]
    request = IndexRequest(
        dataset=path_of(dataset, "a dataset"),
        index=path_of(index, "an index"),
        descriptors=[*tuple_of(descriptors, "a descriptor"), *chain.from_iterable(of_presets)],
        drop=tuple_of(drop, "an alias to drop"),
        models=() if vocabulary is None else tuple_of(vocabulary, "a vocabulary", path_of),
        include=tuple_of(include, "a pattern"),
        exclude=tuple_of(exclude, "a pattern"),
        workers=threads(workers),
        rebuild=rebuild,
        retrain=retrain,
        keep_others=keep_others,
        features=None if features is None else extractor_of(features),
        metadata=_metadata(metadata, key, table, tuple_of(columns, "a column")),
        paths=None if paths is None else frozenset(tuple_of(paths, "a path", path_of)),
        dba=None if dba is None else check_whole("dba", dba, 0, MOST_AVERAGED),
    )
    for spec in request.descriptors:
        parse(spec)  # a typing error is told before anything is touched
    rows = request.metadata.read() if request.metadata else None
    found = scan(request, listener)
    store = open_store(request.index)
    with store.writer(wait) as writer, stderr_capture.capture(), one_thread_each():
        planned = plan(found, request, store, writer, listener, rows)
        described = describe(planned, PacedThreads(request.workers), listener)
        return commit(planned, described, listener)


def _metadata(
    source: str | None, key: str | None, table: str | None, columns: Sequence[str]
) -> MetadataRequest | None:
    if source is None:
        for name, value in {"key": key, "table": table, "columns": columns}.items():
            if value:
                raise UsageError(
                    Parameter(name), " is about a table; name it with ", Parameter("metadata")
                )
        return None
    for value, what in ((key, "a key"), (table, "a table")):
        if value is not None:
            text_of(value, what)
    return MetadataRequest(path_of(source, "metadata"), key, table, columns)
