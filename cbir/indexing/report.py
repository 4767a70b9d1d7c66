"""What a run of indexing did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cbir.core.errors import UnreadableImageError


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run of indexing did.

    Attributes
    ----------
    index, dataset : str
        Their paths.
    images : int
        In the index now.
    added, updated, reused : int
        Of these: new ones; known ones that were described again, for their content changed or a
        descriptor came; and those that were taken over as they were.
    renamed, removed : int
        Images known by their content under a new path; images that left.
    described : int
        Images that this run decoded; an interrupted run may have described more.
    unreadable : tuple of UnreadableImageError
        Files that could not be read, with their reasons.
    warned : tuple of str
        Paths of images that this run described, though a warning was told about them.
    left_out : mapping of str to int
        Files of formats that are not read, by extension; see ``docs/formats.md``.
    seconds : float
        From the walk to the commit.
    """

    index: str
    dataset: str
    images: int
    added: int
    updated: int
    reused: int
    renamed: int
    removed: int
    described: int
    unreadable: tuple[UnreadableImageError, ...]
    warned: tuple[str, ...]
    left_out: Mapping[str, int]
    seconds: float

    @property
    def rate(self) -> float:
        """Images described a second."""
        return self.described / self.seconds
