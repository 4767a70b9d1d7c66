"""``cbir optimize`` and ``search --approximate`` as a user runs them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import cbir
from tests.conftest import DATA, Run


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some photographs and their index."""
    folder = tmp_path_factory.mktemp("described")
    for name in ("cats", "sky", "things"):
        shutil.copytree(DATA / name, folder / "photos" / name)
    names = ["hsv", "phash", "orb:words=20"]
    cbir.index(str(folder / "photos"), str(folder / "index.csv"), names)
    return folder


@pytest.fixture
def indexed(run: Run, described: Path, tmp_path: Path) -> Run:
    shutil.copytree(described, tmp_path, dirs_exist_ok=True)
    return run


def test_an_index_is_made_ready_and_searched(indexed: Run) -> None:
    query = "photos/cats/cat-1.jpg"
    search = ("search", query, "--no-montage", "--format", "json")
    before = indexed(*search, "--approximate")
    assert before.returncode == 1
    assert before.stderr.endswith(
        "make it so: cbir optimize --index index.csv --descriptor hsv, or leave out --approximate\n"
    )
    done = indexed("optimize")
    assert done.returncode == 0 and done.stdout == ""
    assert done.stderr.startswith("hsv: 13 images by faiss-hnsw, arranged in 1 s; ")
    assert re.search(r"recall@10 [01]\.\d{3} on 13 queries\n", done.stderr)
    assert done.stderr.endswith(
        "An exact search of 13 images is as fast: --approximate pays from more than 10,000 on\n"
    )
    found = indexed(*search, "--approximate")
    (exact,), (approximate,) = (json.loads(indexed(*search).stdout), json.loads(found.stdout))
    assert found.stderr == ""
    assert approximate["metric"] == "chi2, approximate"
    assert approximate["results"] == exact["results"]
    assert "up to date" in indexed("optimize", "index.csv").stderr


def test_info_says_what_was_made(indexed: Run) -> None:
    assert json.loads(indexed("info", "--format", "json").stdout)["structures"] == []
    indexed("optimize", "--descriptor", "phash", "--recall", "0.9")
    done = indexed("info")
    line = (
        r"optimized phash, hamming: all images by faiss-bits, recall@10 [01]\.\d+ \(0.9 wanted\)\n"
    )
    assert re.search(line, done.stdout) and done.returncode == 0
    (one,) = json.loads(indexed("info", "--format", "json").stdout)["structures"]
    assert (one["alias"], one["covered"], one["gone"]) == ("phash", 13, 0)


def test_a_fusion_is_measured_and_what_lacks_is_told(indexed: Run) -> None:
    query = "photos/cats/cat-1.jpg"
    done = indexed("optimize", "--descriptor", "hsv+orb")
    assert "orb: searched as before, by its inverted file" in done.stderr
    assert re.search(r"hsv\+orb: recall@10 [01]\.\d{3} on 13 queries, by ", done.stderr)
    search = ("search", query, "--no-montage", "--approximate", "--descriptor")
    assert indexed(*search, "hsv+orb").stderr == ""
    told = indexed(*search, "hsv+phash").stderr
    assert "phash: all images are compared" in told
    assert "hsv+phash: how many of the nearest images this fusion finds was not measured" in told


def test_evaluations_are_of_approximate_searches_where_that_is_asked(indexed: Run) -> None:
    evaluate = ("evaluate", "-i", "index.csv", "--descriptor", "hsv", "--format", "json", "--quiet")
    before = indexed(*evaluate, "--approximate")
    assert before.returncode == 1
    assert "make it so: cbir optimize --index index.csv --descriptor hsv" in before.stderr
    indexed("optimize")
    (exact,), (approximate,) = (
        json.loads(indexed(*evaluate, *more).stdout)["runs"] for more in ((), ("--approximate",))
    )
    assert approximate["metric"] == "chi2, approximate"
    of_images = {"metric", "ms_per_query"}
    assert {**exact, **{key: approximate[key] for key in of_images}} == approximate
    folder = indexed("evaluate", "photos", "--approximate")
    assert (folder.returncode, folder.stdout) == (2, "")
    assert "name it with --index" in folder.stderr


def test_what_was_made_is_removed(indexed: Run) -> None:
    indexed("optimize", "--descriptor", "hsv+phash")
    assert indexed("optimize", "--remove", "--descriptor", "hsv").stderr == (
        "index.csv: 1 structure removed\n"
    )
    assert indexed("optimize", "--remove").stderr == "index.csv: 1 structure removed\n"
    assert indexed("optimize", "--remove", "--quiet").stderr == ""


@pytest.mark.parametrize(
    "options, message",
    [
        (["--engine", "annoy", "--descriptor", "phash"], "phash has bits; these arrange such"),
        (["--engine", "faiss-bits"], "hsv has numbers; these arrange such"),
        (["--engine", "faiss-hnsv"], "did you mean 'faiss-hnsw'?"),
        (["--bytes", "4", "--engine", "hnswlib"], "--bytes is for engines that quantize"),
        (["--recall", "1.5"], "not in the range"),
        (["--recall", "nan"], "not a finite number"),
        (["--descriptor", "orb"], "orb: there is nothing to make ready"),
        (["--descriptor", "hsv+phash", "--metric", "chi2"], "is for one descriptor"),
        (["index.csv", "--index", "index.csv"], "INDEX and --index are the same"),
    ],
)
def test_what_makes_no_sense_is_refused(indexed: Run, options: list[str], message: str) -> None:
    done = indexed("optimize", *options)
    assert done.returncode == 2 and message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_package_and_a_missing_index_are_told(indexed: Run, tmp_path: Path) -> None:
    done = indexed("optimize", "no.csv")
    assert done.returncode == 1 and "no.csv" in done.stderr
    (tmp_path / "faiss.py").write_text("raise ImportError")
    (tmp_path / "annoy.py").write_text("raise ImportError")
    done = indexed("optimize")
    assert done.returncode == 1
    assert "needs the optional package faiss; install it: pip install 'cbir[ann]'" in done.stderr
    done = indexed("optimize", "--engine", "annoy")
    assert "needs the optional package annoy; install it: pip install annoy" in done.stderr


def test_hostile_names_are_shown_safely(run: Run, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a\nb\x1b[1m"
    folder.mkdir()
    index = folder / "i;rm -rf.csv"
    run("index", photos, "--index", index, "--descriptor", "layout")
    done = run("optimize", index)
    assert done.returncode == 0, done.stderr
    found = run("search", photos / "cats" / "cat-1.jpg", "-i", index, "--approximate")
    assert found.returncode == 0
    removed = run("optimize", index, "--remove")
    assert "\x1b" not in removed.stderr and removed.stderr.count("\n") == 1
