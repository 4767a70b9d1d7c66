"""How surely spatial verification tells the same thing from others, and what ranking by it gains.

Example::

    python benchmarks/verification.py holidays --other clothing background corel1k

The folder holds groups of photographs of the same scene, named by ``--truth``. Each query is
verified against the images that the preset `photos` finds nearest, which are the hardest to tell
apart, and against the rest of its group; of the other folders, in which hardly two images show the
same thing, pairs are drawn at random. Precision and recall are over all pairs that
are looked at. Then the nearest are ranked again by what was verified. Told are also the pairs that
have the highest scores of those that the truth calls different.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import keep, print_table, seconds
from labeled import add_options, make_index, read_queries
from numpy.typing import NDArray

from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.descriptors.presets import PRESETS
from cbir.evaluation.measures import average_precision
from cbir.evaluation.protocols import Query
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.search.stages.verified_ranking import verified_distances
from cbir.verification.spatial_matching import SAME_THING, SpatialVerifier

THRESHOLDS = sorted({3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0, SAME_THING})
PRESET = "photos"


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying one query's candidates gave.

    Attributes
    ----------
    rows, right : ndarray, shape (n,)
        The candidates, and which of them show the same.
    scores : ndarray of float64, shape (n,)
    before, after : float
        Average precision.
    """

    rows: NDArray[np.intp]
    right: NDArray[np.bool_]
    scores: NDArray[np.float64]
    before: float
    after: float


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser)
    parser.set_defaults(truth="groups:^(....)")
    parser.add_argument("--other", type=Path, nargs="*", default=[])
    parser.add_argument("--nearest", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=1000, help="of each other folder")
    parser.add_argument("--count", type=int, default=1000, help="features an image")
    options = parser.parse_args()
    extractor = SiftExtractor(options.count)
    with one_thread_each():
        verified, closest, milliseconds = of_groups(options, extractor)
        others = {
            folder.name: of_random_pairs(folder, options.pairs, extractor)
            for folder in options.other
        }
    scores = np.concatenate([one.scores for one in verified])
    right = np.concatenate([one.right for one in verified])
    columns = ["score", "precision", "recall", *(f"{name} (of {options.pairs})" for name in others)]
    rows = [
        (
            threshold,
            float(right[scores >= threshold].mean()),
            float((scores[right] >= threshold).mean()),
            *(int((of_pairs >= threshold).sum()) for of_pairs in others.values()),
        )
        for threshold in THRESHOLDS
    ]
    single = {
        "threshold": SAME_THING,
        "queries": len(verified),
        "nearest": options.nearest,
        "pairs": len(scores),
        "pairs of the same": int(right.sum()),
        "ms a verification, on one core": milliseconds,
        f"mAP of {PRESET}": float(np.mean([one.before for one in verified])),
        "mAP, verified": float(np.mean([one.after for one in verified])),
    }
    print_table(columns, rows)
    print_table(["measure", "value"], list(single.items()))
    print_table(["score", "query", "image"], closest)
    keep(
        f"verification-{options.dataset.name}",
        {
            "rows": [dict(zip(columns, row, strict=True)) for row in rows],
            **single,
            "wrong with the highest scores": closest,
        },
    )


def of_groups(
    options: argparse.Namespace, extractor: SiftExtractor
) -> tuple[list[Verified], list[tuple[float, str, str]], float]:
    """Verify the candidates of each query; tell of those that come closest and are wrong.

    Also told is how long a verification takes.
    """
    specs = {name: name for name in PRESETS[PRESET].specs}
    with tempfile.TemporaryDirectory() as work:
        index = make_index(options.dataset, specs, [], Path(work))
        truth, queries = read_queries(index, options)
        features = extracted([options.dataset / path for path in index.paths], extractor)
        searcher = index.searcher(preset=PRESET)

        def verify(query: Query) -> Verified:
            assert query.row is not None
            distances = searcher.distances(searcher.indexed(query.row))
            relevant = truth.grades(query.topic) > 0
            return of_query(query.row, distances, relevant, features, options.nearest)

        verified = list(ordered_map(verify, queries.queries, cores()))
    wrong = [
        (float(score), query.path, index.paths[row])
        for query, one in zip(queries.queries, verified, strict=True)
        for score, row in zip(one.scores[~one.right], one.rows[~one.right], strict=True)
    ]
    closest = [
        (score, Path(query).name, image) for score, query, image in sorted(wrong, reverse=True)[:10]
    ]
    return verified, closest, milliseconds_of(features)


def milliseconds_of(features: Sequence[SiftFeatures]) -> float:
    """Return how long one verification takes, of a hundred for a query of the most features."""
    query = max(features, key=len)

    def verify() -> None:
        verifier = SpatialVerifier(query)
        for candidate in features[:100]:
            verifier.match(candidate)

    return 1000 * min(seconds(verify) for _ in range(5)) / len(features[:100])


def of_query(
    query: int,
    distances: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    features: Sequence[SiftFeatures],
    count: int,
) -> Verified:
    """Verify the nearest of one query, and all that are relevant; rank the nearest again."""
    order = np.argsort(distances, kind="stable")
    order = order[order != query]
    nearest = order[:count]
    rows = np.concatenate([nearest, order[count:][relevant[order[count:]]]])
    verifier = SpatialVerifier(features[query])
    matches = [verifier.match(features[row]) for row in rows]
    scores = np.array([0.0 if match is None else match.score for match in matches])
    after = verified_distances(distances[nearest], scores[: len(nearest)])
    ranked = np.concatenate([nearest[np.argsort(after, kind="stable")], order[count:]])
    return Verified(
        rows,
        relevant[rows],
        scores,
        average_precision(relevant[order]),
        average_precision(relevant[ranked]),
    )


def of_random_pairs(folder: Path, count: int, extractor: SiftExtractor) -> NDArray[np.float64]:
    """Return the scores of pairs of different images, each image taking part about equally."""
    rng = np.random.default_rng(0)
    paths = sorted(folder / one.path for one in find_images(str(folder)))
    chosen = [paths[i] for i in np.sort(rng.choice(len(paths), min(len(paths), 100), False))]
    features = extracted(chosen, extractor)
    scores = []
    for i in range(count):
        first = i % len(features)
        second = (first + 1 + int(rng.integers(len(features) - 1))) % len(features)
        match = SpatialVerifier(features[first]).match(features[second])
        scores.append(0.0 if match is None else match.score)
    return np.array(scores)


def extracted(paths: Sequence[Path], extractor: SiftExtractor) -> list[SiftFeatures]:
    """Return the features of images."""

    def of(path: Path) -> SiftFeatures:
        return extractor.extract(EncodedImage.open(str(path)).pixels(extractor.working_size))

    return list(ordered_map(of, paths, cores()))


if __name__ == "__main__":
    main()
