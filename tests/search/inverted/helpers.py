"""Random codes, and their distances straight from the formulas."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from cbir.descriptors.encoders.sparse_code import (
    CountKernel,
    SignatureKernel,
    SparseCode,
    WordKernel,
)

WORDS = 300
IDF = np.random.default_rng(9).uniform(0.5, 8, WORDS).astype(np.float32)

KERNELS: dict[str, WordKernel] = {
    "asmk": SignatureKernel(IDF, 128),
    "short signatures": SignatureKernel(IDF, 64, alpha=1),
    "long signatures": SignatureKernel(IDF, 256, threshold=0.1),
    "hamming embedding": SignatureKernel(IDF, 64, threshold=0.2, repeated=True),
    "burstiness": SignatureKernel(IDF, 64, repeated=True, burstiness=True),
    "chi2": CountKernel(IDF),
    "cosine": CountKernel(IDF, 0.5, 1, "cosine"),
    "manhattan": CountKernel(IDF, 0.5, 1, "manhattan"),
    "euclidean": CountKernel(IDF, 1.0, 2, "euclidean"),
}


def key(number: int) -> bytes:
    """Return a key as a SHA-256 looks."""
    return hashlib.sha256(str(number).encode()).digest()


def code(kernel: WordKernel, number: int, entries: int | None = None) -> SparseCode:
    """Return a code of random words, some of them more often; a few codes are empty."""
    rng = np.random.default_rng([number, 1])
    if entries is None:
        entries = 0 if number % 17 == 5 else int(rng.integers(1, 60))
    words = rng.choice(WORDS, entries, replace=True)
    words = np.sort(words) if kernel.repeated else np.unique(words)
    if isinstance(kernel, SignatureKernel):
        # Few different signatures with some bits flipped, so that there are near ones.
        some = np.random.default_rng(1).integers(0, 256, (3, kernel.payload_bytes), np.uint8)
        noise = np.packbits(rng.random((len(words), kernel.bits)) < 0.2, axis=1)
        payloads = some[rng.integers(0, 3, len(words))] ^ noise
    else:
        counts = rng.geometric(0.3, len(words)).astype(f"<u{kernel.payload_bytes}")
        payloads = counts.view(np.uint8).reshape(len(words), kernel.payload_bytes)
    return SparseCode(words.astype(np.uint16), payloads)


def weighted(kernel: WordKernel, number: int) -> SparseCode:
    """Return a query that has weights of its own."""
    plain = code(kernel, number)
    weights = np.random.default_rng([number, 2]).uniform(0, 5, len(plain)).astype(np.float32)
    return SparseCode(plain.words, plain.payloads, weights)


def distance(kernel: WordKernel, query: SparseCode, image: SparseCode) -> float:
    """Return the distance of two codes by the formulas, in double precision."""
    if not len(query) or not len(image):
        farthest = {"manhattan": 2.0, "euclidean": 2**0.5}
        if len(query) == len(image):
            return 0.0
        return farthest.get(getattr(kernel, "metric", ""), 1.0)
    if isinstance(kernel, SignatureKernel):
        return _by_signatures(kernel, query, image)
    bags = _bag(kernel, query), _bag(kernel, image)
    if kernel.metric == "chi2":
        one, other = (bag / bag.sum() for bag in bags)
        there = one + other > 0
        return float(0.5 * ((one - other)[there] ** 2 / (one + other)[there]).sum())
    names = {"manhattan": "cityblock"}
    order = 1 if kernel.metric == "manhattan" else 2
    one, other = (bag / np.linalg.norm(bag, order) for bag in bags)
    return float(cdist([one], [other], names.get(kernel.metric, kernel.metric))[0, 0])


def _by_signatures(kernel: SignatureKernel, query: SparseCode, image: SparseCode) -> float:
    own = kernel.idf[query.words] if query.weights is None else query.weights
    total = 0.0
    for word, payload, weight in zip(query.words, query.payloads, own, strict=True):
        matches = []
        for other, signature in zip(image.words, image.payloads, strict=True):
            if other == word:
                differing = int(np.unpackbits(payload ^ signature).sum())
                likeness = 1 - 2 * differing / kernel.bits
                if likeness > kernel.threshold:
                    matches.append(likeness**kernel.alpha)
        if matches:
            root = np.sqrt(len(matches)) if kernel.burstiness else 1
            total += float(weight) * float(kernel.idf[word]) * sum(matches) / root
    lengths = [
        np.sqrt((weights.astype(float) ** 2).sum()) for weights in (own, kernel.idf[image.words])
    ]
    return float(np.clip(1 - total / (lengths[0] * lengths[1]), 0, 1))


def _bag(kernel: CountKernel, one: SparseCode) -> NDArray[np.float64]:
    bag = np.zeros(WORDS)
    counts = np.ascontiguousarray(one.payloads).view(f"<u{kernel.payload_bytes}")[:, 0]
    factors = kernel.idf[one.words] if one.weights is None else one.weights
    bag[one.words] = counts.astype(float) ** kernel.power * factors
    return bag
