"""What is evaluated: the interface of searchers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cbir.images.open_image import OpenImage
from cbir.search.searchers import Searcher


@runtime_checkable
class SearcherProtocol(Protocol):
    """What is evaluated: a searcher of the index, as :meth:`cbir.Index.searcher` returns it."""

    @property
    def label(self) -> str:
        """What is compared."""

    @property
    def metric_name(self) -> str:
        """How."""

    @property
    def bytes_per_image(self) -> int:
        """What a description takes in memory."""

    @property
    def weights(self) -> Mapping[str, float]:
        """What each descriptor of a fusion counts; empty if it is none."""

    @property
    def adaptive(self) -> bool:
        """Whether each query changes these weights."""

    def describe(self, query: str) -> Any:
        """Describe an image file."""

    def describe_image(self, image: OpenImage) -> Any:
        """Describe an image that is open already, as it is where a region of one queries."""

    def indexed(self, row: int) -> Any:
        """Return the stored description of the index's image number `row`."""

    def distances(self, description: Any) -> NDArray[np.floating[Any]]:
        """Return the distance to every image, in the order of the index's paths."""


def is_approximate(searcher: SearcherProtocol) -> TypeGuard[Searcher[Any]]:
    """Say whether a searcher finds only some of the images."""
    return isinstance(searcher, Searcher) and searcher.approximate
