"""Give damaged bytes to every parser of foreign ones, for as long as is asked for.

Example::

    python benchmarks/fuzz.py --minutes 60
    python benchmarks/fuzz.py --minutes 2 --parser journal --parser jpeg

The parsers and the strategies are those of ``tests/fuzz``, with fresh seeds. Each parser runs in
processes of its own, with a limit of memory, and is watched: an exception that is no CbirError, an
answer that is wrong, a crash and a hang are failures. What caused each different one is written
below ``--found``; put the file into ``tests/fuzz/found/PARSER/``, and the tests try it ever after.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from common import keep, print_table

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT))

from tests.fuzz.target import HangError, Target, digest  # noqa: E402
from tests.fuzz.targets import TARGETS  # noqa: E402

_PATIENCE = 300.0
"""Seconds that a process may take besides fuzzing, after which it is taken for hung."""

_BATCH = 500
"""Inputs for one seed."""


@dataclass
class Tally:
    """What came of a parser.

    Attributes
    ----------
    runs, accepted : int
        Inputs that were tried, and how many were not refused.
    failures : dict of str to dict
        By what went wrong and where: how often, and the shortest input.
    """

    runs: int = 0
    accepted: int = 0
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, other: dict[str, Any]) -> None:
        """Add what a process counted."""
        self.runs += other["runs"]
        self.accepted += other["accepted"]
        for reason, one in other["failures"].items():
            self.note(reason, bytes.fromhex(one["input"]), one["count"])

    def note(self, reason: str, data: bytes, count: int = 1) -> None:
        """Count a failure, and keep the shortest input for it."""
        one = self.failures.setdefault(reason, {"count": 0, "input": data.hex()})
        one["count"] += count
        one["input"] = min(one["input"], data.hex(), key=len)


@click.command()
@click.option("--minutes", type=float, default=60.0, show_default=True, help="In all.")
@click.option("--parser", "names", multiple=True, type=click.Choice(sorted(TARGETS)))
@click.option("--seed", type=int, help="Of the first process; the next ones count on.")
@click.option("--memory", type=float, default=4.0, show_default=True, help="GB for one process.")
@click.option("--found", default="fuzz-found", show_default=True, help="Folder for what fails.")
@click.option("--slice", "seconds", type=float, default=30.0, hidden=True)
@click.option("--child", nargs=3, hidden=True, type=(str, int, float))
def main(
    minutes: float,
    names: tuple[str, ...],
    seed: int | None,
    memory: float,
    found: str,
    seconds: float,
    child: tuple[str, int, float] | None,
) -> None:
    """Fuzz the parsers in turns; tell of executions and of distinct failures."""
    if child is not None:
        _child(*child)
        return
    first = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    chosen = list(names) or list(TARGETS)
    tallies = {name: Tally() for name in chosen}
    end, number = time.monotonic() + 60 * minutes, first
    share = min(seconds, 60 * minutes / len(chosen))
    while time.monotonic() < end - 1:
        for name in chosen:
            left = end - time.monotonic()
            if left > 1:
                _run(name, number, min(share, left), memory, tallies[name])
                number += 1
    rows = [[name, one.runs, one.accepted, len(one.failures)] for name, one in tallies.items()]
    print_table(["parser", "inputs", "accepted", "distinct failures"], rows)
    for name, one in tallies.items():
        _tell(name, one, Path(found))
    summary = {
        name: {"inputs": one.runs, "accepted": one.accepted, "failures": sorted(one.failures)}
        for name, one in tallies.items()
    }
    keep("fuzz", {"minutes": minutes, "seed": first, "parsers": summary})
    sys.exit(int(any(one.failures for one in tallies.values())))


def _run(name: str, seed: int, seconds: float, memory: float, tally: Tally) -> None:
    """Fuzz one parser in a process of its own, and see whether it survives."""
    with tempfile.TemporaryDirectory(prefix="cbir-fuzz-") as folder:
        current = Path(folder, "current")
        current.write_bytes(b"")
        limit = int(memory * (1 << 30))
        command = [sys.executable, __file__, "--child", name, str(seed), str(seconds)]
        with subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"TMPDIR": folder, "XDG_CACHE_HOME": folder, "OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        ) as process:
            try:
                output, errors = process.communicate(timeout=seconds + _PATIENCE)
                reason = f"the process ended with {process.returncode}: {_last(errors)}"
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                output, reason = b"", "the process hangs"
        data = current.read_bytes()
    if output.endswith(b"}\n"):
        tally.add(json.loads(output.splitlines()[-1]))
    else:
        tally.note(reason, data)


def _last(errors: bytes) -> str:
    return (errors.decode(errors="replace").strip().splitlines() or [""])[-1][:200]


def _child(name: str, seed: int, seconds: float) -> None:
    """Fuzz one parser until the time is up, and print what came of it."""
    os.fsync = lambda fd: None  # noqa: ARG005 - the system outlives the process
    target, tally = TARGETS[name](Path.cwd()), Tally()
    _batch(target, seed, time.monotonic() + _PATIENCE, Tally(), 2)  # imports what it needs
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _batch(target, seed, end, tally)
        seed += 1_000_003
    print(json.dumps({"runs": tally.runs, "accepted": tally.accepted, "failures": tally.failures}))


def _batch(target: Target, start: int, end: float, tally: Tally, count: int = _BATCH) -> None:
    from hypothesis import HealthCheck, Phase, given, seed, settings

    current = Path("current")

    @seed(start)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs())
    def attempt(data: bytes) -> None:
        if time.monotonic() > end:
            return
        current.write_bytes(data)
        tally.runs += 1
        try:
            tally.accepted += target.accepts(data)
        except (Exception, HangError) as error:
            tally.note(_reason(error), data)

    attempt()


def _reason(error: BaseException) -> str:
    """Say what went wrong, and where: in the innermost line of the project's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}cbir{os.sep}" in frame.filename] or frames
    inner = ours[-1]
    where = inner.filename.rpartition(f"{PROJECT}{os.sep}")[2]
    text = str(error).split("\n")[0][:100] if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} in {where}:{inner.lineno} {text}".strip()


def _tell(name: str, tally: Tally, folder: Path) -> None:
    """Print the failures of a parser, and write an input for each."""
    for reason, one in sorted(tally.failures.items()):
        data = bytes.fromhex(one["input"])
        path = folder / name / digest(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{name}: {reason} ({one['count']} times): {path}")


if __name__ == "__main__":
    main()
