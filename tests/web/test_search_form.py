"""What a form says, as the options of a search."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cbir.core.errors import UsageError
from cbir.search.request import SearchRequest
from cbir.web.search_form import SearchForm, names_of


def test_an_empty_form_asks_for_what_an_empty_request_does() -> None:
    blank = SearchForm(descriptor="", metric=" ", where="", columns="", weights="")
    assert SearchRequest([], 3, **blank.options()) == SearchRequest([], 3)
    assert blank.key() == SearchForm().key()


def test_what_differs_has_another_key() -> None:
    forms = [
        SearchForm(), SearchForm(top=5), SearchForm(offset=5), SearchForm(descriptor="hsv"),
        SearchForm(metric="hsv"), SearchForm(where="x"), SearchForm(exclude_self=True),
        SearchForm(exclude_identical=True), SearchForm(max_distance=0.0), SearchForm(facets="x"),
    ]  # fmt: skip
    assert len({form.key() for form in forms}) == len(forms)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ("a",)), ("a,b", ("a", "b")), (" a , b ", ("a", "b")), ('"a,b",c', ("a,b", "c")),
        ('"say ""x"""', ('say "x"',)), (None, ()),
    ],
)  # fmt: skip
def test_names_are_written_as_in_a_csv(text: str | None, names: tuple[str, ...]) -> None:
    assert names_of(text) == names


@pytest.mark.parametrize("text", ['"open', '"a"b'])
def test_what_is_no_list_of_names_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        assert names_of(text) == ()


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("1", [1]), ("1,0.5", [1, 0.5]), (" 2 , 1e-1 ", [2, 0.1]), ("hsv=1", {"hsv": 1}),
        ("hsv=1, hog = 0.5", {"hsv": 1, "hog": 0.5}), ("a=b=2", {"a=b": 2}),
    ],
)  # fmt: skip
def test_weights_are_numbers_in_order_or_by_name(text: str, weights: object) -> None:
    assert SearchForm(weights=text).options()["weights"] == weights


@pytest.mark.parametrize("text", ["x", "1,", ",", "hsv=", "=1", "1,hsv=2", "hsv=1,hsv=2", "1;2"])
def test_what_are_no_weights_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="weights"):
        SearchForm(weights=text).options()


@pytest.mark.parametrize(
    "wrong",
    [
        {"top": 0}, {"top": 10_001}, {"offset": -1}, {"max_distance": -0.1},
        {"max_distance": float("inf")}, {"max_distance": float("nan")}, {"where": "x" * 4001},
        {"flavor": 1},
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SearchForm(**wrong)  # type: ignore[arg-type]
