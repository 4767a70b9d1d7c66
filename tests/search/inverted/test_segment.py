from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.descriptors.encoders.sparse_code import CountKernel, SignatureKernel, SparseCode
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.scorings import scoring_of
from cbir.search.inverted.segment import Segment
from cbir.search.inverted.segment_builder import SegmentBuilder
from cbir.search.inverted.segment_layout import DamagedSegmentError, packed, shape_of

WORDS = 70_000
KERNEL = SignatureKernel(np.ones(WORDS, np.float32), 64, repeated=True)
CODES = CodeFormat.of(KERNEL, scoring_of(KERNEL).norms, "test")

SOME_WORDS = st.lists(st.integers(0, 5) | st.integers(0, WORDS - 1), max_size=6).map(sorted)


def built(images: list[list[int]]) -> Segment:
    builder = SegmentBuilder(CODES, scoring_of(KERNEL))
    for number, words in enumerate(images):
        payloads = [[number, place, 0, 0, 0, 0, 0, 9] for place in range(len(words))]
        one = SparseCode(np.array(words, np.uint32), np.array(payloads, np.uint8).reshape(-1, 8))
        builder.add(bytes([number]) * 32, one)
    return Segment.of(builder.take(), CODES)


@given(st.lists(SOME_WORDS, max_size=5))
def test_the_lists_hold_what_was_put_in(images: list[list[int]]) -> None:
    segment = built(images)
    assert segment.check() and len(segment) == len(images)
    assert segment.counts.tolist() == [len(words) for words in images]
    assert [one.tobytes() for one in segment.keys] == [bytes([i]) * 32 for i in range(len(images))]
    every = sorted({word for words in images for word in words})
    lists = segment.lists(np.array([*every, 69_999], np.uint32))
    known = [place for place, word in enumerate([*every, 69_999]) if word in every]
    assert lists.entries.tolist() == known
    for place, first, last in zip(lists.entries, lists.first, lists.last, strict=True):
        expected = [
            (number, [number, i, 0, 0, 0, 0, 0, 9])
            for number, words in enumerate(images)
            for i, word in enumerate(words)
            if word == [*every, 69_999][place]
        ]
        found = zip(
            segment.images[first:last].tolist(), segment.payloads[first:last].tolist(), strict=True
        )
        assert list(found) == expected


def test_a_file_is_what_was_in_memory(tmp_path: Path) -> None:
    segment = built([[1, 2], [2, 2]])
    path = tmp_path / segment.name
    path.write_bytes(segment.raw.tobytes())
    again = Segment.open(path, CODES)
    assert not again.checked and again.check() and np.array_equal(again.raw, segment.raw)
    with pytest.raises(DamagedSegmentError, match="another segment's"):
        Segment.open(path.rename(tmp_path / "0123456789abcdef.segment"), CODES)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("words", [2, 1]),
        ("words", [1, 1]),
        ("words", [1, WORDS]),
        ("starts", [0, 2, 3]),
        ("starts", [1, 3, 4]),
        ("starts", [0, -1, 4]),
        ("starts", [0, 1 << 62, 4]),
    ],
)
def test_a_directory_that_leads_out_is_refused_whatever_the_checksums_say(
    name: str, values: list[int]
) -> None:
    sound = built([[1, 2], [2, 2]])
    parts = {part: getattr(sound, part) for part in ("keys", "counts", "norms")}
    parts |= {part: getattr(sound, part) for part in ("words", "starts", "images", "payloads")}
    parts[name] = np.array(values, parts[name].dtype)
    with pytest.raises(DamagedSegmentError, match="directory"):
        Segment(packed(parts, CODES.digest), CODES)


def test_images_that_a_forged_segment_does_not_have_do_no_harm() -> None:
    kernel = CountKernel(np.ones(9, np.float32), payload_bytes=1)
    scoring = scoring_of(kernel)
    codes = CodeFormat.of(kernel, scoring.norms, "test")
    parts = {
        "keys": np.zeros((1, 32), np.uint8),
        "counts": np.array([1], np.uint32),
        "norms": np.array([(np.nan, -5, 0, 1 << 62)], scoring.norms),
        "words": np.array([3], np.uint32),
        "starts": np.array([0, 2], np.int64),
        "images": np.array([0, 65_535], np.uint16),
        "payloads": np.array([[1], [2]], np.uint8),
    }
    segment = Segment(packed(parts, codes.digest), codes)
    assert segment.check() and shape_of(parts).entries == segment.entries == 2
    query = SparseCode(np.array([3], np.uint16), np.array([[1]], np.uint8))
    sums, prepared = np.zeros(1 << 16, np.int64), scoring.prepare(query)
    for add in (scoring.add, scoring.add_compiled):
        add(prepared, segment, segment.lists(query.words), sums)
        distances = scoring.distances(prepared, segment, sums[:1])
        assert ((distances >= 0) & (distances <= 1)).all()
