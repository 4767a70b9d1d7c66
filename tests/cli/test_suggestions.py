"""A mistyped name is answered by the one that may have been meant; usual synonyms are taken."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cbir.core.errors import UsageError
from cbir.search import metrics
from tests.conftest import DATA, Run

MISTYPED = [
    (("serch",), "'search'"),
    (("find",), "'search'"),
    (("dedupe", "."), "'duplicates'"),
    (("duplicates", ".", "--action", "remove"), "'delete'"),
    (("search", "-q", "x.jpg", "--metric", "cosin"), "'cosine'"),
    (("search", "-q", "x.jpg", "--metric", "chi-sqared"), "'chisquared'"),
    (("search", "-q", "x.jpg", "--preset", "balancd"), "'balanced'"),
    (("index", "-d", ".", "--descriptor", "phsh"), "'phash'"),
    (("index", "-d", ".", "--descriptor", "orb:word=5"), "'words'"),
    (("index", "-d", ".", "--preset", "photo"), "'photos'"),
    (("duplicates", "-d", ".", "--level", "ner"), "'near'"),
    (("duplicates", "-d", ".", "--keep", "oldst"), "'oldest'"),
    (("evaluate", "-d", ".", "--metric", "hammin"), "'hamming'"),
]


@pytest.mark.parametrize(("arguments", "meant"), MISTYPED)
def test_a_mistyped_name_is_answered_by_the_nearest(
    here: Run, arguments: tuple[str, ...], meant: str
) -> None:
    done = here(*arguments)
    assert done.returncode == 2
    assert f"; did you mean {meant}?" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "-dash.jpg"), ("index", "-dash.jpg"), ("search", "-x.jpg"),
        ("duplicates", "--help.jpg"),
    ],
)  # fmt: skip
def test_a_file_that_is_taken_for_options_is_named_otherwise(
    here: Run, tmp_path: Path, arguments: tuple[str, str]
) -> None:
    name = arguments[1]
    assert "(for the file" not in here(*arguments).stderr
    shutil.copy(DATA / "cats" / "cat-1.jpg", tmp_path / name)
    done = here(*arguments)
    assert done.returncode in (1, 2)
    assert done.stderr.endswith(f" (for the file {name}, write ./{name})\n")
    assert "(for" not in here("search", "--query", name).stderr
    assert "(for" not in here("search", "nowhere.jpg", "--", name).stderr


@pytest.mark.parametrize(
    "command", [("index",), ("search", "x.jpg", "--dataset"), ("duplicates",), ("evaluate",)]
)
def test_a_mistyped_folder_is_answered_by_the_nearest(
    here: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "in" / "empty").mkdir(parents=True)
    (tmp_path / "in" / "emtp").write_text("a file")
    (tmp_path / "x.jpg").touch()
    done = here(*command, "in/emtpy")
    assert done.returncode == 1
    asked = "in/emtpy: the dataset does not exist; did you mean 'in/empty'?"
    assert done.stderr == f"Error: {asked}\n"


@pytest.mark.parametrize("command", ["index", "duplicates", "evaluate"])
def test_two_folders_are_refused_in_plain_words(here: Run, command: str) -> None:
    done = here(command, "buses", "food")
    assert done.returncode == 2
    words = "one index is of one folder" if command == "index" else "one folder at a time"
    assert f"unexpected extra argument: food; {words}; name the folder around them" in done.stderr
    assert done.stdout == "" and "unexpected extra argument: b" in here("info", "a", "b").stderr


@pytest.mark.parametrize("lost", ["folder", "content"])
def test_the_remedy_for_a_broken_index_names_the_folder_that_was_typed(
    here: Run, photos: Path, tmp_path: Path, lost: str
) -> None:
    assert here("index", "photos", "--quiet").returncode == 0
    if lost == "folder":
        shutil.rmtree(tmp_path / "index.csv.cbir")
    else:
        (tmp_path / "index.csv").write_bytes(b"")
    done = here("index", "photos")
    assert done.returncode == 1
    remedy = "index --dataset photos --index index.csv --rebuild"
    assert done.stderr.replace(f"{tmp_path}/", "").endswith(f": {remedy}\n")
    assert here(*remedy.split()).returncode == 0


def test_blanks_around_the_plus_signs_of_a_fusion_are_no_matter(here: Run, photos: Path) -> None:
    assert here("index", "photos", "--preset", "fast", "--quiet").returncode == 0
    for search in (
        ("search", "photos/cats/cat-1.jpg", "--no-montage"),
        ("search", "photos/cats/cat-1.jpg", "--no-montage", "--dataset", "photos", "--quiet"),
        ("evaluate", "photos", "--quiet", "--format", "csv"),
    ):
        spaced = here(*search, "--descriptor", " correlogram + centrist")
        assert spaced.returncode == 0, spaced.stderr
        plain = here(*search, "--descriptor", "correlogram+centrist")
        assert spaced.stdout.splitlines()[0] == plain.stdout.splitlines()[0]


def test_an_undo_tells_of_a_missing_log_before_it_asks_for_a_terminal(
    run: Run, photos: Path
) -> None:
    undo = ("duplicates", "--undo", "moves.log")
    done = run(*undo, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and done.stderr.startswith("Error: moves.log: ")
    shutil.copy(photos / "cats" / "cat-1.jpg", photos / "twin.jpg")
    move = "duplicates photos --action move --move-to moved --yes --log moves.log --quiet"
    assert run(*move.split()).returncode == 0
    done = run(*undo, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "there is no terminal to ask on" in done.stderr


def test_what_is_far_from_everything_is_not_guessed(here: Run) -> None:
    assert here("xyz").stderr.endswith("Error: No such command 'xyz'.\n")


@pytest.mark.parametrize(
    ("name", "usual"), [("l1", "manhattan"), ("L2", "euclidean"), ("chi-squared", "chi2")]
)
def test_metrics_have_the_names_that_other_tools_give_them(
    here: Run, photos: Path, name: str, usual: str
) -> None:
    assert here("index", "-d", photos, "--descriptor", "hsv", "--descriptor", "hog").returncode == 0
    alias = "hog" if usual == "euclidean" else "hsv"
    query = ("search", "-q", "photos/cats/cat-1.jpg", "--no-montage", "--descriptor", alias)
    done = here(*query, "--metric", name)
    assert f"({alias}, {usual}: " in done.stdout
    assert done.stdout == here(*query, "--metric", usual).stdout


def test_programs_may_use_the_other_names(here: Run) -> None:
    assert metrics.get("chisq") is metrics.get("chi2")
    with pytest.raises(UsageError, match=r"there are: chi2, .*; did you mean 'euclidean'"):
        metrics.get("euclidan")


def test_the_header_says_what_far_means_for_this_descriptor(here: Run, photos: Path) -> None:
    assert here("index", "-d", photos, "--descriptor", "phash").returncode == 0
    query = ("search", "-q", "photos/cats/cat-1.jpg", "--no-montage")
    header = here(*query).stdout.splitlines()[0]
    assert header.endswith("differing bits: 0 = a copy; unrelated images differ in about half)")


def test_a_search_by_a_mistyped_descriptor_asks_what_was_meant(run: Run, photos: Path) -> None:
    assert run("index", "-d", "photos", "--quiet").returncode == 0
    for typed, meant in (("hgo", "hog"), ("hvs", "hsv")):
        done = run("search", "photos/cats/cat-1.jpg", "--descriptor", typed)
        assert done.returncode == 1 and f"did you mean {meant!r}?" in done.stderr
    done = run("search", "photos/cats/cat-1.jpg", "--descriptor", "hog")
    assert done.returncode == 1 and "did you mean" not in done.stderr
