"""``cbir descriptors``: what is available."""

from __future__ import annotations

import json
from typing import Any

import click

from cbir.cli.options import Command, format_option, write_text
from cbir.descriptors.base import Descriptor
from cbir.descriptors.registry import Broken, available


@click.command(cls=Command)
@format_option
def descriptors(format_: str) -> None:
    """List what can be computed.

    Each descriptor with its kind, size, metrics, parameters and what it is good for.

    \b
    Examples:
      cbir descriptors
      cbir descriptors --format json
    """
    entries = [_entry(one) for one in available()]
    if format_ == "json":
        write_text(json.dumps(entries, ensure_ascii=False, indent=1))
        return
    for entry in entries:
        if "broken" in entry:
            write_text(f"{entry['name']:<8} broken: {entry['broken']}\n")
            continue
        parameters = ", ".join(f"{key}={value}" for key, value in entry["parameters"].items())
        unit = "bits" if entry["kind"] == "hash" else "numbers"
        write_text(
            f"{entry['name']:<8} {entry['summary']}\n"
            f"         {entry['kind']}, {entry['dimension']} {unit},"
            f" {' or '.join(entry['metrics'][:1])}: {entry['meaning']}\n"
            f"         metrics: {', '.join(entry['metrics'])}\n"
            f"         parameters: {parameters or 'none'}\n"
        )


def _entry(one: type[Descriptor] | Broken) -> dict[str, Any]:
    if isinstance(one, Broken):
        return {"name": one.name, "broken": one.reason}
    descriptor = one()
    return {
        "name": one.name,
        "version": one.version,
        "kind": one.kind,
        "dimension": descriptor.dimension,
        "dtype": descriptor.dtype.name,
        "metrics": list(one.metrics),
        "parameters": descriptor.parameters,
        "working_size": descriptor.working_size,
        "meaning": one.meaning,
        "summary": one.summary,
    }
