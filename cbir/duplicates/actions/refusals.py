"""Which copies may not be acted on, by what their files are."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cbir.changes.refusals import RefusedError, status_of
from cbir.core.errors import CbirError, printable
from cbir.duplicates.actions.plan_model import Action, Removal

_Identity = tuple[int, int]


@dataclass
class Identities:
    """Which files the paths of a plan are, by device and inode."""

    _kept: dict[_Identity, str] = field(default_factory=dict)
    """The kept files, with the real path of each."""
    _reached: dict[_Identity, list[str]] = field(default_factory=dict)
    """The copies' files, with all the paths that lead to each."""

    def add(self, kept: str, copy: str) -> None:
        """Look at the files of a removal, by their real paths."""
        status = status_of(kept)
        if status is not None:
            self._kept[status.st_dev, status.st_ino] = kept
        status = status_of(copy)
        if status is not None:
            paths = self._reached.setdefault((status.st_dev, status.st_ino), [])
            if copy not in paths:
                paths.append(copy)

    def check(
        self, removal: Removal, copy: str, status: os.stat_result, kept_status: os.stat_result
    ) -> None:
        """Make sure that a copy is one file with nothing else in the plan.

        Parameters
        ----------
        removal : Removal
        copy : str
            The copy's real path.
        status, kept_status : os.stat_result
            Of the copy and of the kept image.

        Raises
        ------
        RefusedError
            When it is.
        CbirError
            When it is to be kept for another copy.
        """
        identity = status.st_dev, status.st_ino
        if os.path.samestat(status, kept_status):
            raise RefusedError(f"it is one file with {printable(removal.kept)}: nothing to free")
        other = self._kept.get(identity)
        if other == copy:
            raise CbirError(
                f"{printable(removal.copy)}: it is to be removed, as a copy of"
                f" {printable(removal.kept)}, and to be kept for another copy;"
                " nothing is done: keep one image for all of them"
            )
        if other is not None:
            raise RefusedError(f"it is one file with {printable(other)}, which is kept")
        paths = self._reached[identity]
        if len(paths) > 1:
            others = ", ".join(printable(path) for path in paths if path != copy)
            raise RefusedError(f"it is one file with {others} (hard links): nothing to free")


def check_linkable(
    removal: Removal, action: Action, status: os.stat_result, kept_status: os.stat_result
) -> None:
    """Make sure that a copy can become a link to the kept image, of which nothing gets lost.

    Raises
    ------
    RefusedError
        When it cannot.
    """
    if removal.kept_sha256 != removal.copy_sha256:
        raise RefusedError(
            f"its bytes are not those of {printable(removal.kept)}, and a link would lose"
            " them; move it instead"
        )
    if action == "hardlink" and status.st_dev != kept_status.st_dev:
        raise RefusedError(
            f"it is on another file system than {printable(removal.kept)}, where no hard"
            " link leads; use a symbolic link, or move it"
        )
