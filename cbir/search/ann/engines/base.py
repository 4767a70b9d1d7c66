"""What an engine of approximate search is.

Adding one takes a class in a file of its own and a line in
:mod:`cbir.search.ann.engines.registry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from cbir.core.optional_packages import missing_of, optional_module

Vectors = NDArray[Any]
"""What stands for rows: float32 of shape (n, width), compared by the Euclidean distance, or packed
bits, uint8, by the Hamming distance."""

Ids = NDArray[np.int64]
"""Which vectors of a structure, in the order in which they were added, from 0."""

SEED = 20
"""Of whatever an engine draws at random."""


class VectorSource(Protocol):
    """The vectors that a structure is built of; all of them may not fit into memory."""

    @property
    def width(self) -> int:
        """Numbers, or bytes of packed bits, that a vector has."""

    def __len__(self) -> int:
        """Return how many vectors there are."""

    def sample(self, most: int) -> Vectors:
        """Return at most so many vectors, drawn evenly, always the same."""

    def blocks(self) -> Iterator[Vectors]:
        """Yield all vectors in their order, some at a time."""


class Structure(ABC):
    """Vectors, arranged by an engine so that neighbors are found without looking at all.

    Threads may search it at the same time, each on one core.

    Attributes
    ----------
    efforts : tuple of int
        What may be given as `effort`, rising: what is found gets better and takes longer.
    """

    efforts: tuple[int, ...]

    @abstractmethod
    def __len__(self) -> int:
        """Return how many vectors it has."""

    @abstractmethod
    def search(self, query: Vectors, count: int, effort: int) -> Ids:
        """Return the vectors that seem to be nearest to a query.

        Parameters
        ----------
        query : ndarray, shape (width,)
        count : int
            How many are wanted.
        effort : int
            How long to look: one of :attr:`efforts`, or any number from the least of them on.

        Returns
        -------
        ndarray of int64
            The nearest first, each once; fewer than `count` where no more were found.
        """

    @abstractmethod
    def compared(self, count: int, effort: int) -> float:
        """Return with about how many vectors a search compares the query: what it costs."""

    @abstractmethod
    def save(self, path: str) -> None:
        """Write it to a file."""

    def add(self, vectors: VectorSource) -> None:
        """Add vectors behind those that are there, where the engine :attr:`~Engine.adds`."""
        raise NotImplementedError


class Engine(ABC):
    """Builds and loads structures, by a library that need not be there.

    Attributes
    ----------
    name : str
        As it is asked for.
    summary : str
        One line on what it is good for.
    package : str
        The module of the library.
    extra : str or None
        Of cbir, which installs the library; None: it is installed by its own name.
    packed : bool
        Its vectors are packed bits.
    adds : bool
        A structure that was loaded to be changed takes further vectors.
    quantizes : bool
        The bytes that it keeps of a vector can be chosen.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    package: ClassVar[str]
    extra: ClassVar[str | None] = None
    packed: ClassVar[bool] = False
    adds: ClassVar[bool] = False
    quantizes: ClassVar[bool] = False

    def multiple(self, size: int | None) -> int:
        """Return what the width of vectors should be a multiple of, for a size in bytes."""
        return 1

    @abstractmethod
    def build(self, vectors: VectorSource, size: int | None, threads: int) -> Structure:
        """Arrange vectors.

        Parameters
        ----------
        vectors : VectorSource
            At least one.
        size : int, optional
            Bytes to keep of a vector, where the engine :attr:`quantizes`.
        threads : int
            How many it may use.
        """

    @abstractmethod
    def load(self, path: str, count: int, width: int, changeable: bool = False) -> Structure:
        """Load what :meth:`Structure.save` wrote; the library trusts the file.

        Parameters
        ----------
        path : str
        count, width : int
            How many vectors it has, and how wide they are.
        changeable : bool
            Vectors will be added. Else it is mapped into memory, where the library can.

        Raises
        ------
        Exception
            Anything at all, when the file is not what was written.
        """

    @property
    def missing(self) -> str | None:
        """What has to be installed first, as the end of a sentence; or None."""
        return missing_of((self.package,), self.extra)

    def module(self) -> ModuleType:
        """Import the library.

        Raises
        ------
        CbirError
            When it is not installed.
        """
        return optional_module(self.package, f"the engine {self.name}", self.extra)
