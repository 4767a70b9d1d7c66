"""Train descriptors on images of a dataset, and keep what they learned in files."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cbir.core import stderr_capture
from cbir.core.amounts import counted
from cbir.core.arguments import path_of, tuple_of
from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError, UnreadableImageError, UsageError, cause_of, printable
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, ordered_map, threads
from cbir.descriptors.registry import Broken, NamedDescriptor, available, parse
from cbir.descriptors.resumable import ResumableDescriptor
from cbir.descriptors.state import TRAINED
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.discovery import ImageFile, find_images
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.kept_rounds import KeptRounds, check_rounds_file
from cbir.indexing.model_files import check_model_file, write_model

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
    if image.header.is_generated:
        return None
    pixels = image.pixels(descriptor.working_size)
    try:
        return descriptor.training_sample(pixels)
    except CbirError:
        raise
    except Exception as error:  # a plug-in may fail in any way
        reason = f"the descriptor {descriptor.name!r} failed: {cause_of(error)}"
        raise UnreadableImageError(path, reason) from error


@dataclass(frozen=True, slots=True)
class Trained:
    """A file that was written.

    Attributes
    ----------
    path : str
        The file.
    name : str
        The registered name of the descriptor.
    state_name : str
        What it is: ``vocabulary`` or ``model``.
    images : int
        Images that it was trained on.
    bytes : int
        The size of the file.
    seconds : float
        What looking at the images and training took.
    """

    path: str
    name: str
    state_name: str
    images: int
    bytes: int
    seconds: float


def train_models(
    dataset: str,
    descriptors: str | Sequence[str],
    output: str,
    *,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> list[Trained]:
    """Train descriptors on the images of a folder; write one file for each.

    Up to :data:`cbir.indexing.train.TRAINING_IMAGES` images are looked at, chosen evenly
    by a hash of their paths. The same images give the same bytes, with any number of workers.
    What takes long is kept round by round beside the output, in a file ``….rounds``: after an
    interruption, the same call goes on there. The file is removed when the training is done.

    Parameters
    ----------
    dataset : str
        The folder; it is searched for images at any depth.
    descriptors : str or sequence of str
        As ``NAME``, ``NAME:key=value`` or ``ALIAS=NAME:…``.
    output : str
        An ``.npz`` file; or a folder, where each file is called by the alias. For several
        descriptors it is a folder, which is made if there is none.
    include, exclude : str or sequence of str
        Shell patterns of images to take and to leave.
    workers : int, optional
        Threads; all cores unless told otherwise.
    listener : ProgressListener, optional
        Told of progress and of unreadable files.

    Returns
    -------
    list of Trained
        In the order of `descriptors`.

    Raises
    ------
    UsageError
        When a descriptor needs no training, or `output` makes no sense.
    CbirError
        When there is nothing to train on, or a file is in the way or cannot be written. A file
        that :func:`train_models` did not write is never overwritten.
    """
    listener = ProgressListener.of(listener)
    workers = threads(workers)
    dataset, output = path_of(dataset, "a dataset"), path_of(output, "a file to write")
    include, exclude = tuple_of(include, "a pattern"), tuple_of(exclude, "a pattern")
    chosen = _chosen(tuple_of(descriptors, "a descriptor"))
    targets = _targets(list(chosen), output)
    found = find_images(dataset, include, exclude, listener.unreadable)
    if not found:
        raise CbirError(f"{printable(dataset)}: there is no image to train on")
    if len(targets) > 1:
        with explained(output, "make the folder"):
            os.makedirs(output, exist_ok=True)
    for descriptor, target in zip(chosen.values(), targets, strict=True):
        if descriptor.missing is not None:
            raise CbirError(f"{descriptor.name} {descriptor.missing}")
        check_model_file(descriptor, target)
        if isinstance(descriptor, ResumableDescriptor):
            check_rounds_file(target)
    images = TrainingImages(dataset, found, workers)
    return [
        train_model(descriptor, images, target, TRAINED, listener)
        for descriptor, target in zip(chosen.values(), targets, strict=True)
    ]


def train_model(
    descriptor: TrainedDescriptor,
    images: TrainingImages,
    path: str,
    origin: str,
    listener: ProgressListener | None = None,
) -> Trained:
    """Train one descriptor and write the file `path`; see :func:`train_models`.

    Parameters
    ----------
    descriptor : TrainedDescriptor
        Not bound.
    images : TrainingImages
        The images.
    path : str
        The file.
    origin : str
        :data:`~cbir.descriptors.state.TRAINED` or :data:`~cbir.descriptors.state.SHIPPED`.
    listener : ProgressListener, optional
        Told of progress and of unreadable files.

    Returns
    -------
    Trained

    Raises
    ------
    CbirError
        When there is nothing to train on, or the file cannot be written, or is there and has
        another origin.
    """
    listener = listener or ProgressListener()
    start = time.perf_counter()
    with stderr_capture.capture(), one_thread_each():
        samples = images.samples(descriptor, listener, listener.unreadable)
        if not any(map(len, samples)):
            raise CbirError(
                f"{printable(images.dataset)}: {descriptor.name} finds nothing to train on in"
                f" {counted(len(samples), 'readable image')}; train on others"
            )
        if not isinstance(descriptor, ResumableDescriptor):
            size = write_model(descriptor, descriptor.train(samples, listener), path, origin)
        else:
            kept = KeptRounds(path, descriptor, samples, listener)
            size = write_model(descriptor, descriptor.train(samples, listener, kept), path, origin)
            kept.remove()
    seconds = time.perf_counter() - start
    return Trained(path, descriptor.name, descriptor.state_name, len(samples), size, seconds)


def _chosen(specs: Sequence[str]) -> dict[str, TrainedDescriptor]:
    chosen: dict[str, TrainedDescriptor] = {}
    for spec in specs:
        named = parse(spec)
        if not isinstance(named.descriptor, TrainedDescriptor):
            raise UsageError(f"{spec} needs no training; these do: {', '.join(_trainable())}")
        if named.alias in chosen:
            raise UsageError(
                f"descriptor {spec!r}: there is another {named.alias!r}; give it an alias of its"
                f" own, as in {NamedDescriptor('other', named.descriptor).spec}"
            )
        chosen[named.alias] = named.descriptor
    if not chosen:
        raise UsageError(f"name a descriptor to train; these can be: {', '.join(_trainable())}")
    return chosen


def _trainable() -> list[str]:
    classes = [one for one in available() if not isinstance(one, Broken)]
    return [one.name for one in classes if issubclass(one, TrainedDescriptor)]


def _targets(aliases: Sequence[str], output: str) -> list[str]:
    if os.path.isdir(output) or (len(aliases) > 1 and not output.endswith(".npz")):
        return [os.path.join(output, f"{alias}.npz") for alias in aliases]
    if len(aliases) > 1:
        raise UsageError(f"{printable(output)}: several descriptors need a folder; name one")
    if not output.endswith(".npz"):
        raise UsageError(
            f"{printable(output)}: give a name that ends in .npz, or a folder that exists"
        )
    return [output]
