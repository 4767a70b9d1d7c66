"""The third stage of indexing: describe the images, as far as they are not known."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from itertools import compress

from cbir.core import stderr_capture
from cbir.core.atomic_files import explained
from cbir.core.errors import UnreadableImageError, printable
from cbir.core.progress import ProgressListener
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.decoders import EncodedImage
from cbir.indexing.descriptions import Descriptions
from cbir.indexing.executors import Executor
from cbir.indexing.image_describer import DescribedImage, ImageDescriber, Outcome
from cbir.indexing.plan import Plan
from cbir.stores.journal import JournalRecord


def describe(plan: Plan, executor: Executor, listener: ProgressListener) -> Descriptions:
    """Describe what is to be described, and take over the rest.

    What is described goes into the journal, so that an interrupted run can be resumed.

    Parameters
    ----------
    plan : Plan
    executor : Executor
        Does the work.
    listener : ProgressListener
        Told of progress, of unreadable and of damaged images.
    """
    stage = _DescribeStage(plan, listener)
    listener.begin("describing", len(plan.scan.images))
    try:
        stage.run(executor)
    finally:
        # The first error is the one to tell; and what the journal lacks is described again.
        with contextlib.suppress(OSError):
            plan.journal.close()
        if plan.features:
            plan.features.close()
    listener.end()
    stage.warn_of_damage()
    return stage.descriptions


class _DescribeStage:
    """Puts what executors yield, and what is known, together in order."""

    def __init__(self, plan: Plan, listener: ProgressListener) -> None:
        self.descriptions = Descriptions(len(plan.scan.images), plan.named)
        self._plan = plan
        self._listener = listener
        self._suspects: list[str] = []

    def run(self, executor: Executor) -> None:
        plan = self._plan
        describer = ImageDescriber(plan.scan.dataset, plan.named, plan.lookup, plan.features)
        images, rows = plan.scan.images, plan.reused_rows
        wanted = compress(images, rows < 0)
        with contextlib.closing(executor.describe(describer, wanted)) as outcomes:
            for image, row in zip(images, rows, strict=True):
                if row < 0:
                    self._take(next(outcomes))
                else:
                    self.descriptions.add(image, plan.lookup.at_row(int(row)), described=False)
                self._listener.advance()

    def _take(self, outcome: Outcome) -> None:
        if isinstance(outcome, UnreadableImageError):
            self.descriptions.unreadable.append(outcome)
            self._listener.unreadable(outcome)
        elif outcome is not None:
            self._keep(outcome)

    def _keep(self, one: DescribedImage) -> None:
        plan = self._plan
        if one.is_new:
            with explained(plan.journal.path, "write the journal"):
                plan.journal.append(_record_of(one))
        if plan.features and one.features is not None:
            plan.features.add(one.known.sha256, one.features)
        if one.is_suspect:
            self._suspects.append(os.path.join(plan.scan.dataset, one.image.path))
        self.descriptions.add(one.image, one.known, one.is_new)

    def warn_of_damage(self) -> None:
        for path in self._suspects:
            damage = _damage_of(path, self._plan.named)
            if damage:
                self._listener.warn(f"{printable(path)}: {damage}")
                self.descriptions.warned.append(path)


def _damage_of(path: str, named: Sequence[NamedDescriptor]) -> str:
    """Decode an image once more, with nothing beside, and return what is wrong with it, if any."""
    damage = ""

    def decode() -> None:
        nonlocal damage
        image = EncodedImage.open(path)
        for one in named:
            image.pixels(one.descriptor.working_size)
        damage = image.damage

    try:
        heard = stderr_capture.noise_of(decode)
    except UnreadableImageError:
        return ""
    return damage or heard


def _record_of(one: DescribedImage) -> JournalRecord:
    file, known = one.image, one.known
    rows = {fingerprint: row.tobytes() for fingerprint, row in known.rows.items()}
    return JournalRecord(
        file.path, file.size, file.mtime, known.width, known.height, known.sha256, rows
    )
