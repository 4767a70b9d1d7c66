"""The images of a dataset that training looks at."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cbir.core.errors import UnreadableImageError
from cbir.core.progress import ProgressListener
from cbir.core.threads import ordered_map
from cbir.descriptors.base import TrainedDescriptor
from cbir.images.decoders import EncodedImage
from cbir.images.discovery import ImageFile

TRAINING_IMAGES = 1000
"""Images of the dataset that training looks at, at most."""


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """The images that training may choose from."""

    dataset: str
    found: Sequence[ImageFile]
    workers: int

    def sample(self) -> list[str]:
        """Choose images evenly, by a hash of their paths: always the same ones."""

        def rank(found: ImageFile) -> bytes:
            return hashlib.sha256(os.fsencode(found.path)).digest()

        chosen = sorted(self.found, key=rank)[:TRAINING_IMAGES]
        return [os.path.join(self.dataset, found.path) for found in chosen]

    def samples(
        self,
        descriptor: TrainedDescriptor,
        listener: ProgressListener | None = None,
        unreadable: Callable[[UnreadableImageError], None] | None = None,
    ) -> list[NDArray[Any]]:
        """Extract what `descriptor` trains on from the sample.

        Images that cannot be read are left out; `unreadable` is told of them. Without it nobody
        is: a run of indexing tells when it is their turn to be described.
        """
        listener = listener or ProgressListener()
        paths = self.sample()

        def extract(path: str) -> NDArray[Any] | UnreadableImageError | None:
            try:
                return _training_sample(descriptor, path)
            except UnreadableImageError as error:
                return error

        listener.begin(f"{descriptor.name}: training images", len(paths))
        samples = []
        for sample in ordered_map(extract, paths, self.workers):
            listener.advance()
            if isinstance(sample, UnreadableImageError):
                if unreadable is not None:
                    unreadable(sample)
            elif sample is not None:
                samples.append(sample)
        listener.end()
        return samples


def _training_sample(descriptor: TrainedDescriptor, path: str) -> NDArray[Any] | None:
    """Return what an image has to train on, or None if it is one that we wrote."""
    image = EncodedImage.open(path)
    if image.header.own:
        return None
    pixels = image.pixels(descriptor.working_size)
    try:
        return descriptor.training_sample(pixels)
    except Exception as error:  # a plug-in may fail in any way
        reason = f"the descriptor {descriptor.name!r} failed: {type(error).__name__}: {error}"
        raise UnreadableImageError(path, reason) from error
