"""The form beside the results: its fields, turned into those of the address of a search."""

from __future__ import annotations

from cbir.core.csv_lines import csv_lines
from cbir.core.errors import CbirError, UsageError
from cbir.search.engine import Index
from cbir.web.filters import PREFIX
from cbir.web.pages.stage_fields import without_idle_stages
from cbir.web.query_string import Pairs, parsed

ABOUT = "about"
"""The field that tells the form from an address: the image, as the fields of an address."""

WEIGHT = "weight."
"""What the name of a field begins with that holds the weight of the descriptor behind it."""

REGION = tuple(f"region.{name}" for name in ("x", "y", "width", "height"))
"""The fields of a region."""

FIRST = "first descriptor"
"""What stands for a preset in the form where the first descriptor of the index is meant."""

_SEVERAL = ("descriptor", "columns")
_OF_ONE = frozenset({"metric"})
_OF_FUSIONS = frozenset({"fusion", "adaptive", "weights"})


def address_fields(pairs: Pairs, index: Index) -> list[tuple[str, str]]:
    """Return the fields of the address that means what the form says.

    What was left as it is usually is left out, and what made sense only before something else was
    chosen: the metric of another descriptor, or the weights of a fusion that is none any more.

    Raises
    ------
    UsageError
        When only a part of a region is given.
    """
    several: dict[str, list[str]] = {name: [] for name in _SEVERAL}
    single: dict[str, str] = {}
    image: list[tuple[str, str]] = []
    filters: list[tuple[str, str]] = []
    for name, value in pairs:
        if name == ABOUT:
            image += parsed(value.encode())
        elif name.startswith(PREFIX):
            filters.append((name, value))
        elif name in _SEVERAL:
            several[name].append(value)
        elif value.strip():
            single[name] = value
    region = _region(single)
    weights = {name: single.pop(name) for name in list(single) if name.startswith(WEIGHT)}
    fields = _comparison(single, several["descriptor"], weights, index)
    fields = without_idle_stages(fields)
    if several["columns"]:
        fields["columns"] = csv_lines([several["columns"]]).rstrip("\n")
    if region:
        fields["region"] = region
    return [*image, *fields.items(), *filters]


def _region(fields: dict[str, str]) -> str | None:
    """Take the fields of a region, and return it."""
    given = [fields.pop(name, "") for name in REGION]
    if not any(given):
        return None
    if not all(given):
        raise UsageError("a part of an image is told by four numbers; fill in all, or none")
    return ",".join(given)


def _comparison(
    fields: dict[str, str], descriptors: list[str], weights: dict[str, str], index: Index
) -> dict[str, str]:
    """Return the fields with how images are compared, as far as one choice goes with the other."""
    if fields.get("preset") == FIRST:
        others = _without(fields, frozenset({"preset"}) | _OF_ONE | _OF_FUSIONS)
        return others | {"descriptor": index.descriptors[0]}
    if "preset" in fields:
        return _without(fields, _OF_ONE)
    if len(descriptors) < 2:
        chosen = _without(fields, _OF_FUSIONS)
        if descriptors:
            chosen["descriptor"] = descriptors[0]
        if chosen.get("metric") not in metrics_of(index, chosen.get("descriptor")):
            chosen.pop("metric", None)
        return chosen
    chosen = _without(fields, _OF_ONE)
    chosen["descriptor"] = "+".join(descriptors)
    listed = [weights.get(WEIGHT + alias, "1").strip() for alias in descriptors]
    if set(listed) != {"1"}:
        chosen["weights"] = ",".join(listed)
    return chosen


def _without(fields: dict[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in names}


def metrics_of(index: Index, descriptor: str | None) -> tuple[str, ...]:
    """Return the metrics that a descriptor of the index has, its own first; none if it is unknown.

    Parameters
    ----------
    index : Index
    descriptor : str or None
        An alias; None: the first.
    """
    try:
        return tuple(index.single_searcher(descriptor).named.descriptor.metrics)
    except CbirError:
        return ()
