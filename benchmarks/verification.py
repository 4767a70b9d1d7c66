"""How surely spatial verification tells the same thing from others, and what ranking by it gains.

Examples::

    python benchmarks/verification.py holidays
    python benchmarks/verification.py clothing --different 1000

The folder holds groups of photographs of the same scene, named by ``--truth``. Each query is
verified against the images that the preset `photos` finds nearest, which are the hardest to tell
apart, and against the rest of its group. Precision and recall are over all pairs that are looked
at. Then the nearest are ranked again by what was verified. Told are also the pairs that have the
highest scores of those that the truth calls different.

Of a folder in which hardly two images show the same thing, so many different pairs are drawn at
random.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import keep, print_table
from labeled import add_options, make_index, read_queries
from numpy.typing import NDArray

import cbir
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.descriptors.presets import PRESETS
from cbir.evaluation.measures import average_precision
from cbir.evaluation.query import Query
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
    parser.add_argument("--different", type=int, metavar="PAIRS", help="all images are different")
    parser.add_argument("--index", help="one that holds the preset; or else it is made")
    parser.add_argument("--features", type=Path, help="an .npz that keeps them between runs")
    parser.add_argument("--nearest", type=int, default=100)
    parser.add_argument("--count", type=int, default=1000, help="features an image")
    options = parser.parse_args()
    extractor = SiftExtractor(options.count)
    with one_thread_each():
        told = (
            of_different(options.dataset, options.different, extractor)
            if options.different
            else of_groups(options, extractor)
        )
    keep(f"verification-{options.dataset.name}", told)


def of_different(folder: Path, count: int, extractor: SiftExtractor) -> dict[str, Any]:
    """Measure how often pairs of different images are taken for the same thing."""
    scores = of_random_pairs(folder, count, extractor)
    columns = ["score", "pairs", "of pairs"]
    rows = [(one, int((scores >= one).sum()), count) for one in THRESHOLDS]
    print_table(columns, rows)
    return {"rows": [dict(zip(columns, row, strict=True)) for row in rows]}


def of_groups(options: argparse.Namespace, extractor: SiftExtractor) -> dict[str, Any]:
    """Measure precision, recall, time and the gain of ranking."""
    verified, closest, milliseconds = verified_groups(options, extractor)
    scores = np.concatenate([one.scores for one in verified])
    right = np.concatenate([one.right for one in verified])
    columns = ["score", "precision", "recall"]
    rows = [
        (
            threshold,
            float(right[scores >= threshold].mean()),
            float((scores[right] >= threshold).mean()),
        )
        for threshold in THRESHOLDS
    ]
    single = {
        "threshold": SAME_THING,
        "queries": len(verified),
        "nearest": options.nearest,
        "pairs": len(scores),
        "pairs of the same": int(right.sum()),
        "ms of a core a verification": milliseconds,
        f"mAP of {PRESET}": float(np.mean([one.before for one in verified])),
        "mAP, verified": float(np.mean([one.after for one in verified])),
    }
    print_table(columns, rows)
    print_table(["measure", "value"], list(single.items()))
    print_table(["score", "query", "image"], closest)
    return {
        "rows": [dict(zip(columns, row, strict=True)) for row in rows],
        **single,
        "wrong with the highest scores": closest,
    }


def verified_groups(
    options: argparse.Namespace, extractor: SiftExtractor
) -> tuple[list[Verified], list[tuple[float, str, str]], float]:
    """Verify the candidates of each query; tell of those that come closest and are wrong.

    Also told is how long a verification takes.
    """
    specs = {name: name for name in PRESETS[PRESET].specs}
    with tempfile.TemporaryDirectory() as work:
        index = (
            cbir.open(options.index, str(options.dataset))
            if options.index
            else make_index(options.dataset, specs, [], Path(work))
        )
        truth, queries = read_queries(index, options)
        paths = [options.dataset / path for path in index.paths]
        features = kept_features(paths, extractor, options.features)
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
    """Return the time of a core that one verification takes, of a hundred for a large query.

    Not the time of the clock, for that depends on what else the machine does.
    """
    query = max(features, key=len)

    times = []
    for _ in range(5):
        start = time.process_time()
        verifier = SpatialVerifier(query)
        for candidate in features[:100]:
            verifier.match(candidate)
        times.append(time.process_time() - start)
    return 1000 * min(times) / len(features[:100])


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


def kept_features(
    paths: Sequence[Path], extractor: SiftExtractor, kept: Path | None
) -> list[SiftFeatures]:
    """Return the features of images; from a file that an earlier run left, if it is there."""
    if kept is not None and kept.exists():
        with np.load(kept) as arrays:
            ends = np.cumsum(arrays["counts"])[:-1]
            points, descriptors = (
                np.split(arrays[name], ends) for name in ("points", "descriptors")
            )
            return [
                SiftFeatures(some, numbers, width, height)
                for some, numbers, (width, height) in zip(
                    points, descriptors, arrays["sizes"].tolist(), strict=True
                )
            ]
    features = extracted(paths, extractor)
    if kept is not None:
        np.savez(
            kept,
            counts=[len(one) for one in features],
            points=np.concatenate([one.points for one in features]),
            descriptors=np.concatenate([one.descriptors for one in features]),
            sizes=[(one.width, one.height) for one in features],
        )
    return features


def extracted(paths: Sequence[Path], extractor: SiftExtractor) -> list[SiftFeatures]:
    """Return the features of images."""

    def of(path: Path) -> SiftFeatures:
        return extractor.extract(EncodedImage.open(str(path)).pixels(extractor.working_size))

    return list(ordered_map(of, paths, cores()))


if __name__ == "__main__":
    main()
