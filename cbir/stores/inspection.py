"""What an index holds, and whether it is sound."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

import numpy as np

from cbir.core.errors import CbirError
from cbir.core.messages import Message, Parameter
from cbir.descriptors.base import Descriptor
from cbir.descriptors.state import origin_of
from cbir.descriptors.trained import TrainedDescriptor
from cbir.stores import open_store
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.feature_inspection import inspect_features
from cbir.stores.model import Findings, Snapshot
from cbir.stores.presets import ready_presets

_OPENCV_BUILDS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


INDEXED = "indexed"
"""The origin of what was learned from the images of an index, by indexing them."""


@dataclass(frozen=True, slots=True)
class Inspection(Findings):
    """What an index holds, and what came out when it was read.

    Attributes
    ----------
    summary : dict
        Its path, dataset, images, sizes and descriptors, and the presets that it is ready for.
    """

    summary: dict[str, Any]


def inspect(path: str) -> Inspection:
    """Read a whole index and check it.

    Raises
    ------
    BrokenIndexError
        When it cannot be opened at all.
    """
    snapshot = open_store(path).snapshot(accept_edited=True)
    findings = snapshot.inspect()
    summary = {
        "index": path,
        "dataset": snapshot.root,
        "images": len(snapshot.rows),
        "bytes_of_images": int(snapshot.rows.facts["bytes"].sum()),
        "written_by": f"cbir {snapshot.manifest.program}",
        "format": snapshot.manifest.format,
        "metadata": {name: column.type for name, column in snapshot.rows.metadata.items()},
        "descriptors": [
            _describe(snapshot, entry, findings.faults) for entry in snapshot.manifest.entries
        ],
        "presets": ready_presets(snapshot),
        "dba": snapshot.manifest.dba,
    }
    states = sum(entry.state is not None for entry in snapshot.manifest.entries)
    if states:
        findings.checked.append(
            "1 vocabulary or model" if states == 1 else f"{states} vocabularies or models"
        )
    features = inspect_features(snapshot)
    warnings = [*findings.warnings, *features.warnings, *_warnings(snapshot)]
    checked = [*findings.checked, *features.checked]
    return Inspection(checked, [*findings.faults, *features.faults], warnings, summary)


def _describe(snapshot: Snapshot, entry: DescriptorEntry, faults: list[str]) -> dict[str, Any]:
    trained = None
    try:
        trained = _trained(snapshot.descriptor(entry.alias).descriptor)
    except CbirError as error:
        faults.append(error.message)
    matrix = snapshot.matrix(entry.alias)
    empty = int((~np.asarray(matrix).any(axis=1)).sum()) if not entry.row_kind.packed else 0
    return {
        "alias": entry.alias,
        "name": entry.name,
        "version": entry.version,
        "parameters": dict(entry.parameters),
        "kind": entry.kind,
        "dimension": entry.dimension,
        "dtype": entry.dtype,
        "bytes_per_image": matrix.itemsize * entry.width,
        "empty": empty,
        "fingerprint": entry.fingerprint,
        "state": entry.state,
        "trained": trained,
    }


def _trained(descriptor: Descriptor) -> dict[str, str] | None:
    """Say what a descriptor has learned, and whether it came with the package."""
    if not isinstance(descriptor, TrainedDescriptor) or descriptor.state is None:
        return None
    return {"state": descriptor.state_name, "origin": origin_of(descriptor.state) or INDEXED}


def _warnings(snapshot: Snapshot) -> list[str]:
    warnings = list(snapshot.damage)
    if not os.path.isdir(snapshot.root):
        warnings.append(
            Message(
                f"the dataset is not at {snapshot.root}; search with ",
                Parameter("result_path", ...),
                ", or move it back",
            )
        )
    builds = [name for name in _OPENCV_BUILDS if any(distributions(name=name))]
    if len(builds) > 1:
        warnings.append(
            f"several builds of OpenCV overwrite each other: {', '.join(builds)};"
            " uninstall all and install opencv-python-headless"
        )
    return warnings
