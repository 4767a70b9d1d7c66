"""Torment the commands, and look whether anything is lost or any answer is wrong.

Example::

    python benchmarks/torture.py data --minutes 10

Works on copies of some images of FOLDER, below a scratch folder. In each round two random
commands run at once on one dataset and one index: ``index``, ``duplicates`` with every action,
``--undo``, ``search``, ``info`` and ``evaluate``. Some are killed, some may write only small
files, some meet a full disk (a small tmpfs, where one can be mounted), and between the rounds
bytes are flipped, zeroed or cut off in the cache, the journal, the features, the state, the
generations and the logs. After every round, and after each episode of some rounds on a new copy:

- Every content is there at least once, in the dataset, in the trash, or where a log says. What was
  deleted for good has a log, and what was kept for it is there. What nothing else shows stays.
- Every answer of a search is that of the old or the new index, by distances from an index that
  nobody touches, or an error.
- No traceback, and no other exit code than 0, 1, 2 and 130.
- In the end one run of ``index`` gives exactly what a clean one gives, ``cbir info`` calls it
  sound, and ``--undo`` brings back all that the logs tell of, or says why not.

On a finding the episode's folder is kept, and the line that repeats the episode is printed. The
moments of kills depend on the machine, so it may take a few times.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import click
from common import keep, print_table
from torture_checks import Finding, Ledger, Truth, check_job, first_difference
from torture_commands import Commands, Job, run
from torture_damage import damage
from torture_world import DESCRIPTORS, make

from cbir.indexing.build import build_index
from cbir.indexing.train import train_models
from cbir.search.engine import open_index

_TMPFS = "CBIR_TORTURE_TMPFS"
"""Set in the process that may mount."""

_SMALL = 48
"""Megabytes of the small disk."""


@dataclass
class Counts:
    """What was done, and what was found."""

    done: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, Finding]] = field(default_factory=list)
    """With the line that repeats the episode."""


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--minutes", type=float, default=10.0, show_default=True)
@click.option("--episodes", type=int, help="Stop after so many.")
@click.option("--rounds", type=int, default=12, show_default=True, help="In each episode.")
@click.option("--images", type=int, default=12, show_default=True, help="Besides their copies.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--episode", type=int, default=0, show_default=True, help="The first one.")
@click.option("--scratch", type=click.Path(file_okay=False, path_type=Path), help="Where to work.")
@click.option(
    "--name", default="torture", show_default=True, help="Of what is kept; '' keeps none."
)
def main(
    folder: Path,
    minutes: float,
    episodes: int | None,
    rounds: int,
    images: int,
    seed: int,
    episode: int,
    scratch: Path | None,
    name: str,
) -> None:
    """Torment the commands with images like those of FOLDER."""
    if _may_mount():
        _run_again_where_mounting_is_private()
    counts, start = Counts(), time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="cbir-torture-", dir=scratch)).resolve()
    last = episode + episodes if episodes is not None else sys.maxsize
    while episode < last and time.monotonic() - start < 60 * minutes:
        command = f"python benchmarks/torture.py {folder} --seed {seed} --episode {episode}"
        command += f" --episodes 1 --rounds {rounds} --images {images}"
        one = Episode(folder, place / f"episode-{episode}", f"{seed}-{episode}", images)
        one.run(rounds, start + 60 * minutes)
        counts.done += one.counts
        counts.done["episodes"] += 1
        counts.findings += [(command, finding) for finding in one.findings]
        for finding in one.findings:
            print(
                f"{finding.kind}: {finding.text}\n  in {one.folder}; repeat: {command}", flush=True
            )
        one.end()
        episode += 1
    found = Counter(finding.kind for _, finding in counts.findings)
    rows = [*sorted(counts.done.items()), *((f"FINDING {kind}", n) for kind, n in found.items())]
    print_table(["what", "count"], [*rows, ("findings", sum(found.values()))])
    content = {
        "minutes": round((time.monotonic() - start) / 60, 1),
        "counts": dict(sorted(counts.done.items())),
        "findings": dict(found),
        "repeat": sorted({command for command, _ in counts.findings}),
    }
    if name:
        keep(name, content)
    if not found:
        shutil.rmtree(place)
    sys.exit(int(bool(found)))


def _may_mount() -> bool:
    return _TMPFS not in os.environ and os.name == "posix" and os.geteuid() == 0


def _run_again_where_mounting_is_private() -> None:
    """Go on in a mount namespace of its own, if the system gives one: it ends with the process."""
    unshare = shutil.which("unshare")
    if unshare is not None and not subprocess.run([unshare, "-m", "true"], check=False).returncode:
        command = [unshare, "-m", sys.executable, *sys.argv]
        os.execve(unshare, command, {**os.environ, _TMPFS: "1"})


class Episode:
    """Some rounds on one copy of the images.

    Parameters
    ----------
    source, folder : Path
        Where the images come from, and where to work.
    seed : str
    images : int
    """

    def __init__(self, source: Path, folder: Path, seed: str, images: int) -> None:
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self.chance = random.Random(seed)
        (folder / "small").mkdir(parents=True)
        self._mounted = _TMPFS in os.environ and _mount(folder / "small")
        self.world = make(source, folder, self.chance, images)
        contents = sorted(str(path) for path in (folder / "contents").iterdir())
        queries = self.chance.sample(contents, 4)
        self.truth = self._truth(queries)
        self.commands = Commands(
            self.world, self.chance, [os.path.relpath(path, folder) for path in queries]
        )
        self.snapshot = self.world.snapshot()
        self.ledger = Ledger(self.world, self.snapshot)

    def _truth(self, queries: list[str]) -> Truth:
        contents, index = str(self.folder / "contents"), str(self.folder / "truth.csv")
        vocabulary = str(self.folder / "vocabulary.npz")
        train_models(contents, DESCRIPTORS[-1:], vocabulary)
        build_index(contents, index, DESCRIPTORS, vocabulary=vocabulary)
        first = ("--descriptor", DESCRIPTORS[0], "--descriptor", DESCRIPTORS[1])
        world = Commands(self.world, random.Random(0), [])
        self._run([world.index(*first)])
        return Truth(open_index(index), queries)

    def run(self, rounds: int, until: float) -> None:
        """Torment, then look whether all can be mended."""
        for _ in range(rounds):
            if time.monotonic() > until:
                break
            self._round()
        self._end()

    def _round(self) -> None:
        self.counts["rounds"] += 1
        if self.chance.random() < 0.4:
            self._damage()
        before, rows = self.snapshot, self.world.rows()
        filler = self._fill() if self._mounted and self.chance.random() < 0.2 else None
        jobs = self.commands.pair()
        self._run(jobs)
        if filler is not None:
            filler.unlink()
        self.snapshot = self.world.snapshot()
        self._note(self.ledger.check(before, self.snapshot), jobs)
        states = [rows, self.world.rows()]
        if rows is not None and states[1] is None:
            self._note([Finding("index lost", "the CSV is gone")], jobs)
        for job in jobs:
            if job.kind == "search":
                self._note(self.truth.check(job, states), jobs)
            self.commands.rebuild |= job.code == 1 and b"--rebuild" in job.errors

    def _run(self, jobs: list[Job]) -> None:
        """Run commands, count them, and look at what they say."""
        run(self.world, jobs, self.commands.learn if hasattr(self, "commands") else lambda *_: None)
        for job in jobs:
            print(job, file=sys.stderr)
            self.counts[job.kind] += 1
            self.counts["kills"] += job.killed
            self.counts["limited files"] += job.limit is not None
            self.counts[f"exit code {job.code}"] += 1
            self._note(check_job(job), jobs)
            rebuilt = "--rebuild" in job.arguments and job.code == 0
            if rebuilt and hasattr(self, "commands"):
                self.commands.rebuild = False

    def _note(self, findings: list[Finding], jobs: list[Job]) -> None:
        during = "".join(f"\n  during {job}" for job in jobs)
        self.findings += [Finding(one.kind, one.text + during) for one in findings]

    def _damage(self) -> None:
        damaged = damage(self.world, self.chance)
        if damaged is not None:
            kind, path = damaged
            self.counts[f"damage: {kind}"] += 1
            if kind == "log":
                self.ledger.spoiled.add(path.name)

    def _fill(self) -> Path:
        """Leave little room on the small disk."""
        path = self.folder / "small" / "filler"
        free = shutil.disk_usage(path.parent).free
        path.write_bytes(bytes(max(0, free - int(2 ** self.chance.uniform(10, 17)))))
        self.counts["full disks"] += 1
        return path

    def _end(self) -> None:
        """Without kills: mend the index, and take everything back."""
        self._mend()
        before = self.snapshot
        told = b""
        for log in sorted(self.world.logs.glob("*.log"), reverse=True):
            job = self.commands.undo(log)
            self._run([job])
            told += job.errors
        self.snapshot = self.world.snapshot()
        self._note(self.ledger.check(before, self.snapshot), [])
        self._note(self._not_restored(told.decode("utf-8", "replace")), [])
        self._mend()

    def _mend(self) -> None:
        job = self.commands.index()
        self._run([job])
        if job.code != 0 and b"--rebuild" in job.errors:
            self.commands.rebuild = True
            job = self.commands.index("--descriptor", DESCRIPTORS[0])
            self._run([job])
        if job.code != 0:
            text = f"{job}\n{job.errors.decode(errors='replace')}"
            self._note([Finding("index cannot be mended", text)], [])
            return
        info = self.commands._info()
        self._run([info])
        if info.code != 0:
            self._note([Finding("mended index is not sound", info.errors.decode())], [])
            return
        if any(path.is_symlink() and not path.exists() for path in self.world.photos.rglob("*")):
            # The row of a link stays while what it leads to cannot be reached.
            self.counts["not compared, for links that lead nowhere"] += 1
            return
        clean = Job("index", ["index", "-d", "photos", "-i", "small/clean.csv", "--quiet"])
        for one in json.loads(info.output)["descriptors"]:
            tail = ",".join(f"{key}={value}" for key, value in one["parameters"].items())
            clean.arguments += ["--descriptor", f"{one['alias']}={one['name']}:{tail}"]
            if one["name"] == "orb":
                # A --rebuild trains anew.
                clean.arguments += ["--vocabulary", "small/index.csv"]
        self._run([clean])
        path = self.world.index.with_name("clean.csv")
        difference = first_difference(self.world.index, path) if clean.code == 0 else ""
        if difference:
            self._note([Finding("index differs from a clean one", difference)], [clean])
        path.unlink(missing_ok=True)
        shutil.rmtree(f"{path}.cbir", ignore_errors=True)

    def _not_restored(self, told: str) -> list[Finding]:
        """Look for what is elsewhere than in the beginning, without a word of why."""
        findings, there = [], self.snapshot.contents
        spoiled = {
            step.copy for step in self.ledger.steps.values() if step.log in self.ledger.spoiled
        }
        for path, sha in sorted(self.ledger.start.files.items()):
            if self.snapshot.files.get(path) == sha or sha not in there or path in spoiled:
                continue
            name = re.sub(r"[^ -~].*", "", os.path.basename(path))
            self.counts["not restored, for a reason"] += name in told
            if name not in told:
                findings.append(Finding("not restored", f"{path}: {sha} is elsewhere"))
        return findings

    def end(self) -> None:
        """Remove everything, unless something was found."""
        if self._mounted:
            if self.findings:
                shutil.copytree(self.folder / "small", self.folder / "small disk", symlinks=True)
            subprocess.run(["umount", str(self.folder / "small")], check=True)
        if not self.findings:
            shutil.rmtree(self.folder)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL}m", "none", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    main()
