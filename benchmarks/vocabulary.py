"""How to cluster binary features into words, and into how many.

Example::

    python benchmarks/vocabulary.py holidays --train background --train clothing

Groups are the first four characters of a name, as in INRIA Holidays; the first image of a group
is its query. Three ways to cluster: k-majority (binary centers), k-means on the bits with its
centers rounded to bits, and with real centers; each with one vote a feature and with 4, 2 and 1
votes for the three nearest words. Then k-majority with fewer and more words. Needs faiss-cpu, for
k-means only.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from common import report, seconds
from numpy.typing import NDArray

from cbir.core.threads import cores, ordered_map
from cbir.descriptors.encoders.bovw import _TRAINING_FEATURES, k_majority, nearest_words
from cbir.descriptors.local_features.orb import OrbExtractor
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.search.candidates import top_k
from cbir.search.exact.bovw import BovwIndex
from cbir.search.metrics import METRICS

VOTES = {"1": (1,), "4, 2, 1": (4, 2, 1)}
WORDS = 4000
SIZES = (1000, 2000, 8000)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--train", type=Path, action="append", required=True)
    options = parser.parse_args()
    training = np.concatenate([part for folder in options.train for part in _features(folder)])
    chosen = np.random.default_rng(0).choice(len(training), _TRAINING_FEATURES, replace=False)
    training = training[np.sort(chosen)]
    images = _features(options.dataset)
    groups = [found.path.rpartition("/")[2][:4] for found in find_images(str(options.dataset))]
    rows = []
    for name, count in [(name, WORDS) for name in CLUSTERINGS] + [("k-majority", k) for k in SIZES]:
        words: list[Any] = []
        spent = seconds(lambda: words.append(CLUSTERINGS[name](training, count)))  # noqa: B023
        for label, votes in VOTES.items():
            bags = np.array([_bag(features, words[0], count, votes) for features in images])
            rows.append(
                [
                    name,
                    count,
                    label,
                    round(_mean_average_precision(bags, groups), 4),
                    round(spent, 1),
                ]
            )
    report("vocabulary", ["clustering", "words", "votes", "mAP", "training s"], rows)


def _features(folder: Path) -> list[NDArray[np.uint8]]:
    paths = [str(folder / found.path) for found in find_images(str(folder))]
    return list(
        ordered_map(
            lambda path: (
                OrbExtractor(1000).extract(EncodedImage.open(path).pixels(512)).descriptors
            ),
            paths,
            cores(),
        )
    )


def _k_means(features: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    bits = np.unpackbits(features, axis=1).astype(np.float32)
    clustering = faiss.Kmeans(bits.shape[1], count, niter=10, seed=0, max_points_per_centroid=10**6)
    clustering.train(bits)
    return np.asarray(clustering.centroids)


def _rounded_k_means(features: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    return np.packbits(_k_means(features, count) > 0.5, axis=1)


CLUSTERINGS: dict[str, Any] = {
    "k-majority": k_majority,
    "k-means, rounded": _rounded_k_means,
    "k-means": _k_means,
}


def _bag(
    features: NDArray[np.uint8], words: NDArray[Any], count: int, votes: tuple[int, ...]
) -> NDArray[np.uint16]:
    bag = np.zeros(count, np.uint16)
    if len(features):
        if words.dtype == np.uint8:
            ranked, _ = nearest_words(features, words, len(votes))
        else:
            index = faiss.IndexFlatL2(words.shape[1])
            index.add(words)
            _, ranked = index.search(np.unpackbits(features, axis=1).astype(np.float32), len(votes))
        for place, weight in zip(ranked.T, votes, strict=True):
            bag += np.uint16(weight) * np.bincount(place, minlength=count).astype(np.uint16)
    return bag


def _mean_average_precision(bags: NDArray[np.uint16], groups: list[str]) -> float:
    space = BovwIndex(bags, METRICS["chi2"], lambda _, build: build())
    labels = np.array(groups)
    averages = []
    for row, label in enumerate(groups):
        if label in groups[:row]:
            continue
        ranked = [
            other
            for other, _ in top_k(space, bags[row], len(bags), eligible=np.arange(len(bags)) != row)
        ]
        ranks = np.flatnonzero(labels[ranked] == label) + 1
        if len(ranks):
            averages.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
    return float(np.mean(averages))


if __name__ == "__main__":
    main()
