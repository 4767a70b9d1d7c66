"""``cbir presets``: which combinations of descriptors have a name."""

from __future__ import annotations

import json
from typing import Any

import click

from cbir.cli.command import Command
from cbir.cli.options import format_option
from cbir.cli.output import write_text
from cbir.core.amounts import counted
from cbir.descriptors.presets import PRESETS, Preset


@click.command(cls=Command)
@format_option
def presets(format_: str) -> None:
    """List combinations of descriptors.

    Each preset with its descriptors, what they count, and its size. index --preset adds them to an
    index, search --preset fuses them, and cbir evaluate --preset measures that.

    \b
    Examples:
      cbir presets
      cbir presets --format json
    """
    entries = [_entry(one) for one in PRESETS.values()]
    if format_ == "json":
        write_text(json.dumps(entries, ensure_ascii=False, indent=1))
        return
    width = max(len(entry["name"]) for entry in entries)
    for entry in entries:
        weighted = [f"{one['weight']:g} {one['descriptor']}" for one in entry["descriptors"]]
        write_text(
            f"{entry['name']:<{width}}  {entry['summary']}\n"
            f"{'':<{width}}  {' + '.join(weighted)}\n"
            f"{'':<{width}}  {counted(entry['bytes_per_image'], 'byte')} an image\n"
        )


def _entry(preset: Preset) -> dict[str, Any]:
    descriptors = [named.descriptor for named in preset.named]
    return {
        "name": preset.name,
        "summary": preset.summary,
        "descriptors": [
            {"descriptor": spec, "weight": weight}
            for spec, weight in zip(preset.specs, preset.weights, strict=True)
        ],
        "bytes_per_image": sum(one.width * one.dtype.itemsize for one in descriptors),
    }
