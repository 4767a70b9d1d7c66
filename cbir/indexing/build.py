"""From a dataset to its index, in four stages: scan, plan, describe, commit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

from cbir.core import stderr_capture
from cbir.core.arguments import path_of, tuple_of
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, ordered_map, threads
from cbir.descriptors import presets
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.descriptors.local_features.registry import extractor_of
from cbir.descriptors.registry import parse
from cbir.indexing.commit import IndexReport, commit
from cbir.indexing.describe import describe
from cbir.indexing.plan import plan
from cbir.indexing.request import IndexRequest
from cbir.indexing.scan import scan
from cbir.stores import open_store


def build_index(
    dataset: str,
    index: str = "index.csv",
    descriptors: str | Sequence[str] = (),
    *,
    preset: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    vocabulary: str | Sequence[str] | None = None,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    workers: int | None = None,
    rebuild: bool = False,
    retrain: bool = False,
    features: str | LocalExtractor[Any] | None = None,
    keep_others: bool = False,
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
        Aliases of descriptors to remove.
    vocabulary : str or sequence of str, optional
        Vocabularies or models: ``.npz`` files, folders of them, or indexes that have one. Where one
        is needed and none of these fits, the index goes on with what it has, or takes what comes
        with the package, or else trains one.
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
        When there is nothing to index, or the index cannot be written. The old one survives.
    """
    listener = ProgressListener.of(listener)
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
    )
    for spec in request.descriptors:
        parse(spec)  # a typing error is told before anything is touched
    found = scan(request, listener)
    store = open_store(request.index)
    with store.writer(wait) as writer, stderr_capture.capture(), one_thread_each():
        planned = plan(found, request, store, writer, listener)
        executor = partial(ordered_map, workers=request.workers)
        described = describe(planned, executor, listener)
        return commit(planned, described, listener)
