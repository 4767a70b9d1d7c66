"""What groups of duplicates come to: how many copies go and stay, and what that frees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cbir.core.amounts import counted, size_text
from cbir.duplicates.model import Duplicate, Group


class Tally(NamedTuple):
    """How many copies go, stay or are references, and the bytes of those that go."""

    removable: int
    staying: int
    references: int
    freeable: int

    @classmethod
    def of(cls, duplicates: Sequence[Duplicate]) -> Tally:
        """Count copies."""
        removable = [one.record.bytes for one in duplicates if one.removable]
        staying = sum(one.stays for one in duplicates)
        references = len(duplicates) - len(removable) - staying
        return cls(len(removable), staying, references, sum(removable))


def summary(images: int | None, groups: Sequence[Group]) -> list[tuple[str, str]]:
    """Return what stands under the title of a page with groups: words and numbers.

    Parameters
    ----------
    images : int or None
        That were compared, if that is known.
    groups : sequence of Group
    """
    tally = Tally.of([copy for group in groups for copy in group.duplicates])
    facts = [] if images is None else [("Images", f"{images:,}")]
    facts += [("Groups", f"{len(groups):,}"), ("Copies", f"{tally.removable:,}")]
    facts += [("Show more, stay", f"{tally.staying:,}")] if tally.staying else []
    facts += [("References", f"{tally.references:,}")] if tally.references else []
    facts += [("Could be freed", size_text(tally.freeable))] if tally.freeable else []
    return facts


def contents(group: Group) -> str:
    """Say what goes and what stays of a group, besides the image that is kept."""
    copies, staying, references, freeable = Tally.of(group.duplicates)
    parts = [counted(copies, "copy")] if copies else []
    parts += [f"{size_text(freeable)} to free"] if freeable else []
    parts += [f"{staying:,} that {'shows' if staying == 1 else 'show'} more"] if staying else []
    parts += [counted(references, "reference")] if references else []
    return " · ".join(parts)
