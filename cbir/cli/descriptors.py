"""``cbir descriptors``: what is available."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from cbir.cli.command import Command
from cbir.cli.options import format_option
from cbir.cli.output import write_entries
from cbir.core.amounts import counted
from cbir.descriptors.base import Descriptor, TrainedDescriptor
from cbir.descriptors.registry import Broken, available
from cbir.descriptors.row_kinds import KINDS


@click.command(cls=Command)
@format_option
def descriptors(format_: str) -> None:
    """List what can be computed.

    Each descriptor with its kind, size, metrics, parameters and what it is good for; of those that
    are trained, for which parameters a model comes with cbir. Combinations are listed by cbir
    presets.

    \b
    Examples:
      cbir descriptors
      cbir descriptors --format json
    """
    write_entries([_entry(one) for one in available()], format_, _lines)


def _lines(entry: Mapping[str, Any]) -> list[str]:
    """Return what is told of a descriptor beside its name."""
    if "broken" in entry:
        return [f"broken: {entry['broken']}"]
    size = counted(entry["dimension"], "bit" if KINDS[entry["kind"]].packed else "number")
    lines = [
        entry["summary"],
        f"{entry['kind']}, {size}, {entry['metrics'][0]}: {entry['meaning']}",
        f"metrics: {', '.join(entry['metrics'])}",
        f"parameters: {_assignments(entry['parameters'])}",
    ]
    if entry["trained"] is not None:
        shipped = " or ".join(map(_assignments, entry["trained"]["shipped"]))
        origin = f"comes with cbir for {shipped}" if shipped else "learned from your images"
        lines.append(f"{entry['trained']['state']}: {origin}")
    return lines


def _assignments(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in parameters.items()) or "none"


def _entry(one: type[Descriptor] | Broken) -> dict[str, Any]:
    if isinstance(one, Broken):
        return {"name": one.name, "broken": one.reason}
    descriptor = one()
    return {
        "name": one.name,
        "version": one.version,
        "kind": one.kind.name,
        "dimension": descriptor.dimension,
        "dtype": descriptor.dtype.name,
        "metrics": list(one.metrics),
        "parameters": descriptor.parameters,
        "working_size": descriptor.working_size,
        "trained": _trained(one),
        "meaning": descriptor.meaning,
        "summary": one.summary,
    }


def _trained(one: type[Descriptor]) -> dict[str, Any] | None:
    """Return what a descriptor learns, and for which parameters it comes with the package."""
    if not issubclass(one, TrainedDescriptor):
        return None
    return {"state": one.state_name, "shipped": list(map(dict, one.shipped_models.values()))}
