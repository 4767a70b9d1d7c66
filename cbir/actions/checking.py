"""Look once more, just before acting, whether keeper and copy are what they were."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.actions.files import opened, unchanged
from cbir.actions.planning import Step
from cbir.errors import UnreadableImageError, printable, reason_of

_BLOCK = 1 << 20

_OPAQUE = ("1", "L", "P", "RGB")
"""Pillow's modes of which a decoded picture loses nothing, unless they are transparent."""


class UnfitError(Exception):
    """A step that must not be taken, with the reason."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A step whose files are what they were, at the moment when both were read.

    Attributes
    ----------
    step : Step
    keeper, copy : os.stat_result
        As they were then.
    """

    step: Step
    keeper: os.stat_result
    copy: os.stat_result

    def confirm(self) -> None:
        """Look at the status of both again, which takes no time.

        Raises
        ------
        UnfitError
            When either was changed since it was read.
        """
        for path, before in ((self.step.keeper, self.keeper), (self.step.copy, self.copy)):
            if not unchanged(path, before):
                raise UnfitError(f"{printable(path)} was changed just now")


def check(step: Step) -> Checked:
    """Read keeper and copy, and compare them with what the plan knows, and with each other.

    Raises
    ------
    UnfitError
        When one is gone, changed or unreadable, when both are one file, or when, at level
        ``exact``, neither the bytes nor all that can be seen of the pictures is the same.
    """
    removal = step.removal
    with contextlib.ExitStack() as files:
        keeper = _Reading(files, step.keeper, f"its keeper {printable(removal.keeper)}")
        copy = _Reading(files, step.copy, "it")
        if os.path.samestat(keeper.status, copy.status):
            raise UnfitError(f"it is one file with {printable(removal.keeper)} by now")
        same = _compare(keeper, copy)
        keeper.expect(removal.keeper_sha256)
        copy.expect(removal.copy_sha256)
        if removal.level == "exact" and not same:
            _compare_pictures(keeper, copy)
        return Checked(step, keeper.status, copy.status)


class _Reading:
    """A file that is read; what goes wrong calls it by its role."""

    def __init__(self, files: contextlib.ExitStack, path: str, role: str) -> None:
        self.path = path
        self.role = role
        self._hash = hashlib.sha256()
        try:
            self.file = files.enter_context(opened(path))
            self.status = os.fstat(self.file.fileno())
        except OSError as error:
            raise UnfitError(f"{role} cannot be read: {reason_of(error)}") from None

    def block(self) -> bytes:
        """Read on."""
        try:
            data = self.file.read(_BLOCK)
        except OSError as error:
            raise UnfitError(f"{self.role} cannot be read: {reason_of(error)}") from None
        self._hash.update(data)
        return data

    def expect(self, sha256: bytes) -> None:
        """Compare all that was read with what it should be."""
        if self._hash.digest() != sha256:
            raise UnfitError(f"{self.role} was changed since the pictures were compared")


def _compare(one: _Reading, other: _Reading) -> bool:
    """Read both to the end, and say whether they have the same bytes."""
    same = True
    while True:
        blocks = one.block(), other.block()
        same &= blocks[0] == blocks[1]
        if not any(blocks):
            return same


def _compare_pictures(keeper: _Reading, copy: _Reading) -> None:
    from cbir import native

    with native.caught():
        kept_seen, kept_stored = _decoded(keeper)
        seen, stored = _decoded(copy)
    if not np.array_equal(kept_seen, seen):
        raise UnfitError("neither its bytes nor its pixels are those of its keeper")
    if stored is None or kept_stored is None:
        equal = stored is kept_stored
    else:
        equal = np.array_equal(stored, kept_stored)
    if not equal:
        raise UnfitError("its transparency, colors or depth are not those of its keeper")


def _decoded(reading: _Reading) -> tuple[NDArray[np.uint8], NDArray[np.generic] | None]:
    """Decode a picture: as it is seen, and, where more is stored than that, as it is stored."""
    from PIL import Image

    from cbir.images import Picture

    reading.file.seek(0)
    picture = Picture(reading.path, reading.file.read())
    try:
        seen = picture.pixels(None)
    except UnreadableImageError as error:
        raise UnfitError(f"the pixels cannot be compared: {reading.role}: {error.reason}") from None
    # `pixels` has made sure that this is a picture of a format that may be opened.
    with Image.open(io.BytesIO(picture.data)) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise UnfitError(
                f"{reading.role} has several frames or pages, of which one is compared"
            )
        if image.has_transparency_data:
            stored = np.asarray(image.convert("RGBA"))
            return seen, None if stored[:, :, 3].min() == 255 else stored
        return seen, None if image.mode in _OPAQUE else np.asarray(image)
