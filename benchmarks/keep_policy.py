"""Which one stays of a photograph and an edited copy of it, and whether the other one may go.

Example::

    python benchmarks/keep_policy.py clothing holidays_half fashion --sample 40

For each edit, ``cbir duplicates --level edited`` looks at some photographs and a copy of each, that
was made later. The table tells in which part of the pairs the copy was found; where it was, in
which part the original is kept, by the default policy and by ``largest``; and in which part the
other one may go without a loss being allowed, and what would be lost where it may not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from common import report
from edits import EDITS, Edit
from strokes import Pixels, scale

from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.duplicates.loss import LOSSES
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage

_FIRST, _LATER = 1_000_000_000, 1_500_000_000
"""Seconds since 1970 at which the originals and the copies were made."""

_HOSTS = 10
"""Photographs of each folder that copies are placed in."""


def _edits() -> Mapping[str, Edit]:
    more = [
        Edit(f"scale-{factor}+jpeg-{quality}", "scaling", (scale(factor),), quality)
        for factor in (1.5, 2, 4)
        for quality in (20, 75)
    ]
    more += [
        *(
            Edit(f"scale-{factor}", "scaling", (scale(factor),))
            for factor in (0.75, 0.25, 0.12, 0.06)
        ),
        Edit("jpeg-75", "recompression", (), 75),
    ]
    return {**EDITS, **{edit.name: edit for edit in more}}


def main() -> None:
    """Measure, print, keep."""
    edits = _edits()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--sample", type=int, default=40, help="photographs of each folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--edit", action="append", choices=edits, help="repeatable; default all")
    options = parser.parse_args()
    originals, hosts = _sample(options.folder, options.sample, options.seed)
    rows = []
    for name in options.edit or edits:
        with tempfile.TemporaryDirectory() as folder, one_thread_each():
            make = partial(_pair, edits[name], Path(folder, "photos"), hosts, options.seed)
            os.mkdir(Path(folder, "photos"))
            list(ordered_map(make, list(enumerate(originals)), cores(), batch=1))
            best, largest = _outcome(Path(folder), "best"), _outcome(Path(folder), "largest")
        found = max(best["found"], 1)
        shares = [best["found"] / len(originals), best["original kept"] / found]
        shares += [largest["original kept"] / max(largest["found"], 1), best["may go"] / found]
        lost = ", ".join(f"{loss} {best[loss]}" for loss in LOSSES if best[loss])
        rows.append([name, *(round(share, 3) for share in shares), lost])
    columns = ["edit", "found", "best keeps", "largest keeps", "may go", "else lost"]
    report("keep-policy", columns, rows)


def _sample(folders: Iterable[Path], count: int, seed: int) -> tuple[list[str], list[str]]:
    """Return photographs to edit, and others to place them in."""
    originals, hosts = list[str](), list[str]()
    for folder in folders:
        paths = [str(folder / one.path) for one in find_images(str(folder))]
        shuffled = random.Random(seed).sample(paths, min(count + _HOSTS, len(paths)))
        hosts += shuffled[:_HOSTS]
        originals += shuffled[_HOSTS:]
    return originals, hosts


def _pair(edit: Edit, folder: Path, hosts: list[str], seed: int, item: tuple[int, str]) -> None:
    """Put a photograph and its copy into a folder; their names tell neither of them."""
    number, path = item
    rng = np.random.default_rng([seed, number])

    def other(rng: np.random.Generator) -> Pixels:
        return EncodedImage.open(hosts[int(rng.integers(len(hosts)))]).pixels()

    data, extension = edit(EncodedImage.open(path).pixels(), rng, other)
    names = [f"{number}-{'ab'[number % 2]}", f"{number}-{'ba'[number % 2]}"]
    first, later = folder / f"{names[0]}{Path(path).suffix}", folder / f"{names[1]}{extension}"
    shutil.copyfile(path, first)
    later.write_bytes(data)
    os.utime(first, (_FIRST, _FIRST))
    os.utime(later, (_LATER, _LATER))


def _outcome(folder: Path, keep: str) -> Counter[str]:
    """Count the pairs that are found, which one of each is kept, and what the other one shows."""
    command = [
        sys.executable,
        "-m",
        "cbir",
        "duplicates",
        "-d",
        "photos",
        "-i",
        "index.csv",
        "--quiet",
    ]
    command += ["--level", "edited", "--keep", keep, "--format", "jsonl"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
    counts = Counter[str]()
    for line in done.stdout.splitlines():
        group = json.loads(line)
        original_kept = os.stat(folder / group["keep"]).st_mtime == _FIRST
        for duplicate in [*group["duplicates"], *group.get("shows_more", ())]:
            if _number(duplicate["path"]) == _number(group["keep"]):
                losses = {loss["loss"] for loss in duplicate.get("losses", ())}
                counts.update(losses)
                counts.update({"found": 1, "original kept": original_kept, "may go": not losses})
    return counts


def _number(path: str) -> str:
    return os.path.basename(path).partition("-")[0]


if __name__ == "__main__":
    main()
