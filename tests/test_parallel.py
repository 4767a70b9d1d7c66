"""Threads: results in order, few at a time, errors and interruptions passed on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.parallel import cores, one_thread_each, ordered_map


@given(st.lists(st.integers(), max_size=100), st.integers(1, 4))
def test_results_come_in_order(items: list[int], workers: int) -> None:
    assert list(ordered_map(lambda item: item * 2, items, workers)) == [2 * x for x in items]


def test_slow_items_do_not_change_the_order() -> None:
    def slow(item: int) -> int:
        time.sleep(0.001 * (item % 5))
        return item

    assert list(ordered_map(slow, range(100), 4)) == list(range(100))


def test_only_a_few_items_are_taken_ahead() -> None:
    taken = []

    def source() -> Iterator[int]:
        for item in range(10_000):
            taken.append(item)
            yield item

    results = ordered_map(lambda item: item, source(), 2)
    next(results)
    assert len(taken) < 500
    results.close()  # type: ignore[attr-defined]
    assert len(taken) < 500


def test_work_is_shared_by_threads() -> None:
    barrier = threading.Barrier(2, timeout=30)

    def meet(item: int) -> int:
        if item in (0, 20):
            barrier.wait()
        return item

    assert len(list(ordered_map(meet, range(40), 2))) == 40


def test_an_error_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda item: 1 // item, [1, 0, 2], 2))


def test_libraries_keep_to_one_thread_for_a_while() -> None:
    before = cv2.getNumThreads()
    with one_thread_each():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before
    assert cores() >= 1
