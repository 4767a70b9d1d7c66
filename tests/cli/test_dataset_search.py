"""``search --dataset``: one image against a folder, in one command and without a trace in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cbir.cli.search import dataset
from cbir.indexing.commit import IndexReport
from cbir.search.engine import open_index
from cbir.stores.default_path import kept_index
from tests.conftest import DATA, Run

QUERY = str(DATA / "cats" / "cat-2.jpg")
PLAIN = ("--no-montage", "--format", "paths")


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def test_a_folder_is_searched_in_one_command_and_nothing_is_written_there(
    here: Run, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "index.csv").write_text("mine\n")
    before = files(tmp_path)
    done = here("search", QUERY, "--dataset", "photos", *PLAIN)
    assert done.returncode == 0
    found = done.stdout.splitlines()
    assert len(found) == 3 and found[0] == "photos/cats/cat-2.jpg"
    assert all(Path(path).is_file() for path in found)
    assert "photos: 12 images: 12 added" in done.stderr
    assert f"Its index is kept as {kept_index('photos')}" in done.stderr
    assert files(tmp_path) == before and (tmp_path / "index.csv").read_text() == "mine\n"


def test_a_second_search_describes_only_what_is_new_and_forgets_what_is_gone(
    here: Run, photos: Path
) -> None:
    first = here("search", QUERY, "-d", "photos", *PLAIN)
    again = here("search", QUERY, "-d", "photos", *PLAIN)
    assert again.stdout == first.stdout and again.stderr == ""
    shutil.copy(DATA / "cats" / "cat-4.jpg", photos / "new.jpg")
    os.unlink(photos / "cats" / "cat-2.jpg")
    changed = here("search", QUERY, "-d", "photos", *PLAIN)
    assert ": 12 images: 1 added, 11 reused, 1 removed" in changed.stderr
    assert "photos/cats/cat-2.jpg" not in changed.stdout


def test_the_default_is_the_same_whatever_was_searched_by_before(here: Run, photos: Path) -> None:
    search = ("search", QUERY, "-d", "photos", "--no-montage")
    assert "(phash, hamming: " in here(*search, "--descriptor", "phash").stdout
    assert "(hsv, chi2: " in here(*search).stdout
    assert "(phash+hsv, fused: " in here(*search, "--descriptor", "phash+hsv").stdout
    small = here(*search, "--descriptor", "small=orb:words=20")
    assert "(small, " in small.stdout and "12 updated" in small.stderr
    again = here(*search, "--descriptor", "small")
    assert again.stdout == small.stdout and again.stderr == ""
    fused = here(*search, "--preset", "fast")
    assert "(fast, fused: " in fused.stdout
    assert open_index(kept_index("photos")).descriptors == (
        "phash", "hsv", "small", "correlogram", "centrist",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (["--descriptor", "hsv:layout=none"], ["--descriptor", "hsv"]),
        ([], ["--descriptor", "hsv:layout=none"]),
        (["--descriptor", "fisher:gaussians=4,size=8"], ["--preset", "photos"]),
        (["--descriptor", "hsv=phash"], []),
    ],
)
def test_a_name_means_the_same_whatever_was_searched_by_before(
    here: Run, photos: Path, first: list[str], then: list[str]
) -> None:
    search = ("search", QUERY, "-d", "photos", "--no-montage")
    alone = here(*search, *then).stdout
    os.unlink(kept_index("photos"))
    shutil.rmtree(f"{kept_index('photos')}.cbir")
    assert here(*search, *first).stdout != alone
    assert here(*search, *then).stdout == alone


def test_a_search_that_changes_a_name_meanwhile_changes_no_answer(
    here: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = ("search", QUERY, "-d", "photos", "--no-montage", "--quiet")
    alone = here(*search).stdout
    meanwhile = [["hsv:layout=none"], [], []]
    real = dataset.build_index

    def build(folder: str, path: str, *rest: Any, **options: Any) -> IndexReport:
        report = real(folder, path, *rest, **options)
        if meanwhile and (specs := meanwhile.pop(0)):
            real(folder, path, specs, drop="hsv")
        return report

    monkeypatch.setattr(dataset, "build_index", build)
    assert here(*search).stdout == alone and len(meanwhile) == 1
    meanwhile[:] = [["hsv:layout=none"]] * 9
    refused = here(*search)
    assert refused.returncode == 1 and "keep changing what the names" in refused.stderr


def test_an_index_that_is_named_is_the_one_that_is_updated(
    here: Run, photos: Path, tmp_path: Path
) -> None:
    assert here("index", "photos", "--descriptor", "phash", "-i", "own.csv").returncode == 0
    shutil.copy(DATA / "cats" / "cat-4.jpg", photos / "new.jpg")
    done = here("search", QUERY, "-d", "photos", "-i", "own.csv", "--no-montage")
    assert "(phash, hamming: " in done.stdout and "own.csv: 13 images: 1 added" in done.stderr
    assert not os.path.exists(kept_index("photos"))


def test_the_same_folder_by_another_name_has_the_same_index_and_another_folder_has_not(
    here: Run, photos: Path, tmp_path: Path
) -> None:
    os.symlink("photos", tmp_path / "link")
    assert here("search", QUERY, "-d", "photos", *PLAIN).returncode == 0
    done = here("search", QUERY, "-d", "link", *PLAIN)
    assert done.stderr == "" and done.stdout.startswith("link/cats/cat-2.jpg\n")
    (tmp_path / "else").mkdir()
    shutil.copytree(photos, tmp_path / "else" / "photos")
    assert kept_index("photos") != kept_index("else/photos")


def test_queries_may_lie_in_the_folder_and_may_be_the_folder(here: Run, photos: Path) -> None:
    inside = "photos/cats/cat-1.jpg"
    done = here("search", inside, "-d", "photos", "--exclude-self", *PLAIN)
    assert done.returncode == 0 and inside not in done.stdout
    done = here("search", "photos", "-d", "photos", "--top", "1", *PLAIN)
    assert len(done.stdout.splitlines()) == 12


def test_the_index_survives_a_move_of_the_cache_folder(
    here: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = here("search", QUERY, "-d", "photos", *PLAIN)
    shutil.move(os.environ["XDG_CACHE_HOME"], tmp_path / "deep" / "er" / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deep" / "er" / "cache"))
    again = here("search", QUERY, "-d", "photos", *PLAIN)
    assert again.stdout == first.stdout and again.stderr == ""


def test_a_kept_index_that_is_broken_is_made_again(here: Run, photos: Path) -> None:
    first = here("search", QUERY, "-d", "photos", *PLAIN)
    kept = Path(kept_index("photos"))
    kept.write_bytes(kept.read_bytes()[:-5000])
    again = here("search", QUERY, "-d", "photos", *PLAIN)
    assert again.returncode == 0 and again.stdout == first.stdout
    assert "Warning: " in again.stderr


def test_a_folder_that_is_missing_or_empty_is_told_and_leaves_no_index(
    here: Run, tmp_path: Path
) -> None:
    done = here("search", QUERY, "-d", "missing", *PLAIN)
    assert done.returncode == 1 and "missing: the dataset does not exist" in done.stderr
    (tmp_path / "empty").mkdir()
    done = here("search", QUERY, "-d", "empty", *PLAIN)
    assert done.returncode == 1 and "empty: there is no image in the dataset" in done.stderr
    assert not any(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.csv*"))
    done = here("search", QUERY, "-d", "empty", "--result-path", "empty")
    assert done.returncode == 2 and "leave out --result-path" in done.stderr


def test_two_searches_at_once_wait_for_each_other(photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cbir", "search", QUERY, "-d", "photos", *PLAIN]
    both = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    (first, said), (second, also_said) = (one.communicate(timeout=300) for one in both)
    assert [one.returncode for one in both] == [0, 0], (said, also_said)
    assert first == second and first.count(b"\n") == 3


def test_info_names_the_index_that_is_kept_for_a_folder(here: Run, photos: Path) -> None:
    done = here("info", "photos")
    assert done.returncode == 1 and "search IMG --dataset photos" in done.stderr
    assert here("search", QUERY, "-d", "photos", *PLAIN).returncode == 0
    done = here("info", "photos")
    assert done.returncode == 0 and kept_index("photos") in done.stdout
    assert f"dataset   {photos}" in done.stdout


def test_a_query_that_is_missing_is_told_before_the_folder_is_described(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    done = run("search", "nope.jpg", "--dataset", photos, "--index", "new.csv")
    assert done.returncode == 1
    assert done.stderr == "Cannot read nope.jpg: no such file or directory\n"
    assert not (tmp_path / "new.csv").exists()
