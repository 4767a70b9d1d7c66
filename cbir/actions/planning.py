"""What is to be done with the copies, and what may not be done."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cbir.errors import CbirError, UsageError, printable, reason_of
from cbir.losses import Loss, LossKind, refused

Action = Literal["move", "hardlink", "symlink", "delete"]
Level = Literal["exact", "near", "edited"]

_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Removal:
    """A copy that is to go, because of a keeper that stays.

    Attributes
    ----------
    keeper, copy : str
        Paths, absolute or relative to the dataset's root.
    keeper_sha256, copy_sha256 : bytes
        Of the files, 32 bytes each, as they were compared.
    level : {"exact", "near", "edited"}
        How alike they are. ``exact``: the same bytes, or the same pixels.
    losses : tuple of Loss
        What the copy shows, and the keeper does not, as they were compared: see
        :attr:`cbir.duplicates.model.Duplicate.losses`.
    """

    keeper: str
    copy: str
    keeper_sha256: bytes
    copy_sha256: bytes
    level: Level
    losses: tuple[Loss, ...] = ()

    @property
    def identical(self) -> bool:
        """The two have the same bytes."""
        return self.keeper_sha256 == self.copy_sha256


@dataclass(frozen=True, slots=True)
class Step:
    """One copy, and what happens to it.

    Attributes
    ----------
    removal : Removal
        What was asked for.
    keeper, copy : str
        Absolute paths, free of symbolic links.
    target : str or None
        Where it is moved to. If that name is taken when it comes to it, a number is added.
    size : int
        Bytes of the copy.
    """

    removal: Removal
    keeper: str
    copy: str
    target: str | None
    size: int


@dataclass(frozen=True, slots=True)
class Told:
    """A path and what there is to tell of it."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in order.

    Attributes
    ----------
    action : {"move", "hardlink", "symlink", "delete"}
    root : str
        The dataset, as given.
    steps : tuple of Step
        Sorted by the bytes of the copies' paths.
    refused : tuple of Told
        The copies that stay, with the reason.
    destination : str or None
        Where copies are moved to; absolute.
    permanently : bool
        Delete for good instead of moving to the desktop's trash.
    """

    action: Action
    root: str
    steps: tuple[Step, ...]
    refused: tuple[Told, ...]
    destination: str | None = None
    permanently: bool = False

    @property
    def size(self) -> int:
        """Bytes of all the copies that are to go."""
        return sum(step.size for step in self.steps)

    def lines(self) -> list[str]:
        """Describe each step, then each refusal, in one line that is safe for a terminal."""
        return [self._line(step) for step in self.steps] + [
            f"skip  {printable(told.path)}   ({told.reason})" for told in self.refused
        ]

    def _line(self, step: Step) -> str:
        copy, keeper = printable(step.removal.copy), printable(step.removal.keeper)
        verb = "delete for good" if self.permanently else self.action
        place = f" -> {printable(step.target)}" if step.target is not None else ""
        relation = "link to" if self.action in ("hardlink", "symlink") else "copy of"
        lost = "; ".join(map(str, step.removal.losses))
        lost = f"; to be lost: {printable(lost)}" if lost else ""
        return f"{verb}  {copy}{place}   ({relation} {keeper}, {step.removal.level}{lost})"


def plan(
    removals: Iterable[Removal],
    action: Action,
    root: str,
    destination: str | None = None,
    permanently: bool = False,
    allow_loss: Container[LossKind] = (),
) -> Plan:
    """Decide what to do with each copy; nothing is changed.

    A copy stays, with a reason in :attr:`Plan.refused`, when it is missing, a symbolic link, or
    outside of the dataset; when it is one file with its keeper, with another keeper or with
    another copy, by a hard link or a linked folder; when it should become a link without
    being the same bytes as its keeper; and when it shows something that its keeper does not.

    Parameters
    ----------
    removals : iterable of Removal
    action : {"move", "hardlink", "symlink", "delete"}
    root : str
        The dataset's folder.
    destination : str, optional
        For ``move``: the folder that gets the copies, below it at their paths relative to `root`.
        Not inside of the dataset, unless it is hidden there, because the next scan would find the
        copies again.
    permanently : bool
        For ``delete``: not to the desktop's trash, but for good.
    allow_loss : container of str
        Kinds of losses that do not matter.

    Raises
    ------
    UsageError
        When `destination` or `permanently` does not go with `action`.
    CbirError
        When the dataset is missing, the destination may not be used, or a file is to be kept for
        one copy and to be removed as another: then nothing of the plan can be trusted.

    Examples
    --------
    >>> plan([], "delete", ".").lines()
    []
    """
    if (destination is not None) != (action == "move"):
        raise UsageError("a destination is needed to move copies, and for nothing else")
    if permanently and action != "delete":
        raise UsageError("only deleting can be permanent")
    if not os.path.isdir(root):
        raise CbirError(
            f"{printable(root)}: the dataset is no folder; give the one that is indexed"
        )
    if destination is not None:
        _check_destination(destination, root)
        destination = os.path.realpath(destination)
    planner = _Planner(action, root, destination, allow_loss)
    steps, refused = planner.decide(sorted(removals, key=lambda each: os.fsencode(each.copy)))
    return Plan(action, root, tuple(steps), tuple(refused), destination, permanently)


def _check_destination(destination: str, root: str) -> None:
    real, real_root = os.path.realpath(destination), os.path.realpath(root)
    if os.path.lexists(real) and not os.path.isdir(real):
        raise CbirError(f"{printable(destination)}: this is no folder; name another destination")
    below = _below(real, real_root)
    if below is not None and not _hidden(below):
        raise CbirError(
            f"{printable(destination)}: this is inside of the dataset, where the next scan would"
            " find the moved pictures again; name a destination outside of"
            f" {printable(root)}, or a hidden one like {printable(os.path.join(root, '.copies'))}"
        )


def _hidden(relative: str) -> bool:
    return any(part.startswith(".") for part in relative.split(os.sep) if part != os.curdir)


def _below(path: str, folder: str) -> str | None:
    """Return `path` relative to `folder`, or None when it is not below; ``"."`` for itself."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive
        return None
    return None if relative.split(os.sep)[0] == os.pardir else relative


