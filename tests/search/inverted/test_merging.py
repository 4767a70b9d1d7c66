from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cbir.search.inverted import merging
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.merging import Live, due, merge
from cbir.search.inverted.scorings import scoring_of
from cbir.search.inverted.segment import Segment
from cbir.search.inverted.segment_builder import SegmentBuilder
from cbir.search.inverted.segment_layout import MOST_IMAGES
from tests.search.inverted.helpers import KERNELS, code, key


def built(name: str, numbers: Sequence[int]) -> Segment:
    kernel = KERNELS[name]
    scoring = scoring_of(kernel)
    codes = CodeFormat.of(kernel, scoring.norms, "test")
    builder = SegmentBuilder(codes, scoring)
    for number in numbers:
        builder.add(key(number), code(kernel, number))
    return Segment.of(builder.take(), codes)


def live(segment: Segment, wanted: Sequence[int] | None = None) -> Live:
    mask: NDArray[np.bool_] = np.zeros(MOST_IMAGES, bool)
    mask[list(range(len(segment))) if wanted is None else list(wanted)] = True
    return Live(segment, mask)


@pytest.mark.parametrize("name", ["asmk", "hamming embedding", "chi2", "cosine"])
@pytest.mark.parametrize("postings", [5, 1 << 20])
def test_a_merged_segment_is_the_one_that_is_built_of_the_same_images(
    name: str, postings: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "_POSTINGS", postings)
    one, other, last = built(name, range(12)), built(name, range(20, 29)), built(name, [5])
    group = [live(one, [0, 3, 4, 11]), live(other), live(last)]
    right = built(name, [0, 3, 4, 11, *range(20, 29), 5])
    kernel = KERNELS[name]
    codes = CodeFormat.of(kernel, scoring_of(kernel).norms, "test")
    with open(tmp_path / "merged", "xb") as file:
        merge(group, codes.digest, file)
    assert (tmp_path / "merged").read_bytes() == right.raw.tobytes()


def numbers_due(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return which segments are merged, of such sizes, of which so many images are wanted."""
    empty = built("asmk", [5])
    lives = []
    for size, wanted in sizes:
        segment = Segment.__new__(Segment)
        segment.keys, segment.counts = np.zeros((size, 32), np.uint8), np.zeros(size, np.uint32)
        segment.words, segment.norms = empty.words, empty.norms
        lives.append(live(segment, range(wanted)))
    places = {id(one): place for place, one in enumerate(lives)}
    return [[places[id(one)] for one in group] for group in due(lives)]


def test_segments_are_merged_when_the_smaller_ones_are_as_large_together() -> None:
    assert numbers_due([(10, 10), (1, 1)]) == []
    assert numbers_due([(10, 10), (1, 1), (1, 1)]) == [[1, 2]]
    assert numbers_due([(2, 2), (1, 1), (1, 1), (100, 100)]) == [[0, 1, 2]]
    assert numbers_due([(1, 1), (50, 50), (50, 50), (51, 51)]) == [[0, 1, 2, 3]]


def test_segments_that_are_more_than_half_full_are_not_merged() -> None:
    assert numbers_due([(40_000, 40_000), (40_000, 40_000)]) == []
    assert numbers_due([(30_000, 30_000)] * 5) == [[0, 1], [2, 3]]


def test_a_segment_that_lost_more_than_a_quarter_is_written_again() -> None:
    assert numbers_due([(100, 75)]) == [] and numbers_due([(100, 74)]) == [[0]]
    assert numbers_due([(60_000, 44_000), (60_000, 46_000), (4, 0)]) == [[0], [2]]


def test_growing_one_by_one_an_image_is_written_a_few_times() -> None:
    sizes: list[int] = []
    written = 0
    for _ in range(1000):
        sizes.append(1)
        while groups := numbers_due([(size, size) for size in sizes]):
            (group,) = groups
            merged = sum(sizes[place] for place in group)
            written += merged
            sizes = [size for place, size in enumerate(sizes) if place not in group] + [merged]
    assert written <= 10 * 1000 and len(sizes) <= 10
