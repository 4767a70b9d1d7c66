"""What is to be done with the copies, and what may not be done."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace

from cbir.changes.left_file import LeftFile
from cbir.changes.places import below, check_destination, is_hidden, is_real
from cbir.changes.refusals import RefusedError, regular, status_of
from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.messages import Message, Parameter
from cbir.duplicates.actions.plan_model import Action, Plan, Removal, Step
from cbir.duplicates.actions.refusals import Identities, check_linkable
from cbir.duplicates.actions.sidecars import find_related_files
from cbir.duplicates.loss import LossKind, refused


def plan(
    removals: Iterable[Removal],
    action: Action,
    root: str,
    destination: str | None = None,
    permanently: bool = False,
    allow_loss: Container[LossKind] = (),
    follow_links: bool = False,
    sidecars: bool = False,
) -> Plan:
    """Decide what to do with each copy; nothing is changed.

    A copy stays, with a reason in :attr:`Plan.refused`, when it is missing, a symbolic link, or
    outside of the dataset, or hidden in it; when it is one file with the kept image, with another
    kept image or with another copy, by a hard link or a linked folder; when it should become a link
    without being the same bytes as the kept image; and when it shows something that the kept image
    does not.

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
    follow_links : bool
        Also act on copies that are outside of the dataset, behind folders in it that are links.
    sidecars : bool
        For ``move``, and ``delete`` to the desktop's trash: files that go with a copy, like
        ``b.xmp`` or ``b.jpg.json``, go there as well, unless another image has them, too.

    Raises
    ------
    UsageError
        When `destination`, `permanently` or `sidecars` does not go with `action`.
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
    if sidecars and (permanently or action not in ("move", "delete")):
        raise UsageError("sidecars go with what is moved or put in the trash, and nowhere else")
    if not os.path.isdir(root):
        raise CbirError(
            f"{printable(root)}: the dataset is no folder; give the one that is indexed"
        )
    if destination is not None:
        check_destination(destination, root)
        destination = os.path.realpath(destination)
    planner = _Planner(action, root, destination, allow_loss, follow_links)
    steps, refused = planner.decide(sorted(removals, key=lambda each: os.fsencode(each.copy)))
    staying = list[LeftFile]()
    if action in ("move", "delete"):  # else the name of the copy stays
        steps, staying = _with_sidecars(steps, sidecars)
    return Plan(
        action,
        root,
        tuple(steps),
        tuple(refused),
        destination,
        permanently,
        follow_links,
        tuple(staying),
    )


def _with_sidecars(steps: list[Step], along: bool) -> tuple[list[Step], list[LeftFile]]:
    """Add the sidecars to the steps, if they are to go along, and tell of each file that stays."""
    complete, staying = [], []
    related = find_related_files([step.copy for step in steps])
    for step, (names, reasons) in zip(steps, related, strict=True):
        copy, folder = step.removal.copy, os.path.dirname(step.removal.copy)
        if not along:
            takes_along = Message(Parameter("sidecars", True), " takes it along")
            reasons |= dict.fromkeys(names, takes_along)
        staying += [
            LeftFile(os.path.join(folder, name), Message(f"goes with {printable(copy)}; ", reason))
            for name, reason in sorted(reasons.items())
        ]
        paths = [os.path.join(os.path.dirname(step.copy), name) for name in names]
        complete.append(replace(step, sidecars=tuple(paths) if along else ()))
    return complete, staying


@dataclass
class _Planner:
    action: Action
    root: str
    destination: str | None
    allow_loss: Container[LossKind]
    follow_links: bool
    _identities: Identities = field(default_factory=Identities)

    def decide(self, removals: Sequence[Removal]) -> tuple[list[Step], list[LeftFile]]:
        for removal in removals:
            self._identities.add(
                os.path.realpath(self._absolute(removal.kept)), self._real(removal.copy)
            )
        steps, refused = dict[str, Step](), list[LeftFile]()
        for removal in removals:
            try:
                step = self._step(removal)
                if step.copy in steps:
                    raise RefusedError("it is in the plan already")
            except RefusedError as error:
                refused.append(LeftFile(removal.copy, error.reason))
            else:
                steps[step.copy] = step
        return list(steps.values()), refused

    def _step(self, removal: Removal) -> Step:
        copy = self._real(removal.copy)
        status = regular(copy)
        kept = os.path.realpath(self._absolute(removal.kept))
        kept_status = status_of(kept)
        if kept_status is None or not stat.S_ISREG(kept_status.st_mode):
            raise RefusedError(f"the kept image {printable(removal.kept)} is missing")
        if is_hidden(below(copy, os.path.realpath(self.root)) or ""):
            raise RefusedError("its name or folder begins with a dot: what is hidden is left alone")
        self._check_losses(removal)
        self._identities.check(removal, copy, status, kept_status)
        if self.action in ("hardlink", "symlink"):
            check_linkable(removal, self.action, status, kept_status)
        target = self._target(self._relative(removal.copy))
        return Step(removal, kept, copy, target, status.st_size)

    def _check_losses(self, removal: Removal) -> None:
        losses = refused(removal.losses, self.allow_loss)
        if losses:
            kinds = tuple(dict.fromkeys(loss.kind for loss in losses))
            raise RefusedError(
                f"it shows what {printable(removal.kept)} does not:"
                f" {printable('; '.join(map(str, losses)))}; let it go with ",
                Parameter("allow_loss", kinds if len(kinds) > 1 else kinds[0]),
            )

    def _relative(self, path: str) -> str:
        """Return the path of a copy within the dataset."""
        real = below(self._real(path), os.path.realpath(self.root))
        given = below(self._absolute(path), os.path.abspath(self.root))
        if given is not None and (real is not None or self.follow_links):
            return given
        if given is not None:
            raise RefusedError(
                "it is outside of the dataset, behind a linked folder; act on that folder as a"
                " dataset of its own, or allow it here with ",
                Parameter("follow_links", True),
            )
        if real is None:
            raise RefusedError("it is outside of the dataset")
        return real

    def _target(self, relative: str) -> str | None:
        """Return where a copy goes; never out of the destination by a linked folder in it."""
        if self.destination is None:
            return None
        target = os.path.join(self.destination, relative)
        if not is_real(target):
            raise RefusedError(
                f"{printable(os.path.dirname(target))} is a linked folder, or in one, which leads"
                " out of the destination; remove that link, or name another destination"
            )
        return target

    def _absolute(self, path: str) -> str:
        return os.path.abspath(os.path.join(self.root, path))

    def _real(self, path: str) -> str:
        """Return the absolute path of a file, or of a link itself, in its real folder."""
        folder, name = os.path.split(self._absolute(path))
        return os.path.join(os.path.realpath(folder), name)
