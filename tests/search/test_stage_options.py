"""Stages that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from cbir.core.errors import UsageError
from cbir.search.request import SearchRequest
from cbir.search.stage_options import Stages


@pytest.mark.parametrize(
    "wrong", [{"expand": 0}, {"expand": "some"}, {"expand": 1001}, {"rerank": "best"}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Stages(**wrong)
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SearchRequest([], **wrong)


def test_a_request_has_stages() -> None:
    assert not SearchRequest([]).stages
    request = SearchRequest([], expand=3, rerank="k-reciprocal")
    assert request.stages == Stages(3, "k-reciprocal")
