"""What each copy shows that the image which is kept does not."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cbir.duplicates.model import Match
from cbir.duplicates.sights import Eyes, Sight, open_content
from cbir.facts import ALPHA_SIDE
from cbir.fidelity import Content, facts_lost
from cbir.losses import Loss


class Losses:
    """Finds out what is lost with a copy; each content is read once. Threads may share it.

    Parameters
    ----------
    eyes : Eyes
    """

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        self._contents: dict[bytes, Content] = {}
        self._lock = threading.Lock()

    def between(self, keeper: Sight, copy: Sight, match: Match) -> tuple[Loss, ...]:
        """Return what the copy shows, and the keeper does not.

        Parameters
        ----------
        keeper, copy : Sight
        match : Match
            As seen from the keeper.
        """
        if keeper.sha256 == copy.sha256:
            return ()
        return facts_lost(
            self._content(copy),
            self._content(keeper),
            same_pixels=match.level == "exact",
            transform=self._on_grid(match.transform, keeper, copy),
        )

    def _content(self, sight: Sight) -> Content:
        with self._lock:
            if sight.sha256 not in self._contents:
                self._contents[sight.sha256] = Content(partial(open_content, sight))
            return self._contents[sight.sha256]

    def _on_grid(
        self, transform: NDArray[np.float64] | None, keeper: Sight, copy: Sight
    ) -> NDArray[np.float64] | None:
        """Return a transform for images that are both resized to the grid of opacity."""
        if transform is None:
            return None
        cell, other = (
            np.array(self._eyes.gray(one).shape[::-1]) / ALPHA_SIDE for one in (keeper, copy)
        )
        linear, shift = transform[:, :2], transform[:, 2]
        # Pixels are counted from their own centers.
        moved = (linear @ (cell / 2 - 0.5) + shift + 0.5) / other - 0.5
        return np.column_stack([linear * cell / other[:, None], moved])
