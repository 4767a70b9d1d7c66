"""Which images the keys of a table mean."""

from __future__ import annotations

import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.tables.image_keys import find_key_column, key_form, match_keys


def test_a_path_wins_over_a_name() -> None:
    assert match_keys({"1.jpg"}, ["1.jpg", "b/1.jpg"], "x") == ["1.jpg", None]
    assert match_keys({"1", "1.jpg"}, ["a/1.jpg", "a/1.png"], "x") == ["1.jpg", "1"]
    assert match_keys({".jpg", ""}, ["a/.jpg"], "x") == [".jpg"]


def test_a_key_of_two_images_is_refused() -> None:
    with pytest.raises(CbirError, match=r"x\.csv: 1 may be a/1\.jpg or b/1\.jpg"):
        match_keys({"1"}, ["a/1.jpg", "b/1.jpg"], "x.csv")
    assert match_keys({"a/1", "1"}, ["a/1.jpg", "b/1.jpg"], "x") == ["a/1", "1"]


def test_the_column_that_means_most_images_is_the_key() -> None:
    names = [f"photos/{number}.jpg" for number in range(2000, 2030)]
    columns = {
        "year": [str(2000 + number % 10) for number in range(30)],
        "id": [str(number) for number in range(2000, 2030)],
        "file": [f"{number}.jpg" for number in range(2000, 2030)],
    }
    assert find_key_column(columns, names, "x") == "file"
    assert find_key_column({**columns, "file": []}, names, "x") == "id"
    assert find_key_column({"year": columns["year"]}, names, "x") == "year"
    assert find_key_column({"color": ["red"] * 30}, names, "x") is None
    assert find_key_column({}, names, "x") is None


def test_of_columns_that_mean_as_many_the_clear_one_is_the_key() -> None:
    names = ["a/1.jpg", "b/1.jpg"]
    columns = {"name": ["1.jpg", "x"], "path": ["a/1.jpg", "b/1.jpg"]}
    assert find_key_column(columns, names, "x") == "path"
    columns = {"first": ["a/1", "b/1", "b/1"], "path": ["a/1.jpg", "b/1.jpg", "c"]}
    assert find_key_column(columns, names, "x") == "path"


def test_of_columns_that_mean_as_many_the_one_with_paths_or_names_is_the_key() -> None:
    rank = ["1", "2", "3"]
    exact = {
        "file": ["2.jpg", "3.jpg", "1.jpg"],
        "path": ["a/2.jpg", "a/3.jpg", "a/1.jpg"],
        "stem": ["a/2", "a/3", "a/1"],
    }
    names = ["a/1.jpg", "a/2.jpg", "a/3.jpg"]
    for column, cells in exact.items():
        assert find_key_column({"rank": rank, column: cells}, names, "x") == column
    assert find_key_column({"rank": rank, **exact}, names, "x") == "path"
    flat = ["1.jpg", "2.jpg", "3.jpg"]
    assert find_key_column({"rank": rank, "file": exact["file"]}, flat, "x") == "file"


def test_columns_that_mean_other_images_are_refused_unless_one_is_better() -> None:
    columns = {"rank": ["1", "2", ""], "id": ["2", "1", "5"]}
    message = r"x\.csv: the columns rank and id both name 2 .* where they have 1 and 2; .* key='id'"
    with pytest.raises(UsageError, match=message):
        find_key_column(columns, ["1.jpg", "2.jpg"], "x.csv")
    assert find_key_column({**columns, "id": ["1", "2", "5"]}, ["1.jpg", "2.jpg"], "x") == "rank"


@pytest.mark.parametrize(
    ("names", "keys", "form"),
    [
        (["a/1.jpg"], ["a/1.jpg"], "their paths"),
        (["a/1.jpg"], ["a/1"], "their paths without the ending"),
        (["a/1.jpg"], ["1.jpg"], "their names"),
        (["a/1.jpg"], ["1"], "their names without the ending"),
        (["1.jpg", "2.jpg"], ["1", None], "their names without the ending"),
        (["1.jpg"], ["1.jpg"], "their names"),
        (["a/1.jpg", "2.jpg"], ["a/1.jpg", "2"], "their paths or names without the ending"),
    ],
)
def test_what_the_keys_are_is_said(names: list[str], keys: list[str | None], form: str) -> None:
    assert key_form(names, keys) == form