class _RefusedError(Exception):
    """A copy that stays, and why."""


@dataclass
class _Planner:
    action: Action
    root: str
    destination: str | None
    allow_loss: Container[LossKind]
    _kept: dict[_Identity, str] = field(default_factory=dict)
    """The keepers' files, with the real path of each."""
    _reached: dict[_Identity, list[str]] = field(default_factory=dict)
    """The copies' files, with all the paths that lead to each."""

    def decide(self, removals: Sequence[Removal]) -> tuple[list[Step], list[Told]]:
        self._look(removals)
        steps, refused, planned = list[Step](), list[Told](), set[str]()
        for removal in removals:
            try:
                step = self._step(removal)
                if step.copy in planned:
                    raise _RefusedError("it is in the plan already")
            except _RefusedError as reason:
                refused.append(Told(removal.copy, str(reason)))
            else:
                planned.add(step.copy)
                steps.append(step)
        return steps, refused

    def _look(self, removals: Sequence[Removal]) -> None:
        """Learn which files the paths are, by device and inode."""
        for removal in removals:
            keeper = os.path.realpath(self._absolute(removal.keeper))
            status = _status(keeper)
            if status is not None:
                self._kept[status.st_dev, status.st_ino] = keeper
            copy = self._real(removal.copy)
            status = _status(copy)
            if status is not None:
                paths = self._reached.setdefault((status.st_dev, status.st_ino), [])
                if copy not in paths:
                    paths.append(copy)

    def _step(self, removal: Removal) -> Step:
        copy, status = self._real(removal.copy), self._regular(removal.copy)
        keeper = os.path.realpath(self._absolute(removal.keeper))
        kept = _status(keeper)
        if kept is None or not stat.S_ISREG(kept.st_mode):
            raise _RefusedError(f"its keeper {printable(removal.keeper)} is missing")
        self._check_losses(removal)
        self._check_reached_once(removal, copy, status, kept)
        if self.action in ("hardlink", "symlink"):
            self._check_linkable(removal, status, kept)
        relative = self._relative(removal.copy)
        target = os.path.join(self.destination, relative) if self.destination is not None else None
        return Step(removal, keeper, copy, target, status.st_size)

    def _regular(self, path: str) -> os.stat_result:
        try:
            status = os.lstat(self._real(path))
        except (OSError, ValueError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            raise _RefusedError(f"it cannot be looked at: {reason}") from None
        if stat.S_ISLNK(status.st_mode):
            raise _RefusedError("it is a symbolic link: it takes no room, and its target stays")
        if not stat.S_ISREG(status.st_mode):
            raise _RefusedError("it is not a regular file")
        return status

    def _check_reached_once(
        self, removal: Removal, copy: str, status: os.stat_result, kept: os.stat_result
    ) -> None:
        identity = status.st_dev, status.st_ino
        if os.path.samestat(status, kept):
            raise _RefusedError(f"it is one file with {printable(removal.keeper)}: nothing to free")
        other = self._kept.get(identity)
        if other == copy:
            raise CbirError(
                f"{printable(removal.copy)}: it is to be removed, as a copy of"
                f" {printable(removal.keeper)}, and to be kept for another copy;"
                " nothing is done: name one keeper for all of them"
            )
        if other is not None:
            raise _RefusedError(f"it is one file with {printable(other)}, which is kept")
        paths = self._reached[identity]
        if len(paths) > 1:
            others = ", ".join(printable(path) for path in paths if path != copy)
            raise _RefusedError(f"it is one file with {others} (hard links): nothing to free")

    def _check_losses(self, removal: Removal) -> None:
        losses = refused(removal.losses, self.allow_loss)
        if losses:
            kinds = ",".join(dict.fromkeys(loss.kind for loss in losses))
            raise _RefusedError(
                f"it shows what {printable(removal.keeper)} does not:"
                f" {printable('; '.join(map(str, losses)))}; let it go with --allow-loss {kinds}"
            )

    def _check_linkable(
        self, removal: Removal, status: os.stat_result, kept: os.stat_result
    ) -> None:
        if not removal.identical:
            raise _RefusedError(
                f"its bytes are not those of {printable(removal.keeper)}, and a link would lose"
                " them; move it instead"
            )
        if self.action == "hardlink" and status.st_dev != kept.st_dev:
            raise _RefusedError(
                f"it is on another file system than {printable(removal.keeper)}, where no hard"
                " link leads; use a symbolic link, or move it"
            )

    def _relative(self, path: str) -> str:
        absolute = self._absolute(path)
        for candidate, folder in (
            (absolute, os.path.abspath(self.root)),
            (self._real(path), os.path.realpath(self.root)),
        ):
            relative = _below(candidate, folder)
            if relative is not None:
                return relative
        raise _RefusedError("it is outside of the dataset")

    def _absolute(self, path: str) -> str:
        return os.path.abspath(os.path.join(self.root, path))

    def _real(self, path: str) -> str:
        """Return the absolute path of a file, or of a link itself, in its real folder."""
        folder, name = os.path.split(self._absolute(path))
        return os.path.join(os.path.realpath(folder), name)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None
