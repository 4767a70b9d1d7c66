"""Write the pages of docs/ that hold figures: descriptors, results, searches by several images,
duplicates, learning and speed.

Example::

    python benchmarks/pages.py

The figures are those that the other programs left under benchmarks/results/.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pages_results import results_page
from pages_speed import SPEED, SPEED_RESULTS

from cbir.descriptors.base import Descriptor
from cbir.descriptors.parametrized import required_parameters, usual_parameters
from cbir.descriptors.registry import Broken, available
from cbir.search.metrics import METRICS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"

INTRODUCTION = """\
# Descriptors

This page is made by `python benchmarks/pages.py`; edit that instead.

A [descriptor](glossary.md#descriptor) turns an image into a row of numbers. Name it as `NAME`,
`NAME:key=value,key=value` or `ALIAS=NAME:…`; the [alias](glossary.md#alias) is the prefix of its
columns. `torch:resnet50` is short for `torch:model=resnet50`. `cbir descriptors` prints what is
installed, plug-ins included.
"""

DUPLICATES = """\
# How well copies are found

This page is made by `python benchmarks/pages.py` from what the programs named below measured, on
a small cloud machine with 2 cores. What the [levels](glossary.md#level) mean is in
[duplicates.md](duplicates.md).

Copies are made by `benchmarks/edits.py`: 45 edits in eleven groups, from JPEG of quality 10 to an
image pasted into another one. Which of the photographs are copies of each other to begin with is
listed in `benchmarks/truth/copies.csv`.
"""

DUPLICATES_RESULTS = {
    "duplicates": "Recall and false pairs, beside other libraries\nThe share of edited copies whose"
    " original is found: near, of the edits that belong to that level; all; and by group. false"
    " pairs: images that are no copies of each other and are put into one group; false matches:"
    " found for a copy, and not its original. Hashes of other libraries stand here twice: at the"
    " customary threshold, and at the largest that gives no false pair, chosen with hindsight."
    " One of the 120 images is a black night sky, with a mean brightness of 5 of 255: no copy of"
    " it is found but an exact one.",
    "duplicates-edits": "Recall by edit\nThe same, edit by edit.",
    "duplicates-near": "More images, at near\nOnly the edits that belong to that level; another"
    " black night sky among the images.",
    "duplicates-other": "Other images, other seed\nThe same for photographs that nothing was"
    " chosen by.",
    "closest": "The closest pairs that are no copies\ncloseness is 1 at the limit, and more for"
    " what is called a copy; bits are those of `phash`; agreement is the share of the cells that"
    " agree, displacement in pixels.",
    "duplicates-scale-edited": "Time\nOf the whole command, from an empty index, at `edited`.",
    "hash-rate-fashion-corel1k": "Hashing\nImages a second, start-up taken off: the time of the"
    " same command on one image.",
    "hamming-background": "All pairs within 31 bits of 256\nphotographs: hashes with the bit"
    " statistics of real ones, with 1 % blanks among them.",
    "messy": "A folder as people have them\nImages with copies, unreadable files, odd names and"
    " links among them, cleared out by `--action move` and taken back by `--undo`.",
}

LEARNING = """\
# What labels teach

This page is made by `python benchmarks/pages.py` from what the program named below measured. What
is learned, and how, stands in [training.md](training.md#learning-from-labels).

before: the descriptor by itself, or the fusion by equal weights; beside it what was learned from
other images (new images), or from images of other classes (new classes), on the same queries;
behind the difference its 95 % interval. Held-out images query only each other, so the figures are
not those of [results.md](results.md), which are of all images; among few classes they are higher.
Weights are in the order of the descriptors. The constants of the fit were chosen with figures of
these sets in view; what is learned was not.
"""

LEARNING_RESULTS = {
    "learning-fashion-articleType": "Fashion, by kind of article\nImages of a catalog; 50 classes.",
    "learning-clothing": "Clothing\n10 classes of 90.",
    "learning-corel1k": "Corel-1k\nPhotographs; 10 classes of 100.",
}

SEVERAL = """\
# What searching by several images finds

This page is made by `python benchmarks/pages.py` from what the program named below measured. What
is computed stands in [search-by-several.md](search-by-several.md).

before: the first, or only, query alone; after: several together, or a round of feedback, in which
somebody looks at 20 results and likes the first 3 right ones and dislikes the first 3 wrong ones.
What was searched by or marked is left out of both rankings, which are therefore of other images in
each line. Right is what is of the same kind.

The formulas were chosen on these very images and kinds, among eleven ways to combine distances and
some thirty to use feedback, by `hsv`, `phog`, `phash` and fusions of such. So the figures flatter
them; those by `photos`, which was not looked at, less than those by `hsv`.
"""

SEVERAL_RESULTS = {
    "feedback-corel1k-clothing": "Kinds of things\nCorel-1k, photographs, 10 kinds of 100; and"
    " clothing, 10 kinds of 90.",
    "feedback-holidays_half": "The same scene\nHalf of Holidays, groups with at least one image"
    " more than the search is by. P@10 is small because there are few to be found.",
}

MEASURED = """\
## Measured

How good each of them is, beside what it costs, stands in [results.md](results.md). Here is what the
choices within some of them are worth. [Vocabularies](glossary.md#vocabulary) were trained on other
folders than those measured on; P@k and mAP are defined in [evaluation.md](evaluation.md#measures).
ms is what a description takes on one core of a small cloud machine, decoding not included.
"""

HASHES = """\
### Hashes

Differing bits of copies: recompressed as JPEG of quality 10, reduced to a quarter of the sides,
blurred; each by its mean and its 99th percentile. others: of other images, the mean and the
least. turned: between the hashes derived for the other orientations and those of the turned
images. quality: of the images, the least (a black night sky) and the 1st percentile; of blank
ones, the highest and the 99th percentile.
"""


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / f"{name}.md").write_text(page())
        print(f"written to docs/{name}.md")


def descriptors_page() -> str:
    """Return the page on descriptors."""
    classes = [one for one in available() if not isinstance(one, Broken)]
    built_in = [one for one in classes if one.__module__.startswith("cbir.")]
    parts = [INTRODUCTION, *map(_section, built_in), _metrics(), MEASURED]
    parts += [_hashes(), *(_choices(name) for name in ("corel1k", "holidays_half"))]
    return "\n".join(parts)


def speed_page() -> str:
    """Return the page on speed."""
    return "\n".join([SPEED, *map(_result, SPEED_RESULTS.items())])


def duplicates_page() -> str:
    """Return the page on how well copies are found."""
    return "\n".join([DUPLICATES, *map(_result, DUPLICATES_RESULTS.items())])


def learning_page() -> str:
    """Return the page on what labels teach."""
    return "\n".join([LEARNING, *map(_result, LEARNING_RESULTS.items())])


def several_page() -> str:
    """Return the page on searching by several images."""
    return "\n".join([SEVERAL, *map(_result, SEVERAL_RESULTS.items())])


def _result(item: tuple[str, str]) -> str:
    name, text = item
    document = json.loads((RESULTS / f"{name}.json").read_text())
    title, _, explanation = text.partition("\n")
    return f"## {title}\n\n{explanation}\n\n{_table(document, keep=('dataset',))}"


def _section(cls: type[Descriptor]) -> str:
    descriptor = None if required_parameters(cls) else cls()
    unit = "bits" if cls.kind.packed else "numbers"
    if cls.has_quality:
        unit += f" and a quality of 0 to 100 (below {cls.least_quality} the bits say too little)"
    if descriptor is None:
        size, dimension = "the size that its model takes", f"as many {unit} as its model gives"
    else:
        size = f"{descriptor.working_size} px" if descriptor.working_size else "full size"
        dimension = f"{descriptor.dimension:,} {unit}"
    if cls.kind.counted:
        dimension = "how many there are; they are kept beside the rows"
    paragraphs = (cls.__doc__ or "").split("\n\n")
    summary = cls.summary[0].upper() + cls.summary[1:]
    return (
        f"## `{cls.name}`\n\n{paragraphs[0].strip()} {summary}.\n\n"
        f"- {cls.kind.name}, {dimension}, from the image at {size}; version"
        f" {cls.version}\n"
        f"{_parameters(cls)}"
        f"- metrics, the default first: {', '.join(cls.metrics)}\n"
        f"- distance by {cls.metrics[0]}: {(descriptor or cls).meaning}\n"
    )


def _parameters(cls: type[Descriptor]) -> str:
    """List the parameters as the docstrings of the class and its bases explain them."""
    inherited = "".join(one.__doc__ or "" for one in reversed(cls.__mro__))
    documented = re.findall(r"^ {4}(\w+) : (.+)\n((?: {8}.+\n)+)", inherited, re.M)
    texts = {name: f"{values}. {' '.join(text.split())}" for name, values, text in documented}
    lines = [
        f"- parameter `{name}={'…' if value is None else value}`: "
        f"{texts[name].replace('``', '`')}\n"
        for name, value in usual_parameters(cls).items()
    ]
    return "".join(lines) or "- no parameters\n"


def _metrics() -> str:
    lines = ["## Metrics\n", "| metric | formula | range |", "|---|---|---|"]
    lines += [
        f"| {m.name} | {m.formula.replace('|', chr(92) + '|')} | {m.range} |"
        for m in METRICS.values()
    ]
    return "\n".join(lines) + "\n"


def _hashes() -> str:
    document = json.loads((RESULTS / "hashes.json").read_text())
    return HASHES + "\n" + _table(document)


def _choices(name: str) -> str:
    document = json.loads((RESULTS / f"choices-{name}.json").read_text())
    return f"### What the constants are worth, on {name}\n\n{_table(document)}"


def _table(document: dict[str, Any], keep: tuple[str, ...] = ()) -> str:
    rows = document["rows"]
    columns = [column for column in rows[0] if column != "dataset" or column in keep]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines) + f"\n\n`{document['command']}`\n"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"`{value}`" if isinstance(value, str) and ":" in value else str(value)


PAGES = {
    "descriptors": descriptors_page,
    "results": results_page,
    "speed": speed_page,
    "duplicates-results": duplicates_page,
    "learning-results": learning_page,
    "search-by-several-results": several_page,
}
"""What makes each page of docs/."""


if __name__ == "__main__":
    main()
