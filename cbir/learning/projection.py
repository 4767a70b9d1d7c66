"""Learns a projection of descriptors from labels, judges it and keeps it in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cbir.core.arguments import check_type, path_of
from cbir.core.checks import check_whole
from cbir.core.errors import UsageError, printable
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, threads
from cbir.descriptors.encoders.projection import (
    Projection,
    check_base,
    joined_values,
    packed,
)
from cbir.descriptors.state import TRAINED
from cbir.evaluation.relevance import GroundTruth
from cbir.indexing.model_files import check_model_file, write_model
from cbir.learning.discriminant import check_scikit_learn, fitted_projection
from cbir.learning.judging import Judgment, Ranker, judged, ranker_of
from cbir.learning.labeled_images import LabeledImages, Places, labeled_images
from cbir.search.candidates import Distances
from cbir.search.engine import Index
from cbir.search.fusion.options import equal_weights
from cbir.search.metrics import cosine
from cbir.search.stage_options import Stages


@dataclass(frozen=True, slots=True)
class LearnedProjection:
    """A projection that was learned from labels.

    Attributes
    ----------
    path : str
        The file of the model.
    bases : str
        Aliases of what is projected, joined by ``+``.
    descriptor : Projection
        With the model.
    images, classes : int
        That it was learned from.
    judgments : list of Judgment
        Beside the bases as they are; several of them fused by equal weights.
    """

    path: str
    bases: str
    descriptor: Projection
    images: int
    classes: int
    judgments: list[Judgment]

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {
            "model": printable(self.path),
            "bases": self.bases,
            "descriptor": self.descriptor.name,
            "parameters": self.descriptor.parameters,
            "images": self.images,
            "classes": self.classes,
            "judgments": [one.to_dict() for one in self.judgments],
        }


def learn_projection(
    index: Index,
    descriptor: str,
    truth: GroundTruth,
    output: str,
    *,
    dimension: int = Projection.dimension,
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> LearnedProjection:
    """Learn a projection of one descriptor or several from labels, and write its model.

    It is judged in the same run, by images and by classes that it was not learned from; the model
    that is written is learned from all of them, and written whatever is found. The same index and
    labels always give the same bytes.

    Parameters
    ----------
    index : Index
        Its rows are learned from; no image is read.
    descriptor : str
        An alias of the index, or several joined by ``+``; of descriptors that are vectors.
    truth : GroundTruth
        The classes; see :func:`cbir.evaluation.ground_truth.read_ground_truth`.
    output : str
        The file, ``.npz``.
    dimension : int
        Numbers of a row. Those for which there are too few images are 0.
    workers : int, optional
        Threads; all cores unless told otherwise.
    listener : ProgressListener, optional
        Told of progress.

    Returns
    -------
    LearnedProjection

    Raises
    ------
    UsageError
        When a descriptor cannot be projected, or the name of the file does not end in ``.npz``.
    CbirError
        When scikit-learn is missing, there are too few labels, or the file cannot be written, or is
        there and was not made by training.
    """
    check_type(index, Index, "an index")
    check_type(truth, GroundTruth, "a truth")
    workers, output = threads(workers), path_of(output, "a file to write")
    if not output.endswith(".npz"):
        raise UsageError(f"{printable(output)}: give a name that ends in .npz")
    check_scikit_learn()
    projection = Projection(check_whole("dimension", dimension))
    check_model_file(projection, output)
    aliases = list(equal_weights(descriptor))
    images = labeled_images(index, truth)
    learner = _Learner(index, aliases, images, projection)
    before = ranker_of(index.searcher("+".join(aliases), stages=Stages(dba=0)), images)
    with one_thread_each():
        judgments = judged(images, before, learner.ranker, workers, ProgressListener.of(listener))
        learned = learner.learn(np.arange(len(images)))
    assert learned.state is not None
    write_model(learned, learned.state, output, TRAINED)
    return LearnedProjection(
        output, "+".join(aliases), learned, len(images), images.classes, judgments
    )


class _Learner:
    """Learns projections from some of the labeled images."""

    def __init__(
        self, index: Index, aliases: Sequence[str], images: LabeledImages, projection: Projection
    ) -> None:
        self._projection = projection
        self._labels = images.labels
        self._bases = [index.single_searcher(alias).named.descriptor for alias in aliases]
        for alias, base in zip(aliases, self._bases, strict=True):
            check_base(alias, base)
        self._rows = [index.vectors(alias)[images.rows] for alias in aliases]
        self._values = [
            joined_values([base], [rows], np.ones(1)).astype(np.float32)
            for base, rows in zip(self._bases, self._rows, strict=True)
        ]

    def learn(self, places: Places) -> Projection:
        """Learn from some of the labeled images."""
        values = [one[places] for one in self._values]
        # Each base varies as much as another, however many numbers it has.
        scatter = np.array([one.var(axis=0, dtype=np.float64).sum() for one in values])
        weights = np.where(scatter > 0, np.maximum(scatter, 1e-12) ** -0.5, 0).astype(np.float32)
        joined = np.concatenate(
            [weight * one for weight, one in zip(weights, values, strict=True)], axis=1
        )
        labels, dimension = self._labels[places], self._projection.dimension
        mean, matrix = fitted_projection(joined, labels, dimension)
        return self._projection.bind(packed(self._bases, weights, mean, matrix))

    def ranker(self, places: Places) -> Ranker:
        """Learn from some of the labeled images what ranks others."""
        learned = self.learn(places)

        def distances(held_out: Places) -> Distances:
            values = learned.encoding.values(learned.project([one[held_out] for one in self._rows]))
            return np.stack([cosine(query, values) for query in values])

        return distances
