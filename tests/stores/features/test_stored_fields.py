"""What the files of local features say of themselves, and copies of their records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.stores.features.segment import Layout, fields_of
from cbir.stores.features.store import FeatureStore
from cbir.stores.features.stored_fields import stored_fields

KEYS = [bytes([number]) * 32 for number in range(4)]
EXTRACTOR = SiftExtractor(7)
RECORD = EXTRACTOR.as_record(EXTRACTOR.extract(np.zeros((9, 8, 3), np.uint8)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    with FeatureStore(str(folder), EXTRACTOR.fields) as store:
        for key in KEYS:
            store.append(key, RECORD)
    return folder


def test_a_store_opens_by_what_its_files_say(folder: Path) -> None:
    fields = stored_fields(folder)
    assert fields is not None and Layout(fields).head == Layout(EXTRACTOR.fields).head
    store = FeatureStore(str(folder), fields)
    assert list(store.keys()) == KEYS


def test_records_are_taken_as_they_lie_and_once(folder: Path, tmp_path: Path) -> None:
    source = FeatureStore(str(folder), EXTRACTOR.fields)
    with FeatureStore(str(tmp_path / "target"), EXTRACTOR.fields) as target:
        for key in [*KEYS[1:], *KEYS[1:], bytes([9]) * 32]:
            target.take(key, source)
    (one,), (other,) = (path.glob("*.segment") for path in (folder, tmp_path / "target"))
    assert len(one.read_bytes()) - len(other.read_bytes()) == len(RECORD_FRAME)
    found = FeatureStore(str(tmp_path / "target"), EXTRACTOR.fields)
    assert list(found.keys()) == KEYS[1:]
    for name, array in RECORD.items():
        assert np.array_equal(found.get(KEYS[1])[name], array)


RECORD_FRAME = bytes(48) + Layout(EXTRACTOR.fields).encode(RECORD)


@pytest.mark.parametrize(
    "change",
    [
        lambda head: b"",
        lambda head: head[:40],
        lambda head: head.replace(b"features", b"fEatures"),
        lambda head: head.replace(b'"<', b'"|O'),
        lambda head: head[:64] + b"[" * 1000,
        lambda head: head[:64] + b'{"fields": [[1, 2]]}',
        lambda head: head[:64] + b'{"fields": [["a", "no type"]]}',
        lambda head: head[:64] + b'{"fields": [["a", "u1", 99999999999999999999]]}',
        lambda head: head[:64] + b'{"fields": 7}',
    ],
)
def test_what_no_program_of_ours_wrote_names_no_fields(change: object) -> None:
    head = Layout({"points": "(4,)<f4", "bits": "u1"}).head
    assert fields_of(head) is not None
    assert fields_of(change(head)) is None  # type: ignore[operator]
