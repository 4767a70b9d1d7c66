"""Compact records: what comes back, and what damage is refused."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.descriptors.local_features.base import MOST_FEATURES, LocalExtractor, LocalFeatures
from cbir.descriptors.local_features.orb import OrbExtractor
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.stores.features.kept import KeptFeatures
from cbir.stores.features.store import FeatureStore

EXTRACTORS: list[LocalExtractor[LocalFeatures]] = [OrbExtractor(), SiftExtractor()]


def some(extractor: LocalExtractor[LocalFeatures], count: int = 40) -> LocalFeatures:
    rng = np.random.default_rng(count)
    points = rng.uniform([0, 0, 1, 0], [512, 384, 200, 2 * np.pi], (count, 4))
    descriptors = rng.integers(0, 256, (count, extractor.descriptor_size), np.uint8)
    return extractor.of(points.astype(np.float32), descriptors, 512, 384)


@given(st.data(), st.sampled_from(EXTRACTORS), st.integers(0, 30))
def test_records_give_back_what_they_were_made_of(
    data: st.DataObject, extractor: LocalExtractor[LocalFeatures], count: int
) -> None:
    columns = [
        data.draw(arrays(np.float32, count, elements=st.floats(*limits, width=32)))
        for limits in ((0, 2047), (0, 2047), (1, 2**15), (0, 6.25))
    ]
    shape = count, extractor.descriptor_size
    descriptors = data.draw(arrays(np.uint8, shape))
    points = np.stack(columns, axis=1)
    features = extractor.of(points, descriptors, 7, 2047)
    # Half a step off, at most: 32nds of a pixel, 16ths of a doubling, 256ths of a turn.
    assert np.abs(features.points[:, :2] - points[:, :2]).max(initial=0) <= 1 / 64 + 1e-3
    doublings = np.log2(features.points[:, 2]) - np.log2(points[:, 2])
    assert np.abs(doublings).max(initial=0) <= 1 / 32 + 1e-3
    turns = np.abs(features.points[:, 3] - points[:, 3])
    assert np.minimum(turns, 2 * np.pi - turns).max(initial=0) <= np.pi / 256 + 1e-3
    again = extractor.from_record(extractor.as_record(features))
    assert np.array_equal(again.points, features.points)
    assert np.array_equal(again.descriptors, descriptors)
    assert again.points.dtype == np.float32 and again.descriptors.flags.c_contiguous
    assert (again.width, again.height, type(again)) == (7, 2047, extractor.features_type)


@pytest.mark.parametrize(
    "size",
    [
        *([512, 384, count] for count in (-1, 39, 41, MOST_FEATURES + 1)),
        [512, 384],
        [0, 384, 40],
        [512, -4, 40],
    ],
)
@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_sizes_that_do_not_fit_are_refused(
    extractor: LocalExtractor[LocalFeatures], size: list[int]
) -> None:
    record = extractor.as_record(some(extractor))
    with pytest.raises(ValueError, match=r"size|bytes of features"):
        extractor.from_record({**record, "size": np.array(size, np.int32)})


@given(st.sampled_from(EXTRACTORS), st.binary(max_size=300), st.integers(0, 9000))
def test_any_bytes_are_features_or_refused(
    extractor: LocalExtractor[LocalFeatures], packed: bytes, count: int
) -> None:
    size = np.array([512, 384, count], np.int32)
    record = {"size": size, "features": np.frombuffer(packed, np.uint8)}
    try:
        features = extractor.from_record(record)
    except ValueError:
        return
    assert len(features) == count and np.isfinite(features.points).all()


def test_a_record_that_unpacks_to_very_much_takes_no_memory() -> None:
    extractor = OrbExtractor()
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = compressor.compress(bytes(1 << 28)) + compressor.flush()
    size = np.array([512, 384, 40], np.int32)
    with pytest.raises(ValueError, match="bytes of features, not"):
        extractor.from_record({"size": size, "features": np.frombuffer(bomb, np.uint8)})


def test_a_record_that_another_program_wrote_is_missing(tmp_path: Path) -> None:
    extractor = OrbExtractor()
    sound = extractor.as_record(some(extractor))
    with FeatureStore(str(tmp_path), extractor.fields) as store:
        store.append(bytes([1] * 32), sound)
        store.append(bytes([2] * 32), {**sound, "features": sound["features"][:-9]})
    kept = KeptFeatures(FeatureStore(str(tmp_path), extractor.fields), extractor)
    found = kept.get(bytes([1] * 32))
    assert found is not None and np.array_equal(found.points, some(extractor).points)
    assert kept.get(bytes([2] * 32)) is None and kept.get(bytes([3] * 32)) is None


def test_what_is_kept_is_smaller_than_the_features() -> None:
    extractor = SiftExtractor()
    flat = LocalFeatures(np.ones((400, 4), np.float32), np.full((400, 128), 16, np.uint8), 512, 384)
    assert len(extractor.as_record(flat)["features"]) < 400 * 134 / 6
