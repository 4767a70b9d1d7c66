"""A small descriptor that is trained, and whose model comes with the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from cbir.core.atomic_files import save_arrays
from cbir.core.progress import ProgressListener
from cbir.descriptors import models
from cbir.descriptors.state import SHIPPED, State, with_origin
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.pixels import Pixels


@dataclass(frozen=True)
class Palette(TrainedDescriptor):
    """Counts of the nearest of some gray levels."""

    name = "palette"
    version = 1
    summary = "an example"
    metrics = ("manhattan",)
    meaning = "0 = as bright"
    dtype = np.dtype(np.uint16)
    state_name = "model"
    shipped_models: ClassVar[Mapping[str, Mapping[str, Any]]] = {"palette": {"levels": 4}}
    drift_limit = 0.5

    levels: int = 4

    @property
    def dimension(self) -> int:
        return self.levels

    def training_sample(self, image: Pixels) -> np.ndarray:
        return image[::16, ::16].reshape(-1)

    def train(
        self, samples: Sequence[np.ndarray], listener: ProgressListener | None = None
    ) -> State:
        shares = (np.arange(self.levels) + 0.5) / self.levels
        return {"grays": np.quantile(np.concatenate(samples), shares)}

    def check_state(self, state: State) -> str | None:
        grays = state.get("grays")
        if grays is None:
            return "it is not a palette"
        return None if len(grays) == self.levels else f"it has {len(grays)} levels"

    def drift(self, rows: np.ndarray) -> float:
        return float(rows[:, -1].sum() / rows.sum())

    def describe(self, image: Pixels) -> np.ndarray:
        assert self.state is not None
        values = self.training_sample(image)
        nearest = np.abs(values[:, None] - self.state["grays"]).argmin(axis=1)
        return np.bincount(nearest, minlength=self.levels).astype(np.uint16)


def palette(*grays: float) -> State:
    """Return what training may give."""
    return {"grays": np.array(grays)}


FIRST, SECOND = palette(0, 50, 100, 150), palette(10, 90, 170, 250)


def ship(package: Path, state: State) -> None:
    """Put a model into the package."""
    save_arrays(str(package / "palette.npz"), with_origin(state, SHIPPED))
    models.load_shipped.cache_clear()
