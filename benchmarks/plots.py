"""Draw how time and memory grow with the number of images, for docs/speed.md.

Example::

    python benchmarks/plots.py

What is drawn was measured by other programs, and lies under benchmarks/results/.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from common import RESULTS

mpl.use("svg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parent.parent / "docs"

_SIZE = (8.0, 3.2)
"""Inches."""

_MARK = "o-"


@dataclass(frozen=True)
class Panel:
    """One drawing: columns of a result over another of its columns.

    Attributes
    ----------
    result, across : str
        A file of results, and the column of numbers of images.
    drawn : mapping of str to str
        Columns, and what they are called.
    unit : str
    is_linear : bool
        Else both axes are logarithmic: what grows as the number of images is a straight line.
    """

    result: str
    across: str
    drawn: dict[str, str]
    unit: str
    is_linear: bool = True


PLOTS: dict[str, Sequence[Panel]] = {
    "speed-indexing": (
        Panel("index-memory-corel1k", "images", {"seconds": "a whole process"}, "seconds", False),
        Panel(
            "index-memory-corel1k",
            "images",
            {"peak MB": "at most", "beyond them MB": "without rows"},
            "MB",
        ),
    ),
    "speed-searching": (
        Panel(
            "search-latency-corel1k",
            "rows",
            {"later s": "a whole process", "start s": "to import NumPy, OpenCV and click"},
            "seconds",
        ),
        Panel(
            "search-latency-corel1k",
            "rows",
            {"peak MB": "at most", "without columns": "without columns"},
            "MB",
        ),
    ),
}


def main() -> None:
    """Draw and write."""
    # The same bytes from the same results.
    mpl.rcParams["svg.hashsalt"] = "cbir"
    mpl.rcParams["svg.fonttype"] = "none"  # text as text: half of the lines
    for name, panels in PLOTS.items():
        figure, axes = plt.subplots(1, len(panels), figsize=_SIZE, layout="constrained")
        for axis, panel in zip(axes, panels, strict=True):
            rows = json.loads((RESULTS / f"{panel.result}.json").read_text())["rows"]
            for column, label in panel.drawn.items():
                axis.plot([row[panel.across] for row in rows], [row[column] for row in rows],
                          _MARK, label=label)  # fmt: skip
            axis.set(xscale="log", xlabel=panel.across, ylabel=panel.unit)
            if panel.is_linear:
                axis.set_ylim(bottom=0)
            else:
                axis.set_yscale("log")
            axis.grid(alpha=0.3)
            axis.legend()
        path = DOCS / f"{name}.svg"
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
        print(f"written to docs/{path.name}")


if __name__ == "__main__":
    main()
