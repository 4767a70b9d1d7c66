"""Where images are described: here on threads; elsewhere by other executors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cbir.core.threads import ordered_map
from cbir.images.discovery import ImageFile
from cbir.indexing.image_describer import ImageDescriber, Outcomes


class Executor(Protocol):
    """Describes images."""

    def describe(self, describer: ImageDescriber, images: Iterable[ImageFile]) -> Outcomes:
        """Yield what becomes of each image, in order.

        When it is closed, what has not begun is dropped.
        """


@dataclass(frozen=True, slots=True)
class ThreadExecutor:
    """Describes images on threads of this process."""

    workers: int

    def describe(self, describer: ImageDescriber, images: Iterable[ImageFile]) -> Outcomes:
        """Yield what becomes of each image, in order; few are held at any time."""
        yield from ordered_map(describer, images, self.workers)
