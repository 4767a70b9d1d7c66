"""What must hold whatever happens: nothing is lost, and no answer is wrong."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture_commands import Job
from torture_world import Snapshot, World

from cbir.search.engine import Index

CODES = (0, 1, 2, 130)
"""What a command may exit with."""

_CLOSE = 1e-9


@dataclass(frozen=True)
class Finding:
    """Something that must not be.

    Attributes
    ----------
    kind : str
        Its class, for counting.
    text : str
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Step:
    """What a log tells of one step, as its intent says."""

    log: str
    action: str
    copy: str
    kept: str
    target: str | None
    aside: str | None
    sha256: str
    permanently: bool


@dataclass
class Ledger:
    """All contents that there were, and what the logs tell of them.

    Parameters
    ----------
    world : World
    start : Snapshot
    """

    world: World
    start: Snapshot
    steps: dict[tuple[str, Any], Step] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)
    """Logs that were damaged on purpose."""
    _kept_for: dict[str, set[str]] = field(default_factory=dict)
    """For a content that was deleted for good: what was kept instead."""
    _told: set[str] = field(default_factory=set)
    """What was found once."""

    def check(self, before: Snapshot, after: Snapshot) -> list[Finding]:
        """Read the logs, and look whether every content is where it may be."""
        new = self._read_logs()
        for step in new:
            if step.action == "delete" and step.permanently:
                contents = {state.files.get(step.kept) for state in (before, after)} - {None}
                self._kept_for.setdefault(step.sha256, set()).update(filter(None, contents))
        findings = [
            *self._lost(after),
            *self._places(after),
            *self._untouched(after),
            *self._dangling(before, after, new),
        ]
        fresh = [one for one in findings if one.text not in self._told]
        self._told.update(one.text for one in fresh)
        return fresh

    def _read_logs(self) -> list[Step]:
        new = []
        for path in sorted(self.world.logs.glob("*.log")):
            for line in path.read_bytes().split(b"\n"):
                step = _step(path.name, line)
                if step is not None and step[0] not in self.steps:
                    self.steps[step[0]] = step[1]
                    new.append(step[1])
        return new

    def _lost(self, after: Snapshot) -> list[Finding]:
        there, findings = after.contents, []
        for path, sha in sorted(self.start.files.items()):
            if sha in there:
                continue
            if sha in self.world.precious:
                what = f"{path} ({self.world.precious[sha]}), which nothing else shows, is gone"
                findings.append(Finding("precious content lost", what))
            elif sha not in self._kept_for:
                findings.append(Finding("content lost, no log tells", f"{path}: {sha} is nowhere"))
            elif not self._represented(sha, there, set()):
                findings.append(
                    Finding("content lost with the kept image", f"{path}: {sha} is nowhere")
                )
        families = (family for family in self.world.families if not family & there)
        lost = [Finding("scene lost", f"nothing is left of {sorted(one)}") for one in families]
        return findings + lost

    def _represented(self, sha: str, there: set[str], seen: set[str]) -> bool:
        """Say whether a content is there, or one that it was deleted for."""
        if sha in there:
            return True
        seen.add(sha)
        others = self._kept_for.get(sha, set()) - seen
        return any(self._represented(other, there, seen) for other in others)

    def _places(self, after: Snapshot) -> list[Finding]:
        """Look whether everything outside of the dataset is where a log says."""
        told = {path for step in self.steps.values() for path in (step.target, step.aside) if path}
        told |= {_beside(step) for step in self.steps.values() if step.aside}
        photos, moved = str(self.world.photos), str(self.world.folder / "moved")
        small = str(self.world.folder / "small" / "moved")
        findings = []
        for path in sorted(after.files):
            name = os.path.basename(path)
            if path.startswith((moved + os.sep, small + os.sep)) and not self._is_told(path, told):
                findings.append(Finding("moved where no log says", f"{path}: no log tells of it"))
            if path.startswith(photos) and ".cbir-" in name and path not in told:
                findings.append(Finding("stray temporary file", f"{path}: no log tells of it"))
        return findings

    @staticmethod
    def _is_told(path: str, told: set[str]) -> bool:
        """A sidecar is moved with its image, under the same stem."""
        return path in told or any(
            os.path.splitext(path)[0] == os.path.splitext(one)[0] for one in told
        )

    def _untouched(self, after: Snapshot) -> list[Finding]:
        outside = str(self.world.folder / "outside") + os.sep
        return [
            Finding("file outside of the dataset touched", f"{path} is not what it was")
            for path, sha in sorted(self.start.files.items())
            if path.startswith(outside) and after.files.get(path) != sha
        ]

    def _dangling(self, before: Snapshot, after: Snapshot, new: Sequence[Step]) -> list[Finding]:
        """Look for links that were made in this round to what went in this round."""
        made = {step.copy for step in new if step.action == "symlink"}
        return [
            Finding("link to what was removed meanwhile", f"{path} -> {target}")
            for path, target in sorted(after.links.items())
            if path in made and path not in before.links and not os.path.exists(path)
        ]


