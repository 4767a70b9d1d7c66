"""Candidates: the votes of features, against counting them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.core.threads import ordered_map
from cbir.descriptors.local_features.binary_codes import BITS, signatures
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.encoded_image import EncodedImage
from cbir.search.inverted import lsh_index
from cbir.search.inverted.lsh_index import FARTHEST, FEWEST_VOTES, Candidate, LshIndex
from cbir.search.inverted.vote_accumulator import VoteAccumulator
from tests.conftest import DATA

NAMES = ["cats/cat-1", "cats/cat-2", "things/coffee-1", "windmills/windmill-1", "sky/galaxies-1"]


def random_features(rng: np.random.Generator, count: int) -> SiftFeatures:
    points = rng.uniform(0, 2 * np.pi, (count, 4)).astype(np.float32)
    return SiftFeatures(points, rng.integers(0, 99, (count, 128), dtype=np.uint8), 100, 100)


def varied(rng: np.random.Generator, features: SiftFeatures, noise: float) -> SiftFeatures:
    """The features of a copy: another order, other numbers, turned by a quarter."""
    order = rng.permutation(len(features))
    numbers = features.descriptors[order] + rng.normal(0, noise, (len(features), 128))
    points = features.points[order].copy()
    points[:, 3] = (points[:, 3] + np.pi / 2) % (2 * np.pi)
    return SiftFeatures(points, np.clip(numbers, 0, 255).astype(np.uint8), 100, 100)


def recounted(
    query: tuple[np.ndarray, np.ndarray, np.ndarray],
    images: list[tuple[np.ndarray, np.ndarray]],
    bucket_bits: int,
) -> list[int]:
    """Count votes in plain Python, from signatures, 256ths of a turn and the bits to try."""
    best = []
    for signs, turns in images:
        voters: list[set[int]] = [set() for _ in range(16)]
        for i, (bits, turn, free) in enumerate(zip(*query, strict=True)):
            differing = signs ^ bits
            near = np.bitwise_count(differing) <= FARTHEST
            beside = (differing >> np.uint64(BITS - bucket_bits)) & ~free == 0
            for other in turns[near & beside]:
                voters[(int(other) - int(turn)) % 256 // 16].add(i)
        counts = [len(one) for one in voters]
        best.append(max(counts[k] + counts[(k + 1) % 16] for k in range(16)))
    return best


def asked(features: SiftFeatures, bucket_bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signatures, turns, and as a mask the three unsure bits among those that name a bucket."""
    bits, order = signatures(features.descriptors)
    free = [
        sum(1 << (bucket_bits - 1 - place) for place in [p for p in row if p < bucket_bits][:3])
        for row in order.tolist()
    ]
    return bits, turns_of(features), np.array(free, np.uint64)


