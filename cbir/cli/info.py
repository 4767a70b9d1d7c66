"""``cbir info``: what an index holds."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import click

from cbir.cli.command import Command
from cbir.cli.options import format_option
from cbir.cli.output import write_text
from cbir.cli.wording import worded
from cbir.core.amounts import counted, size_text
from cbir.core.errors import CbirError, UsageError, excerpt, printable
from cbir.descriptors.row_kinds import KINDS
from cbir.descriptors.state import SHIPPED, TRAINED
from cbir.stores import open_store
from cbir.stores.inspection import INDEXED, Inspection, inspect

_ORIGINS = {
    SHIPPED: "that comes with cbir",
    TRAINED: "by cbir train",
    INDEXED: "learned from indexed images",
}


@click.command(cls=Command)
@click.argument("index_path", metavar="[INDEX]", default="")
@click.option("-i", "--index", "named", metavar="FILE", help="The same as INDEX.")
@format_option
def info(index_path: str, named: str | None, format_: str) -> None:
    """Say what an index holds.

    INDEX is its file, index.csv unless you name another; of a folder, the index that search
    --dataset keeps. The whole index is read and checked; the exit code is 1 if it is not sound.

    \b
    Example:
      cbir info index.csv
    """
    if index_path and named:
        raise UsageError("INDEX and --index are the same; name one")
    path = _index_file(index_path or named or "index.csv")
    inspection = _with_structures(_worded(inspect(path)), path)
    if format_ == "json":
        document = {
            **inspection.summary,
            "sound": not inspection.faults,
            "faults": inspection.faults,
            "warnings": inspection.warnings,
            "checked": inspection.checked,
        }
        write_text(json.dumps(document, indent=1))
    else:
        write_text("\n".join(map(printable, _table(inspection))))
    for warning in inspection.warnings:
        click.echo(f"Warning: {printable(warning)}", err=True)
    if inspection.faults:
        sys.exit(1)


def _worded(found: Inspection) -> Inspection:
    return replace(
        found, faults=list(map(worded, found.faults)), warnings=list(map(worded, found.warnings))
    )


def _with_structures(found: Inspection, path: str) -> Inspection:
    """Tell also of what was made for approximate search."""
    from cbir.search.ann.structures import list_structures

    listed = list_structures(open_store(path).snapshot(accept_edited=True))
    summary = {**found.summary, "structures": list(map(asdict, listed.structures))}
    return replace(found, summary=summary, warnings=[*found.warnings, *listed.damage])


def _index_file(path: str) -> str:
    """Return the index; that of a folder is the one that ``search --dataset`` keeps."""
    if not os.path.isdir(path):
        return path
    from cbir.stores.default_path import kept_index

    kept = kept_index(path)
    if not os.path.exists(kept):
        raise CbirError(
            f"{printable(path)}: this is a folder; name an index file, or make an index of it with:"
            f" search IMG --dataset {printable(path)}"
        )
    return kept


def _table(inspection: Inspection) -> Iterator[str]:
    """Yield lines, which are not yet safe for a terminal: they have what a file says of itself."""
    summary = inspection.summary
    size = size_text(summary["bytes_of_images"])
    yield f"index     {summary['index']} ({summary['written_by']})"
    yield f"dataset   {summary['dataset']}"
    yield f"images    {summary['images']:,} ({size})"
    if summary["metadata"]:
        listed = ", ".join(f"{name} ({type_})" for name, type_ in summary["metadata"].items())
        yield f"metadata  {listed}"
    for one in summary["descriptors"]:
        parameters = ",".join(f"{key}={value}" for key, value in one["parameters"].items())
        name = f"{one['name']}:{parameters}" if parameters else one["name"]
        empty = f", {counted(one['empty'], 'image')} without keypoints" if one["empty"] else ""
        trained = f", {_model(one['trained'])}" if one["trained"] else ""
        yield f"holds     {one['alias']} = {name}: {_size(one)}{trained}{empty}"
    if summary["presets"]:
        yield f"presets   {', '.join(summary['presets'])}"
    if summary["dba"]:
        neighbors = counted(summary["dba"], "neighbor")
        yield f"searches  compare means of each image and up to {neighbors} (dba)"
    for one in summary["structures"]:
        covered = (
            "all images"
            if one["covered"] == summary["images"]
            else f"{one['covered']:,} of {counted(summary['images'], 'image')}"
        )
        yield (
            f"optimized {one['alias']}, {one['metric']}: {covered} by {one['engine']}, recall@10"
            f" {one['recall']:.3f} ({one['wanted']:g} wanted)"
        )
    yield f"checked   {', '.join(inspection.checked) or 'nothing'}"
    for fault in inspection.faults:
        yield f"fault     {fault}"
    yield f"sound     {'no' if inspection.faults else 'yes'}"


def _size(descriptor: dict[str, Any]) -> str:
    """Say what a descriptor keeps of an image."""
    kind = KINDS[descriptor["kind"]]
    if kind.counted:
        return "local features, beside the rows"
    size = counted(descriptor["dimension"], "bit" if kind.packed else "number")
    return f"{size}, {counted(descriptor['bytes_per_image'], 'byte')} an image"


def _model(trained: dict[str, str]) -> str:
    """Say what a descriptor has learned, and from where."""
    return f"{trained['state']} {_ORIGINS.get(trained['origin']) or excerpt(trained['origin'])}"
