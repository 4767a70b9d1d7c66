"""PyTorch on one thread for the length of a call."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cbir.descriptors.neural.torch_thread import on_one_thread

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_one_thread_and_no_gradients_inside_and_all_as_before_outside() -> None:
    assert on_one_thread(torch.get_num_threads) == 1
    assert on_one_thread(torch.is_inference_mode_enabled)
    assert torch.get_num_threads() == 3 and not torch.is_inference_mode_enabled()
    with ThreadPoolExecutor(1) as pool:  # one that PyTorch does not know yet
        assert pool.submit(torch.get_num_threads).result() == 3


def test_the_limit_lasts_until_the_last_has_left() -> None:
    barrier = threading.Barrier(4)

    def late(number: int) -> int:
        barrier.wait(60)
        return torch.get_num_threads()

    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            found = pool.map(lambda number: on_one_thread(lambda: late(number)), range(4))
            assert list(found) == [1] * 4
    assert torch.get_num_threads() == 3
    assert on_one_thread(torch.get_num_threads) == 1


def test_what_is_raised_comes_through_and_the_limit_goes() -> None:
    with pytest.raises(ZeroDivisionError):
        on_one_thread(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
    assert torch.get_num_threads() == 3


def _inside_and_after(_: int) -> tuple[int, int]:
    before = torch.get_num_threads()
    return on_one_thread(torch.get_num_threads), before


def test_a_fork_in_the_midst_of_a_call_has_no_limit() -> None:
    entered, over = threading.Event(), threading.Event()

    def stay() -> None:
        entered.set()
        over.wait(60)

    other = threading.Thread(target=on_one_thread, args=(stay,))
    other.start()
    entered.wait(60)
    try:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            found = pool.map(_inside_and_after, range(4), chunksize=1)
    finally:
        over.set()
        other.join()
    assert found == [(1, 3)] * 4
    assert torch.get_num_threads() == 3
