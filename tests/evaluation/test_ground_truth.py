"""What is right: folders, groups of names, CSV files and judgments."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.evaluation.ground_truth import read_ground_truth
from cbir.evaluation.protocols import choose_queries
from tests.evaluation.conftest import Listener

PATHS = ["cats/1.jpg", "cats/2.jpg", "dogs/big/3.png", "dogs/small/4.jpg"]


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str, name: str = "truth.csv") -> str:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return str(path)

    return write


def test_a_folder_is_a_class_and_those_below_it_are_others() -> None:
    truth = read_ground_truth("folders", PATHS)
    assert truth.topics(PATHS) == ["cats", "cats", "dogs/big", "dogs/small"]
    assert truth.grades("cats").tolist() == [1, 1, 0, 0]
    assert truth.grades("dogs/big").tolist() == [0, 0, 1, 0]
    assert truth.grades("birds").tolist() == [0, 0, 0, 0]
    assert truth.has_classes


def test_a_group_of_the_name_is_a_class() -> None:
    paths = ["x9/100000.jpg", "x9/100001.jpg", "y/100100.jpg"]
    truth = read_ground_truth(r"groups:^(\d{4})", paths)
    assert truth.topics(paths) == ["1000", "1000", "1001"]
    assert truth.grades("1000").tolist() == [1, 1, 0]


def test_the_last_number_of_the_name_over_four_is_an_object_of_ukbench() -> None:
    paths = [f"v2/ukbench{number:05}.jpg" for number in (0, 3, 4, 9, 10199)]
    truth = read_ground_truth("numbers:4", paths)
    assert truth.topics(paths) == ["0", "0", "1", "2", "2549"]


def test_images_without_a_class_are_told_of_and_wrong_for_all(listener: Listener) -> None:
    truth = read_ground_truth(r"groups:(\d)\.jpg|png", [*PATHS, "x.jpg"], listener=listener)
    assert truth.topics(["a/x.jpg", "3.png", "7.jpg"]) == [None, None, "7"]
    assert truth.grades("1").tolist() == [1, 0, 0, 0, 0]
    [warning] = listener.warnings
    assert "2 of 5 images have no class, dogs/big/3.png for one" in warning


def test_images_beside_the_folders_have_no_class(listener: Listener) -> None:
    truth = read_ground_truth("folders", ["cats/1.jpg", "loose.jpg"], listener=listener)
    assert truth.topics(["loose.jpg"]) == [None]
    assert len(listener.warnings) == 1
    with pytest.raises(CbirError, match="the images lie in no folders below the dataset"):
        read_ground_truth("folders", ["a.jpg", "b.jpg"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("groups:([a", "no regular expression"),
        ("groups:abc", "it has no group"),
        ("groups:", "it has no group"),
        ("groups:^(x)", "gives no image of the index a class"),
        ("numbers:0", "how many images are a class"),
        ("numbers:four", "how many images are a class"),
        ("folder", "no such file or directory; give folders, groups:REGEX, numbers:N, "),
        (".", "is a directory"),
    ],
)
def test_odd_truth_is_refused(spec: str, message: str) -> None:
    with pytest.raises(CbirError, match=message):
        read_ground_truth(spec, PATHS)


@pytest.mark.parametrize("spec", ["folders", "numbers:4"])
def test_columns_make_sense_for_a_table_only(spec: str) -> None:
    with pytest.raises(UsageError, match="key, label and table are about a table"):
        read_ground_truth(spec, PATHS, label="kind")


def test_a_csv_gives_classes_by_path_or_name(file, listener: Listener) -> None:
    spec = file(
        "\ufeffid,kind,file\r\n"
        '1,"big, wild",./cats/1.jpg\r\n2,tame,2.jpg\r\n3,"big, wild",dogs/big/3\r\n4,NA,4\r\n'
    )
    truth = read_ground_truth(spec, PATHS, label="kind", listener=listener)
    assert truth.topics(PATHS) == ["big, wild", "tame", "big, wild", None]
    assert truth.grades("big, wild").tolist() == [1, 0, 1, 0]
    assert truth.topics(["other/2.png"]) == [None]
    assert truth.topics(["other/2.jpg"]) == ["tame"]
    assert truth.spec == f"{spec}:kind"
    assert "1 of 4 images have no class, dogs/small/4.jpg for one" in listener.warnings[0]


def test_a_csv_may_name_its_key(file) -> None:
    truth = read_ground_truth(file("id,kind\n1,a\n2,b\n3,a\n4,b\n"), PATHS, key="id", label="kind")
    assert truth.grades("a").tolist() == [1, 0, 1, 0]


def test_words_that_pandas_would_read_as_missing_are_classes(file) -> None:
    truth = read_ground_truth(file("file,kind\n1,None\n2,null\n3,nan\n4,\n"), PATHS, label="kind")
    assert truth.topics(PATHS) == ["None", "null", "nan", None]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("file,kind\n1,a\n", {}, "Give it with label; there are: file, kind"),
        ("file,kind\n1,a\n", {"label": "sort"}, "label sort: .* it has: file, kind"),
        ("id,kind\n1,a\n", {"label": "kind"}, "key file: .* it has: id, kind"),
        ("file,kind\n1,a\n1,b\n", {"label": "kind"}, "1 is a in one row and b in another"),
        ("file,kind\n9,a\n", {"label": "kind"}, "gives no image of the index a class"),
        (
            "file,kind\n1,a,x\n2,b,y\n",
            {"label": "kind"},
            "line 2 has 3 cells, and the header",
        ),
        ("file,kind\n1,a\n2,b,y\n", {"label": "kind"}, "line 3 has 3 cells, and the header"),
        ("", {"label": "kind"}, "the table is empty"),
    ],
)
def test_odd_csv_files_are_refused(file, text: str, options: dict, message: str) -> None:
    with pytest.raises(CbirError, match=message):
        read_ground_truth(file(text), PATHS, **options)


def test_a_file_that_is_not_utf8_is_told_of(tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "x.csv").write_bytes("file;kind\n1;Möwe\n".encode("latin-1"))
    truth = read_ground_truth(str(tmp_path / "x.csv"), PATHS, label="kind", listener=listener)
    assert truth.topics(PATHS[:2]) == ["Möwe", None]
    assert "x.csv: read as Windows-1252, separated by semicolons" in listener.notes[0]


def test_a_database_gives_classes(tmp_path: Path) -> None:
    spec = str(tmp_path / "truth.db")
    with closing(sqlite3.connect(spec)) as database:
        database.executescript(
            "CREATE TABLE kinds (file INTEGER, kind TEXT); INSERT INTO kinds VALUES"
            " (1, 'tame'), (2, 'tame'), (3, 'wild'), (4, NULL); CREATE TABLE others (x)"
        )
    truth = read_ground_truth(spec, PATHS, label="kind", table="kinds")
    assert truth.topics(PATHS) == ["tame", "tame", "wild", None]
    with pytest.raises(UsageError, match="which table"):
        read_ground_truth(spec, PATHS, label="kind")


def test_a_name_in_two_folders_is_ambiguous(file) -> None:
    paths = ["a/1.jpg", "b/1.jpg", "b/2.jpg"]
    with pytest.raises(CbirError, match=r"1\.jpg may be a/1\.jpg or b/1\.jpg; write their paths"):
        read_ground_truth(file("file,kind\n1.jpg,x\n2.jpg,y\n"), paths, label="kind")
    truth = read_ground_truth(file("file,kind\na/1.jpg,x\nb/1,y\n2.jpg,y\n"), paths, label="kind")
    assert truth.topics(paths) == ["x", "y", "y"]


def test_judgments_give_grades_by_topic(file, listener: Listener) -> None:
    spec = file(
        "1 0 cats/1.jpg 3\n1 0 cats/2 2\n1 0 3.png -2\n\n3.png\t0\t4\t1\n1 0 gone.jpg 1\n", "qrels"
    )
    truth = read_ground_truth(spec, PATHS, listener=listener)
    assert truth.topics(PATHS) == ["1", None, "3.png", None]
    assert truth.grades("1").tolist() == [3, 2, 0, 0]
    assert truth.grades("3.png").tolist() == [0, 0, 0, 1]
    assert not truth.has_classes
    assert "1 of 5 documents are not in the index, gone.jpg for one" in listener.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 2 1\n1 0 3\n", "line 2 is no judgment: 1 0 3; it needs"),
        ("1 0 2 1\n1 0 3 high\n", "line 2 is no judgment"),
        ("1 0 2 1\n1 0 my 3 1\n", "line 2 is no judgment"),
        ("1 0 2 1\n1 0 2 2\n", "line 2 gives 2 another grade for 1"),
        ("1 0 7 1\n", "no document of it is in the index, not even 7; .* as cats/1.jpg"),
    ],
)
def test_odd_judgments_are_refused(file, text: str, message: str) -> None:
    with pytest.raises(CbirError, match=message):
        read_ground_truth(file(text), PATHS)


@pytest.mark.parametrize("grade", ["nan", "1.5", "x", "9" * 400, "-" + "9" * 400, "1_0", "１"])
def test_judgments_with_a_bad_grade_are_no_csv(file: Any, grade: str) -> None:
    for text in (f"1 0 2 {grade}\n", f"1 0 2 1\n1 0 3 {grade}\n"):
        with pytest.raises(CbirError, match=r"line \d is no judgment: .* is no grade; give a"):
            read_ground_truth(file(text, "qrels"), PATHS)


def test_a_csv_header_with_four_words_is_no_judgment(file: Any) -> None:
    path = file("file, kind, x, y\n1.jpg,cat,,\n")
    truth = read_ground_truth(path, ["1.jpg"], label=" kind")
    assert truth.topics(["1.jpg"]) == ["cat"]
    with pytest.raises(UsageError, match="which column has the classes"):
        read_ground_truth(path, ["1.jpg"])


def test_a_truth_that_names_no_image_shows_both_kinds_of_names(file: Any) -> None:
    path = file("file,kind\nold/7.jpg,cat\nold/8.jpg,dog\n")
    message = "not even cats/1.jpg; .*: it names images like old/7.jpg"
    with pytest.raises(CbirError, match=message):
        read_ground_truth(path, PATHS, label="kind")


def test_names_without_an_image_are_counted(
    index: cbir.Index, file: Any, listener: Listener, tmp_path: Path
) -> None:
    table = "file,kind\ncat-1,a\ncat-2,a\nmore,b\ngone-1.jpg,b\ngone-2.jpg,a\n"
    truth = read_ground_truth(file(table), index.paths, label="kind")
    choose_queries(index, truth, listener=listener)
    (warning,) = listener.warnings
    assert "3 names in it are no images of the index, gone-1.jpg for one" in warning
    queries = tmp_path / "queries"
    queries.mkdir()
    shutil.copy(tmp_path / "photos" / index.paths[0], queries / "more.jpg")
    choose_queries(index, truth, folder=str(queries), listener=listener)
    assert "2 names in it are no images of the index or of" in listener.warnings[1]
