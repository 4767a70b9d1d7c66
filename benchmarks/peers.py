"""The hashes of other libraries, on the same files, for `duplicates.py` and `hash_rate.py`.

They are no dependency of cbir: ``pip install ImageHash imagededup`` (the latter brings torch).
Those that cannot be imported are left out with a word on it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Hash = Callable[[Image.Image], NDArray[np.uint8]]
"""An image's bits, packed."""

CUSTOMARY = 10 / 64
"""The share of differing bits that counts as a copy: imagededup's ``max_distance_threshold`` of 10
of 64 bits, which is what is mostly used with ImageHash too, for it has no default of its own."""

_BLOCK = 512
"""Rows whose distances to all others are held at once."""


@dataclass(frozen=True)
class Peer:
    """One hash of another library."""

    library: str
    name: str
    bits: int

    @property
    def customary(self) -> int:
        """The largest distance that customarily counts as a copy."""
        return int(CUSTOMARY * self.bits)

    @property
    def label(self) -> str:
        """Library with its version, and hash."""
        return f"{self.library} {version(self.library)} {self.name}"


PEERS = (
    Peer("ImageHash", "phash-64", 64),
    Peer("ImageHash", "phash-256", 256),
    Peer("ImageHash", "dhash", 64),
    Peer("ImageHash", "whash", 64),
    Peer("ImageHash", "ahash", 64),
    Peer("ImageHash", "colorhash", 42),
    Peer("imagededup", "PHash", 64),
    Peer("imagededup", "DHash", 64),
    Peer("imagededup", "WHash", 64),
    Peer("imagededup", "AHash", 64),
)


def importable() -> list[Peer]:
    """Return the peers that can be imported; the others are named on standard error."""
    present = []
    for library in dict.fromkeys(peer.library for peer in PEERS):
        try:
            importlib.import_module(library.lower())
        except ImportError as error:
            print(f"{library} is left out: {error}", file=sys.stderr)
        else:
            present += [peer for peer in PEERS if peer.library == library]
    return present


@cache
def _imagehash() -> Mapping[str, Hash]:
    library: Any = importlib.import_module("imagehash")

    def packed(function: Callable[..., Any], **options: int) -> Hash:
        return lambda image: np.packbits(function(image, **options).hash)

    return {
        "phash-64": packed(library.phash),
        "phash-256": packed(library.phash, hash_size=16),
        "dhash": packed(library.dhash),
        "whash": packed(library.whash),
        "ahash": packed(library.average_hash),
        "colorhash": packed(library.colorhash),
    }


@cache
def _imagededup() -> Mapping[str, Hash]:
    methods: Any = importlib.import_module("imagededup.methods")

    def packed(name: str) -> Hash:
        encoder = getattr(methods, name)(verbose=False)
        return lambda image: np.frombuffer(
            bytes.fromhex(encoder.encode_image(image_array=np.asarray(image))), np.uint8
        )

    return {name: packed(name) for name in ("PHash", "DHash", "WHash", "AHash")}


_FUNCTIONS = {"ImageHash": _imagehash, "imagededup": _imagededup}


def hashes(files: Sequence[Path], peers: Sequence[Peer]) -> dict[Peer, NDArray[np.uint8]]:
    """Compute the hashes of files by two processes, each file decoded once.

    Images are turned upright first, which is more than the libraries do by themselves.

    Returns
    -------
    dict of ndarray of uint8, shape (len(files), bytes)
        Packed bits by peer.
    """
    if not peers:
        return {}
    for library in {peer.library for peer in peers}:
        _FUNCTIONS[library]()  # imported once, before the processes fork
    with ProcessPoolExecutor(2, initializer=_start, initargs=(tuple(peers),)) as pool:
        rows = list(pool.map(_of_file, files, chunksize=32))
    return {peer: np.stack([row[i] for row in rows]) for i, peer in enumerate(peers)}


_chosen: list[Hash] = []


def _start(peers: Sequence[Peer]) -> None:
    _chosen[:] = [_FUNCTIONS[peer.library]()[peer.name] for peer in peers]


def _of_file(path: Path) -> list[NDArray[np.uint8]]:
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file).convert("RGB")
    return [function(image) for function in _chosen]


def distances(
    ones: NDArray[np.uint8], others: NDArray[np.uint8]
) -> Iterator[tuple[slice, NDArray[np.intp]]]:
    """Yield the Hamming distances of blocks of `ones` to all `others`: exact, every pair.

    Yields
    ------
    tuple (slice, ndarray of int, shape (rows of the slice, len(others)))
    """
    for start in range(0, len(ones), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(ones)))
        differing = _words(ones[rows])[:, None, :] ^ _words(others)[None, :, :]
        yield rows, np.bitwise_count(differing).sum(axis=2, dtype=np.intp)


def _words(packed: NDArray[np.uint8]) -> NDArray[np.uint64]:
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)
