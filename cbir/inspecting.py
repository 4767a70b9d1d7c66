"""What an index holds, and whether it is sound."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from cbir.errors import CbirError
from cbir.stores import open_store
from cbir.stores.base import Record, Snapshot

_OPENCV_BUILDS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an index holds.

    Attributes
    ----------
    summary : dict
        Its path, dataset, pictures, sizes and descriptors.
    faults : list of str
        What is wrong with it; empty when it is sound.
    warnings : list of str
        What is odd around it.
    """

    summary: dict[str, Any]
    faults: list[str]
    warnings: list[str]


def inspect(path: str) -> Inspection:
    """Read a whole index and check it.

    Raises
    ------
    BrokenIndexError
        When it cannot be opened at all.
    """
    store = open_store(path)
    snapshot = store.snapshot()
    faults = store.faults(snapshot)
    summary = {
        "index": path,
        "dataset": snapshot.root,
        "pictures": len(snapshot.rows),
        "bytes_of_pictures": int(snapshot.rows.facts["bytes"].sum()),
        "written_by": f"cbir {snapshot.metadata.program}",
        "format": snapshot.metadata.format,
        "own_columns": list(snapshot.rows.own),
        "descriptors": [
            _describe(snapshot, record, faults) for record in snapshot.metadata.records
        ],
    }
    return Inspection(summary, faults, _warnings(snapshot))


def _describe(snapshot: Snapshot, record: Record, faults: list[str]) -> dict[str, Any]:
    try:
        snapshot.descriptor(record.alias)
    except CbirError as error:
        faults.append(str(error))
    matrix = snapshot.matrix(record.alias)
    empty = int((~np.asarray(matrix).any(axis=1)).sum()) if record.kind != "hash" else 0
    return {
        "alias": record.alias,
        "name": record.name,
        "version": record.version,
        "parameters": dict(record.parameters),
        "kind": record.kind,
        "dimension": record.dimension,
        "dtype": record.dtype,
        "bytes_per_picture": matrix.itemsize * record.width,
        "empty": empty,
        "fingerprint": record.fingerprint,
        "state": record.state,
    }


def _warnings(snapshot: Snapshot) -> list[str]:
    warnings = []
    if not os.path.isdir(snapshot.root):
        warnings.append(
            f"the dataset is not at {snapshot.root}; search with --result-path, or move it back"
        )
    builds = [name for name in _OPENCV_BUILDS if _installed(name)]
    if len(builds) > 1:
        warnings.append(
            f"several builds of OpenCV overwrite each other: {', '.join(builds)};"
            " uninstall all and install opencv-python-headless"
        )
    return warnings


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
