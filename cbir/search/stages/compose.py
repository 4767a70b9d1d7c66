"""Puts the stages that are asked for around a searcher."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Protocol

from cbir.descriptors.local_features.base import LocalFeatures
from cbir.images.open_image import OpenImage
from cbir.search.fused_searcher import FusedSearcher
from cbir.search.searchers import Searcher
from cbir.search.stage_options import Stages

if TYPE_CHECKING:  # few searches verify
    from cbir.search.stages.verification import VerificationStage


class HasFeatures(Hashable, Protocol):
    """What knows the local features of images: a searcher by them."""

    is_binary: bool

    def features(self, row: int) -> LocalFeatures:
        """Return the local features of an image of the index."""

    def extract(self, image: OpenImage) -> LocalFeatures:
        """Extract the local features of an image, as those of the index were."""


def with_stages(
    searcher: Searcher[Any], stages: Stages, local: HasFeatures | None = None
) -> Searcher[Any]:
    """Return a searcher with the stages that are asked for, each around the one before it.

    The best results are ranked again by their neighbors, and what shows the very thing comes first
    in the end. Where the query is to be expanded, too, it is by what is verified, before that.

    Parameters
    ----------
    searcher : Searcher
        What only compares.
    stages : Stages
    local : HasFeatures, optional
        What verifies; needed for :attr:`Stages.verify`.
    """
    verified = _verification(searcher, stages, local)
    if stages.expand is not None and verified is None:
        from cbir.search.stages.expansion import Expansion

        searcher = Expansion(searcher, stages.expand)
    elif stages.expand is not None and verified is not None:
        from cbir.search.stages.verification import VerifiedExpansion

        searcher = VerifiedExpansion(verified(searcher), stages.expand)
    if stages.is_reranked:
        from cbir.search.stages.reranking import Reranking

        assert stages.rerank is not None
        searcher = Reranking(searcher, stages.rerank)
    if verified is not None and stages.expand is None:
        searcher = verified(searcher)
    return searcher


def _verification(
    compared: Searcher[Any], stages: Stages, local: HasFeatures | None
) -> Callable[[Searcher[Any]], VerificationStage] | None:
    """Return what puts verification around a searcher, if it is asked for."""
    if not stages.verify:
        return None
    from cbir.search.stages.verification import VerificationStage

    assert local is not None, "verification needs local features"
    count, described = stages.verify, _described_by(compared, local)
    return lambda searcher: VerificationStage(
        searcher, count, local.features, local.extract, local.is_binary, described
    )


def _described_by(
    compared: Searcher[Any], local: HasFeatures
) -> Callable[[Any], LocalFeatures] | None:
    """Return what finds local features in the descriptions of a searcher, if they are there."""
    used: list[object] = (
        list(compared.searchers) if isinstance(compared, FusedSearcher) else [compared]
    )
    if local not in used:
        return None
    if len(used) == 1:
        return lambda description: description.features
    place = used.index(local)
    return lambda description: description[place].features
