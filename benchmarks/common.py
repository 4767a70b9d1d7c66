"""What the benchmarks share: a table on standard output, kept under benchmarks/results/."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


PACKAGES = ("cbir", "numpy", "scipy", "opencv-python-headless")
"""Whose versions are kept with the results."""


def report(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table, and keep it."""
    print_table(columns, rows)
    keep(name, {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table."""
    texts = [list(columns), *[[_text(cell) for cell in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in texts
    ]
    print("\n".join(lines))


def keep(name: str, content: Mapping[str, Any]) -> None:
    """Write what was measured with the versions and the command that made it."""
    RESULTS.mkdir(exist_ok=True)
    document = {
        "command": shlex.join(["python", *map(_shortened, sys.argv)]),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "cores": os.cpu_count(),
        **content,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def seconds(work: Callable[[], Any]) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(*arguments: str | os.PathLike[str]) -> None:
    """Run ``cbir …`` in a new process."""
    command = [sys.executable, "-m", "cbir", *[os.fspath(argument) for argument in arguments]]
    subprocess.run(command, check=True, capture_output=True)


def _text(cell: Any) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _shortened(argument: str) -> str:
    """Leave the folders of this machine out of what is kept."""
    path, project = Path(argument), Path(__file__).parent.parent
    if path.is_relative_to(project):
        return str(path.relative_to(project))
    return path.name if path.is_absolute() else argument
