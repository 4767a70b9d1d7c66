"""Train the models that come with the package, from any folder of images.

Example::

    python benchmarks/models.py background

Every built-in descriptor whose class names shipped models is trained with the parameters that it
names, and the files are written to ``cbir/descriptors/models``. The same images give the same
bytes. A model must not be trained on the images that it is measured on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import report

from cbir.core.threads import cores
from cbir.descriptors.registry import ready_made
from cbir.descriptors.state import SHIPPED
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.discovery import find_images
from cbir.indexing.train import TrainingImages, train_model

MODELS = Path(__file__).parent.parent / "cbir" / "descriptors" / "models"


def main() -> None:
    """Train, write, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    rows = make_models(parser.parse_args().folder, MODELS)
    report("models", ["model", "trained on", "images", "bytes", "s"], rows)


def make_models(folder: Path, into: Path) -> list[list[Any]]:
    """Write all models; return a row of the table for each."""
    images = TrainingImages(str(folder), find_images(str(folder)), cores())
    rows: list[list[Any]] = []
    for name, descriptor in shipped_models():
        done = train_model(descriptor, images, str(into / f"{name}.npz"), SHIPPED)
        seconds = round(done.seconds, 1)
        rows.append([name, folder.resolve().name, done.images, done.bytes, seconds])
    return rows


def shipped_models() -> Iterator[tuple[str, TrainedDescriptor]]:
    """List the names of the models, and what learns each; the first of those that share one."""
    seen = set()
    for cls in ready_made():
        if issubclass(cls, TrainedDescriptor):
            for name, parameters in cls.shipped_models.items():
                if name not in seen:
                    yield name, cls(**parameters)
                seen.add(name)


if __name__ == "__main__":
    main()
