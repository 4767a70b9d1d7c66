"""The ground truth of Oxford 5k and Paris 6k."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.evaluation import choose_queries, evaluate, read_ground_truth
from tests.evaluation.conftest import Listener, MadeUp
from tests.evaluation.landmarks import REGION, compute_ap, make_images, write_oxford

NAMES = [f"{place}_{number:06}" for place in ("hall", "all_souls") for number in range(8)]
GOOD = ["all_souls_000000", "all_souls_000001", "all_souls_000002"]
OK, JUNK = ["all_souls_000003", "hall_000007"], ["all_souls_000004", "hall_000000"]


@pytest.fixture
def landmarks(tmp_path: Path) -> cbir.Index:
    make_images(tmp_path / "images", NAMES)
    truth = tmp_path / "truth"
    write_oxford(truth, "all_souls_1", "oxc1_all_souls_000000", GOOD, OK, JUNK)
    write_oxford(truth, "all_souls_2", "oxc1_all_souls_000001", GOOD, OK, JUNK)
    write_oxford(truth, "hall_1", "hall_000003", ["hall_000003"], ["hall_000005"])
    cbir.index(str(tmp_path / "images"), str(tmp_path / "index.csv"), ["hsv"])
    return cbir.open(str(tmp_path / "index.csv"))


def spec(tmp_path: Path) -> str:
    return f"oxford:{tmp_path / 'truth'}"


def test_measures_are_those_of_the_published_program(
    landmarks: cbir.Index, tmp_path: Path, listener: Listener
) -> None:
    truth = read_ground_truth(spec(tmp_path), landmarks.paths, listener=listener)
    queries = choose_queries(landmarks, truth, listener=listener)
    (run,) = evaluate(landmarks, truth, queries, [landmarks.searcher()], listener=listener).runs
    expected = []
    for image, positive, junk in (
        ("all_souls_000000", {*GOOD, *OK}, JUNK),
        ("all_souls_000001", {*GOOD, *OK}, JUNK),
        ("hall_000003", {"hall_000003", "hall_000005"}, []),
    ):
        path = str(tmp_path / "images" / f"{image}.jpg")
        matches = landmarks.search(path, top=len(NAMES), region=REGION).matches
        expected.append(compute_ap([Path(match.path).stem for match in matches], positive, junk))
    assert run.scores.values["trapezoidal_map"] == pytest.approx(expected, abs=1e-12)
    assert 0 < min(expected) < 1
    assert queries.protocol == "oxford" and not listener.warnings
    assert run.labels == ["all_souls", "all_souls", "hall"]
    assert run.queries_by_class() == {"all_souls": 2, "hall": 1}
    assert [str(region) for region in run.regions] == [REGION] * 3


@pytest.mark.parametrize("seed", range(20))
def test_any_ranking_is_measured_as_published(
    landmarks: cbir.Index, tmp_path: Path, seed: int
) -> None:
    distances = np.random.default_rng(seed).permutation(len(NAMES)).astype(float)
    truth = read_ground_truth(spec(tmp_path), landmarks.paths)
    queries = choose_queries(landmarks, truth)
    made_up = MadeUp(distances[None])
    (run,) = evaluate(landmarks, truth, queries, [made_up]).runs
    ranking = [Path(landmarks.paths[row]).stem for row in np.argsort(distances)]
    expected = compute_ap(ranking, {*GOOD, *OK}, JUNK)
    assert run.scores.values["trapezoidal_map"][0] == pytest.approx(expected, abs=1e-12)


def test_the_query_finds_itself_and_junk_is_not_shown(
    landmarks: cbir.Index, tmp_path: Path
) -> None:
    truth = read_ground_truth(spec(tmp_path), landmarks.paths)
    rows = [landmarks.paths.index(f"{name}.jpg") for name in [*JUNK, "all_souls_000000"]]
    distances = np.full(len(NAMES), 9.0)
    distances[rows] = 0, 1, 2
    queries = choose_queries(landmarks, truth)
    (run,) = evaluate(landmarks, truth, queries, [MadeUp(distances[None])]).runs
    first = run.hits[0][0]
    assert Path(first.path).stem == "all_souls_000000" and first.relevant
    assert run.scores.values["precision@1"][0] == 1
    assert run.scores_without_duplicates.values["precision@1"][0] == 1


def test_names_with_folders_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    make_images(tmp_path / "images" / "paris", ["paris_defense_000605", "paris_defense_000001"])
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "defense_1_query.txt").write_bytes(b"paris_defense_000605 0 0 96.5 72\r\n")
    (truth / "defense_1_good.txt").write_bytes(b"\xef\xbb\xbfparis_defense_000605\r\n\r\n")
    (truth / "defense_1_ok.txt").write_bytes(b"paris_defense_000001")
    (truth / "defense_1_junk.txt").write_bytes(b"")
    cbir.index(str(tmp_path / "images"), str(tmp_path / "index.csv"))
    index = cbir.open(str(tmp_path / "index.csv"))
    read = read_ground_truth(spec(tmp_path), index.paths)
    queries = choose_queries(index, read)
    (run,) = evaluate(index, read, queries, [index.searcher()]).runs
    assert run.mean("map") == 1 and run.scores.counted == 1


def test_images_that_are_missing_are_told(
    landmarks: cbir.Index, tmp_path: Path, listener: Listener
) -> None:
    write_oxford(tmp_path / "truth", "gone_1", "oxc1_gone_000001", ["gone_000001"])
    truth = read_ground_truth(spec(tmp_path), landmarks.paths, listener=listener)
    assert "1 of 10 images that it judges are not in the index, gone_000001" in listener.warnings[0]
    chosen = choose_queries(landmarks, truth, listener=listener)
    assert "1 query of 4 are no image of the index, gone_000001" in listener.warnings[1]
    assert [query.topic for query in chosen.queries] == ["all_souls_1", "all_souls_2", "hall_1"]


def test_a_box_beyond_its_image_is_told_and_left_out(
    landmarks: cbir.Index, tmp_path: Path, listener: Listener
) -> None:
    (tmp_path / "truth" / "hall_1_query.txt").write_text("hall_000003 10 10 1000 60\n")
    truth = read_ground_truth(spec(tmp_path), landmarks.paths)
    queries = choose_queries(landmarks, truth)
    (run,) = evaluate(landmarks, truth, queries, [landmarks.searcher()], listener=listener).runs
    assert len(run.queries) == 2
    assert "hall_000003.jpg: the region 10,10,990,50 reaches beyond its 96x72" in listener.errors[0]


def test_queries_can_be_images_of_another_folder(landmarks: cbir.Index, tmp_path: Path) -> None:
    make_images(tmp_path / "beside", ["tower_000001"])
    write_oxford(tmp_path / "truth", "tower_1", "oxc1_tower_000001", ["hall_000001"])
    truth = read_ground_truth(spec(tmp_path), landmarks.paths)
    chosen = choose_queries(landmarks, truth, folder=str(tmp_path / "beside"))
    assert [Path(query.path).parent.name for query in chosen.queries] == ["images"] * 3 + ["beside"]
    with pytest.raises(CbirError, match="there is no such folder of images"):
        choose_queries(landmarks, truth, folder=str(tmp_path / "nowhere"))


def test_where_leaves_out_queries(landmarks: cbir.Index, tmp_path: Path) -> None:
    truth = read_ground_truth(spec(tmp_path), landmarks.paths)
    chosen = choose_queries(landmarks, truth, where="path like 'hall%'")
    assert [query.topic for query in chosen.queries] == ["hall_1"]


def test_another_protocol_is_refused(landmarks: cbir.Index, tmp_path: Path) -> None:
    truth = read_ground_truth(spec(tmp_path), landmarks.paths)
    with pytest.raises(UsageError, match="says itself which images query"):
        choose_queries(landmarks, truth, "first")
    with pytest.raises(UsageError, match="it has no query nothing"):
        truth.grades("nothing")
    with pytest.raises(UsageError, match="are about a table"):
        read_ground_truth(spec(tmp_path), landmarks.paths, label="class")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("query", b"", r"hall_1_query.txt: it has 0 lines; write one"),
        ("query", b"a 1 2 3 4\nb 1 2 3 4\n", r"hall_1_query.txt: it has 2 lines; write one"),
        ("query", b"\nhall_000003 1 2 3\n", r"line 2: 'hall_000003 1 2 3' is no query; write"),
        ("query", b"hall_000003 1 2 3 nan\n", "line 1: .* is no query; write"),
        ("query", b"hall_000003 1 2 3 1e9999\n", "line 1: .* is no query; write"),
        ("query", b"hall_000003 1 2 3 1e999\n", "line 1: the box 1 2 3 1e999 has no extent"),
        ("query", b"hall_000003 9 2 9 8\n", "line 1: the box 9 2 9 8 has no extent within"),
        ("query", b"hall_000003 9 2 3 8\n", "line 1: the box 9 2 3 8 has no extent within"),
        ("query", b"hall_000003 -9 2 3 8\n", "line 1: the box -9 2 3 8 has no extent within"),
        ("good", b"hall_000003\n\xff\xfe\n", "hall_1_good.txt: line 2: it is no text in UTF-8"),
        ("junk", b"hall_\0\n", "hall_1_junk.txt: line 1: .* has characters that no name has"),
        ("junk", b"hall_000001\nhall_000003\n", "line 2: hall_000003 is junk, and in line 1 of"),
        ("ok", None, "hall_1_ok.txt: there is no such file; each query has four"),
        ("ok", "folder", "hall_1_ok.txt: is a directory; put the file"),
        ("ok", "pipe", "hall_1_ok.txt: a pipe, not a regular file; put the file"),
        ("ok", b" " * 16_000_001, "hall_1_ok.txt: larger than 16 megabytes; put the file"),
    ],
)
def test_a_broken_file_is_refused(
    landmarks: cbir.Index, tmp_path: Path, name: str, content: bytes | str | None, message: str
) -> None:
    path = tmp_path / "truth" / f"hall_1_{name}.txt"
    path.unlink()
    if content == "folder":
        path.mkdir()
    elif content == "pipe":
        os.mkfifo(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(CbirError, match=message):
        read_ground_truth(spec(tmp_path), landmarks.paths)


def test_an_odd_folder_is_refused(landmarks: cbir.Index, tmp_path: Path) -> None:
    for given, message in (
        ("oxford:", "name its folder, as in oxford:gt_files"),
        (f"oxford:{tmp_path / 'nowhere'}", "no such file or directory; name the folder"),
        (f"oxford:{tmp_path / 'index.csv'}", "not a directory; name the folder"),
        (f"oxford:{tmp_path}", "no file in it is called NAME_query.txt"),
    ):
        with pytest.raises(CbirError, match=message):
            read_ground_truth(given, landmarks.paths)


def test_a_truth_of_other_images_is_refused(tmp_path: Path) -> None:
    write_oxford(tmp_path / "truth", "x_1", "x_1", ["x_1"])
    with pytest.raises(CbirError, match="no image that it judges is in the index, not even x_1"):
        read_ground_truth(spec(tmp_path), ["cat.jpg"])


@pytest.mark.parametrize("kind", ["query", "good", "junk"])
def test_names_that_are_very_long_are_told_in_few_words(
    landmarks: cbir.Index, tmp_path: Path, listener: Listener, kind: str
) -> None:
    name = "a" * 100_000
    box = " 0 0 50 50\n" if kind == "query" else "\n"
    (tmp_path / "truth" / f"hall_1_{kind}.txt").write_text(name + box)
    truth = read_ground_truth(spec(tmp_path), landmarks.paths, listener=listener)
    choose_queries(landmarks, truth, listener=listener)
    assert listener.warnings
    assert max(map(len, listener.warnings)) < 500 + len(str(tmp_path))
