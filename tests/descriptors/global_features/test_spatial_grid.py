"""The regions of an image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cbir.descriptors.global_features.spatial_grid import Layout, Place, over_regions, regions_of


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 7), (40, 61)])
@pytest.mark.parametrize("layout", ["grid", "none"])
def test_the_quarters_part_the_image_and_the_center_is_never_empty(
    layout: Layout, shape: tuple[int, int]
) -> None:
    places: list[Place] = []

    def count(place: Place) -> NDArray[np.intp]:
        places.append(place)
        return np.array([np.ones(shape)[place].sum()])

    counts = over_regions(layout, shape, count)
    assert counts.shape == (regions_of(layout), 1)
    assert counts[0] == np.prod(shape)
    if layout == "grid":
        seen = np.zeros(shape)
        for place in places[:4]:
            seen[place] += 1
        assert (seen == 1).all()
        assert counts[-1] > 0
