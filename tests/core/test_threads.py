"""Threads: results in order, few at a time, errors and interruptions passed on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import cv2
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.threads import cores, growing_batches, one_thread_each, ordered_map


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


def test_the_limit_ends_with_the_last_of_overlapping_threads() -> None:
    before = (cv2.getNumThreads(), _blas_threads())
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = []

    def first() -> None:
        with one_thread_each():
            first_in.set()
            second_in.wait(30)
        first_out.set()

    def second() -> None:
        first_in.wait(30)
        with one_thread_each():
            second_in.set()
            first_out.wait(30)
            seen.append((cv2.getNumThreads(), _blas_threads()))

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [(1, {1})]
    assert (cv2.getNumThreads(), _blas_threads()) == before


_CUT_OFF = """
import atexit, os, signal, sys, threading

def alive():
    return [thread.name for thread in threading.enumerate() if thread.name == "cbir-limit"]

atexit.register(lambda: print("at exit", alive()))  # before that of threads: runs after it
signal.signal(signal.SIGINT, signal.default_int_handler)
from cbir.core.threads import one_thread_each

class Interrupt:
    def find_spec(self, name, *_):
        if name == "cv2":  # by the thread that sets the limit, for which this one waits
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
try:
    with one_thread_each():
        print("not interrupted")
except KeyboardInterrupt:
    print("interrupted", alive())
limit = one_thread_each()
limit.__enter__()
print("cut off", alive())
"""


def test_no_limit_outlasts_who_was_cut_off_in_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CUT_OFF], timeout=60, capture_output=True, text=True, check=True
    )
    lines = ["interrupted []", "cut off ['cbir-limit']", "at exit []"]
    assert done.stdout.splitlines() == lines


def _blas_threads() -> set[int]:
    # OpenMP, which some other package may have loaded, counts for each thread by itself.
    libraries = threadpoolctl.threadpool_info()
    return {one["num_threads"] for one in libraries if one["user_api"] == "blas"}


_FORK = """
import os, signal, sys
import cv2, numpy as np
import cbir.search.exact.flat
from cbir.descriptors.base import PLAIN
from cbir.images.decoding_memory import decoding_budget
from cbir.search.metrics import get
from cbir.core.threads import one_thread_each
from cbir.search.exact.flat import FlatIndex

cbir.search.exact.flat._WORTH_THREADS = 1
space = FlatIndex(np.arange(400_000, dtype=np.uint8).reshape(-1, 4), PLAIN, get("manhattan"))
query = np.zeros(4, np.uint8)
expected = space.estimate(query)
threads = cv2.getNumThreads()
held = decoding_budget().reserve(1 << 40)
held.__enter__()
import threading
inside, done = threading.Event(), threading.Event()

def hold():
    with one_thread_each():
        inside.set()
        done.wait(60)

threading.Thread(target=hold, daemon=True).start()
inside.wait(60)
child = os.fork()
if child == 0:
    signal.alarm(30)  # kills a child that hangs
    assert cv2.getNumThreads() == threads, "another thread's limit"
    with one_thread_each(), decoding_budget().reserve(1 << 40):
        assert (space.estimate(query) == expected).all()
    assert cv2.getNumThreads() == threads
    os._exit(7)
done.set()
status = os.waitpid(child, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_after_a_threaded_scan_can_search() -> None:
    done = subprocess.run([sys.executable, "-c", _FORK], timeout=100, capture_output=True)
    assert done.returncode == 7, done.stderr.decode()


def test_batches_grow_up_to_a_limit() -> None:
    sizes = [len(batch) for batch in growing_batches(range(1000), 2)]
    assert sizes == [2, 4, 8, 16, 32, 64, 128, 128, 128, 128, 128, 128, 106]
