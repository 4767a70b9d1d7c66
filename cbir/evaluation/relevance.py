"""Which images are right for which query."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import text_of, tuple_of
from cbir.core.errors import CbirError, excerpt, printable
from cbir.core.messages import Message, Parameter
from cbir.core.progress import ProgressListener

Labeler = Callable[[Sequence[str]], list[str | None]]
"""Gives the class of each path, or what stands for it in a table of classes, or None."""


def about_truth(spec: str, reason: str) -> Message:
    """Return a message on a truth, by what was given for it."""
    return Message(Parameter("truth"), f" {printable(spec)}: {reason}")


class GroundTruth(ABC):
    """Knows what is right for a query.

    Attributes
    ----------
    spec : str
        As it was given.
    has_classes : bool
        Whether :meth:`topics` are classes of images, so that means by class make sense.
    setup : str or None
        What it is called among :attr:`setups`; None if there is but one.
    """

    spec: str
    has_classes: bool
    setup: str | None = None

    @property
    def setups(self) -> tuple[GroundTruth, ...]:
        """What is measured for the same queries: usually the truth itself, and nothing else."""
        return (self,)

    @abstractmethod
    def topics(self, names: Sequence[str]) -> list[str | None]:
        """Return the topic of each query, by its path: what it is about, as a class of images.

        None for an image that the truth does not know; it cannot be a query.

        Raises
        ------
        CbirError
            When it is not clear which image is meant.
        """

    @abstractmethod
    def grades(self, topic: str) -> NDArray[np.integer]:
        """Return how right each image of the index is for a query about `topic`.

        Returns
        -------
        ndarray of int, shape (n,)
            In the order of the index's paths: 0 is wrong; 1, or a higher grade, is right.
        """

    def set_aside(self, topic: str) -> NDArray[np.bool_] | None:
        """Return which images count neither as right nor as wrong for a query about `topic`.

        Returns
        -------
        ndarray of bool, shape (n,), or None
            In the order of the index's paths; None: no image.
        """
        return None

    def label(self, topic: str) -> str | None:
        """Return the class of a query about `topic`, for means by class; None if it has none."""
        return topic if self.has_classes else None

    def unqueried_topics(self, topics: Sequence[str | None]) -> list[str]:
        """Return the topics of the truth that are not among `topics`, sorted."""
        return []

    def unmatched_names(self) -> list[str]:
        """Return the names in the truth that are no image it was asked about so far, sorted."""
        return []


class Classes(GroundTruth):
    """Images of the query's class are right.

    Parameters
    ----------
    spec : str
        As it was given.
    paths : sequence of str
        Of the index.
    labeler : callable
        Gives the class of each path, or its key in `table`.
    table : dict of str to str
        The class by key; empty where `labeler` gives classes.
    listener : ProgressListener
        Told of images without a class. They are distractors: wrong for every query.

    Raises
    ------
    CbirError
        When no image has a class.
    """

    has_classes = True

    def __init__(
        self,
        spec: str,
        paths: Sequence[str],
        labeler: Labeler,
        table: dict[str, str],
        listener: ProgressListener,
    ) -> None:
        self.spec = spec
        self._labeler = labeler
        self._table = table
        self._unmatched = set(table)
        self._numbers: dict[str, int] = {}
        labels = self._labels(paths)
        unlabeled = [path for path, label in zip(paths, labels, strict=True) if label is None]
        if len(unlabeled) == len(paths):
            names = self.unmatched_names()
            reason = (
                "it gives no image of the index a class"
                f"{f', not even {printable(paths[0])}' if paths else ''}; check it against the"
                " paths of the images"
                f"{f': it names images like {excerpt(names[0])}' if names else ''}"
            )
            raise CbirError(about_truth(spec, reason))
        if unlabeled:
            reason = (
                f"{len(unlabeled)} of {len(paths)} images have no class,"
                f" {printable(unlabeled[0])} for one; they are no queries, and wrong for all"
            )
            listener.warn(about_truth(spec, reason))
        elif len(paths) > 1 and len({*labels}) == 1:
            listener.warn(
                about_truth(spec, "all images are of one class, so that whatever is found is right")
            )
        self._codes = np.array(
            [-1 if label is None else self._number(label) for label in labels], np.int32
        )

    def topics(self, names: Sequence[str]) -> list[str | None]:
        """Return the class of each query; see :meth:`GroundTruth.topics`."""
        return self._labels(tuple_of(names, "a path"))

    def unmatched_names(self) -> list[str]:
        """Return the names that no image has; see :meth:`GroundTruth.unmatched_names`."""
        return sorted(self._unmatched)

    def grades(self, topic: str) -> NDArray[np.integer]:
        """Return 1 for the images of a class; see :meth:`GroundTruth.grades`."""
        return (self._codes == self._numbers.get(text_of(topic, "a class"), -2)).astype(np.int8)

    def _labels(self, paths: Sequence[str]) -> list[str | None]:
        keys = self._labeler(paths)
        self._unmatched.difference_update(key for key in keys if key is not None)
        return [None if key is None else self._table.get(key, key) for key in keys]

    def _number(self, label: str) -> int:
        return self._numbers.setdefault(label, len(self._numbers))
