"""What other packages add by entry points."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def plugins(group: str, built_in: Container[str]) -> list[EntryPoint]:
    """List what is plugged in, by name; nothing takes the place of what is built in.

    Parameters
    ----------
    group : str
        As packages declare it, like ``cbir.descriptors``.
    built_in : container of str
        Names that are taken.

    Examples
    --------
    >>> plugins("cbir.no.such.group", [])
    []
    """
    # Not at the top: every start would pay for it, and few need it.
    from importlib.metadata import entry_points

    points = [point for point in entry_points(group=group) if point.name not in built_in]
    return sorted(points, key=lambda point: point.name)
