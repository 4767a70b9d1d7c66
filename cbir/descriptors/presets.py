"""Presets: combinations of descriptors that are good together, with a name.

An index takes a preset's descriptors, a search fuses them.
"""

from __future__ import annotations

from dataclasses import dataclass

from cbir.core.arguments import one_of
from cbir.descriptors.registry import NamedDescriptor, parse


@dataclass(frozen=True, slots=True)
class Preset:
    """A combination of descriptors.

    Attributes
    ----------
    name : str
    summary : str
        One line on what it is good for.
    specs : tuple of str
        Its descriptors, as :func:`cbir.descriptors.registry.parse` takes them.
    weights : tuple of float
        What each counts in the fusion.
    rerank : str, optional
        How the best results are ranked again.
    verify : int, optional
        How many of the best results are verified by their local features.
    """

    name: str
    summary: str
    specs: tuple[str, ...]
    weights: tuple[float, ...]
    rerank: str | None = None
    verify: int | None = None

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
    def missing(self) -> str | None:
        """Which optional package is not there that a descriptor needs, and what installs it."""
        needs = (one.descriptor.missing for one in self.named)
        return next(filter(None, needs), None)

    @property
    def named(self) -> list[NamedDescriptor]:
        """The descriptors."""
        return [parse(spec) for spec in self.specs]


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
        Preset(
            "accurate",
            "the same thing or place photographed again, and what is like it: by all there is",
            (
                "asmk",
                "colorfisher",
                "fisher",
                "whole_correlogram=correlogram:layout=none",
                "layout",
                "phog",
                "hog",
            ),
            (1.0,) * 7,
            rerank="k-reciprocal",
            verify=100,
        ),
        Preset(
            "scenes",
            "what a network sees, and colors: photographs of any kind",
            ("cnn", "colorfisher", "correlogram"),
            (1.0, 0.5, 0.25),
        ),
        Preset(
            "products",
            "what a network sees, and outlines: things, and images of catalogs",
            ("cnn", "hog"),
            (1.0, 0.25),
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
