"""Make copies of real photographs, edited as people edit them before they upload them again.

Examples::

    python benchmarks/edits.py photos --out copies
    python benchmarks/edits.py photos --out sheet.jpg --sheet 3

`EDITS` is the fixed list. What is left to chance in an edit (which sides are cropped, which words
stand where) follows from the seed, the original's name and the edit's name alone, so that the same
copies come out wherever and in whatever order they are made. Copies are JPEG files of quality 90
unless the edit says otherwise; ``manifest.csv`` tells what was made of what.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from strokes import (
    Other,
    Pixels,
    Step,
    blur,
    border,
    collage,
    contrast,
    crop,
    gamma,
    gray,
    logo,
    mirror,
    noise,
    pad,
    place,
    quarter_turns,
    rotate,
    saturation,
    scale,
    sharpen,
    text,
)

from cbir.core.threads import one_thread_each
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage

NEAR = frozenset({"recompression", "scaling", "color", "blur"})
"""The groups of edits that a search for near duplicates should find."""

MANIFEST = "manifest.csv"
"""Its columns: copy, original, edit; paths relative to the folder of each."""


@dataclass(frozen=True)
class Edit:
    """One way to edit a photograph.

    Attributes
    ----------
    name : str
    group : str
        ``recompression``, ``scaling``, ``color``, ``blur``, ``crop``, ``pad``, ``rotation``,
        ``mirror``, ``overlay``, ``placement`` or ``combination``.
    steps : tuple of callables
        Each ``(rgb, rng, other) -> rgb``, done one after the other.
    quality : int
        Of the JPEG file that is saved.
    """

    name: str
    group: str
    steps: tuple[Step, ...] = ()
    quality: int = 90

    @property
    def near(self) -> bool:
        """Whether the copy shows all of the original, where it was."""
        return self.group in NEAR

    def __call__(self, rgb: Pixels, rng: np.random.Generator, other: Other) -> tuple[bytes, str]:
        """Return a file's bytes and its extension.

        Parameters
        ----------
        rgb : ndarray of uint8, shape (height, width, 3)
        rng : Generator
        other : callable
            ``other(rng)`` gives another photograph, as `rgb`.
        """
        for step in self.steps:
            rgb = step(rgb, rng, other)
        parameters = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), parameters)
        return encoded.tobytes(), ".jpg"


def _list() -> Iterable[Edit]:
    for quality in (90, 50, 20, 10):
        yield Edit(f"jpeg-{quality}", "recompression", quality=quality)
    for factor in (0.25, 0.5, 2):
        yield Edit(f"scale-{factor}", "scaling", (scale(factor),))
    for exponent in (0.6, 1.6):
        yield Edit(f"gamma-{exponent}", "color", (gamma(exponent),))
    for factor in (0.6, 1.5):
        yield Edit(f"contrast-{factor}", "color", (contrast(factor),))
    for factor in (0.4, 1.8):
        yield Edit(f"saturation-{factor}", "color", (saturation(factor),))
    yield Edit("gray", "color", (gray,))
    yield Edit("blur", "blur", (blur,))
    yield Edit("sharpen", "blur", (sharpen,))
    yield Edit("noise", "blur", (noise,))
    for percent in (5, 10, 25, 50):
        yield Edit(f"crop-{percent}", "crop", (crop(percent / 100),))
    for percent in (10, 20):
        yield Edit(f"pad-{percent}", "pad", (pad(percent / 100),))
        yield Edit(f"border-{percent}", "pad", (border(percent / 100),))
    for degrees in (2, 5, 10, 45):
        yield Edit(f"rotate-{degrees}-whole", "rotation", (rotate(degrees, whole=True),))
        yield Edit(f"rotate-{degrees}-cut", "rotation", (rotate(degrees, whole=False),))
    yield Edit("rotate-90", "rotation", (quarter_turns(1, 3),))
    yield Edit("rotate-180", "rotation", (quarter_turns(2),))
    yield Edit("mirror", "mirror", (mirror,))
    yield Edit("text", "overlay", (text,))
    yield Edit("logo", "overlay", (logo,))
    yield Edit("place-photo", "placement", (place,))
    yield Edit("place-collage", "placement", (collage,))
    yield Edit("crop-10+jpeg-40", "combination", (crop(0.1),), quality=40)
    yield Edit("mirror+scale-0.5", "combination", (mirror, scale(0.5)))
    yield Edit("rotate-5+pad-10", "combination", (rotate(5, whole=True), pad(0.1)))
    yield Edit("text+crop-10+jpeg-30", "combination", (text, crop(0.1)), quality=30)
    yield Edit("gray+blur+rotate-90", "combination", (gray, blur, quarter_turns(1, 3)))


EDITS: Mapping[str, Edit] = {edit.name: edit for edit in _list()}
"""Every edit by name, group by group."""

GROUPS = tuple(dict.fromkeys(edit.group for edit in EDITS.values()))


@dataclass(frozen=True)
class _Maker:
    """Makes the copies of one original; sent to other processes."""

    root: str
    out: str
    edits: tuple[str, ...]
    seed: int
    others: tuple[str, ...]
    """Files of the photographs that copies are placed in."""

    def copies(self, original: str, stem: str) -> list[tuple[str, str, str]]:
        """Write them, and return their lines of the manifest."""
        path = os.path.join(self.root, original)
        rgb = EncodedImage.open(path).pixels()
        others = [other for other in self.others if other != path]
        lines = []
        with one_thread_each():
            for name in self.edits:
                rng = _generator(self.seed, original, name)
                data, extension = EDITS[name](rgb, rng, partial(_another, others))
                copy = f"{stem}__{name}{extension}"
                target = Path(self.out, copy)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                lines.append((copy, original, name))
        return lines


def _generator(seed: int, original: str, edit: str) -> np.random.Generator:
    key = b"\0".join([str(seed).encode(), os.fsencode(original), edit.encode()])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:16]))


def _another(others: Sequence[str], rng: np.random.Generator) -> Pixels:
    return EncodedImage.open(others[int(rng.integers(len(others)))]).pixels()


def make_copies(
    root: Path,
    out: Path,
    edits: Iterable[str] = EDITS,
    seed: int = 0,
    originals: Sequence[str] | None = None,
    others: Sequence[Path] = (),
) -> list[tuple[str, str, str]]:
    """Make every edit of every original, and write the manifest.

    Parameters
    ----------
    root : Path
        The folder of the originals.
    out : Path
        Gets ``STEM__EDIT.jpg`` of each, in the same folders as under `root`.
    edits : iterable of str
        Names in `EDITS`.
    seed : int
        Another seed crops other sides, writes other words and so on.
    originals : sequence of str, optional
        Relative to `root`; by default all images below it.
    others : sequence of Path
        Photographs to place copies in, sorted; by default the images below `root`, of which
        a copy is then a copy too.

    Returns
    -------
    list of tuples (copy, original, edit)
        The manifest, by original and edit.
    """
    found = [one.path for one in find_images(str(root))]
    originals = found if originals is None else originals
    hosts = tuple(map(str, others or [root / path for path in found]))
    maker = _Maker(str(root), str(out), tuple(edits), seed, hosts)
    with ProcessPoolExecutor(2) as pool:
        made = pool.map(maker.copies, originals, _stems(originals), chunksize=4)
        lines = list(chain.from_iterable(made))
    out.mkdir(parents=True, exist_ok=True)
    with open(out / MANIFEST, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file).writerows([("copy", "original", "edit"), *lines])
    return lines


def _stems(originals: Sequence[str]) -> list[str]:
    """Return the paths without extension, where that tells them apart."""
    stems = [os.path.splitext(path)[0] for path in originals]
    counts = Counter(stems)
    return [
        stem if counts[stem] == 1 else path for stem, path in zip(stems, originals, strict=True)
    ]


def contact_sheet(root: Path, count: int, seed: int, side: int = 200) -> Pixels:
    """Draw all edits of `count` images spread over the folder, three rows each."""
    paths = [str(root / one.path) for one in find_images(str(root))]
    across = -(-(len(EDITS) + 1) // 3)
    rows = []
    for path in paths[:: max(1, len(paths) // count)][:count]:
        rgb = EncodedImage.open(path).pixels()
        other = partial(_another, [one for one in paths if one != path])
        cells = [_cell(rgb, "original", side)]
        for name, edit in EDITS.items():
            data, _ = edit(rgb, _generator(seed, os.path.relpath(path, root), name), other)
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
            cells.append(_cell(np.asarray(decoded, np.uint8), name, side))
        cells += [np.full_like(cells[0], 255)] * (3 * across - len(cells))
        rows += [np.hstack(cells[start : start + across]) for start in range(0, 3 * across, across)]
    return np.vstack(rows)


def _cell(rgb: Pixels, title: str, side: int) -> Pixels:
    height, width = rgb.shape[:2]
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    cell = np.full((side + 24, side + 6, 3), 255, np.uint8)
    cell[: size[1], : size[0]] = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    cv2.putText(cell, title, (2, side + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0))
    return cell


def main() -> None:
    """Make the copies of a folder's images, or a sheet that shows some."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="a folder; of a sheet the file")
    parser.add_argument("--edit", action="append", choices=EDITS, help="repeatable; default all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=int, metavar="N", help="draw all edits of N images")
    options = parser.parse_args()
    if options.sheet:
        sheet = contact_sheet(options.folder, options.sheet, options.seed)
        cv2.imwrite(str(options.out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    else:
        lines = make_copies(options.folder, options.out, options.edit or EDITS, options.seed)
        print(f"{len(lines)} copies in {options.out}")


if __name__ == "__main__":
    main()
