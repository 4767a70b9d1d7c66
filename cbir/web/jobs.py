"""Long work in the background, one at a time of each queue, with its progress for whoever asks."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cbir.core.errors import CbirError, UnreadableImageError, printable
from cbir.core.progress import ProgressListener
from cbir.web.wording import said, told
from cbir.web.work_pool import BusyError

_LOG = logging.getLogger(__name__)

State = Literal["waiting", "running", "done", "failed", "stopped"]

Queue = Literal["changes", "reads"]
"""What jobs wait in."""

ENDED: tuple[State, ...] = ("done", "failed", "stopped")

_KEPT = 100
"""Jobs that are remembered after they have ended."""

_MOST_WAITING = 16

_NOTES = 200
"""Messages of a job that are kept."""

_BEAT = 0.2
"""Seconds between two looks at the progress of a job."""


class StoppedError(Exception):
    """The server ends, and a job is to end with it; what it did so far is kept."""


@dataclass
class Job:
    """Work in the background.

    Attributes
    ----------
    id : str
    kind : str
        What it does, in a word.
    state : {"waiting", "running", "done", "failed", "stopped"}
    task : str
        What it is doing, in words.
    done, total : int
        Steps of the task.
    unit : str
        What a step is.
    notes : list of str
        What is good to know, and what went wrong on the way.
    error : str
        Why it failed.
    result : mapping of str to object
        What came of it.
    """

    id: str
    kind: str
    state: State = "waiting"
    task: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""
    notes: list[str] = field(default_factory=list)
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ENDED

    def to_dict(self) -> dict[str, Any]:
        """Return what is told of it as JSON."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "task": self.task,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "notes": list(self.notes),
            "error": self.error,
            "result": self.result,
        }


class JobListener(ProgressListener):
    """Notes the progress of a job, and stops it when it is asked to."""

    def __init__(self, job: Job, stopping: threading.Event) -> None:
        self._job = job
        self._stopping = stopping

    def stopped(self) -> bool:
        """Return whether the job is to end before its next step."""
        return self._stopping.is_set()

    def begin(self, task: str, total: int, unit: str = "images") -> None:
        self._job.task, self._job.done, self._job.total, self._job.unit = task, 0, total, unit

    def advance(self, steps: int = 1) -> None:
        if self._stopping.is_set():
            raise StoppedError
        self._job.done += steps

    def unreadable(self, error: UnreadableImageError) -> None:
        self._note(f"{printable(error.path)}: {error.reason}")

    def warn(self, message: str) -> None:
        self._note(said(message))

    def note(self, message: str) -> None:
        self._note(said(message))

    def _note(self, text: str) -> None:
        if len(self._job.notes) < _NOTES:
            self._job.notes.append(text)


Work = Callable[[JobListener], dict[str, Any]]
"""What a job does; it returns what came of it, for JSON."""


class Jobs:
    """Runs jobs; those of one queue one after the other. Threads may share it."""

    def __init__(self) -> None:
        self._executors: dict[Queue, ThreadPoolExecutor] = {
            queue: ThreadPoolExecutor(1, thread_name_prefix=f"cbir-{queue}")
            for queue in get_args(Queue)
        }
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ending = False

    def start(self, kind: str, work: Work, only_one: bool = False, queue: Queue = "changes") -> Job:
        """Take a job; it runs when those before it in its queue have ended.

        Parameters
        ----------
        kind : str
        work : callable
        only_one : bool
            Return a job of this kind that still waits, if there is one, instead of a second one.
        queue : {"changes", "reads"}
            Jobs that change the index or its images do so one after the other. Those that only
            read do not keep them waiting.

        Raises
        ------
        BusyError
            When too many wait, and it may be one of several of its kind.
        """
        with self._lock:
            waiting = [job for job in self._jobs.values() if job.state == "waiting"]
            if only_one:
                for job in waiting:
                    if job.kind == kind:
                        return job
            if len(waiting) >= _MOST_WAITING and not only_one:
                raise BusyError
            job = Job(secrets.token_hex(8), kind)
            self._jobs[job.id] = job
            ended = [one.id for one in self._jobs.values() if one.ended]
            for old in itertools.islice(ended, max(0, len(ended) - _KEPT)):
                del self._jobs[old]
        self._executors[queue].submit(self._run, job, work)
        return job

    def get(self, job_id: str) -> Job | None:
        """Return a job, or None if there is none, or none any more."""
        return self._jobs.get(job_id)

    def all(self) -> list[Job]:
        """Return the jobs that are remembered, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def stop_streams(self) -> None:
        """End what tells of progress for as long as a job runs: the server is to end."""
        self._ending = True

    async def progress(self, job: Job) -> AsyncIterator[dict[str, Any]]:
        """Yield what is told of a job each time that something has changed, until it has ended."""
        told = None
        while not (job.ended or self._ending):
            now = job.to_dict()
            if now != told:
                told = now
                yield now
            await asyncio.sleep(_BEAT)
        yield job.to_dict()

    def close(self, grace: float) -> None:
        """Let the jobs that run come to their end, or stop them after a while; drop the others."""
        running = [job for job in self.all() if not job.ended]
        timer = threading.Timer(grace if running else 0, self._stopping.set)
        timer.daemon = True
        timer.start()
        for executor in self._executors.values():
            executor.shutdown(wait=False, cancel_futures=True)
        for executor in self._executors.values():
            executor.shutdown()
        timer.cancel()

    def _run(self, job: Job, work: Work) -> None:
        job.state = "running"
        try:
            job.result = work(JobListener(job, self._stopping))
            job.state = "done"
        except StoppedError:
            job.state = "stopped"
        except CbirError as error:
            job.error, job.state = told(error), "failed"
        except Exception:  # nobody waits for it whom an exception would reach
            # The log comes first: who sees that the job has failed finds in it why.
            _LOG.exception("A job failed: %s", job.kind)
            job.error, job.state = "an error of the program; the server's log has it", "failed"
