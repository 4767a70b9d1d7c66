"""Whether an index has the local features that its descriptors stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cbir.core.amounts import counted
from cbir.core.errors import BrokenIndexError, CbirError, first_few, printable
from cbir.core.messages import Call
from cbir.descriptors.encoders.local_descriptor import extractor_of
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.stores.features.kept import check_features
from cbir.stores.model import Findings, Snapshot


def inspect_features(snapshot: Snapshot) -> Findings:
    """Look for the features of each image and each descriptor of local features.

    The checksums of all are compared; those that were written or copied since they were found sound
    are decoded, too.
    """
    findings = Findings([], [], [])
    extractors = _extractors(snapshot)
    for extractor in extractors:
        try:
            missing = _missing_rows(snapshot, extractor)
        except CbirError as error:
            findings.faults.append(error.message)
            continue
        if missing:
            findings.faults.append(missing_features(snapshot, extractor, missing).message)
    if extractors:
        images = counted(len(snapshot.rows), "image")
        findings.checked.append(f"the local features of {images}")
    return findings


def missing_features(
    snapshot: Snapshot, extractor: LocalExtractor[Any], rows: Sequence[int]
) -> BrokenIndexError:
    """Return an error that says which rows of an index lack local features, and the remedy.

    What was damaged without a trace in the file's stamp is only met where that is not believed.
    """
    store, hashes = snapshot.features(extractor), snapshot.rows.facts["sha256"]
    is_unseen = store.believes_any(hashes[row].tobytes() for row in rows)
    root, path = snapshot.root, snapshot.path
    again = (
        Call("index", dataset=root, index=path, rebuild=True)
        if is_unseen
        else Call("index", dataset=root, index=path)
    )
    paths = first_few([snapshot.rows.paths[int(row)] for row in rows[:10]])
    return BrokenIndexError(
        f"{printable(path)}: the local features of"
        f" {counted(len(rows), 'image')} are missing or damaged ({paths}); make them again: ",
        again,
    )


def _extractors(snapshot: Snapshot) -> list[LocalExtractor[Any]]:
    """Return what extracted the features that an index has to have."""
    different: dict[str, LocalExtractor[Any]] = {}
    for entry in snapshot.manifest.entries:
        try:
            extractor = extractor_of(entry.descriptor(snapshot.path))
        except (CbirError, TypeError, OverflowError):  # told where descriptors are looked at
            continue
        if extractor is not None:
            different.setdefault(extractor.fingerprint, extractor)
    return list(different.values())


def _missing_rows(snapshot: Snapshot, extractor: LocalExtractor[Any]) -> list[int]:
    store = snapshot.features(extractor)
    check_features(store, extractor)
    hashes = snapshot.rows.facts["sha256"]
    return [row for row in range(len(hashes)) if not store.has_sound(hashes[row].tobytes())]
