"""Damage to what an index and the logs consist of, as a bad disk or a lost write would do it."""

from __future__ import annotations

import random
from pathlib import Path

from torture_world import World

PLACES = {
    "cache": "index.csv.cbir/cache/**/*",
    "journal": "index.csv.cbir/journal*",
    "segments": "index.csv.cbir/features/**/*",
    "references": "index.csv.cbir/references/**/*.npy",
    "state": "index.csv.cbir/state/*",
    "generation": "index.csv.cbir/generation-*",
    "log": "logs/*.log",
}
"""Where, below the folder of the index."""


def damage(world: World, chance: random.Random) -> tuple[str, Path] | None:
    """Damage one file of a kind that is there; return the kind and the file."""
    kinds = list(PLACES)
    chance.shuffle(kinds)
    for kind in kinds:
        files = sorted(path for path in world.index.parent.glob(PLACES[kind]) if path.is_file())
        sizes = {path: path.stat().st_size for path in files}
        files = [path for path in files if sizes[path]]
        if files:
            path = chance.choice(files)
            data = bytearray(path.read_bytes())
            chance.choice((_flip, _zero, _zero_tail, _cut))(data, chance)
            path.write_bytes(bytes(data))
            return kind, path
    return None


def _flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _zero(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    end = min(len(data), start + chance.choice((1, 16, 512, 4096)))
    data[start:end] = bytes(end - start)


def _zero_tail(data: bytearray, chance: random.Random) -> None:
    """As a file is whose length reached the disk before its contents did."""
    start = min(len(data), chance.choice((0, 128)))
    data[start:] = bytes(len(data) - start)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]
