"""Random commands on a world, two at once, killed and starved at random."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torture_world import DESCRIPTORS, World

from cbir.duplicates.model import COPY_LEVELS, KEEP_POLICIES

ACTIONS = ("move", "hardlink", "symlink", "delete", "delete --permanently")

PATIENCE = 300.0
"""Seconds after which a command is taken for hung."""


@dataclass
class Job:
    """A command, and what came of it.

    Attributes
    ----------
    kind : str
        Such as ``index`` or ``duplicates --action move``.
    arguments : list of str
        Behind ``cbir``.
    kill_after : float or None
        Seconds until SIGKILL.
    limit : int or None
        Bytes that a file may have (``RLIMIT_FSIZE``).
    """

    kind: str
    arguments: list[str]
    kill_after: float | None = None
    limit: int | None = None
    code: int | None = None
    killed: bool = False
    hung: bool = False
    output: bytes = b""
    errors: bytes = b""

    def __str__(self) -> str:
        notes = [f"killed after {self.kill_after:.2f} s"] if self.killed else []
        notes += [f"limit {self.limit}"] if self.limit is not None else []
        return f"cbir {' '.join(map(repr, self.arguments))} -> {self.code} {', '.join(notes)}"


@dataclass
class Commands:
    """Draws commands.

    Parameters
    ----------
    world : World
    chance : random.Random
    queries : sequence of str
        Images, relative to the world's folder.
    """

    world: World
    chance: random.Random
    queries: Sequence[str]
    rebuild: bool = False
    """The next run of ``index`` is to start from nothing."""
    _logs: int = 0
    _seconds: dict[str, float] = field(default_factory=dict)

    def pair(self) -> list[Job]:
        """Draw two commands; some are killed or starved."""
        kinds: dict[Callable[[], Job], int] = {
            self._index: 5, self._act: 8, self._undo: 3, self._search: 4, self._info: 2,
            self._evaluate: 1,
        }  # fmt: skip
        jobs = [make() for make in self.chance.choices(list(kinds), list(kinds.values()), k=2)]
        if self.chance.random() < 0.4:
            job = self.chance.choice(jobs)
            job.kill_after = self.chance.uniform(0.2, 1.2) * self._seconds.get(job.kind, 2.0)
        if self.chance.random() < 0.2:
            self.chance.choice(jobs).limit = int(2 ** self.chance.uniform(4, 18))
        return jobs

    def learn(self, job: Job, seconds: float) -> None:
        """Note how long a command takes, so that kills hit it while it works."""
        if not job.killed:
            self._seconds[job.kind] = seconds

    def index(self, *more: str) -> Job:
        """Bring the index up to date; from nothing if that is the only remedy."""
        arguments = ["index", "-d", "photos", "-i", "small/index.csv", "--quiet", *more]
        if self.rebuild:
            arguments += ["--rebuild"]
        return Job("index", arguments)

    def _index(self) -> Job:
        more = ["--wait"] if self.chance.random() < 0.5 else []
        spec = self.chance.choice(DESCRIPTORS)
        way = self.chance.random()
        if way < 0.4:
            more += ["--descriptor", spec]
            more += ["--vocabulary", "vocabulary.npz"] if spec.startswith("orb") else []
        elif way < 0.55:
            more += ["--drop", spec.partition(":")[0]]
        return self.index(*more)

    def _act(self) -> Job:
        action = self.chance.choice(ACTIONS)
        self._logs += 1
        folders = [path for path in sorted(self.world.photos.iterdir()) if not path.is_symlink()]
        folder, index = "photos", ["-i", "small/index.csv"]
        if self.chance.random() < 0.2 and folders:
            folder, index = f"photos/{self.chance.choice(folders).name}", []
        elif self.chance.random() < 0.5:
            index = []
        arguments = ["duplicates", "-d", folder, *index, "--yes", "--quiet"]
        arguments += ["--action", *action.split()]
        arguments += [
            "--level",
            self.chance.choice(COPY_LEVELS),
            "--keep",
            self.chance.choice(KEEP_POLICIES),
        ]
        arguments += ["--log", f"small/logs/{self._logs:04}.log"]
        if action == "move":
            arguments += ["--move-to", self.chance.choice(("moved", "small/moved"))]
        if self.chance.random() < 0.15:
            arguments += ["--reference", "outside"]
        if self.chance.random() < 0.1:
            arguments += ["--include", "IMG*"]
        if index and self.chance.random() < 0.5:
            arguments += ["--wait"]
        return Job(f"duplicates --action {action}", arguments)

    def _undo(self) -> Job:
        logs = sorted(self.world.logs.glob("*.log"))
        if not logs:
            return self._act()
        return self.undo(self.chance.choice(logs))

    def undo(self, log: Path) -> Job:
        """Take a log back."""
        relative = str(log.relative_to(self.world.folder))
        return Job("duplicates --undo", ["duplicates", "--undo", relative, "--yes"])

    def _search(self) -> Job:
        arguments = ["search", "-q", self.chance.choice(self.queries), "-i", "small/index.csv"]
        arguments += ["--top", "7", "--format", "jsonl", "--no-montage"]
        if self.chance.random() < 0.7:
            arguments += ["--descriptor", self.chance.choice(DESCRIPTORS).partition(":")[0]]
        return Job("search", arguments)

    def _info(self) -> Job:
        return Job("info", ["info", "small/index.csv", "--format", "json"])

    def _evaluate(self) -> Job:
        truth = r"groups:IMG_(\d+)"
        arguments = ["evaluate", "-i", "small/index.csv", "--truth", truth, "--protocol", "all"]
        return Job("evaluate", [*arguments, "--format", "json", "--quiet"])


def run(world: World, jobs: Sequence[Job], learn: Callable[[Job, float], None]) -> None:
    """Run commands at once, and wait for all of them."""
    processes = [_started(world, job) for job in jobs]
    waiting = [
        threading.Thread(target=_wait, args=(job, process, learn))
        for job, process in zip(jobs, processes, strict=True)
    ]
    for one in waiting:
        one.start()
    for one in waiting:
        one.join()
    for path in (world.folder / "tmp").iterdir():  # what killed ones left there
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _started(world: World, job: Job) -> subprocess.Popen[bytes]:
    def starve() -> None:
        if job.limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (job.limit, job.limit))

    return subprocess.Popen(
        [sys.executable, "-m", "cbir", *job.arguments],
        cwd=world.folder,
        env=world.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=starve,
    )


def _wait(job: Job, process: subprocess.Popen[bytes], learn: Callable[[Job, float], None]) -> None:
    start = time.monotonic()
    timer = threading.Timer(job.kill_after or PATIENCE, process.kill)
    timer.start()
    job.output, job.errors = process.communicate()
    timer.cancel()
    job.code = process.returncode
    ended = job.code == -signal.SIGKILL
    job.killed, job.hung = ended and job.kill_after is not None, ended and job.kill_after is None
    learn(job, time.monotonic() - start)
