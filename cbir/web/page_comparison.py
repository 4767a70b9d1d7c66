"""How pages compare images unless told otherwise: by a preset that the index is ready for."""

from __future__ import annotations

from dataclasses import replace

from cbir.search.engine import Index
from cbir.web.search_address import SearchAddress
from cbir.web.search_form import SearchForm

_COMPARISON = ("descriptor", "metric", "preset", "fusion", "weights")
"""Options of which each says something about how images are compared."""


def usual_preset(index: Index) -> str | None:
    """Return the preset by which pages search unless told otherwise; None: the first descriptor."""
    return next(iter(index.presets), None)


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
