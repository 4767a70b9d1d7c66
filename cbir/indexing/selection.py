"""Which descriptors a run of indexing computes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cbir.core.errors import UsageError
from cbir.descriptors.registry import NamedDescriptor, create, parse
from cbir.stores.model import DescriptorEntry

DEFAULT = "hsv"
"""What a new index gets when nothing is asked for."""


def choose(
    entries: Sequence[DescriptorEntry],
    specs: Sequence[str],
    drop: Sequence[str],
    user_columns: Collection[str] = (),
) -> list[NamedDescriptor]:
    """Return the descriptors that the index is to hold, in the order of their columns.

    Parameters
    ----------
    entries : sequence of DescriptorEntry
        What it holds now.
    specs : sequence of str
        What is to be added.
    drop : sequence of str
        Aliases of what is to be removed.
    user_columns : collection of str
        Columns that the user added; none may have the name of a descriptor's.

    Raises
    ------
    UsageError
        When the wishes contradict each other or what is there.
    """
    there = {entry.alias: entry for entry in entries}
    for alias in drop:
        if alias not in there:
            raise UsageError(f"--drop {alias}: the index has: {', '.join(there) or 'nothing'}")
        del there[alias]
    chosen = {
        alias: NamedDescriptor(alias, create(entry.name, dict(entry.parameters)))
        for alias, entry in there.items()
    }
    for spec in specs or ([] if entries else [DEFAULT]):
        named = parse(spec)
        if chosen.setdefault(named.alias, named) != named:
            raise UsageError(
                f"descriptor {spec!r}: the alias {named.alias!r} is taken by"
                f" {chosen[named.alias].spec}; give the new one an alias of its own,"
                f" as in {NamedDescriptor('other', named.descriptor).spec}"
            )
    if not chosen:
        raise UsageError("--drop: an index holds at least one descriptor; add another first")
    _check_columns(list(chosen.values()), user_columns)
    return list(chosen.values())


def _check_columns(chosen: Sequence[NamedDescriptor], user_columns: Collection[str]) -> None:
    owner: dict[str, str] = {}
    for named in chosen:
        for column in named.columns:
            if column in user_columns:
                raise UsageError(
                    f"the index has a column {column!r} of your own; rename it, or give the"
                    f" descriptor another alias, as in other={named.descriptor.name}"
                )
            other = owner.setdefault(column, named.alias)
            if other != named.alias:
                raise UsageError(
                    f"{other!r} and {named.alias!r} would both have a column {column!r};"
                    " choose another alias"
                )
