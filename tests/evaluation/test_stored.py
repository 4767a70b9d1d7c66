"""Evaluations in files: what is kept is read again, and nothing else is."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.evaluation.document import evaluation_document, write_evaluation
from cbir.evaluation.model import MEASURES, Evaluation
from cbir.evaluation.stored import MAX_BYTES, read_evaluation
from tests.evaluations import evaluation, run


@pytest.fixture
def found(photos: Path) -> Evaluation:
    return evaluation(photos, run(photos), run(photos, "phash", "hamming", (0.5, 1.0, 0.75)))


@pytest.fixture
def kept(found: Evaluation, tmp_path: Path) -> Path:
    write_evaluation(str(tmp_path / "first try.json"), found)
    return tmp_path / "first try.json"


def test_what_is_kept_is_read(found: Evaluation, kept: Path) -> None:
    stored = read_evaluation(str(kept))
    assert (stored.name, stored.dataset, stored.truth) == ("first try", found.dataset, "folders")
    assert (stored.images, stored.queries, stored.empty_queries) == (12, 3, 0)
    for run_, read in zip(found.runs, stored.runs, strict=True):
        assert (read.descriptor, read.metric) == (run_.descriptor, run_.metric)
        assert read.means == {name: run_.mean(name) for name in MEASURES}
        assert read.intervals == {name: run_.interval(name) for name in MEASURES}
        assert read.curve == tuple(run_.curve)
        assert (read.ms_per_query, read.bytes_per_image) == (1.5, 1440)


def test_the_worst_queries_have_paths_of_the_index(found: Evaluation, kept: Path) -> None:
    worst = read_evaluation(str(kept)).runs[1].worst
    assert [one.average_precision for one in worst] == [0.125, 0.25, 1.0]
    names = ["desert/orange-dune-1.jpg", "cats/cat-2.jpg", "cats/cat-1.jpg"]
    assert [one.path for one in worst] == names and not any(one.outside for one in worst)
    assert [one.label for one in worst] == ["desert", "cats", "cats"]
    for hit, read in zip(found.runs[1].hits[0], worst[0].hits, strict=True):
        assert os.path.join(found.dataset, read.path) == hit.path
        assert (read.distance, read.relevant) == (hit.distance, hit.relevant)


def test_what_an_earlier_version_kept_is_read(kept: Path) -> None:
    document = json.loads(kept.read_text(encoding="utf-8"))
    for run_ in document["runs"]:
        del run_["mp"], run_["intervals"]["mp"]
    kept.write_text(json.dumps(document), encoding="utf-8")
    (read, _) = read_evaluation(str(kept)).runs
    assert np.isnan(read.means["mp@5"]) and np.isnan(read.intervals["mp@5"]).all()
    assert (read.setup, read.worst[0].region) == (None, None)


def test_as_many_queries_as_wanted_are_kept(found: Evaluation, tmp_path: Path) -> None:
    write_evaluation(str(tmp_path / "one.json"), found, worst=1)
    assert [len(one.worst) for one in read_evaluation(str(tmp_path / "one.json")).runs] == [1, 1]


def test_images_elsewhere_are_told_from_those_of_the_dataset(
    found: Evaluation, tmp_path: Path
) -> None:
    elsewhere = replace(found.runs[0], queries=[str(tmp_path / "other.jpg")] * 3)
    write_evaluation(str(tmp_path / "e.json"), replace(found, runs=[elsewhere]))
    query = read_evaluation(str(tmp_path / "e.json")).runs[0].worst[0]
    assert query.outside and query.path == str(tmp_path / "other.jpg")


def test_the_folder_counts_and_not_how_the_dataset_is_called(
    found: Evaluation, kept: Path, tmp_path: Path
) -> None:
    named = replace(found, dataset="my photographs", root=found.dataset)
    write_evaluation(str(tmp_path / "named.json"), named)
    stored = read_evaluation(str(tmp_path / "named.json"))
    assert stored.dataset == "my photographs"
    assert stored.runs == read_evaluation(str(kept)).runs


def test_names_that_are_not_text_and_numbers_that_are_not_there(
    found: Evaluation, photos: Path, tmp_path: Path
) -> None:
    odd = os.fsdecode(b"cats/\xff<b>.jpg")
    first = replace(found.runs[0].hits[0][0], path=f"{photos}/{odd}", distance=math.inf)
    made = replace(found.runs[0], hits=[[first]] * 3, labels=[os.fsdecode(b"a\n\xfe")] * 3)
    nothing = run(photos, averages=(np.nan,))
    write_evaluation(str(tmp_path / "odd.json"), replace(found, runs=[made, nothing]))
    one, other = read_evaluation(str(tmp_path / "odd.json")).runs
    hit = one.worst[0].hits[0]
    assert hit.path == odd and math.isnan(hit.distance)
    assert one.worst[0].label == r"a\n\xfe"
    assert math.isnan(other.means["map"]) and np.isnan(other.curve).all() and other.worst == ()


def test_columns_come_with_the_hits(found: Evaluation, tmp_path: Path) -> None:
    hits = [[replace(hit, texts=("1999", "")) for hit in row] for row in found.runs[0].hits]
    made = replace(found, runs=[replace(found.runs[0], hits=hits)], columns=("year", "place"))
    write_evaluation(str(tmp_path / "c.json"), made)
    stored = read_evaluation(str(tmp_path / "c.json"))
    assert stored.columns == ("year", "place")
    assert stored.runs[0].worst[0].hits[0].texts == ("1999", "")


def test_what_was_printed_for_programs_has_the_measures(found: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "printed.json").write_text(json.dumps(evaluation_document(found)))
    stored = read_evaluation(str(tmp_path / "printed.json"))
    assert stored.runs[0].means["map"] == found.runs[0].mean("map")
    assert stored.runs[0].curve == () and stored.runs[0].worst == ()


def _set(*keys: str | int, to: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to

    return change


HIT = ("runs", 0, "worst", 0, "hits", 0)
DAMAGES = {
    "format": _set("format", to="cbir index"),
    "version": _set("version", to=2),
    "runs": _set("runs", to={}),
    "runs[0]": _set("runs", 0, to=[]),
    "more than 1,000": _set("runs", to=[0] * 1001),
    "dataset": _set("dataset", to=None),
    "truth": _set("truth", to="x" * 10_001),
    "images": _set("images", to=-1),
    "queries": _set("queries", to=True),
    "precision@10": _set("runs", 0, "precision", "10", to="high"),
    "anmrr": lambda document: document["runs"][0].pop("anmrr"),
    "intervals.map": _set("runs", 0, "intervals", "map", to=[0.5]),
    "ms_per_query": _set("runs", 0, "ms_per_query", to=10**400),
    "bytes_per_image": _set("runs", 0, "bytes_per_image", to=1.5),
    "curve has 3": _set("runs", 0, "curve", to=[1, 1, 1]),
    "curve[0]": _set("runs", 0, "curve", 0, to=2),
    "worst[0].map": _set("runs", 0, "worst", 0, "map", to=math.nan),
    "worst[0].label": _set("runs", 0, "worst", 0, "label", to=["cats"]),
    "outside": _set("runs", 0, "worst", 0, "outside", to=0),
    "hits has more than 100": _set("runs", 0, "worst", 0, "hits", to=[0] * 101),
    "hits[0].relevant": _set(*HIT, "relevant", to="yes"),
    "hits[0].distance": _set(*HIT, "distance", to=math.inf),
    "hits[0].path is no path": _set(*HIT, "path", to="a\0b"),
    "hits[0].path_base64": _set(*HIT, "path_base64", to="?"),
    "hits[0].texts": _set(*HIT, "texts", to=["too many"]),
}


@pytest.mark.parametrize("where", DAMAGES)
def test_a_damaged_value_is_refused_by_its_place(kept: Path, where: str) -> None:
    document = json.loads(kept.read_text())
    damaged = copy.deepcopy(document)
    DAMAGES[where](damaged)
    assert damaged != document
    kept.write_text(json.dumps(damaged))
    with pytest.raises(CbirError) as caught:
        read_evaluation(str(kept))
    assert where in str(caught.value) and str(caught.value).startswith(str(kept))


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"runs": [], "runs": []}', b"1" * 9999],
)
def test_what_is_no_evaluation_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "e.json"
    path.write_bytes(content)
    with pytest.raises(CbirError, match=r"e\.json: no evaluation, or a damaged one"):
        read_evaluation(str(path))


def test_every_cut_of_a_file_is_refused(kept: Path) -> None:
    whole = kept.read_bytes().rstrip()
    for length in range(0, len(whole), 997):
        kept.write_bytes(whole[:length])
        with pytest.raises(CbirError):
            read_evaluation(str(kept))


def test_what_is_no_file_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="no such file"):
        read_evaluation(str(tmp_path / "missing.json"))
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(CbirError, match="a pipe"):
        read_evaluation(str(tmp_path / "pipe.json"))
    with open(tmp_path / "large.json", "wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(CbirError, match="larger than 16 megabytes"):
        read_evaluation(str(tmp_path / "large.json"))


def test_only_an_evaluation_of_ours_is_overwritten(found: Evaluation, kept: Path) -> None:
    before = kept.read_bytes()
    write_evaluation(str(kept), found)
    assert kept.read_bytes() == before
    kept.write_text('{"mine": 1}')
    with pytest.raises(CbirError, match="not made by this program"):
        write_evaluation(str(kept), found)
    assert kept.read_text() == '{"mine": 1}'
    with pytest.raises(UsageError, match=r"must end with \.json"):
        write_evaluation(str(kept.with_suffix(".txt")), found)
