"""Ground truth of Oxford 5k and Paris 6k: a folder with four files of text a query.

``NAME_query.txt`` has the query's image and its box, ``NAME_good.txt`` and ``NAME_ok.txt`` list
what is right, ``NAME_junk.txt`` what counts neither as right nor as wrong. The query is one of the
good ones, so that it finds itself.

References
----------
J. Philbin, O. Chum, M. Isard, J. Sivic, A. Zisserman, "Object retrieval with large vocabularies and
fast spatial matching", CVPR 2007; the same, "Lost in quantization", CVPR 2008, for Paris.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from cbir.core.arguments import path_of
from cbir.core.errors import CbirError, UsageError, excerpt, printable, reason_of
from cbir.core.progress import ProgressListener
from cbir.core.regular_files import read_regular
from cbir.evaluation.boxed_truth import BoxedQuery, BoxedTruth, Judged
from cbir.evaluation.query_box import region_of_box
from cbir.evaluation.relevance import about_truth
from cbir.images.region import Region
from cbir.tables.image_keys import image_key, match_keys

PREFIX = "oxford:"
PROTOCOL = "oxford"

_QUERY = "_query.txt"
_LISTS = ("good", "ok", "junk")
_OXFORD = "oxc1_"
"""What stands before the names of images in the queries of Oxford, and nowhere else."""

_MAX_BYTES = 16_000_000
_MAX_QUERIES = 10_000
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def read_oxford(spec: str, paths: Sequence[str], listener: ProgressListener) -> BoxedTruth:
    """Read a folder of ground truth.

    Parameters
    ----------
    spec : str
        ``oxford:`` and the folder.
    paths : sequence of str
        Of the index, relative to the dataset.
    listener : ProgressListener
        Told of images that are not in the index.

    Raises
    ------
    CbirError
        When the folder has no queries, or a file of it is missing or says something else.
    """
    folder = spec.removeprefix(PREFIX)
    if not folder:
        raise UsageError(about_truth(spec, "name its folder, as in oxford:gt_files"))
    queries = [_query(folder, name) for name in _names(spec, folder)]
    unprefixed = {one.image: one.image.removeprefix(_OXFORD) for one in queries}
    there = set(match_keys(unprefixed, paths, spec))
    return BoxedTruth(
        spec,
        PROTOCOL,
        [_renamed(one, one.image if one.image in there else unprefixed[one.image])
         for one in queries],
        paths,
        listener,
        setups=("",),
    )  # fmt: skip


def _renamed(query: BoxedQuery, image: str) -> BoxedQuery:
    return BoxedQuery(query.topic, image, query.region, query.judged, query.label)


def _names(spec: str, folder: str) -> list[str]:
    try:
        entries = sorted(os.listdir(path_of(folder, "a folder of ground truth")))
    except OSError as error:
        reason = f"{reason_of(error)}; name the folder of the ground truth, as in oxford:gt_files"
        raise CbirError(about_truth(spec, reason)) from None
    names = [entry.removesuffix(_QUERY) for entry in entries if entry.endswith(_QUERY)]
    if not names:
        reason = (
            "no file in it is called NAME_query.txt; name the folder that has the files of the"
            " ground truth itself, not the one above it or that of the images"
        )
        raise CbirError(about_truth(spec, reason))
    if len(names) > _MAX_QUERIES:
        raise CbirError(about_truth(spec, f"it has more than {_MAX_QUERIES:,} queries"))
    return names


def _query(folder: str, name: str) -> BoxedQuery:
    image, region = _boxed_image(os.path.join(folder, name + _QUERY))
    listed: dict[str, tuple[str, int]] = {}
    images: dict[str, set[str]] = {}
    for kind in _LISTS:
        path = os.path.join(folder, f"{name}_{kind}.txt")
        images[kind] = set()
        for number, line in _lines(path):
            one = image_key(line)
            other, place = listed.setdefault(one, (kind, number))
            if "junk" in (kind, other) and kind != other:
                reason = (
                    f"{excerpt(one)} is junk, and in line {place} of"
                    f" {printable(name)}_{other}.txt it is right; take it out of one of them"
                )
                raise CbirError(_about_line(path, number, reason))
            images[kind].add(one)
    judged = Judged(frozenset(images["good"] | images["ok"]), frozenset(images["junk"]))
    landmark = re.sub(r"_[0-9]+\Z", "", name)
    return BoxedQuery(name, image, region, {"": judged}, landmark)


def _boxed_image(path: str) -> tuple[str, Region]:
    lines = _lines(path)
    if len(lines) != 1:
        raise CbirError(
            f"{printable(path)}: it has {len(lines)} lines; write one, with the name of an image"
            " and its box x1 y1 x2 y2"
        )
    ((number, line),) = lines
    image, *box = line.split()
    if len(box) != 4 or not all(map(_NUMBER.fullmatch, box)):
        reason = (
            f"{excerpt(line)!r} is no query; write the name of an image without spaces, and"
            " its box as four numbers x1 y1 x2 y2"
        )
        raise CbirError(_about_line(path, number, reason))
    region = region_of_box(list(map(float, box)))
    if region is None:
        reason = (
            f"the box {excerpt(' '.join(box))} has no extent within an image; write its left"
            " upper and its right lower corner, x1 y1 x2 y2, in pixels from 0 on"
        )
        raise CbirError(_about_line(path, number, reason))
    return image_key(image), region


def _lines(path: str) -> list[tuple[int, str]]:
    """Return the lines that are not blank, stripped, with their numbers from 1."""
    try:
        text = read_regular(path, _MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise CbirError(
            f"{printable(path)}: there is no such file; each query has four: NAME_query.txt,"
            " NAME_good.txt, NAME_ok.txt and NAME_junk.txt, which may be empty; unpack them all"
        ) from None
    except OSError as error:
        raise CbirError(
            f"{printable(path)}: {reason_of(error)}; put the file of the ground truth there"
        ) from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        reason = "it is no text in UTF-8; write names of images there, one a line"
        raise CbirError(_about_line(path, number, reason)) from None
    found = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    for number, line in found:
        if not line.isprintable() and "\t" not in line:
            reason = (
                f"{excerpt(line)!r} has characters that no name has; write names of images"
                " there, one a line"
            )
            raise CbirError(_about_line(path, number, reason))
    return [(number, line) for number, line in found if line]


def _about_line(path: str, number: int, reason: str) -> str:
    return f"{printable(path)}: line {number}: {reason}"
