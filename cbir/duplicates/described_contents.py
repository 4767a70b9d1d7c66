"""Contents as one more descriptor describes them: the nearest are looked at as candidates, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cbir.core.errors import CbirError, UnreadableImageError, printable
from cbir.core.messages import Parameter
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.images.image_source import open_image
from cbir.search import metrics
from cbir.search.candidates import CandidateSource, top_k
from cbir.search.sources import open_source
from cbir.stores import open_store

NEAREST = 10
"""Images, by the descriptor, that each image is compared with besides."""


@dataclass(frozen=True)
class DescribedContents:
    """The rows of the contents of a collection by a descriptor.

    Parameters
    ----------
    named : NamedDescriptor
    matrix : ndarray, shape (contents, width)
    """

    named: NamedDescriptor
    matrix: Row

    def nearest_of(self, content_id: int) -> list[int]:
        """Return the contents nearest to one of them."""
        others = np.arange(len(self.matrix)) != content_id
        return [
            one for one, _ in top_k(self._source, self.matrix[content_id], NEAREST, None, others)
        ]

    def nearest_to(self, path: str) -> list[int]:
        """Return the contents nearest to an image file; none if it cannot be described."""
        try:
            row = self.named.describe(open_image(path))
        except UnreadableImageError:
            return []
        return [one for one, _ in top_k(self._source, row, NEAREST)]

    @cached_property
    def _source(self) -> CandidateSource[Row]:
        descriptor = self.named.descriptor
        return open_source(descriptor, self.matrix, metrics.get(descriptor.metrics[0]))


def alias_in(index: str, spec: str) -> str:
    """Return the alias of a descriptor that is named by it, or as a new one would be."""
    return spec if spec in _aliases(index) else parse(spec).alias


def missing_in(index: str, specs: Sequence[str]) -> list[str]:
    """Return which descriptors an index does not hold, by their aliases."""
    there = _aliases(index)
    return [spec for spec in specs if spec not in there and parse(spec).alias not in there]


def _aliases(index: str) -> set[str]:
    store = open_store(index)
    stored = store.snapshot(accept_edited=True).manifest.entries if store.exists() else ()
    return {one.alias for one in stored}


def check_same(one: NamedDescriptor, other: NamedDescriptor, reference: str) -> None:
    """Make sure that a reference is described as the dataset is.

    Raises
    ------
    CbirError
    """
    if one.descriptor.fingerprint != other.descriptor.fingerprint:
        raise CbirError(
            f"{printable(reference)}: {one.alias} of this reference is not that of the dataset, so"
            " that they cannot be compared; leave out ",
            Parameter("candidates"),
        )
