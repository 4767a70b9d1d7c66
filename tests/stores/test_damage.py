"""Whatever happens to the bytes of an index's folder: the right answer, or an error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import CbirError
from cbir.descriptors.encoders.bovw import OrbBovw
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.descriptors.registry import parse
from cbir.descriptors.state import state_digest
from cbir.stores import open_store
from cbir.stores.derivation import Derivation
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import FILE_DTYPE, Manifest, Rows
from cbir.stores.paths import PathList

EXTRACTOR = SiftExtractor(7)
RECORD = EXTRACTOR.as_record(EXTRACTOR.extract(np.zeros((9, 8, 3), np.uint8)))
VOCABULARY = {
    "words": np.random.default_rng(1).integers(0, 256, (3, 32), np.uint8),
    "usage": np.array([5, 4, 3]),
    "images": np.array(6),
    "features": np.array("orb"),
    "words_asked": np.array(3),
    "upright": np.array(False),
}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "index.csv"
    random = np.random.default_rng(0)
    facts = np.zeros(3, FILE_DTYPE)
    facts["bytes"], facts["mtime"] = range(3), range(7, 10)
    facts["sha256"] = random.integers(0, 256, (3, 32), np.uint8).view("V32").ravel()
    rows = Rows(
        PathList.of(["a.jpg", "b/c.jpg", "d.jpg"]),
        facts,
        {"mine": MetadataColumn.of(["x", "y", ""])},
    )
    hsv, orb = parse("hsv:layout=none"), parse("orb:words=3")
    assert isinstance(orb.descriptor, OrbBovw)
    orb = type(orb)("orb", orb.descriptor.bind(VOCABULARY))
    matrices = {
        "hsv": random.integers(0, 256, (3, hsv.descriptor.width), np.uint8),
        "orb": random.integers(0, 256, (3, 1), np.uint16),
    }
    with open_store(str(path)).writer() as writer:
        with writer.features(EXTRACTOR) as features:
            for key in facts["sha256"]:
                features.append(key.tobytes(), RECORD)
        state = writer.save_state(VOCABULARY, "vocabulary-orb")
        states = ((hsv, None), (orb, state))
        entries = tuple(DescriptorEntry.of(named, kept, str(path)) for named, kept in states)
        writer.commit(Manifest("data", entries, "test"), rows, matrices)
    answers(path)  # so that everything is in the cache
    return path


def answers(index: Path) -> tuple[dict[str, object], set[object]]:
    """What an index says, and the local features of its images that are sound."""
    read = open_store(str(index)).snapshot()
    orb = read.matrix("orb")
    total = Derivation(lambda: {"sum": orb.sum(axis=0)}, {"sum": (orb.shape[1:], np.dtype("u8"))})
    said: dict[str, object] = {
        "root": read.root,
        "paths": list(read.rows.paths),
        "facts": read.rows.facts.tobytes(),
        "columns": {name: column.texts() for name, column in read.rows.metadata.items()},
        "numbers": [read.matrix("hsv").tobytes(), orb.tobytes()],
        "descriptors": read.manifest.entries,
        "fingerprint": read.descriptor("orb").descriptor.fingerprint,
        "state": state_digest(read.state(read.manifest.entries[1].state or "")),
        "derived": read.derive("orb", "sum", total)["sum"].tobytes(),
    }
    store, features = read.features(EXTRACTOR), set[object]()
    for key in list(store.keys()):
        with contextlib.suppress(KeyError):  # it is told, and computed again
            features.add((key, b"".join(part.tobytes() for part in store.get(key).values())))
    return said, features


def damaged(raw: bytes) -> Iterator[bytes]:
    random = np.random.default_rng(len(raw))
    for place in random.integers(0, len(raw), 4):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << random.integers(8)
        yield bytes(flipped)
    yield raw[:128] + bytes(max(0, len(raw) - 128))
    yield raw[: len(raw) // 2]


def test_damage_never_gives_another_answer(index: Path) -> None:
    (right, features), text = answers(index), index.read_bytes()
    outcomes = {"right": 0, "error": 0}
    folder = index.parent / "index.csv.cbir"
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = file.read_bytes()
        for bad in damaged(raw) if raw else ():
            file.write_bytes(bad)
            try:
                said, some = answers(index)
            except CbirError:
                outcomes["error"] += 1
            else:
                assert said == right and some <= features, file.name
                outcomes["right"] += 1
            file.write_bytes(raw)
    assert min(outcomes.values()) > 5
    assert index.read_bytes() == text
