"""Descriptors that learn before they can describe."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from cbir.core.errors import CbirError
from cbir.core.progress import ProgressListener
from cbir.descriptors.base import Descriptor
from cbir.descriptors.state import (
    State,
    state_digest,
)
from cbir.images.pixels import Pixels


@dataclass(frozen=True)
class TrainedDescriptor(Descriptor):
    """A descriptor that learns something, such as a vocabulary, before it can describe.

    Attributes
    ----------
    state_name : str
        What the learned thing is called, in messages and names of files.
    shipped_models : mapping of str to mapping
        The names of the files in ``cbir/descriptors/models`` that come with the package for it,
        without ``.npz``, and with each the parameters that it was trained with and is good for:
        all on which training depends. ``benchmarks/models.py`` makes the files.
    learns_from_labels : bool
        Whether it knows the classes of the images that it learned from, so that a measure on these
        says nothing of others.
    drift_limit : float
        :meth:`drift` above which a collection is told to differ from what was trained on.
    """

    state: State | None = dataclasses.field(
        default=None, repr=False, compare=False, kw_only=True, metadata={"parameter": False}
    )

    state_name: ClassVar[str] = "vocabulary"
    shipped_models: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
    learns_from_labels: ClassVar[bool] = False
    drift_limit: ClassVar[float] = 1.0
    most_state_bytes: ClassVar[int] = 1 << 29
    """What a state may take in memory, whatever the parameters; a file with more is refused."""

    @abstractmethod
    def training_sample(self, image: Pixels) -> NDArray[Any]:
        """Extract from one image what training needs: an array of any number of rows.

        Those of a thousand images are held at once.

        Raises
        ------
        CbirError
            When it does not learn from images alone.
        """

    @abstractmethod
    def train(
        self, samples: Sequence[NDArray[Any]], listener: ProgressListener | None = None
    ) -> State:
        """Learn from the training samples of several images, deterministically.

        Parameters
        ----------
        samples : sequence of ndarray
            One of each image, in the order of the images.
        listener : ProgressListener, optional
            Told of the progress of what takes long.

        Raises
        ------
        CbirError
            When there is too little to learn from.
        """

    @abstractmethod
    def check_state(self, state: State) -> str | None:
        """Say why `state` does not fit this descriptor's parameters, or is damaged; or None.

        Shapes, types, ranges and that all numbers are finite: what passes gives sound rows. It is
        asked once, when a state is loaded. It may hold more arrays
        than training gave, such as :data:`ORIGIN`.
        """

    def check_given(self, state: State) -> str | None:
        """Say why a state that fits is of no use to other images than those it was learned from."""
        return None

    @abstractmethod
    def drift(self, rows: NDArray[Any]) -> float:
        """Say how far a collection's rows are from what was trained on: 0 (alike) to 1."""

    def shipped(self) -> State | None:
        """Return what comes with the package for these parameters, None if nothing does.

        Raises
        ------
        CbirError
            When the file of the package is missing, damaged, or from another version.
        """
        for name, parameters in self.shipped_models.items():
            if parameters.items() <= self.parameters.items():
                return self._fitting(name)
        return None

    def _fitting(self, name: str) -> State:
        from cbir.descriptors.models import load_shipped

        state = load_shipped(name)
        refusal = self.check_state(state)
        if refusal is not None:
            raise CbirError(
                f"the {self.state_name} {name!r} that comes with cbir does not fit {self.name}:"
                f" {refusal}; install cbir again"
            )
        return state

    def bind(self, state: State) -> Self:
        """Return this descriptor with what was trained.

        Raises
        ------
        CbirError
            When it does not fit, or is damaged.
        """
        refusal = self.check_state(state)
        if refusal is not None:
            raise CbirError(f"the {self.state_name} cannot be used for {self.name}: {refusal}")
        return dataclasses.replace(self, state=state)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled, with a plain dictionary of what was trained."""
        return {**super().__getstate__(), "state": None if self.state is None else dict(self.state)}

    def _identity(self) -> dict[str, Any]:
        learned = state_digest(self.state) if self.state is not None else None
        return {"parameters": self.parameters, self.state_name: learned}