def turns_of(features: SiftFeatures) -> np.ndarray:
    return np.rint(features.points[:, 3] / (2 * np.pi) * 256).astype(int) % 256


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), images=st.integers(1, 6), noise=st.sampled_from([3, 9, 15]))
def test_candidates_are_those_that_counting_gives(seed: int, images: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    query = random_features(rng, 30)
    known = [varied(rng, query, noise) for _ in range(images // 2)]
    known += [varied(rng, query.mirrored(), noise), random_features(rng, int(rng.integers(0, 40)))]
    bucket_bits = max(4, int(np.log2(sum(map(len, known)) / 8)))
    plain = [(signatures(one.descriptors)[0], turns_of(one)) for one in known]
    expected = []
    straight = recounted(asked(query, bucket_bits), plain, bucket_bits)
    flipped = recounted(asked(query.mirrored(), bucket_bits), plain, bucket_bits)
    for image, (one, other) in enumerate(zip(straight, flipped, strict=True)):
        if max(one, other) >= FEWEST_VOTES:
            expected.append(Candidate(image, max(one, other), other > one))
    found = LshIndex(known).candidates(query)
    assert found == sorted(expected, key=lambda one: (-one.votes, one.image))


@settings(max_examples=50)
@given(seed=st.integers(0, 1000))
def test_votes_are_counted_right(seed: int) -> None:
    """The compiled count alone, on signatures that are mostly alike and all turns."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 1 << 63, 3, np.uint64)
    every = base[rng.integers(0, 3, 60)]
    for _ in range(7):
        every ^= np.uint64(1) << rng.integers(0, 64, 60).astype(np.uint64)
    every.sort()
    owners = rng.integers(0, 4, 60).astype(np.int32)
    turns = rng.integers(0, 256, 60).astype(np.uint8)
    starts = np.searchsorted(every, np.arange(16, dtype=np.uint64) << np.uint64(60))
    bits, query_turns = base[rng.integers(0, 3, 9)], rng.integers(0, 256, 9).astype(np.uint8)
    free = np.array([1 << int(place) for place in rng.integers(0, 4, 9)], np.uint64)
    flips = np.stack([np.zeros(9, np.uint64), free << np.uint64(60)], axis=1)
    images = [(every[owners == one], turns[owners == one]) for one in range(4)]
    tally, index = (
        VoteAccumulator(4),
        (every, owners, turns, np.append(starts, 60), 60, FARTHEST),
    )
    # The same room serves for one query after the other.
    for some in (slice(0, 9), slice(0, 0), slice(3, 7), slice(0, 9)):
        voted, votes = tally.count(bits[some], query_turns[some], flips[some], *index)
        expected = recounted((bits[some], query_turns[some], free[some]), images, 4)
        assert dict(zip(voted.tolist(), votes.tolist(), strict=True)) == {
            image: count for image, count in enumerate(expected) if count
        }
        assert voted.tolist() == sorted(voted.tolist())


@pytest.fixture(scope="module")
def real() -> list[SiftFeatures]:
    extractor = SiftExtractor()
    return [
        extractor.extract(EncodedImage.open(f"{DATA}/{name}.jpg").pixels(512)) for name in NAMES
    ]


def test_an_image_is_found_by_its_own_features_and_by_its_mirrored_ones(
    real: list[SiftFeatures],
) -> None:
    index = LshIndex(real)
    for number, features in enumerate(real):
        best = index.candidates(features)[0]
        assert best.image == number and not best.mirrored and best.votes >= len(features)
        best = index.candidates(features.mirrored())[0]
        assert best.image == number and best.mirrored and best.votes >= 0.98 * len(features)
        others = index.candidates(features, excluded=number)
        assert number not in [one.image for one in others]
        assert all(one.votes < 0.5 * len(features) for one in others)


def test_threads_may_share_an_index(real: list[SiftFeatures]) -> None:
    index = LshIndex(real)
    alone = [index.candidates(features) for features in real]
    assert list(ordered_map(index.candidates, real * 8, 4, batch=1)) == alone * 8


def test_a_part_of_the_features_is_enough(real: list[SiftFeatures]) -> None:
    index = LshIndex(real)
    for number, features in enumerate(real):
        part = slice(number, None, 12)
        few = SiftFeatures(features.points[part], features.descriptors[part], 100, 100)
        assert index.candidates(few)[0].image == number


def test_any_number_of_copies_is_found_but_not_of_weak_candidates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    query = random_features(rng, 40)
    weak = SiftFeatures(query.points[:8], query.descriptors[:8], 100, 100)
    index = LshIndex([*[query] * 7, *[weak] * 7])
    monkeypatch.setattr(lsh_index, "MOST_CANDIDATES", 5)
    assert [one.image for one in index.candidates(query)] == list(range(7))
    monkeypatch.setattr(lsh_index, "MOST_CANDIDATES", 9)
    assert [one.image for one in index.candidates(query)] == list(range(9))


@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 3], [1]])
def test_few_features_or_none(sizes: list[int]) -> None:
    rng = np.random.default_rng(0)
    index = LshIndex([random_features(rng, size) for size in sizes])
    for count in (0, 1, 30):
        assert index.candidates(random_features(rng, count)) == []
