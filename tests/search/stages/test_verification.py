"""The stage that verifies: the order by hand, with features that are known to match."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.images.open_image import OpenImage
from cbir.search.candidates import RowMask, top_k
from cbir.search.searchers import Searcher
from cbir.search.stages.stage import StagedSource
from cbir.search.stages.verification import VerificationStage, WithFeatures
from cbir.verification.spatial_matching import SpatialVerifier
from tests.search.stages.test_stage import ROWS, Given

SHARED = {3: 40, 8: 25, 11: 12, 150: 60}
"""Features that rows have in common with the query."""


def features(seed: int, count: int, common: int) -> SiftFeatures:
    """Those of an image, of which the first are the same in all images."""
    parts = []
    for rng, some in ((np.random.default_rng(99), 60), (np.random.default_rng(seed), count)):
        points = np.column_stack(
            [rng.uniform(0, 300, (some, 2)), rng.uniform(3, 9, some), rng.uniform(0, 6, some)]
        )
        parts.append((points, rng.integers(0, 255, (some, 128), dtype=np.uint8)))
    points = np.vstack([parts[0][0][:common], parts[1][0]]).astype(np.float32)
    return SiftFeatures(points, np.vstack([parts[0][1][:common], parts[1][1]]), 300, 300)


def features_of(row: int) -> SiftFeatures:
    return features(row, 30, SHARED.get(row, 0))


class Fixed(Searcher[str]):
    """Finds the rows at given distances."""

    label = metric_name = meaning = "fixed"
    bytes_per_image = 0

    def describe_image(self, image: OpenImage) -> str:
        return "query"

    def indexed(self, row: int) -> str:
        return "query"

    def source_for(self, description: str, eligible: RowMask | None = None) -> Given:
        assert description == "query"
        return Given(np.linspace(0.01, 1, ROWS))


QUERY = WithFeatures("query", features(1000, 20, 60))


def stage(count: int) -> VerificationStage:
    return VerificationStage(Fixed(), count, features_of, lambda image: QUERY.features)


def test_what_is_verified_comes_first_and_others_keep_their_order() -> None:
    ranked = [one.row for one in stage(20).top_k(QUERY, ROWS)]
    others = [row for row in range(ROWS) if row not in (3, 8, 11)]
    assert ranked == [3, 8, 11, *others]  # row 150 is not among the best 20
    assert [one.row for one in stage(160).top_k(QUERY, 4)] == [150, 3, 8, 11]


def test_no_distance_grows_and_most_stay() -> None:
    before = np.linspace(0.01, 1, ROWS)
    after = stage(20).distances(QUERY)
    assert (after <= before).all() and (after != before).sum() <= 6


def test_the_best_eligible_rows_are_verified() -> None:
    eligible = np.zeros(ROWS, bool)
    eligible[[0, 5, 100, 150, 180]] = True
    assert [one.row for one in stage(4).top_k(QUERY, 3, None, eligible)] == [150, 0, 5]


def test_what_was_found_is_told_and_may_expand() -> None:
    source = stage(20).source_for(QUERY)
    assert source.verified_rows() == [3, 8, 11]
    expected = SpatialVerifier(QUERY.features).match(features_of(3))
    assert expected is not None
    assert source.matches[3].inliers == expected.inliers >= 40


def test_a_stage_may_follow_and_an_image_of_the_index_may_query() -> None:
    one = stage(20)
    query = one.indexed(3)
    assert [some.row for some in one.top_k(query, 1)] == [3]
    source = one.source_for(query)
    later = StagedSource(source, np.array([7]), np.array([0.0]))
    assert top_k(later, query, 2)[0] == (7, 0.0)
    assert one.components(source, query, np.array([1, 2])) == [None, None]


def test_nothing_is_verified_if_nothing_is_eligible() -> None:
    assert stage(5).top_k(QUERY, 3, None, np.zeros(ROWS, bool)) == []


def test_one_result_at_least_is_verified() -> None:
    with pytest.raises(Exception, match="verify"):
        stage(0)
