"""``cbir descriptors``: what is available."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from cbir.cli.command import Command
from cbir.cli.options import format_option
from cbir.cli.output import write_entries
from cbir.core.amounts import counted
from cbir.core.optional_packages import missing_of
from cbir.descriptors.base import Descriptor
from cbir.descriptors.parametrized import required_parameters, usual_parameters
from cbir.descriptors.registry import Broken, available
from cbir.descriptors.row_kinds import KINDS
from cbir.descriptors.trained import TrainedDescriptor


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
    kind = KINDS[entry["kind"]]
    unit = "bit" if kind.packed else "number"
    size = f"{unit}s" if entry["dimension"] is None else counted(entry["dimension"], unit)
    if kind.counted:
        size = "kept beside the rows"
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
    if entry["missing"] is not None:
        lines.append(f"not installed: it {entry['missing']}")
    return lines


def _assignments(parameters: Mapping[str, Any]) -> str:
    shown = {key: "…" if value is None else value for key, value in parameters.items()}
    return ", ".join(f"{key}={value}" for key, value in shown.items()) or "none"


def _entry(one: type[Descriptor] | Broken) -> dict[str, Any]:
    if isinstance(one, Broken):
        return {"name": one.name, "broken": one.reason}
    descriptor = None if required_parameters(one) else one()
    return {
        "name": one.name,
        "version": one.version,
        "kind": one.kind.name,
        "dimension": descriptor.dimension if descriptor else None,
        "dtype": one.dtype.name,
        "metrics": list(one.metrics),
        "parameters": usual_parameters(one),
        "working_size": descriptor.working_size if descriptor else None,
        "trained": _trained(one),
        "missing": missing_of(one.modules, one.extra),
        "meaning": descriptor.meaning if descriptor else one.meaning,
        "summary": one.summary,
    }


def _trained(one: type[Descriptor]) -> dict[str, Any] | None:
    """Return what a descriptor learns, and for which parameters it comes with the package."""
    if not issubclass(one, TrainedDescriptor):
        return None
    return {"state": one.state_name, "shipped": list(map(dict, one.shipped_models.values()))}
