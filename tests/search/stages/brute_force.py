"""Re-ranking straight from the papers' definitions, set by set and element by element."""

from __future__ import annotations

import math

import numpy as np


def neighbors(distances: np.ndarray, image: int, k: int, ratio: float) -> list[int]:
    """The image itself and its nearest, without those that are too far."""
    others = sorted(
        (one for one in range(len(distances)) if one != image),
        key=lambda one: (distances[image, one], one),
    )
    limit = ratio * distances[image, others[0]]
    return [image, *(one for one in others[:k] if distances[image, one] <= limit)]


def reciprocal(distances: np.ndarray, image: int, k: int, ratio: float) -> set[int]:
    """Equation 2: R(p, k)."""
    return {
        one
        for one in neighbors(distances, image, k, ratio)
        if image in neighbors(distances, one, k, ratio)
    }


def jaccard(distances: np.ndarray, k1: int, k2: int, ratio: float, shared: float) -> np.ndarray:
    """Equations 3, 7, 10 and 11: the Jaccard distances of the first image."""

    def between(one: int, other: int) -> float:
        return 0.0 if one == other else float(distances[one, other])

    count = len(distances)
    encodings = []
    for image in range(count):
        own = reciprocal(distances, image, k1, ratio)
        members = set(own)
        for one in own:
            theirs = reciprocal(distances, one, round(k1 / 2), ratio)
            if len(own & theirs) > shared * len(theirs):
                members |= theirs
        weights = {one: math.exp(-between(image, one)) for one in members}
        total = sum(weights.values())
        encodings.append([weights.get(one, 0.0) / total for one in range(count)])
    means = []
    for image in range(count):
        some = neighbors(distances, image, k2 - 1, ratio)
        shares = [math.exp(-between(image, one)) for one in some]
        means.append(
            [
                sum(share * encodings[one][place] for share, one in zip(shares, some, strict=True))
                / sum(shares)
                for place in range(count)
            ]
        )
    found = []
    for image in range(count):
        pairs = list(zip(means[0], means[image], strict=True))
        found.append(1 - sum(map(min, pairs)) / sum(map(max, pairs)))
    return np.array(found)


def diffusion(distances: np.ndarray, k: int, ratio: float, alpha: float, scale: int) -> np.ndarray:
    """The closed solution, by an inverse, with a matrix that is filled element by element."""
    count = len(distances)
    scales = [np.sort(np.delete(row, image))[scale - 1] for image, row in enumerate(distances)]
    links = np.zeros((count, count))
    for one in range(count):
        for other in reciprocal(distances, one, k, ratio) - {one}:
            between = (distances[one, other] + distances[other, one]) / 2
            links[one, other] = math.exp(-(between**2) / (scales[one] * scales[other]))
    degrees = links.sum(axis=1)
    normalized = np.zeros_like(links)
    for one, other in zip(*np.nonzero(links), strict=True):
        normalized[one, other] = links[one, other] / math.sqrt(degrees[one] * degrees[other])
    return np.linalg.inv(np.eye(count) - alpha * normalized)[:, 0]
