"""A mistyped name is answered by the one that may have been meant; usual synonyms are taken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cbir import metrics
from cbir.errors import UsageError

from ..conftest import DATA, Run

MISTYPED = [
    (("serch",), "'search'"),
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
    assert header.endswith("differing bits: 0 = a copy; unrelated pictures differ in about half)")
