"""How many edited copies of real photographs are found, and what else is taken for a copy.

Examples::

    python benchmarks/duplicates.py corel1k holidays --distractors fashion --sample 400
    python benchmarks/duplicates.py corel1k --edit jpeg-10 --edit mirror --no-peers

Originals are picked at random, equally many from each folder, among the images of which there is
no copy yet (see `truth.py`), and edited (see `edits.py`). The copies query all images of the
folders and the distractors by ``cbir duplicates``, at the defaults of both levels. Recall is the
share of copies whose original is found; a false match is anything found that is no copy of the
query. A false pair is one that the folders and distractors, searched for copies by themselves,
have in a group although they are none. Photographs that copies are placed in are taken out of the
folders beforehand.

Other libraries' hashes (see `peers.py`) stand beside it, twice: at the customary threshold, and at
the largest one that gives no false pair, which nobody could know beforehand ("none" where two
images that are no copies have the same hash).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter
from pathlib import Path

import numpy as np
from common import report
from edits import EDITS, GROUPS, make_copies
from numpy.typing import NDArray
from peers import Peer, distances, hashes, importable
from truth import groups_of_copies

from cbir.images.discovery import find_images

COPY_LEVELS = ("near", "edited")
TRUTH = Path(__file__).parent / "truth" / "copies.csv"

_HOSTS = 50
"""Photographs kept aside for copies to be placed in."""


@dataclass(frozen=True)
class Trial:
    """What is searched, and for what."""

    root: Path
    """Folder of links to all images that are searched."""
    paths: list[str]
    """Of these images, below `root`."""
    groups: NDArray[np.intp]
    """The same number for images that are copies of each other."""
    copies_root: Path
    copies: list[str]
    """Of the edited copies, below `copies_root`."""
    originals: NDArray[np.intp]
    """The row in `paths` of each copy's original."""
    edits: list[str]
    """The edit of each copy."""


@dataclass(frozen=True)
class Outcome:
    """What one method found."""

    method: str
    setting: str
    found: NDArray[np.bool_]
    """Of each copy, whether its original was."""
    false_pairs: int
    false_matches: int
    seconds: float | None = None
    """Of both runs of our command."""


