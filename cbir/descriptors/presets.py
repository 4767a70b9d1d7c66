"""Presets: combinations of descriptors that are good together, with a name.

``index --preset NAME`` adds a preset's descriptors to an index, ``search --preset NAME`` fuses
them.
"""

from __future__ import annotations

from dataclasses import dataclass

from cbir.core.arguments import one_of
from cbir.core.errors import CbirError, printable
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.stores.model import Snapshot


@dataclass(frozen=True, slots=True)
class Preset:
    """A combination of descriptors.

    Attributes
    ----------
    name : str
    summary : str
        One line on what it is good for.
    specs : tuple of str
        Its descriptors, as ``index --descriptor`` takes them.
    weights : tuple of float
        What each counts in the fusion.
    """

    name: str
    summary: str
    specs: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def usual(self) -> dict[str, float]:
        """The weights by alias.

        Examples
        --------
        >>> PRESETS["fast"].usual
        {'correlogram': 1.0, 'centrist': 1.0}
        """
        return {named.alias: weight for named, weight in zip(self.named, self.weights, strict=True)}

    @property
    def named(self) -> list[NamedDescriptor]:
        """The descriptors."""
        return [parse(spec) for spec in self.specs]

    def check(self, snapshot: Snapshot) -> None:
        """Make sure that an index has the descriptors.

        Raises
        ------
        CbirError
            When the index lacks one, or has another one under that alias.
        """
        there = {record.alias: record for record in snapshot.metadata.records}
        for named in map(parse, self.specs):
            record, descriptor = there.get(named.alias), named.descriptor
            if record is None:
                raise CbirError(
                    f"the index has no {named.alias}, which the preset {self.name} needs; add it"
                    f" with: index --dataset {printable(snapshot.root)}"
                    f" --index {printable(snapshot.path)} --preset {self.name}"
                )
            if (record.name, dict(record.parameters)) != (descriptor.name, descriptor.parameters):
                raise CbirError(
                    f"the index has another descriptor as {named.alias} than {named.spec}, which"
                    f" the preset {self.name} needs; name those to fuse, as in --descriptor"
                    f" {'+'.join(there)}"
                )


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "fast",
            "colors and textures, at a tenth of the time",
            ("correlogram", "centrist"),
            (1.0, 1.0),
        ),
        Preset(
            "photos",
            "local colors and shapes: photographs of scenes and places",
            ("colorfisher", "fisher"),
            (1.0, 1.0),
        ),
        Preset(
            "balanced",
            "shapes and colors, as a whole and in detail: also things, and images of catalogs",
            ("colorfisher", "fisher", "phog", "gist"),
            (0.5, 1.0, 0.5, 0.5),
        ),
    )
}


def get(name: str) -> Preset:
    """Return the preset called `name`.

    Raises
    ------
    UsageError
        When there is none.
    """
    return PRESETS[one_of(name, PRESETS, "preset")]


def ready(snapshot: Snapshot) -> list[str]:
    """Return the names of the presets whose descriptors an index has, all of them."""
    return [preset.name for preset in PRESETS.values() if _is_ready(preset, snapshot)]


def _is_ready(preset: Preset, snapshot: Snapshot) -> bool:
    try:
        preset.check(snapshot)
    except CbirError:
        return False
    return True
