"""Long work in the background: in order, bounded, told of, and ended."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cbir.core.errors import UnreadableImageError, UsageError
from cbir.web.jobs import Job, JobListener, Jobs
from cbir.web.work_pool import BusyError


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close(0)


def ended(jobs: Jobs, job: Job) -> list[dict[str, Any]]:
    """Wait until a job has ended; return what was told of it."""

    async def told() -> list[dict[str, Any]]:
        return [state async for state in jobs.progress(job)]

    return asyncio.run(told())


def test_a_job_tells_how_far_it_has_come_and_what_came_of_it(jobs: Jobs) -> None:
    go_on = threading.Event()

    def work(listener: JobListener) -> dict[str, Any]:
        listener.begin("describing", 3)
        listener.advance()
        listener.advance(2)
        listener.unreadable(UnreadableImageError("a.jpg", "truncated"))
        listener.note("nothing else")
        go_on.wait(60)
        return {"images": 3}

    job = jobs.start("update", work)
    while len(job.notes) < 2:
        go_on.wait(0.01)
    so_far = job.to_dict()
    go_on.set()
    last = ended(jobs, job)[-1]
    assert (so_far["state"], so_far["task"], so_far["done"], so_far["total"]) == (
        "running", "describing", 3, 3,
    )  # fmt: skip
    assert so_far["notes"] == ["a.jpg: truncated", "nothing else"] and so_far["unit"] == "images"
    assert (last["state"], last["result"], last["error"]) == ("done", {"images": 3}, "")
    assert jobs.get(job.id) is job and jobs.get("none") is None


def test_jobs_run_one_after_the_other_in_their_order(jobs: Jobs) -> None:
    order: list[str] = []

    def work(name: str) -> dict[str, Any]:
        order.extend([f"{name} begins", f"{name} ends"])
        return {}

    started = [jobs.start(name, lambda _, name=name: work(name)) for name in "abc"]
    ended(jobs, started[-1])
    assert order == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]
    assert [job.kind for job in jobs.all()] == ["c", "b", "a"]


def test_why_a_job_failed_is_told_but_not_the_insides_of_a_bug(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: JobListener) -> dict[str, Any]:
        raise UsageError("give a folder")

    def fail(_: JobListener) -> dict[str, Any]:
        raise KeyError("secret")

    with caplog.at_level(logging.ERROR):
        refused, failed = jobs.start("a", refuse), jobs.start("b", fail)
        ended(jobs, failed)
    assert (refused.state, refused.error) == ("failed", "give a folder")
    assert failed.state == "failed" and "secret" not in failed.error
    assert "secret" in caplog.text


def test_not_more_wait_than_may_and_one_of_a_kind_is_enough(jobs: Jobs) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def block(_: JobListener) -> dict[str, Any]:
        begun.set()
        go_on.wait(60)
        return {}

    jobs.start("first", block)
    begun.wait(60)
    waiting = [jobs.start(f"kind {number}", block) for number in range(16)]
    with pytest.raises(BusyError):
        jobs.start("one too many", block)
    assert jobs.start("kind 3", block, only_one=True) is waiting[3]
    go_on.set()
    ended(jobs, waiting[-1])


def test_only_some_that_have_ended_are_remembered(jobs: Jobs) -> None:
    for number in range(130):
        job = jobs.start(str(number), lambda _: {})
        while not job.ended:
            threading.Event().wait(0.001)
    assert 100 <= len(jobs.all()) <= 101
    assert jobs.all()[0] is job


def test_many_notes_are_cut_off(jobs: Jobs) -> None:
    def work(listener: JobListener) -> dict[str, Any]:
        for number in range(10_000):
            listener.warn(f"image {number}")
        return {}

    job = jobs.start("a", work)
    ended(jobs, job)
    assert job.notes == [f"image {number}" for number in range(200)]


def test_what_runs_at_the_end_is_stopped_after_a_while_and_what_waits_dropped() -> None:
    jobs, begun = Jobs(), threading.Event()

    def go_on(listener: JobListener) -> dict[str, Any]:
        listener.begin("endless", 10**9)
        begun.set()
        while True:
            listener.advance()
            begun.wait(0.001)
            threading.Event().wait(0.001)

    endless, waiting = jobs.start("a", go_on), jobs.start("b", go_on)
    begun.wait(60)
    jobs.close(grace=0.05)
    assert (endless.state, waiting.state) == ("stopped", "waiting")
    assert endless.done > 0


def test_who_listens_is_let_go_when_the_server_ends(jobs: Jobs) -> None:
    go_on = threading.Event()

    def block(_: JobListener) -> dict[str, Any]:
        go_on.wait(60)
        return {}

    job = jobs.start("a", block)
    jobs.stop_streams()
    assert ended(jobs, job)[-1]["state"] in ("waiting", "running")
    go_on.set()
