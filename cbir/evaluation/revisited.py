"""Ground truth of revisited Oxford and Paris, as JSON.

The document has the names of the images that are searched (``imlist``), those of the queries
(``qimlist``), which are no part of them, and for each query (``gnd``) its box ``bbx`` and the
images that are ``easy``, ``hard`` or ``junk``, as places in ``imlist``. It is measured in three
setups: easy (the easy ones are right, hard and junk set aside), medium (easy and hard are right,
junk set aside) and hard (hard are right, easy and junk set aside).

The data come as a pickle, which can run any program when it is opened; it is refused.

References
----------
F. Radenović, A. Iscen, G. Tolias, Y. Avrithis, O. Chum, "Revisiting Oxford and Paris: large-scale
image retrieval benchmarking", CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cbir.core.errors import CbirError, UsageError, excerpt, reason_of
from cbir.core.json_text import parse_json
from cbir.core.json_values import DamageError, count, list_of, number, object_of, plain_text
from cbir.core.progress import ProgressListener
from cbir.core.regular_files import read_regular
from cbir.evaluation.boxed_truth import BoxedQuery, BoxedTruth, Judged
from cbir.evaluation.query_box import region_of_box
from cbir.evaluation.relevance import about_truth
from cbir.images.region import Region
from cbir.tables.image_keys import image_key

PREFIX = "revisited:"
PROTOCOL = "revisited"

SETUPS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "easy": (("easy",), ("junk", "hard")),
    "medium": (("easy", "hard"), ("junk",)),
    "hard": (("hard",), ("junk", "easy")),
}
"""What is right, and what is set aside, in each setup."""

_LISTS = ("easy", "hard", "junk")
_MAX_BYTES = 256_000_000
_MAX_IMAGES, _MAX_QUERIES = 2_000_000, 10_000


def read_revisited(spec: str, paths: Sequence[str], listener: ProgressListener) -> BoxedTruth:
    """Read a document of ground truth.

    Images of the index that are queries, and not in ``imlist``, are set aside for every query;
    others that the document does not know are wrong, as distractors are.

    Parameters
    ----------
    spec : str
        ``revisited:`` and the file.
    paths : sequence of str
        Of the index, relative to the dataset.
    listener : ProgressListener
        Told of images that are not in the index.

    Raises
    ------
    CbirError
        When the file cannot be read, is a pickle, or has anything else in it.
    """
    path = spec.removeprefix(PREFIX)
    if not path:
        raise UsageError(about_truth(spec, "name its file, as in revisited:gnd_roxford5k.json"))
    try:
        data = read_regular(path, _MAX_BYTES)
    except OSError as error:
        reason = f"{reason_of(error)}; name a file of JSON, as in revisited:gnd_roxford5k.json"
        raise CbirError(about_truth(spec, reason)) from None
    if _is_pickle(data):
        reason = (
            "it is a pickle, which can run any program when it is opened, so it is not; turn it"
            " into JSON by the short program in the guide on evaluation, which takes nothing but"
            " plain data from it, and name that file"
        )
        raise CbirError(about_truth(spec, reason))
    try:
        outside, queries = _parsed(parse_json(data, True))
    except ValueError as error:
        reason = (
            "no ground truth of the revisited protocol, or a damaged one"
            f" ({excerpt(str(error), 200)}); it must be JSON with imlist, qimlist and gnd, as"
            " the guide on evaluation has it"
        )
        raise CbirError(about_truth(spec, reason)) from None
    return BoxedTruth(
        spec, PROTOCOL, queries, paths, listener, setups=tuple(SETUPS), outside=outside
    )


def _is_pickle(data: bytes) -> bool:
    """Say whether a file is a pickle: all end with a dot, and the later ones begin with 0x80."""
    return data[:1] == b"\x80" or (data.endswith(b".") and data.lstrip()[:1] not in (b"{", b"["))


def _parsed(document: Any) -> tuple[frozenset[str], list[BoxedQuery]]:
    fields = object_of(document, "the document")
    images = _names(fields, "imlist", _MAX_IMAGES)
    asked = _names(fields, "qimlist", _MAX_QUERIES)
    boxes = list_of(fields.get("gnd"), "gnd", _MAX_QUERIES, partial(_query, images))
    if not asked or len(boxes) != len(asked):
        raise DamageError(f"gnd has {len(boxes)} entries for the {len(asked)} names in qimlist")
    queries = [
        BoxedQuery(image, image, region, judged)
        for image, (region, judged) in zip(asked, boxes, strict=True)
    ]
    return frozenset(asked) - frozenset(images), queries


def _names(fields: Mapping[str, Any], name: str, most: int) -> list[str]:
    names = list_of(fields.get(name), name, most, _name)
    first: dict[str, int] = {}
    for place, one in enumerate(names):
        if first.setdefault(one, place) != place:
            raise DamageError(f"{name}[{place}] is the same as {name}[{first[one]}]")
    return names


def _name(value: Any, where: str) -> str:
    text = image_key(plain_text(value, where))
    if not text or "\0" in text:
        raise DamageError(f"{where} is no name of an image")
    return text


def _query(images: Sequence[str], value: Any, where: str) -> tuple[Region, dict[str, Judged]]:
    fields = object_of(value, where)
    box = list_of(fields.get("bbx"), f"{where}.bbx", 4, number)
    region = region_of_box(box) if len(box) == 4 else None
    if region is None:
        raise DamageError(f"{where}.bbx is no box x1, y1, x2, y2 in pixels from 0 on")
    listed: dict[int, str] = {}
    places: dict[str, list[int]] = {}
    for kind in _LISTS:
        places[kind] = list_of(fields.get(kind), f"{where}.{kind}", len(images), count)
        for entry, place in enumerate(places[kind]):
            if place >= len(images):
                raise DamageError(
                    f"{where}.{kind}[{entry}] is {place}, and imlist has {len(images)} names"
                )
            other = listed.setdefault(place, kind)
            if other != kind:
                raise DamageError(f"{where}.{kind}[{entry}] is {place}, as in {where}.{other}")
    named = {kind: frozenset(images[place] for place in places[kind]) for kind in _LISTS}
    judged = {
        setup: Judged(
            frozenset().union(*(named[kind] for kind in right)),
            frozenset().union(*(named[kind] for kind in junk)),
        )
        for setup, (right, junk) in SETUPS.items()
    }
    return region, judged
