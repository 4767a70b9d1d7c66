"""Kill updates of an inverted file many times; run as a program by a test.

``lines``: a forked process updates, and exits without any cleaning at the k-th line that it runs of
the modules that touch files. ``moments``: it gets SIGKILL at any time. An update adds in many runs,
merges and compacts. What is found afterwards must be sound: each image is as it was encoded or not
there, none is missing that was there and is still wanted, and the next update makes it the same
as if there had been no kill.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cbir.core import atomic_files, json_text
from cbir.descriptors.encoders.sparse_code import SparseCode
from cbir.search.inverted import inverted_file, merging, segment_folder
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource
from tests.duplicates.actions.killing import TRACED, killed
from tests.search.inverted.helpers import KERNELS, code, key

KERNEL = KERNELS["asmk"]
OLD, NEW = range(60), range(30, 300)
NUMBERS = {key(number): number for number in range(300)}
KILLS = 20
STRIDE = 23


def main(way: str, folder: str) -> None:
    """Kill in one of the ways; tell how many images were there after each kill."""
    made, used = Path(folder, "made"), Path(folder, "used")
    update(made, OLD)
    right = dict(zip(NEW, answers(clean(NEW), NEW), strict=True))
    found: list[int] = []
    if way == "lines":
        modules = (atomic_files, json_text, inverted_file, merging, segment_folder)
        TRACED.update(str(module.__file__) for module in modules)
        restore(made, used)
        line = 0
        while killed(lambda: update(used, NEW), line):
            found.append(check(used, right))
            restore(made, used)
            line += STRIDE
    else:
        restore(made, used)
        start = time.perf_counter()
        update(used, NEW)
        duration = time.perf_counter() - start
        for moment in random.Random(0).choices(range(1000), k=KILLS):
            restore(made, used)
            kill(used, duration * moment / 1000)
            found.append(check(used, right))
    print(way, len(found), found)
    assert any(len(OLD) < count < len(NEW) for count in found), "some were killed half-way"


def kill(folder: Path, seconds: float) -> None:
    """Let a process update, and kill it."""
    child = os.fork()
    if child == 0:
        update(folder, NEW)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def check(folder: Path, right: dict[int, float]) -> int:
    """Look for what a kill may have done, and update; return how many images were there."""
    inverted = InvertedFile([folder], KERNEL, "test")
    assert inverted.damage == [] == inverted.inspect(), inverted.damage
    images = len(inverted)
    there = {one.tobytes() for segment in inverted.segments for one in segment.keys}
    assert all(key(number) in there for number in OLD if number in NEW)
    for number, distance in zip(NEW, answers(inverted, NEW), strict=True):
        assert distance == (right[number] if key(number) in there else 1)
    update(folder, NEW)
    again = InvertedFile([folder], KERNEL, "test")
    assert again.damage == [] and answers(again, NEW) == list(right.values())
    names = {segment.name for segment in again.segments} | {"segments.json", "lock", "lock.pid"}
    assert set(os.listdir(folder)) <= names, (os.listdir(folder), names)
    return images


def update(folder: Path, numbers: Sequence[int]) -> None:
    """Bring an inverted file up to date."""
    fill(InvertedFile([folder], KERNEL, "test", run_bytes=10_000), numbers)


def clean(numbers: Sequence[int]) -> InvertedFile:
    """Return an inverted file that was never killed."""
    return fill(InvertedFile([], KERNEL, "test"), numbers)


def fill(inverted: InvertedFile, numbers: Sequence[int]) -> InvertedFile:
    """Update with some images."""

    def encode(one: bytes) -> SparseCode:
        return code(KERNEL, NUMBERS[one])

    inverted.update([key(number) for number in numbers], encode, workers=1)
    return inverted


def answers(inverted: InvertedFile, numbers: Sequence[int]) -> list[float]:
    """Return the distances of images to a query."""
    source = InvertedSource(inverted, KERNEL, [key(number) for number in numbers])
    return source.estimate(code(KERNEL, 1000)).tolist()


def restore(made: Path, used: Path) -> None:
    """Put the old inverted file back."""
    shutil.rmtree(used, ignore_errors=True)
    shutil.copytree(made, used)


if __name__ == "__main__":
    main(*sys.argv[1:])
