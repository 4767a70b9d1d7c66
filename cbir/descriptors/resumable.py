"""Training in rounds that an interrupted run goes on after."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.progress import ProgressListener
from cbir.descriptors.state import State
from cbir.descriptors.trained import TrainedDescriptor


class Rounds:
    """What training keeps of its rounds, so that another run can go on: nothing, unless told."""

    def last(self) -> tuple[int, NDArray[np.uint8]] | None:
        """Return how many rounds are done and what they gave, or None."""
        return None

    def keep(self, done: int, words: NDArray[np.uint8]) -> None:
        """Keep what `done` rounds gave."""


@dataclass(frozen=True)
class ResumableDescriptor(TrainedDescriptor):
    """A descriptor whose training takes long, and can be resumed after any of its rounds."""

    @abstractmethod
    def train(
        self,
        samples: Sequence[NDArray[Any]],
        listener: ProgressListener | None = None,
        kept: Rounds | None = None,
    ) -> State:
        """Learn from samples; see :meth:`TrainedDescriptor.train`.

        Parameters
        ----------
        samples : sequence of ndarray
        listener : ProgressListener, optional
        kept : Rounds, optional
            What an interrupted run left, with the same parameters and samples, and where this one
            keeps its rounds. The result is the same, wherever a run was interrupted.
        """
