from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.json_text import write_checked
from cbir.descriptors.encoders.sparse_code import (
    MOST_ENTRIES,
    CountKernel,
    SignatureKernel,
    SparseCode,
)
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.scorings import scoring_of
from cbir.search.inverted.segment import Segment
from cbir.search.inverted.segment_builder import SegmentBuilder
from cbir.search.inverted.segment_layout import SECTIONS, DamagedSegmentError, packed
from cbir.search.inverted.stored_codes import stored_codes

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


def forged(sound: Segment, codes: CodeFormat, **sections: Any) -> Segment:
    """Return a segment with some sections replaced, and the checksums of these."""
    parts = {part: getattr(sound, part) for part in SECTIONS}
    for name, values in sections.items():
        parts[name] = np.array(values, parts[name].dtype)
    return Segment(packed(parts, codes.digest), codes)


@pytest.mark.parametrize(
    "sections",
    [
        {"images": [0, 2, 1]},
        {"images": [0, 65_535, 1]},
        {"images": [1, 0, 1]},
        {"counts": [2, 2]},
        {"counts": [2**32 - 1, 4]},
        {"norms": [(-1,), (5,)]},
        {"norms": [(5,), (2**63 - 1,)]},
    ],
)
def test_codes_that_cannot_be_are_damage_whatever_the_checksums_say(
    sections: dict[str, Any],
) -> None:
    sound = built([[1], [1, 2]])
    assert forged(sound, CODES).check()
    assert not forged(sound, CODES, **sections).check()


COUNTS = CountKernel(np.ones(9, np.float32), payload_bytes=1)
COUNT_CODES = CodeFormat.of(COUNTS, scoring_of(COUNTS).norms, "test")


def counted(*images: list[int]) -> Segment:
    builder = SegmentBuilder(COUNT_CODES, scoring_of(COUNTS))
    for number, words in enumerate(images):
        one = SparseCode(np.array(words, np.uint16), np.ones((len(words), 1), np.uint8))
        builder.add(bytes([number]) * 32, one)
    return Segment(builder.take(), COUNT_CODES)


@pytest.mark.parametrize("field", ["sum", "root"])
@pytest.mark.parametrize("norm", [np.nan, np.inf, -np.inf, -1.0, 1e-320])
def test_norms_that_are_none_are_damage(field: str, norm: float) -> None:
    sound = counted([], [3], [3, 4])
    norms = sound.norms.copy()
    norms[field][1] = norm
    assert sound.check() and not forged(sound, COUNT_CODES, norms=norms).check()


def test_an_image_has_a_word_once_unless_the_kernel_says_otherwise() -> None:
    assert built([[7, 7]]).check() and forged(built([[7, 7]]), CODES).check()
    assert not forged(counted([3], [3]), COUNT_CODES, images=[0, 0]).check()


@given(st.lists(SOME_WORDS, max_size=5))
def test_all_that_is_built_can_be(images: list[list[int]]) -> None:
    assert forged(built(images), CODES).check()


def test_an_image_with_too_many_entries_is_cut(tmp_path: Path) -> None:
    entries = MOST_ENTRIES + 10
    parts: dict[str, np.ndarray] = {
        "keys": np.zeros((1, 32), np.uint8),
        "counts": np.array([entries], np.uint32),
        "norms": np.array([(5,)], CODES.norms),
        "words": np.array([3], np.uint32),
        "starts": np.array([0, entries], np.int64),
        "images": np.zeros(entries, np.uint16),
        "payloads": np.zeros((entries, 8), np.uint8),
    }
    segment = Segment(packed(parts, CODES.digest), CODES)
    (tmp_path / segment.name).write_bytes(segment.raw.tobytes())
    write_checked(tmp_path / "segments.json", "segments", [segment.name])
    inverted = InvertedFile([tmp_path], KERNEL, "test")
    assert len(inverted) == 1 and not inverted.damage
    (code,) = stored_codes(inverted, np.zeros((1, 32), np.uint8))
    CODES.check(code)