def _step(log: str, line: bytes) -> tuple[tuple[str, Any], Step] | None:
    try:
        event = json.loads(line)
        if event.get("event") != "intent":
            return None
        step = Step(
            log, event["action"], event["path"], event["kept"], event["target"],
            event["aside"], event["sha256"], bool(event["permanently"]),
        )  # fmt: skip
        return (log, line), step
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # spoiled or torn
        return None


def _beside(step: Step) -> str:
    """Return the temporary name for undoing a step: in the copy's folder."""
    return os.path.join(os.path.dirname(step.copy), os.path.basename(step.aside or ""))


def check_job(job: Job) -> list[Finding]:
    """Look at the exit code and the messages of a command."""
    text, findings = job.errors.decode("utf-8", "replace"), []
    if job.hung:
        findings.append(Finding("hung", str(job)))
    elif "Traceback (most recent call last)" in text or "Exception ignored" in text:
        findings.append(Finding("traceback", f"{job}\n{text[-2000:]}"))
    elif not job.killed and job.code not in CODES:
        findings.append(Finding("exit code", f"{job}\n{text[-500:]}"))
    elif job.code == 1 and not job.killed and not (text.strip() or b'"faults"' in job.output):
        findings.append(Finding("failed without a word", str(job)))
    return findings


class Truth:
    """The right distances, from an index of all contents that nobody touches.

    Parameters
    ----------
    index : Index
        Of files that are called by their SHA-256.
    queries : sequence of str
        Their absolute paths.
    """

    def __init__(self, index: Index, queries: Sequence[str]) -> None:
        self._distances: dict[tuple[str, str], dict[str, float]] = {}
        for query in queries:
            for alias in index.descriptors:
                found = index.search(query, len(index), descriptor=alias).matches
                self._distances[os.path.basename(query), alias] = {
                    os.path.basename(match.path)[:64]: match.distance for match in found
                }

    def check(self, job: Job, states: Sequence[Mapping[str, str] | None]) -> list[Finding]:
        """Look whether an answer is that of one of the states of the index."""
        if job.code != 0:
            return []
        answer = json.loads(job.output)
        distances = self._distances[os.path.basename(answer["query"]), answer["descriptor"]]
        given = [(_relative(match), float(match["distance"])) for match in answer["results"]]
        problems = [
            problem for rows in states if rows is not None
            for problem in [_difference(given, rows, distances)]
        ]  # fmt: skip
        if not problems or all(problems):
            why = "; or ".join(dict.fromkeys(filter(None, problems)))
            return [Finding("wrong answer", f"{job}: {why or 'there is no index'}")]
        return []


def _relative(match: Mapping[str, Any]) -> str:
    from base64 import b64decode

    raw = match.get("path_base64")
    path = os.fsdecode(b64decode(raw)) if raw else match["path"]
    return re.sub("^(./)?photos/", "", path)


def _difference(
    given: Sequence[tuple[str, float]], rows: Mapping[str, str], distances: Mapping[str, float]
) -> str:
    """Say how an answer differs from that of an index of these rows; nothing if it does not."""
    nearest = sorted(distances[sha] for sha in rows.values() if sha in distances)[: len(given)]
    if len(nearest) < len(given) or (len(given) < 7 and len(given) < len(rows)):
        return f"{len(given)} results of {len(rows)} rows"
    for (path, distance), right in zip(given, nearest, strict=True):
        if path not in rows:
            return f"{path!r} is not in the index"
        for name, expected in (("its", distances[rows[path]]), ("the next", right)):
            if abs(distance - expected) > _CLOSE * max(1.0, abs(expected)):
                return f"{path!r} at {distance}, but {name} distance is {expected}"
    return ""


def first_difference(one: Path, other: Path) -> str:
    """Say where two index files differ; nothing if they do not."""
    lines = [path.read_bytes().split(b"\n") for path in (one, other)]
    if lines[0] == lines[1]:
        return ""
    for number, (first, second) in enumerate(zip(*lines, strict=False), 1):
        if first != second:
            return f"line {number}: {first[:150]!r} instead of {second[:150]!r}"
    return f"{len(lines[0])} lines instead of {len(lines[1])}"
