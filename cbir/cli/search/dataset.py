"""Bring the index of a folder up to date before it is searched or served."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain

from cbir.cli.index import summary
from cbir.cli.progress import TerminalProgress
from cbir.core.atomic_files import explained
from cbir.core.errors import BrokenIndexError, CbirError, printable
from cbir.descriptors import registry
from cbir.descriptors.presets import get as get_preset
from cbir.descriptors.registry import parse
from cbir.indexing.build import build_index
from cbir.indexing.commit import IndexReport
from cbir.indexing.selection import DEFAULT
from cbir.search.engine import Index
from cbir.stores import open_store
from cbir.stores.default_path import kept_index
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Snapshot

_ATTEMPTS = 3
"""How often an index is brought up to date again because another search changed it meanwhile."""


def open_dataset(
    dataset: str,
    index: str | None,
    descriptors: Sequence[str],
    presets: Sequence[str],
    listener: TerminalProgress,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[Index, str | None]:
    """Bring an index of the dataset up to date, with what is to be searched by, and open it.

    Parameters
    ----------
    dataset : str
        The folder of images.
    index : str or None
        The index file; unless it is named, one in the user's cache folder, which any search may
        add descriptors to. So there a name always means the same, not what came first.
    descriptors, presets : sequence of str
        What to search by; added where it is missing.
    listener : TerminalProgress
        Told of what is done.
    include, exclude : sequence of str, optional
        Shell patterns of which images to take and leave.

    Returns
    -------
    Index, str or None
        The index, and the aliases of what to search by.

    Raises
    ------
    CbirError
        When there is nothing to index, or the index cannot be written.
    """
    parts = list(descriptors)
    if index is None and not parts and not presets:
        parts = [DEFAULT]
    path = index or kept_index(dataset)
    there: Mapping[str, DescriptorEntry] = {}
    with contextlib.suppress(BrokenIndexError):
        if os.path.exists(path):
            there = _entries(open_store(path).snapshot())
    for _ in range(_ATTEMPTS):
        stale = () if index is not None else _stale(there, parts, presets)
        missing = [part for part in parts if part not in there or part in stale]
        build = partial(
            build_index, dataset, path, missing,
            preset=presets, drop=stale, include=include, exclude=exclude, wait=True,
            listener=listener,
        )  # fmt: skip
        with listener:
            report = build() if index is not None else _kept_up_to_date(build, path)
        if report.described or report.removed or report.renamed or report.added:
            listener.note(summary(dataset if index is None else index, report))
        if index is None and not there:
            listener.note(f"Its index is kept as {printable(path)}")
        aliases = [part if part in there else parse(part).alias for part in parts]
        snapshot = open_store(path).snapshot()
        there = _entries(snapshot)
        if index is not None or not _stale(there, parts, presets):
            return Index(snapshot, dataset), "+".join(aliases) or None
    raise CbirError(
        f"{printable(path)}: other searches of the folder keep changing what the names of"
        " descriptors mean; wait for them, or name an index of your own with --index"
    )


def _entries(snapshot: Snapshot) -> Mapping[str, DescriptorEntry]:
    return {one.alias: one for one in snapshot.manifest.entries}


def _stale(
    there: Mapping[str, DescriptorEntry], parts: Iterable[str], presets: Iterable[str]
) -> list[str]:
    """Return the aliases by which the index has another descriptor than this search means.

    An alias that is no descriptor's name means what it meant before.
    """
    asked = [
        part
        for part in parts
        if part not in there or there[part].name == part or part in registry.names()
    ]
    of_presets = chain.from_iterable(get_preset(name).specs for name in presets)
    wanted = map(parse, [*asked, *of_presets])
    return [
        one.alias
        for one in wanted
        if one.alias in there and not there[one.alias].means(one.descriptor)
    ]


def _kept_up_to_date(build: Callable[..., IndexReport], path: str) -> IndexReport:
    """Update an index in the cache folder; one that is broken is made again."""
    folder = os.path.dirname(path)
    with explained(folder, "keep the index"):
        os.makedirs(folder, exist_ok=True)
    try:
        return build()
    except BrokenIndexError:
        return build(rebuild=True)
    finally:
        with contextlib.suppress(OSError):  # it is empty only if no index was made
            os.rmdir(folder)
