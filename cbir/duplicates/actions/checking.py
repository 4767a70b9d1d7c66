"""Look once more, just before acting, whether the kept image and the copy are what they were."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbir.changes.files import holds, opened
from cbir.changes.places import is_real
from cbir.changes.refusals import StepRefusedError
from cbir.core.errors import UnreadableImageError, printable, reason_of
from cbir.duplicates.actions.plan_model import Step

if TYPE_CHECKING:
    from cbir.duplicates.loss import Loss
    from cbir.images.encoded_image import EncodedImage

_BLOCK = 1 << 20


def check(step: Step) -> os.stat_result:
    """Read the kept image and the copy, and compare them with what the plan knows, and with each
    other; return the status of the copy, as it was then.

    Raises
    ------
    StepRefusedError
        When one is gone, changed or unreadable, when both are one file, or when, at level
        ``exact``, neither the bytes are the same, nor all that can be seen of the images but
        for the losses that are in the plan.
    """
    removal = step.removal
    with contextlib.ExitStack() as files:
        kept = _FileReader(files, step.kept, f"the kept image {printable(removal.kept)}")
        copy = _FileReader(files, step.copy, "it")
        if os.path.samestat(kept.status, copy.status):
            raise StepRefusedError(f"it is one file with {printable(removal.kept)} by now")
        same = _compare(kept, copy)
        kept.expect(removal.kept_sha256)
        copy.expect(removal.copy_sha256)
        if removal.level == "exact" and not same:
            _compare_images(kept, copy, removal.losses)
        return copy.status


def confirm_kept(step: Step, status: os.stat_result) -> None:
    """Read the kept image once more, and make sure that it is a file of its own.

    Parameters
    ----------
    step : Step
    status : os.stat_result
        Of the copy, when it was checked.

    Raises
    ------
    StepRefusedError
        When it is not what it was.
    """
    kept = printable(step.removal.kept)
    for path in (step.kept, step.copy):
        if not is_real(path):
            raise StepRefusedError(f"{printable(path)} is behind a symbolic link by now")
    try:
        kept_status = os.lstat(step.kept)
    except OSError:
        raise StepRefusedError(f"the kept image {kept} was removed just now") from None
    if os.path.samestat(kept_status, status):
        raise StepRefusedError(f"it is one file with {kept} by now")
    if not holds(step.kept, step.removal.kept_sha256):
        raise StepRefusedError(f"the kept image {kept} was changed just now")


class _FileReader:
    """A file that is read; what goes wrong calls it by its role."""

    def __init__(self, files: contextlib.ExitStack, path: str, role: str) -> None:
        self.path = path
        self.role = role
        self._hash = hashlib.sha256()
        try:
            self.file = files.enter_context(opened(path))
            self.status = os.fstat(self.file.fileno())
        except OSError as error:
            raise StepRefusedError(f"{role} cannot be read: {reason_of(error)}") from None

    def block(self) -> bytes:
        """Read on."""
        try:
            data = self.file.read(_BLOCK)
        except OSError as error:
            raise StepRefusedError(f"{self.role} cannot be read: {reason_of(error)}") from None
        self._hash.update(data)
        return data

    def image(self) -> EncodedImage:
        """Return the whole file, from its beginning."""
        from cbir.images.encoded_image import EncodedImage

        self.file.seek(0)
        return EncodedImage(self.path, self.file.read())

    def expect(self, sha256: bytes) -> None:
        """Compare all that was read with what it should be."""
        if self._hash.digest() != sha256:
            raise StepRefusedError(f"{self.role} was changed since the images were compared")


def _compare(one: _FileReader, other: _FileReader) -> bool:
    """Read both to the end, and say whether they have the same bytes."""
    same = True
    while True:
        blocks = one.block(), other.block()
        same &= blocks[0] == blocks[1]
        if not any(blocks):
            return same


def _compare_images(kept: _FileReader, copy: _FileReader, losses: Sequence[Loss]) -> None:
    """Compare all that can be seen of two images, but for what may be lost."""
    from cbir.core import stderr_capture
    from cbir.duplicates.loss import refused
    from cbir.duplicates.losses.file_contents import LazyFile, file_losses

    kept_image, copy_image = kept.image(), copy.image()
    with stderr_capture.capture():
        if not np.array_equal(_decoded(kept_image, kept), _decoded(copy_image, copy)):
            raise StepRefusedError("neither its bytes nor its pixels are those of the kept image")
        lost = file_losses(
            LazyFile(lambda: copy_image), LazyFile(lambda: kept_image), same_pixels=True
        )
    unexpected = refused(lost, {loss.kind for loss in losses})
    if unexpected:
        what = printable("; ".join(map(str, unexpected)))
        raise StepRefusedError(f"it shows what the kept image does not: {what}")


def _decoded(image: EncodedImage, reading: _FileReader) -> NDArray[np.uint8]:
    try:
        return image.pixels(None)
    except UnreadableImageError as error:
        raise StepRefusedError(
            f"the pixels cannot be compared: {reading.role}: {error.reason}"
        ) from None
