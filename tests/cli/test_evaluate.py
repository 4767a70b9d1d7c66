"""``cbir evaluate`` as a user and a script run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbir
from cbir.evaluation.stored import read_evaluation
from tests.conftest import Run
from tests.pages import Page

# The fixture's folders with more than one image: three cats, two deserts, two things.
QUERIES, EMPTY = 7, 5


def evaluated(run: Run, *arguments: str | Path) -> dict[str, Any]:
    done = run("evaluate", *arguments, "--format", "json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    specs = ("--descriptor", "hsv", "--descriptor", "color=colorhash")
    assert here("index", "-d", "photos", "--quiet", *specs).returncode == 0
    return photos


def test_a_table_for_people(here: Run, photos: Path) -> None:
    done = here("evaluate", "-d", "photos")
    lines = done.stdout.splitlines()
    assert len(lines) == 2 and lines[1].split()[:2] == ["hsv", "chi2"]
    assert done.stderr == (
        f"12 images, {QUERIES} queries and {EMPTY} more without anything to find;"
        " protocol all, truth folders\n"
    )
    assert here("evaluate", "-d", "photos", "--quiet").stderr == ""


def test_the_output_is_that_of_a_process(run: Run, photos: Path) -> None:
    done = run("evaluate", "-d", "photos", "--by-class", text=False)
    assert done.returncode == 0 and b"\x1b" not in done.stdout
    assert "±".encode() in done.stdout and done.stdout.endswith(b"\n")


def test_the_measures_are_right(here: Run, photos: Path) -> None:
    document = evaluated(here, "-d", "photos")
    assert (document["dataset"], document["images"]) == ("photos", 12)
    assert (document["queries"], document["empty_queries"]) == (QUERIES, EMPTY)
    (found,) = document["runs"]
    cbir.index("photos", "index.csv")
    index = cbir.open("index.csv")
    averages = []
    for path in index.paths:
        matches = index.search(f"photos/{path}", 12, exclude_self=True).matches
        right = [
            os.path.dirname(match.shown) == f"photos/{os.path.dirname(path)}" for match in matches
        ]
        ranks = np.flatnonzero(right) + 1
        if len(ranks):
            averages.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
    assert found["map"] == pytest.approx(np.mean(averages), abs=1e-12)
    assert found["bytes_per_image"] == index.vectors()[0].nbytes


def test_nothing_is_left_of_a_temporary_index(
    here: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(photos.parent / "temporary"))
    os.mkdir("temporary")
    assert here("evaluate", "-d", "photos").returncode == 0
    assert here("evaluate", "-d", "photos", "--queries", "photos/sky").returncode == 1
    assert os.listdir("temporary") == [] and set(os.listdir()) == {"photos", "temporary"}


def test_workers_change_nothing(here: Run, photos: Path) -> None:
    documents = [evaluated(here, "-d", "photos", "--workers", str(n)) for n in (1, 3)]
    for document in documents:
        del document["runs"][0]["ms_per_query"]
    assert documents[0] == documents[1]


def runs_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((run["descriptor"], run["metric"]) for run in document["runs"])


def test_each_descriptor_by_each_metric_that_it_allows(here: Run, photos: Path) -> None:
    document = evaluated(
        here, "-d", "photos", "--descriptor", "hsv", "--descriptor", "dhash",
        "--metric", "cosine", "--metric", "chi2", "--metric", "hamming", "--metric", "cosine",
    )  # fmt: skip
    assert runs_of(document) == [("dhash", "hamming"), ("hsv", "chi2"), ("hsv", "cosine")]
    maps = [run["map"] for run in document["runs"]]
    assert maps == sorted(maps, reverse=True)


def test_a_metric_that_no_descriptor_allows_is_refused(here: Run, indexed: Path) -> None:
    for place in ("-d", "photos"), ("-i", "index.csv"):
        done = here("evaluate", *place, "--descriptor", "hsv", "--metric", "hamming")
        assert done.returncode == 2 and done.stdout == ""
        assert "--metric hamming makes no sense for hsv" in done.stderr
    done = here("evaluate", "-i", "index.csv", "--metric", "chi2")
    assert done.returncode == 0
    assert "Warning: color: none of the metrics makes sense for it" in done.stderr


def test_an_index_has_its_own_descriptors(here: Run, indexed: Path) -> None:
    assert runs_of(evaluated(here, "-i", "index.csv")) == [("color", "hamming"), ("hsv", "chi2")]
    assert runs_of(evaluated(here, "-i", "index.csv", "--descriptor", "color")) == [
        ("color", "hamming")
    ]
    done = here("evaluate", "-i", "index.csv", "--descriptor", "hog")
    assert done.returncode == 1 and "the index has no descriptor 'hog'" in done.stderr


def test_groups_query_by_their_first(here: Run, photos: Path) -> None:
    groups = ("--truth", "groups:^(.*)-[0-9]")
    document = evaluated(here, "-d", "photos", *groups)
    assert document["protocol"] == "first" and document["queries"] == 2
    document = evaluated(here, "-d", "photos", *groups, "--protocol", "all")
    assert document["protocol"] == "all" and document["queries"] == 5


def test_a_table_can_be_the_truth(here: Run, photos: Path) -> None:
    Path("kinds.csv").write_text("name,kind\ncats/cat-1.jpg,pet\ncat-2,pet\nkite-1.jpg,toy\n")
    done = here(
        "evaluate", "-d", "photos", "--truth", "kinds.csv", "--key", "name", "--label", "kind",
        "--by-class", "--format", "json",
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert document["queries"] == 2 and list(document["runs"][0]["classes"]) == ["pet"]
    assert "Warning" in done.stderr and "9 of 12" in done.stderr


def test_a_truth_that_cannot_be_read_is_told_before_the_work(
    here: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.cli.evaluate.command.build_index", None)
    for truth in ("nowhere.csv", "groups:cat", "groups:^(no)"):
        done = here("evaluate", "-d", "photos", "--truth", truth)
        assert done.returncode in (1, 2) and truth in done.stderr, truth


def test_another_folder_can_query(here: Run, photos: Path) -> None:
    shutil.move(photos / "cats" / "cat-3.jpg", Path("asked.jpg"))
    os.makedirs("more/cats")
    shutil.move("asked.jpg", "more/cats/cat-3.jpg")
    document = evaluated(here, "-d", "photos", "--queries", "more")
    assert (document["images"], document["queries"]) == (11, 1)
    document = evaluated(here, "-d", "photos", "-q", "more", "--ground-truth", "groups:^(.*)-[0-9]")
    assert document["queries"] == 1


def test_exact_duplicates_have_a_line_of_their_own(here: Run, photos: Path) -> None:
    shutil.copy(photos / "things" / "kite-1.jpg", photos / "things" / "again.jpg")
    done = here("evaluate", "-d", "photos")
    assert done.stdout.splitlines()[2].startswith("  without duplicates")
    document = evaluated(here, "-d", "photos")
    (found,) = document["runs"]
    assert found["without_duplicates"]["map"] < found["map"]


def test_images_of_the_result(here: Run, photos: Path) -> None:
    files = ("--plot", "curves.png", "--failures", "failures.html", "--worst", "1")
    for _ in range(2):
        done = here("evaluate", "-d", "photos", *files)
        assert done.returncode == 0
        assert done.stderr.splitlines()[1:] == ["Plot: curves.png", "Failures: failures.html"]
    page = Page(Path("failures.html"))
    assert len(page.all("section", class_="group")) == 1 and "Failures: photos" in page.text
    assert any("photos/" in link["href"] for link in page.all("a"))


def test_the_result_is_kept(here: Run, photos: Path) -> None:
    for _ in range(2):
        done = here("evaluate", "-d", "photos", "--save", "first.json", "--worst", "2")
        assert done.returncode == 0 and done.stderr.splitlines()[1:] == ["Evaluation: first.json"]
    stored = read_evaluation("first.json")
    printed = evaluated(here, "-d", "photos")
    assert [one.means["map"] for one in stored.runs] == [one["map"] for one in printed["runs"]]
    (worst,) = (one.worst for one in stored.runs)
    assert len(worst) == 2 and all((photos / one.path).is_file() for one in worst)


def test_what_an_index_knows_is_kept_with_the_result(here: Run, indexed: Path) -> None:
    Path("elsewhere").mkdir()
    shutil.copy(indexed / "cats" / "cat-1.jpg", "elsewhere/cat-9.jpg")
    options = ("--queries", "elsewhere", "--truth", "groups:^.*?([a-z]+)-", "--save", "s.json")
    assert here("evaluate", "-i", "index.csv", *options).returncode == 0
    (query,) = read_evaluation("s.json").runs[0].worst
    assert query.outside and query.path == "elsewhere/cat-9.jpg"
    assert all((indexed / hit.path).is_file() for hit in query.hits)


def test_images_of_the_result_are_made_though_nobody_reads_the_measures(
    photos: Path, tmp_path: Path
) -> None:
    evaluate = f"{sys.executable} -m cbir evaluate photos --plot p.svg --failures f.html"
    for target in ("| true", "> /dev/full"):
        done = subprocess.run(
            f"{evaluate} {target}",
            shell=True, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        for name in ("p.svg", "f.html"):
            (tmp_path / name).unlink()


def test_files_are_checked_before_the_work(here: Run, photos: Path) -> None:
    Path("mine.html").write_text("mine")
    for option, name in (
        ("--plot", "curves.jpg"), ("--failures", "failures.pdf"), ("--failures", "mine.html"),
        ("--plot", "nowhere/curves.png"), ("--save", "kept.csv"), ("--save", "mine.html"),
        ("--save", "nowhere/kept.json"),
    ):  # fmt: skip
        done = here("evaluate", "-d", "photos", option, name)
        assert done.returncode in (1, 2) and name in done.stderr and done.stdout == ""
    assert Path("mine.html").read_text() == "mine"


def test_images_that_moved_are_missed_by_failures_only(here: Run, indexed: Path) -> None:
    indexed.rename("moved")
    assert here("evaluate", "-i", "index.csv").returncode == 0
    done = here("evaluate", "-i", "index.csv", "--failures", "failures.html")
    assert done.returncode == 1 and "--failures shows images" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "either a folder DIR, or --index FILE"),
        (("-d", "photos", "-i", "index.csv"), "a folder DIR, or --index FILE, but not both"),
        (("-d", "photos", "--queries", "photos", "--protocol", "all"), "leave out --protocol"),
        (("-d", "photos", "--descriptor", "nothing"), "there is no descriptor 'nothing'"),
        (("-d", "photos", "--truth", "kinds.csv"), "--label"),
    ],
)
def test_wrong_usage_is_explained(
    here: Run, photos: Path, arguments: tuple[str, ...], words: str
) -> None:
    Path("kinds.csv").write_text("file,kind\ncats/cat-1.jpg,pet\n")
    done = here("evaluate", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


def test_what_gives_no_query_is_an_error(here: Run, photos: Path) -> None:
    done = here("evaluate", "-d", "photos", "--truth", "groups:(.*)")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no query has anything to find" in done.stderr


def test_unreadable_images_are_told(here: Run, photos: Path) -> None:
    (photos / "cats" / "broken.jpg").write_bytes(b"broken")
    done = here("evaluate", "-d", "photos")
    assert done.returncode == 0 and done.stderr.startswith("Cannot read photos/cats/broken.jpg")
    assert "12 images" in done.stderr
