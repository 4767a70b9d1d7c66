"""What the panel beside the results offers, and what of it is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cbir.core.errors import UsageError
from cbir.descriptors.presets import PRESETS
from cbir.search.ann.structures import has_structures
from cbir.search.engine import Index
from cbir.web.filters import Filters
from cbir.web.page_comparison import thorough_presets, usual_preset
from cbir.web.pages.facets import Facet, facets_of
from cbir.web.pages.panel_form import FIRST, metrics_of
from cbir.web.pages.stage_fields import StageField, stage_fields
from cbir.web.search_form import SearchForm, names_of


@dataclass(frozen=True, slots=True)
class Panel:
    """What can be chosen, and what is.

    Attributes
    ----------
    presets : mapping of str to str
        What each is good for, by name.
    usual : str or None
        The one by which is searched unless told otherwise.
    thorough : list of str
        Those that take longer.
    first : str
        The first descriptor of the index.
    weights : mapping of str to str
        By alias of the descriptors of the index; empty: it is not among those compared.
    metrics : tuple of str
        Of the one descriptor that is compared; empty for a fusion.
    stages : tuple of StageField
        What may follow the comparison.
    columns : mapping of str to bool
        Whether each is told of the results.
    facets : tuple of Facet
    can_approximate : bool
        Whether something was made for looking at few images only.
    """

    presets: Mapping[str, str]
    usual: str | None
    thorough: list[str]
    first: str
    weights: Mapping[str, str]
    metrics: tuple[str, ...]
    stages: tuple[StageField, ...]
    columns: Mapping[str, bool]
    facets: tuple[Facet, ...]
    can_approximate: bool

    @property
    def first_choice(self) -> str:
        """What stands for a preset where the first descriptor is meant."""
        return FIRST

    @property
    def has_choice(self) -> bool:
        """Whether images can be compared in several ways, metrics aside."""
        return bool(self.presets) or len(self.weights) > 1

    @property
    def has_stages(self) -> bool:
        """Whether something else is to follow than usually does."""
        return any(stage.is_changed for stage in self.stages)

    @property
    def is_fusion(self) -> bool:
        """Whether several descriptors are compared."""
        return sum(map(bool, self.weights.values())) > 1


def panel_of(index: Index, form: SearchForm, filters: Filters) -> Panel:
    """Return the panel of a search."""
    chosen = _weights(index, form)
    shown = _names(form.columns)
    return Panel(
        presets={name: PRESETS[name].summary for name in index.presets},
        usual=usual_preset(index),
        thorough=thorough_presets(index),
        first=index.descriptors[0],
        weights={alias: chosen.get(alias, "") for alias in index.descriptors},
        metrics=metrics_of(index, next(iter(chosen))) if len(chosen) == 1 else (),
        stages=stage_fields(index, form),
        columns={name: name in shown for name in index.columns},
        facets=facets_of(index, filters),
        can_approximate=form.approximate or has_structures(index.snapshot, chosen),
    )


def _weights(index: Index, form: SearchForm) -> dict[str, str]:
    """Return the weights of the descriptors that are compared, as text."""
    if form.preset in PRESETS:
        return {alias: f"{weight:g}" for alias, weight in PRESETS[form.preset].usual.items()}
    aliases = (form.descriptor or index.descriptors[0]).split("+")
    try:
        given = form.options()["weights"]
    except UsageError:
        given = None
    if given is None:
        return dict.fromkeys(aliases, "1")
    by_alias = given if isinstance(given, Mapping) else dict(zip(aliases, given, strict=False))
    return {alias: f"{by_alias.get(alias, 1):g}" for alias in aliases}


def _names(columns: str | None) -> tuple[str, ...]:
    try:
        return names_of(columns)
    except UsageError:
        return ()
