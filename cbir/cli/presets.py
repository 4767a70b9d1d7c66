"""``cbir presets``: which combinations of descriptors have a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from cbir.cli.command import Command
from cbir.cli.options import format_option
from cbir.cli.output import write_entries
from cbir.core.amounts import counted
from cbir.descriptors.encoders.local_descriptor import extractor_of
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
    write_entries([_entry(one) for one in PRESETS.values()], format_, _lines)


def _lines(entry: Mapping[str, Any]) -> list[str]:
    """Return what is told of a preset beside its name."""
    weighted = [f"{one['weight']:g} {one['descriptor']}" for one in entry["descriptors"]]
    size = counted(entry["bytes_per_image"], "byte")
    besides = ", local features besides" if entry["has_local_features"] else ""
    lines = [entry["summary"], " + ".join(weighted), f"{size} an image{besides}"]
    if entry["missing"] is not None:
        lines.append(f"not installed: it {entry['missing']}")
    return lines


def _entry(preset: Preset) -> dict[str, Any]:
    descriptors = [named.descriptor for named in preset.named]
    return {
        "name": preset.name,
        "summary": preset.summary,
        "descriptors": [
            {"descriptor": spec, "weight": weight}
            for spec, weight in zip(preset.specs, preset.weights, strict=True)
        ],
        "missing": preset.missing,
        "bytes_per_image": sum(one.width * one.dtype.itemsize for one in descriptors),
        "has_local_features": any(extractor_of(one) is not None for one in descriptors),
    }
