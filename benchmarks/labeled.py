"""What the programs share that measure on labeled images: options, index, truth and queries."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import cbir
from cbir.core.atomic_files import save_arrays
from cbir.core.threads import cores, one_thread_each
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.descriptors.trained import TrainedDescriptor
from cbir.evaluation import PROTOCOLS, GroundTruth, Queries, choose_queries, read_ground_truth
from cbir.evaluation.protocols import default_protocol
from cbir.images.discovery import find_images
from cbir.indexing.train import TrainingImages


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is measured on; they are those of ``cbir evaluate``."""
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--truth", default="folders", help="folders, groups:REGEX, or a file")
    parser.add_argument("--key", help="the column of a CSV that names the images")
    parser.add_argument("--label", help="the column of a CSV that says their class")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="default all; with groups, first")
    parser.add_argument(
        "--train", action="append", type=Path, default=[], help="train vocabularies on these"
    )


def make_index(
    dataset: Path, specs: Mapping[str, str], train: list[Path], folder: Path
) -> cbir.Index:
    """Index a dataset by descriptors, given by alias; each image is decoded once for all.

    Those that no model comes with learn from the folders `train`, lest they learn from the dataset.
    """
    named = [NamedDescriptor(alias, parse(spec).descriptor) for alias, spec in specs.items()]
    vocabularies = folder / "vocabularies"
    vocabularies.mkdir()
    for one in named:
        descriptor = one.descriptor
        if isinstance(descriptor, TrainedDescriptor) and descriptor.shipped() is None:
            if not train:
                raise SystemExit(f"{one.spec}: name other folders that it can learn from: --train")
            with one_thread_each():
                state = descriptor.train(_samples(descriptor, train))
            save_arrays(str(vocabularies / f"{one.alias}.npz"), state)
    path = str(folder / "index.csv")
    given = str(vocabularies) if any(vocabularies.iterdir()) else None
    cbir.index(str(dataset), path, [one.spec for one in named], vocabulary=given)
    return cbir.open(path, str(dataset))


def read_queries(index: cbir.Index, options: argparse.Namespace) -> tuple[GroundTruth, Queries]:
    """Return what is right, and which images query."""
    truth = read_ground_truth(options.truth, index.paths, key=options.key, label=options.label)
    protocol = options.protocol or default_protocol(options.truth)
    return truth, choose_queries(index, truth, protocol)


def _samples(descriptor: TrainedDescriptor, folders: list[Path]) -> list[NDArray[Any]]:
    samples = []
    for folder in folders:
        source = TrainingImages(str(folder), find_images(str(folder)), cores())
        samples += source.samples(descriptor)
    return samples
