"""An index in another place, or in another format, with all that it knows."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cbir.core.arguments import path_of
from cbir.core.errors import BrokenIndexError, CbirError, UsageError, first_few, printable
from cbir.core.messages import Call, Message, Parameter
from cbir.core.progress import ProgressListener
from cbir.core.version import __version__
from cbir.stores import open_store
from cbir.stores.locations import kept_location
from cbir.stores.model import IndexStore, Manifest, Rows, Snapshot, Writer


@dataclass(frozen=True, slots=True)
class ConversionReport:
    """What was converted.

    Attributes
    ----------
    source, target : str
        The files of the two indexes.
    images : int
    bytes_before, bytes_after : int
        The sizes of these files.
    """

    source: str
    target: str
    images: int
    bytes_before: int
    bytes_after: int


def convert(
    source: str,
    target: str,
    *,
    replace: bool = False,
    wait: bool = False,
    listener: ProgressListener | None = None,
) -> ConversionReport:
    """Write an index to another file, in the format that its name says; nothing of it is lost.

    Rows, numbers and columns of metadata are the same, and so are vocabularies and models, the
    local features that are kept, and how searches average. The dataset and files that descriptors
    are made of are remembered relative to the new place. What is made again by itself is not
    taken along, nor are logs of changes.

    Parameters
    ----------
    source : str
        The index, which stays as it is.
    target : str
        The new one: a Parquet file if its name ends with ``.parquet``, else a CSV.
    replace : bool
        Put it in the place of an index that is there.
    wait : bool
        Wait for another process that writes to the new index.
    listener : ProgressListener, optional
        Told of what is left behind.

    Returns
    -------
    ConversionReport

    Raises
    ------
    CbirError
        When the index cannot be read, something is in the way, or the new one cannot be written.
    """
    listener = ProgressListener.of(listener)
    source, target = path_of(source, "an index"), path_of(target, "an index")
    if os.path.realpath(source) == os.path.realpath(target):
        raise UsageError(f"{printable(target)}: this is the index itself; name another file")
    store, new = open_store(source), open_store(target)
    version, snapshot = store.version(), store.snapshot()
    matrices = {entry.alias: snapshot.matrix(entry.alias) for entry in snapshot.manifest.entries}
    if store.unfinished:
        listener.note(
            Message(
                f"{printable(source)}: what an interrupted run has described is not taken along;"
                " finish it before: ",
                Call("index", dataset=snapshot.root, index=source),
            )
        )
    _check_free(new, replace)
    with new.writer(wait) as writer:
        _check_free(new, replace)  # once more: another process may have written it meanwhile
        _set_aside(new, writer, snapshot.rows, listener)
        manifest = _manifest(snapshot, target, writer)
        for message in writer.take_features(snapshot):
            listener.warn(message)
        if store.version() != version:
            raise CbirError(
                f"{printable(source)}: it was changed while it was read; do the same again"
            )
        writer.commit(manifest, snapshot.rows, matrices)
    return ConversionReport(
        source, target, len(snapshot.rows), os.path.getsize(source), os.path.getsize(target)
    )


def _check_free(store: IndexStore, replace: bool) -> None:
    if not replace and store.exists():
        raise CbirError(
            f"{printable(store.path)}: this file is there already; name another one, or replace"
            " the index in it with ",
            Parameter("replace", True),
        )


def _set_aside(store: IndexStore, writer: Writer, rows: Rows, listener: ProgressListener) -> None:
    """Keep what is replaced if it is damaged, or tells of images what no program can find out."""
    try:
        before = writer.previous()
    except BrokenIndexError as error:
        listener.warn(Message(error, f". It is kept as {printable(store.set_aside())}"))
        return
    columns = before.rows.metadata if before is not None else {}
    lost = [name for name, column in columns.items() if column.filled.any()]
    if lost and not (before and before.rows.paths == rows.paths and columns == rows.metadata):
        listener.warn(
            f"what was in the metadata columns {first_few(lost)} leaves the index; the index so"
            f" far is kept as {printable(store.set_aside())}"
        )


def _manifest(snapshot: Snapshot, target: str, writer: Writer) -> Manifest:
    """Say the same of the new index, and keep the states of its descriptors."""
    before = snapshot.manifest
    entries = []
    for entry in before.entries:
        if entry.state is not None:
            name = entry.state.rpartition("-")[0]
            writer.save_state(snapshot.state(entry.state), name)
        entries.append(entry.moved(snapshot.path, target))
    root = kept_location(snapshot.root, target)
    return Manifest(root, tuple(entries), __version__, before.format, before.dba)
