"""The ground truth of revisited Oxford and Paris."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError
from cbir.evaluation import choose_queries, evaluate, read_ground_truth
from cbir.evaluation.revisited import SETUPS
from tests.evaluation.conftest import Listener, MadeUp
from tests.evaluation.landmarks import BOX, REGION, compute_ap, make_images, precision_at

SEARCHED = [f"{place}_{number:06}" for place in ("hall", "all_souls") for number in range(10)]
ASKED = ["all_souls_000077", "hall_000077", "hall_000078"]


def document() -> dict[str, Any]:
    return {
        "imlist": SEARCHED,
        "qimlist": ASKED,
        "gnd": [
            {"bbx": BOX, "easy": [10, 11, 12], "hard": [13, 3], "junk": [14, 0]},
            {"bbx": BOX, "easy": [1, 2, 3, 4], "hard": [5, 6, 11], "junk": []},
            {"bbx": BOX, "easy": [7], "hard": [], "junk": [8]},
        ],
    }


@pytest.fixture
def beside(tmp_path: Path) -> cbir.Index:
    """An index without the queries, which lie beside it."""
    return _made(tmp_path, "images", "queries")


def _made(tmp_path: Path, folder: str, of_queries: str) -> cbir.Index:
    make_images(tmp_path / folder, SEARCHED)
    make_images(tmp_path / of_queries, ASKED, seed=1)
    (tmp_path / "gnd.json").write_text(json.dumps(document()))
    cbir.index(str(tmp_path / folder), str(tmp_path / "index.csv"), ["hsv"])
    return cbir.open(str(tmp_path / "index.csv"))


def spec(tmp_path: Path) -> str:
    return f"revisited:{tmp_path / 'gnd.json'}"


def sets(number: int, setup: str) -> tuple[set[str], set[str]]:
    """What is right, and what is junk, as the paper has it."""
    easy, hard, junk = (
        {SEARCHED[place] for place in document()["gnd"][number][kind]}
        for kind in ("easy", "hard", "junk")
    )
    return {
        "easy": (easy, junk | hard),
        "medium": (easy | hard, junk),
        "hard": (hard, junk | easy),
    }[setup]


def check(runs: list[Any], rankings: list[list[str]]) -> None:
    assert [run.setup for run in runs] == ["easy", "medium", "hard"]
    for run in runs:
        for number, ranking in enumerate(rankings):
            right, junk = sets(number, run.setup)
            values = {name: run.scores.values[name][number] for name in run.scores.values}
            if not right:
                assert np.isnan(values["trapezoidal_map"])
                continue
            assert values["trapezoidal_map"] == pytest.approx(compute_ap(ranking, right, junk))
            for k in (1, 5, 10):
                expected = precision_at(ranking, right, junk, k)
                assert values[f"mp@{k}"] == pytest.approx(expected), (run.setup, number, k)


def test_the_three_setups_are_measured_as_published(beside: cbir.Index, tmp_path: Path) -> None:
    truth = read_ground_truth(spec(tmp_path), beside.paths)
    queries = choose_queries(beside, truth, folder=str(tmp_path / "queries"))
    result = evaluate(beside, truth, queries, [beside.searcher()])
    rankings = []
    for name in ASKED:
        path = str(tmp_path / "queries" / f"{name}.jpg")
        matches = beside.search(path, top=len(SEARCHED), region=REGION).matches
        rankings.append([Path(match.path).stem for match in matches])
    check(result.runs, rankings)
    assert (result.protocol, result.queries, result.empty_queries) == ("revisited", 3, 0)
    assert [run.scores.counted for run in result.runs] == [3, 3, 2]


@pytest.mark.parametrize("seed", range(10))
def test_any_ranking_is_measured_as_published(
    beside: cbir.Index, tmp_path: Path, seed: int
) -> None:
    truth = read_ground_truth(spec(tmp_path), beside.paths)
    queries = choose_queries(beside, truth, folder=str(tmp_path / "queries"))
    distances = np.random.default_rng(seed).permutation(len(SEARCHED)).astype(float)
    result = evaluate(beside, truth, queries, [MadeUp(distances[None])])
    ranking = [Path(beside.paths[row]).stem for row in np.argsort(distances)]
    check(result.runs, [ranking] * 3)


def test_queries_that_are_indexed_with_the_rest_are_set_aside(
    tmp_path: Path, listener: Listener
) -> None:
    index = _made(tmp_path, "images", "images")
    assert len(index) == len(SEARCHED) + len(ASKED)
    truth = read_ground_truth(spec(tmp_path), index.paths, listener=listener)
    queries = choose_queries(index, truth, listener=listener)
    distances = np.random.default_rng(1).permutation(len(index)).astype(float)
    for name in ASKED:
        distances[index.paths.index(f"{name}.jpg")] = -1
    result = evaluate(index, truth, queries, [MadeUp(distances[None])])
    ranking = [Path(index.paths[row]).stem for row in np.argsort(distances)]
    check(result.runs, [[name for name in ranking if name not in ASKED]] * 3)
    assert not listener.warnings


def test_other_images_are_distractors(beside: cbir.Index, tmp_path: Path) -> None:
    make_images(tmp_path / "images", ["more_000001"])
    cbir.index(str(tmp_path / "images"), str(tmp_path / "index.csv"), ["hsv"])
    index = cbir.open(str(tmp_path / "index.csv"))
    truth = read_ground_truth(spec(tmp_path), index.paths)
    queries = choose_queries(index, truth, folder=str(tmp_path / "queries"))
    distances = np.arange(len(index), dtype=float)
    distances[index.paths.index("more_000001.jpg")] = -1
    runs = evaluate(index, truth, queries, [MadeUp(distances[None])]).runs
    assert all(run.mean("mp@1") == 0 for run in runs)


def test_runs_are_compared_setup_by_setup(beside: cbir.Index, tmp_path: Path) -> None:
    truth = read_ground_truth(spec(tmp_path), beside.paths)
    queries = choose_queries(beside, truth, folder=str(tmp_path / "queries"))
    rng = np.random.default_rng(2)
    searchers = [MadeUp(rng.random((1, len(SEARCHED))), name) for name in "abc"]
    result = evaluate(beside, truth, queries, searchers)
    assert [run.setup for run in result.runs] == [name for name in SETUPS for _ in range(3)]
    for run in result.runs:
        best = result.best(run)
        assert best.setup == run.setup and best.mean("map") >= run.mean("map")


def test_queries_that_are_nowhere_are_refused(beside: cbir.Index, tmp_path: Path) -> None:
    truth = read_ground_truth(spec(tmp_path), beside.paths)
    message = "none of its queries is an image of the index, not even all_souls_000077; name the"
    with pytest.raises(CbirError, match=message):
        choose_queries(beside, truth)


def _without(name: str) -> Any:
    return {key: value for key, value in document().items() if key != name}


def _with(kind: str, value: Any) -> Any:
    changed = document()
    changed["gnd"][1][kind] = value
    return changed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "the document is no object"),
        (_without("imlist"), "imlist is no list"),
        (_without("qimlist"), "qimlist is no list"),
        (_without("gnd"), "gnd is no list"),
        (document() | {"qimlist": ASKED[:2]}, "gnd has 3 entries for the 2 names in qimlist"),
        (document() | {"qimlist": [], "gnd": []}, "gnd has 0 entries for the 0 names"),
        (
            document() | {"imlist": [*SEARCHED, "hall_000000"]},
            r"imlist\[20\] is the same as imlist",
        ),
        (document() | {"imlist": [*SEARCHED, 7]}, r"imlist\[20\] is no text"),
        (document() | {"imlist": [*SEARCHED, ""]}, r"imlist\[20\] is no name of an image"),
        (document() | {"gnd": [1, 2, 3]}, r"gnd\[0\] is no object"),
        (_with("bbx", None), r"gnd\[1\].bbx is no list"),
        (_with("bbx", [1, 2, 3]), r"gnd\[1\].bbx is no box"),
        (_with("bbx", [1, 2, 3, None]), r"gnd\[1\].bbx is no box"),
        (_with("bbx", [5, 2, 3, 9]), r"gnd\[1\].bbx is no box"),
        (_with("bbx", [1, 2, 3, "4"]), r"gnd\[1\].bbx\[3\] is no number"),
        (_with("easy", None), r"gnd\[1\].easy is no list"),
        (_with("easy", [1.5]), r"gnd\[1\].easy\[0\] is no count"),
        (_with("easy", [-1]), r"gnd\[1\].easy\[0\] is no count"),
        (_with("hard", [20]), r"gnd\[1\].hard\[0\] is 20, and imlist has 20 names"),
        (_with("junk", [5]), r"gnd\[1\].junk\[0\] is 5, as in gnd\[1\].hard"),
    ],
)
def test_a_document_with_anything_else_is_refused(
    tmp_path: Path, content: Any, message: str
) -> None:
    (tmp_path / "gnd.json").write_text(json.dumps(content))
    with pytest.raises(CbirError, match=rf"gnd.json: no ground truth .*{message}.* must be JSON"):
        read_ground_truth(spec(tmp_path), ["hall_000000.jpg"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no ground truth"),
        (b"\xff\xfe\x00", "no ground truth"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"imlist": [], "imlist": []}', "the name 'imlist' twice"),
        *((pickle.dumps(document(), version), "it is a pickle") for version in range(6)),
    ],
)
def test_a_file_that_is_no_document_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "gnd.json").write_bytes(content)
    with pytest.raises(CbirError, match=message):
        read_ground_truth(spec(tmp_path), ["hall_000000.jpg"])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for given, message in (
        ("revisited:", "name its file"),
        (f"revisited:{tmp_path}", "is a directory; name a file of JSON"),
        (f"revisited:{tmp_path}/no.json", "no such file or directory; name a file of JSON"),
    ):
        with pytest.raises(CbirError, match=message):
            read_ground_truth(given, ["hall_000000.jpg"])
