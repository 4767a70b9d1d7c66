"""A small index whose distances are made up, so that any ranking can be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.errors import UnreadableImageError
from cbir.core.progress import ProgressListener
from cbir.images.open_image import OpenImage


@dataclass
class MadeUp:
    """A searcher whose distances are the rows of a matrix; a path has those of row 0."""

    matrix: np.ndarray
    label: str = "made-up"
    metric_name: str = "chance"
    bytes_per_image: int = 8
    weights: Mapping[str, float] = field(default_factory=dict)
    adaptive: bool = False

    def describe(self, query: str) -> int:
        if "broken" in query:
            raise UnreadableImageError(query, "it is broken")
        return 0

    def indexed(self, row: int) -> int:
        return row

    def distances(self, description: int) -> np.ndarray:
        return self.matrix[description]

    def describe_image(self, image: OpenImage) -> int:
        return 0


class Listener(ProgressListener):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.errors: list[str] = []
        self.steps: list[tuple[str, int]] = []

    def begin(self, task: str, total: int) -> None:
        self.steps.append((task, -total))

    def advance(self, steps: int = 1) -> None:
        task, left = self.steps[-1]
        self.steps[-1] = (task, left + steps)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def unreadable(self, error: UnreadableImageError) -> None:
        self.errors.append(str(error))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> cbir.Index:
    """Of the twelve photographs."""
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    return cbir.open(str(tmp_path / "index.csv"))


@pytest.fixture
def chance(index: cbir.Index) -> MadeUp:
    """Random distances with many ties."""
    return MadeUp(np.random.default_rng(3).integers(0, 5, (len(index), len(index))).astype(float))