def main() -> None:
    """Measure, print, keep."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        trial = prepare(options, options.work or Path(folder))
        outcomes = [
            one for level in options.level or COPY_LEVELS if (one := own_outcome(trial, level))
        ]
        for peer, (base, queries) in _hashed(trial, [] if options.no_peers else importable()):
            outcomes += peer_outcomes(trial, peer, base, queries)
    folders = [*options.folder, *options.distractors]
    name = options.name or "-".join(["duplicates", *(folder.name for folder in folders)])
    print(f"{len(trial.paths)} images, {len(set(trial.originals))} of them edited")
    _report_methods(name, trial, outcomes)
    _report_edits(f"{name}-edits", trial, outcomes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--distractors", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--sample", type=int, default=400, help="originals; default 400")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--truth", type=Path, help=f"default {TRUTH.name}, where there is one")
    parser.add_argument("--edit", action="append", choices=EDITS, help="repeatable; default all")
    parser.add_argument("--level", action="append", choices=COPY_LEVELS, help="default both")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--work", type=Path, help="an empty folder to keep the copies in")
    parser.add_argument("--name", help="of the results files; default duplicates-FOLDERS")
    options = parser.parse_args()
    if options.truth is None and TRUTH.exists():
        options.truth = TRUTH
    return options


def prepare(options: argparse.Namespace, work: Path) -> Trial:
    """Link the images to search, and make the copies."""
    root, hosts_root, copies_root = work / "dataset", work / "hosts", work / "copies"
    link_folders(options.folder, root)
    names = [folder.name for folder in options.folder]
    link_folders(options.distractors, root)
    paths = [one.path for one in find_images(str(root))]
    groups = groups_of_copies(root, paths, options.truth)
    single = np.bincount(groups, minlength=len(paths))[groups] == 1
    eligible = [
        path
        for path, alone in zip(paths, single, strict=True)
        if alone and path.partition("/")[0] in names
    ]
    shuffled = _shuffled(eligible, options.seed)
    hosts, originals = shuffled[:_HOSTS], sorted(shuffled[_HOSTS:][: options.sample])
    for host in hosts:
        (hosts_root / host).parent.mkdir(parents=True, exist_ok=True)
        (root / host).rename(hosts_root / host)
    kept = np.array([path not in set(hosts) for path in paths])
    others = sorted(hosts_root / host for host in hosts)
    made = make_copies(root, copies_root, options.edit or EDITS, options.seed, originals, others)
    paths = [path for path, keep in zip(paths, kept, strict=True) if keep]
    rows = {path: row for row, path in enumerate(paths)}
    return Trial(
        root=root,
        paths=paths,
        groups=groups[kept],
        copies_root=copies_root,
        copies=[copy for copy, _, _ in made],
        originals=np.array([rows[original] for _, original, _ in made]),
        edits=[edit for _, _, edit in made],
    )


def _shuffled(paths: Sequence[str], seed: int) -> list[str]:
    """Return the paths in random order, the folders taking turns."""
    order = np.random.default_rng(seed).permutation(len(paths))
    seen: Counter[str] = Counter()
    turns = []
    for row in order:
        folder = paths[row].partition("/")[0]
        turns.append((seen[folder], paths[row]))
        seen[folder] += 1
    return [path for _, path in sorted(turns, key=itemgetter(0))]


def link_folders(folders: Sequence[Path], root: Path) -> None:
    """Link the images of several folders below one."""
    for folder in folders:
        if (root / folder.name).exists():
            raise SystemExit(f"{folder}: another folder of that name is there; rename one")
        for one in find_images(str(folder)):
            link = root / folder.name / one.path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((folder / one.path).resolve())


def own_outcome(trial: Trial, level: str) -> Outcome | None:
    """Run the command twice: for the copies, and on the folders alone."""
    start = time.perf_counter()
    queries = _run(trial.root, "--query", str(trial.copies_root), "--level", level)
    if queries is None:
        return None
    alone = _run(trial.root, "--level", level)
    elapsed = time.perf_counter() - start
    copies = {path: row for row, path in enumerate(trial.copies)}
    rows = {path: row for row, path in enumerate(trial.paths)}
    found = np.zeros(len(trial.copies), bool)
    false_matches = 0
    for line in queries:
        query, matches = parse_query(line)
        copy = copies[_below(trial.copies_root, query)]
        original = trial.originals[copy]
        matched = [rows[_below(trial.root, path)] for path in matches]
        found[copy] = original in matched
        false_matches += int((trial.groups[matched] != trial.groups[original]).sum())
    false_pairs = 0
    for line in alone or []:
        members = [trial.groups[rows[_below(trial.root, path)]] for path in parse_group(line)]
        false_pairs += sum(bool(one != two) for one, two in combinations(members, 2))
    return Outcome("cbir duplicates", level, found, false_pairs, false_matches, elapsed)


def _run(root: Path, *arguments: str) -> list[str] | None:
    """Return the lines that ``cbir duplicates`` prints; None when there is no such command."""
    index = str(root.with_name("index.csv"))
    command = [sys.executable, "-m", "cbir", "duplicates", "--dataset", str(root), *arguments]
    command += ["--index", index, "--quiet"]
    done = subprocess.run([*command, "--format", "jsonl"], capture_output=True, check=False)
    if b"No such command" in done.stderr:
        print("cbir has no command `duplicates`: left out", file=sys.stderr)
        return None
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {os.fsdecode(done.stderr)}")
    return os.fsdecode(done.stdout).splitlines()


def parse_query(line: str) -> tuple[str, list[str]]:
    """Return a query and what it matched, from a line of ``--query … --format jsonl``."""
    document = json.loads(line)
    return document["query"], [match["path"] for match in document["matches"]]


def parse_group(line: str) -> list[str]:
    """Return the images of a group, from a line of ``--format jsonl``."""
    group = json.loads(line)
    return [group["keep"], *[image["path"] for image in group["duplicates"]]]


def _below(root: Path, path: str) -> str:
    """Return a path relative to `root`, be it given so, or relative to here, or absolute."""
    if (root / path).exists() and not os.path.isabs(path):
        return path
    return os.path.relpath(os.path.abspath(path), root.absolute())


def _hashed(
    trial: Trial, peers: Sequence[Peer]
) -> list[tuple[Peer, tuple[NDArray[np.uint8], NDArray[np.uint8]]]]:
    base = hashes([trial.root / path for path in trial.paths], peers)
    queries = hashes([trial.copies_root / path for path in trial.copies], peers)
    return [(peer, (base[peer], queries[peer])) for peer in peers]


def peer_outcomes(
    trial: Trial, peer: Peer, base: NDArray[np.uint8], queries: NDArray[np.uint8]
) -> list[Outcome]:
    """Compare all pairs, and judge them at two thresholds."""
    pairs = np.zeros(peer.bits + 1, np.intp)
    for rows, block in distances(base, base):
        later = np.arange(len(base)) > np.arange(len(base))[rows, None]
        unrelated = trial.groups != trial.groups[rows, None]
        pairs += np.bincount(block[later & unrelated], minlength=peer.bits + 1)
    matches = np.zeros(peer.bits + 1, np.intp)
    right = np.empty(len(queries), np.intp)
    for rows, block in distances(queries, base):
        originals = trial.originals[rows]
        right[rows] = block[np.arange(len(block)), originals]
        unrelated = trial.groups != trial.groups[originals][:, None]
        matches += np.bincount(block[unrelated], minlength=peer.bits + 1)
    hindsight = int(np.flatnonzero(pairs)[0]) - 1
    return [
        Outcome(
            peer.label,
            (f"≤ {threshold}" if threshold >= 0 else "none") + note,
            right <= threshold,
            int(pairs[: threshold + 1].sum()),
            int(matches[: threshold + 1].sum()),
        )
        for threshold, note in ((peer.customary, ""), (hindsight, " (hindsight)"))
    ]


def _report_methods(name: str, trial: Trial, outcomes: Sequence[Outcome]) -> None:
    near = np.array([EDITS[edit].near for edit in trial.edits])
    of_group = np.array([EDITS[edit].group for edit in trial.edits])
    groups = [group for group in GROUPS if group in of_group]
    columns = ["method", "setting", "false pairs", "false matches", "near", "all", *groups, "s"]
    rows = [
        [
            one.method,
            one.setting,
            one.false_pairs,
            one.false_matches,
            _share(one.found[near]),
            _share(one.found),
            *(_share(one.found[of_group == group]) for group in groups),
            "" if one.seconds is None else round(one.seconds, 1),
        ]
        for one in outcomes
    ]
    report(name, columns, rows)


def _report_edits(name: str, trial: Trial, outcomes: Sequence[Outcome]) -> None:
    edits = np.array(trial.edits)
    rows = [
        [edit.name, edit.group, *(_share(one.found[edits == edit.name]) for one in outcomes)]
        for edit in EDITS.values()
        if edit.name in trial.edits
    ]
    report(name, ["edit", "group", *(f"{one.method} {one.setting}" for one in outcomes)], rows)


def _share(found: NDArray[np.bool_]) -> float:
    return round(float(found.mean()), 4) if len(found) else float("nan")


if __name__ == "__main__":
    main()
