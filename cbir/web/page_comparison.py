"""How pages compare images unless told otherwise: by a preset that the index is ready for."""

from __future__ import annotations

from dataclasses import replace

from cbir.search.engine import Index
from cbir.search.stage_options import usual_stages
from cbir.web.search_address import SearchAddress
from cbir.web.search_form import SearchForm

_COMPARISON = ("descriptor", "metric", "preset", "fusion", "weights")
"""Options of which each says something about how images are compared."""

_BEST = ("scenes", "products", "photos", "balanced", "fast")
"""Presets that answer at once, the best first. ``accurate`` takes about a second a query, and is
for collections in which the same thing is there several times: pages offer it by its name."""


def usual_preset(index: Index) -> str | None:
    """Return the preset by which pages search unless told otherwise; None: the first descriptor.

    It is the best of those that answer at once.
    """
    ready = index.presets
    return next((name for name in (*_BEST, *ready) if name in ready), None)


def thorough_presets(index: Index) -> list[str]:
    """Return the presets that take longer, to look at their best results again."""
    return [name for name in index.presets if usual_stages(name)]


def with_usual_comparison(asked: SearchAddress, index: Index) -> SearchAddress:
    """Return a search that says how images are compared, if there is a preset for it.

    Addresses name the preset, so that they mean the same when the index is ready for others.
    """
    preset = usual_preset(index)
    if preset is None or _says_how(asked.form):
        return asked
    return replace(asked, form=asked.form.model_copy(update={"preset": preset}))


def _says_how(form: SearchForm) -> bool:
    return any(getattr(form, name) is not None for name in _COMPARISON)
