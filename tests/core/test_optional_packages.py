"""Packages that may be missing."""

from __future__ import annotations

import json

import pytest

from cbir.core.errors import CbirError
from cbir.core.messages import Parameter
from cbir.core.optional_packages import missing_of, optional_module


def test_a_package_that_is_there_is_imported() -> None:
    assert optional_module("json", "this", "all") is json
    assert missing_of(("json", "os"), "all") is None


def test_one_that_is_missing_is_told_with_what_installs_it() -> None:
    with pytest.raises(CbirError) as caught:
        optional_module("no_such_package", Parameter("plot"), "plot")
    expected = "needs the optional package no_such_package; install it: pip install 'cbir[plot]'"
    assert str(caught.value) == f"plot {expected}"
    assert missing_of(("json", "no_such_package"), "plot") == expected
