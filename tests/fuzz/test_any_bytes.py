"""Every parser of foreign bytes reads what it is given, or raises a CbirError."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk() -> Any:
    """The system outlives the process."""
    with mock.patch("os.fsync"):
        yield


@pytest.fixture(params=TARGETS.values(), ids=TARGETS.keys())
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    made: Target = request.param(tmp_path)
    return made


def test_damaged_bytes_are_read_or_refused(target: Target) -> None:
    # Not made smaller: that takes minutes, and benchmarks/fuzz.py keeps the shortest.
    @settings(
        max_examples=target.examples,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs())
    def attempt(data: bytes) -> None:
        target.accepts(data)

    for data in target.found:
        attempt = example(data)(attempt)
    attempt()


def test_what_the_program_wrote_is_accepted(target: Target) -> None:
    assert target.seeds and all(map(target.accepts, target.seeds))


def test_each_folder_of_found_inputs_has_a_target() -> None:
    from tests.fuzz.target import FOUND

    assert set(os.listdir(FOUND)) <= TARGETS.keys() if FOUND.exists() else True
