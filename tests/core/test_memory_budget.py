"""A budget that threads share is never exceeded, and nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cbir.core.memory_budget import MemoryBudget


def test_threads_never_hold_more_than_there_is() -> None:
    budget, most = MemoryBudget(100), []

    def hold(size: int) -> None:
        with budget.reserve(size):
            most.append(budget.used)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, [10, 60, 45, 70, 100, 5] * 50))
    assert max(most) <= 100 and budget.used == 0


def test_what_needs_more_than_there_is_waits_until_it_is_alone() -> None:
    budget, begun, released = MemoryBudget(100), threading.Event(), threading.Event()
    seen = []

    def hold() -> None:
        with budget.reserve(10):
            begun.set()
            released.wait(30)

    def take() -> None:
        with budget.reserve(1000):
            seen.append(budget.used)

    threads = [threading.Thread(target=hold), threading.Thread(target=take)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    threads[1].join(0.1)
    assert seen == []
    released.set()
    for thread in threads:
        thread.join(30)
    assert seen == [1000]


def test_a_thread_never_waits_for_itself() -> None:
    budget = MemoryBudget(100)
    with budget.reserve(80), budget.reserve(80):
        assert budget.used == 160
    assert budget.used == 0


def test_a_share_is_given_back_when_its_block_fails() -> None:
    budget = MemoryBudget(100)
    with pytest.raises(ZeroDivisionError), budget.reserve(80):
        raise ZeroDivisionError
    assert budget.used == 0
