"""A bounded number of threads, and of calls that wait for one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cbir.web.work_pool import BusyError, TookTooLongError, WorkPool


def run_with(
    use: Callable[[WorkPool], Coroutine[Any, Any, None]], workers: int = 1, waiting: int = 1,
    time_limit: float = 60,
) -> None:  # fmt: skip
    pool = WorkPool(workers, waiting, time_limit)
    try:
        asyncio.run(use(pool))
    finally:
        pool.close()


def test_a_call_returns_or_raises_what_the_function_does() -> None:
    async def use(pool: WorkPool) -> None:
        assert await pool.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await pool.run(divmod, 7, 0)
        assert pool.running == 0

    run_with(use)


def test_no_more_run_at_once_than_there_are_workers() -> None:
    here, most, lock, together = 0, 0, threading.Lock(), threading.Barrier(3)

    def work() -> None:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        together.wait(30)
        with lock:
            here -= 1

    async def use(pool: WorkPool) -> None:
        await asyncio.gather(*(pool.run(work) for _ in range(12)))

    run_with(use, workers=3, waiting=9)
    assert most == 3


def test_what_may_not_wait_is_refused_at_once_and_later_taken_again() -> None:
    go_on = threading.Event()

    async def use(pool: WorkPool) -> None:
        taken = [asyncio.ensure_future(pool.run(go_on.wait, 60)) for _ in range(3)]
        await asyncio.sleep(0)
        assert pool.running == 3
        with pytest.raises(BusyError):
            await pool.run(int)
        go_on.set()
        assert await asyncio.gather(*taken) == [True] * 3
        assert await pool.run(int) == 0

    run_with(use, workers=1, waiting=2)


def test_who_waits_too_long_is_told_but_the_thread_keeps_its_place() -> None:
    go_on, begun = threading.Event(), []

    async def use(pool: WorkPool) -> None:
        with pytest.raises(TookTooLongError):
            await pool.run(go_on.wait, 60)
        with pytest.raises(TookTooLongError):  # it waits behind the first one
            await pool.run(begun.append, 1)
        await asyncio.sleep(0.05)  # so that what is told of the end by callbacks is told
        assert pool.running == 1
        go_on.set()
        while pool.running:
            await asyncio.sleep(0.01)
        assert begun == []

    run_with(use, time_limit=0.05)


def test_a_caller_that_leaves_frees_its_place_when_the_work_ends() -> None:
    go_on = threading.Event()

    async def use(pool: WorkPool) -> None:
        left = asyncio.ensure_future(pool.run(go_on.wait, 60))
        await asyncio.sleep(0.01)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        await asyncio.sleep(0.05)
        assert pool.running == 1
        go_on.set()
        while pool.running:
            await asyncio.sleep(0.01)

    run_with(use)
