"""Numbers that make no sense are refused, wherever they are given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cbir.core.checks import check_number, check_whole
from cbir.core.errors import UsageError
from cbir.core.threads import threads
from cbir.descriptors.registry import create, parse
from cbir.search.fusion.options import Fusion


@pytest.mark.parametrize("value", [0, -1, 1.5, math.nan, None, "3"])
def test_what_is_no_count_is_refused(value: Any) -> None:
    with pytest.raises(UsageError, match=r"top=.*: give a whole number from 1 on"):
        check_whole("top", value)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, -math.inf, None, "near", 10**400])
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(UsageError, match=r"share=.*: give a finite number from 0 on"):
        check_number("share", value)


def test_numbers_of_any_type_are_taken() -> None:
    assert check_whole("top", np.int64(3)) == 3 and check_whole("top", 0, least=0) == 0
    assert check_number("share", np.float32(0.5)) == 0.5 and check_number("share", 0) == 0


def test_no_threads_are_refused() -> None:
    assert threads(3) == 3 and threads(None) >= 1
    for workers in (0, -2):
        with pytest.raises(UsageError, match="workers="):
            threads(workers)


@pytest.mark.parametrize("weights", [[1, math.nan], [1, -1], [1, math.inf], [1, None], [0, 0]])
def test_weights_that_mean_nothing_are_refused(weights: Any) -> None:
    with pytest.raises(UsageError, match="weight"):
        Fusion.of({"hsv": 1, "hog": 1}, weights=weights)


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(UsageError, match="gives words twice"):
        parse("orb:words=10,words=20")
    assert parse("orb:words=10").descriptor.parameters["words"] == 10


@pytest.mark.parametrize("value", [2.5, math.nan, math.inf, "2.5", None])
def test_a_parameter_is_not_rounded(value: Any) -> None:
    with pytest.raises(UsageError, match="not a whole number"):
        create("orb", {"words": value})
