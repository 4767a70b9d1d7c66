"""ASMK* and Hamming embedding against the formulas of the papers, feature by feature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from scipy.linalg import hadamard

from cbir.descriptors.encoders.asmk import Asmk
from cbir.descriptors.encoders.hamming_embedding import HammingEmbedding
from cbir.descriptors.encoders.named_features import NamedFeatures
from cbir.descriptors.local_features.base import LocalFeatures
from cbir.images.encoded_image import EncodedImage
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource
from tests.conftest import DATA

NAMES = ["cats/cat-1", "cats/cat-2", "windmills/windmill-1", "things/coffee-1"]
WORDS = 40

Entry = tuple[int, np.ndarray]
"""A word with its signature, as numbers 1 and -1."""


@cache
def bound(cls: type[NamedFeatures], features: str) -> NamedFeatures:
    plain = cls(features=features, count=150, words=WORDS)  # type: ignore[arg-type]
    samples = [plain.training_sample(image_of(name)) for name in NAMES]
    return plain.bind(plain.train(samples))


@cache
def image_of(name: str) -> np.ndarray:
    return EncodedImage.open(str(DATA / f"{name}.jpg")).pixels(512)


def residuals_of(
    descriptor: NamedFeatures, features: LocalFeatures, count: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the nearest words of each feature, with what is left of it."""
    words = descriptor.vocabulary["words"]
    for row in features.descriptors:
        if descriptor.is_binary:
            distances = np.unpackbits(words ^ row, axis=1).sum(axis=1)
            left = np.tile(2 * np.unpackbits(row).astype(int) - 1, (len(words), 1))
        else:
            left = row.astype(int) - words
            distances = (left**2).sum(axis=1)
        for word in np.argsort(distances, kind="stable")[:count]:
            yield int(word), left[word]


def signature(descriptor: NamedFeatures, residual: np.ndarray) -> np.ndarray:
    rotated = residual if descriptor.is_binary else hadamard(128) @ residual
    return np.where(rotated > 0, 1, -1)


def one_by_one(descriptor: NamedFeatures, features: LocalFeatures, count: int) -> list[Entry]:
    """Return an entry for each feature."""
    left = residuals_of(descriptor, features, count)
    return [(word, signature(descriptor, residual)) for word, residual in left]


def aggregated(descriptor: NamedFeatures, features: LocalFeatures, count: int) -> list[Entry]:
    """Return an entry for each word: the signs of the sum of what is left."""
    sums: dict[int, np.ndarray] = {}
    for word, residual in residuals_of(descriptor, features, count):
        sums[word] = sums.get(word, 0) + residual
    return [(word, signature(descriptor, total)) for word, total in sums.items()]


def distance(
    descriptor: NamedFeatures, query: list[Entry], image: list[Entry], alpha: float, least: float
) -> float:
    idf, total = descriptor.idf.astype(float), 0.0
    for word, one in query:
        shares = [one @ other / len(one) for place, other in image if place == word]
        counted = [share**alpha for share in shares if share > least]
        if counted:
            bursts = len(counted) ** 0.5 if isinstance(descriptor, HammingEmbedding) else 1
            total += idf[word] ** 2 * sum(counted) / bursts
    norms = [sum(idf[word] ** 2 for word, _ in entries) ** 0.5 for entries in (query, image)]
    return min(max(1 - total / (norms[0] * norms[1]), 0), 1)


CASES = [
    (Asmk, aggregated, 3.5, 0.1),
    (HammingEmbedding, one_by_one, 3.0, 0.25),
]


@pytest.mark.parametrize("features", ["sift", "orb"])
@pytest.mark.parametrize(("cls", "entries", "alpha", "least"), CASES)
def test_distances_are_those_of_the_formulas(
    cls: type[NamedFeatures],
    entries: Callable[[NamedFeatures, LocalFeatures, int], list[Entry]],
    alpha: float,
    least: float,
    features: str,
) -> None:
    descriptor = bound(cls, features)
    found = {
        bytes([number] * 32): descriptor.extractor.extract(image_of(name))
        for number, name in enumerate(NAMES)
    }
    kernel = descriptor.kernel("cosine")
    inverted = InvertedFile([], kernel, "test")
    inverted.update(list(found), lambda key: descriptor.encode(found[key]))
    source = InvertedSource(inverted, kernel, list(found))
    images = [entries(descriptor, one, 1) for one in found.values()]
    for place, query in enumerate(found.values()):
        meant = entries(descriptor, query, 5)
        expected = [distance(descriptor, meant, image, alpha, least) for image in images]
        distances = source.estimate(descriptor.encode_query(query))
        assert distances == pytest.approx(expected, abs=2e-3)
        assert distances.argmin() == place


@pytest.mark.parametrize("features", ["sift", "orb"])
@pytest.mark.parametrize("cls", [Asmk, HammingEmbedding])
def test_codes_are_sorted_and_empty_where_nothing_is_seen(
    cls: type[NamedFeatures], features: str
) -> None:
    descriptor = bound(cls, features)
    found = descriptor.extractor.extract(image_of(NAMES[0]))
    for code, count in ((descriptor.encode(found), 1), (descriptor.encode_query(found), 5)):
        steps = np.diff(code.words.astype(int))
        assert (steps > 0).all() if cls is Asmk else len(code) == count * len(found)
        size = 32 if features == "orb" else 16
        assert (steps >= 0).all() and code.payloads.shape == (len(code), size)
    for code in (
        descriptor.encode(descriptor.extractor.nothing()),
        descriptor.encode_query(descriptor.extractor.nothing()),
    ):
        assert len(code) == 0 and len(code.payloads) == 0


def test_encoders_of_the_same_features_share_a_vocabulary() -> None:
    trained = bound(Asmk, "sift")
    other = HammingEmbedding(features="sift", count=90, words=WORDS)
    assert other.bind(trained.vocabulary).fingerprint != trained.fingerprint
    refused = HammingEmbedding(features="orb", words=WORDS).check_state(trained.vocabulary)
    assert refused == "it is a vocabulary of sift features, not of orb"


def test_a_vocabulary_has_no_more_cells_than_words() -> None:
    descriptor = bound(Asmk, "sift")
    state, count = descriptor.vocabulary, len(descriptor.vocabulary["words"])
    for cells, expected in (
        (count, None),
        (count + 1, "it is damaged"),
        (200_000, "it is damaged"),
    ):
        starts = np.full(cells + 1, count, np.int32)
        starts[0] = 0
        forged = {**state, "cells": np.zeros((cells, 128), np.uint8), "starts": starts}
        assert descriptor.check_state(forged) == expected


@pytest.mark.parametrize("features", ["x" * 100_000, "sift\r\n\x1b[31mEVIL"])
def test_what_a_vocabulary_says_is_told_in_few_words_on_one_line(features: str) -> None:
    forged = {**bound(Asmk, "sift").vocabulary, "features": np.array(features)}
    refusal = bound(Asmk, "sift").check_state(forged)
    assert refusal is not None and refusal.isprintable() and len(refusal) < 200
