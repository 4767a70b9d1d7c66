"""An index that is rewritten by another process while it is served."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cbir
from cbir.web.served_index import ServedIndex
from tests.conftest import DATA
from tests.web.serving import Served, served

NEW = sorted(DATA.glob("f[il]*/*.jpg"))


@pytest.fixture
def opened(collection: Path) -> ServedIndex:
    return ServedIndex(str(collection / "index.csv"))


def add_an_image(collection: Path, number: int = 0) -> None:
    shutil.copy(NEW[number], collection / "photos" / f"new-{number}.jpg")
    cbir.index(str(collection / "photos"), str(collection / "index.csv"))


def test_it_switches_to_what_was_committed(opened: ServedIndex, collection: Path) -> None:
    before = opened.current
    assert not opened.refresh() and opened.current is before
    add_an_image(collection)
    assert opened.current is before  # until somebody looks
    assert opened.refresh() and opened.current is not before
    assert "new-0.jpg" in opened.current.paths and "new-0.jpg" not in before.paths
    assert before.search(collection / "photos/cats/cat-1.jpg").matches  # as long as it is in use
    assert opened.failure is None


def test_a_file_that_is_only_touched_is_no_switch(opened: ServedIndex, collection: Path) -> None:
    (collection / "index.csv").touch()
    assert not opened.refresh() and opened.failure is None


@pytest.mark.parametrize("broken", [b"", b"no,index\n1,2\n", None])
def test_what_is_broken_is_not_switched_to(
    opened: ServedIndex, collection: Path, broken: bytes | None
) -> None:
    index, before = collection / "index.csv", opened.current
    whole = index.read_bytes()
    index.write_bytes(whole[: len(whole) // 2] if broken is None else broken)
    assert not opened.refresh()
    assert opened.current is before and opened.failure is not None
    assert before.search(collection / "photos/cats/cat-1.jpg").matches
    index.write_bytes(whole)
    opened.refresh()
    assert opened.failure is None and len(opened.current) == len(before)


def test_an_index_that_is_gone_is_still_served(opened: ServedIndex, collection: Path) -> None:
    (collection / "index.csv").unlink()
    assert not opened.refresh() and len(opened.current) == 13


def test_of_many_that_look_one_switches(opened: ServedIndex, collection: Path) -> None:
    add_an_image(collection)
    together = threading.Barrier(8)

    def look(_: int) -> bool:
        together.wait(30)
        return opened.refresh()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(look, range(8))) == 1


@pytest.fixture
def running(collection: Path) -> Iterator[Served]:
    with served(collection, "-i", "index.csv") as server:
        yield server


_WRITER = """
import shutil, sys, time
import cbir
for name in sys.argv[1:]:
    shutil.copy(name, "photos/new-" + name.rpartition("/")[2])
    cbir.index("photos", "index.csv")
    print(cbir.open("index.csv").generation, flush=True)
    time.sleep(1.2)
"""


def test_what_is_answered_while_another_process_commits_is_never_a_mixture(
    running: Served, collection: Path
) -> None:
    generations = {cbir.open(str(collection / "index.csv")).generation: 13}
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, *map(str, NEW[:4])],
        cwd=collection, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    answers: list[tuple[str, int]] = []

    def ask(number: int) -> None:
        while writer.poll() is None:
            if number % 2:
                told = running.get("api/images?limit=100").json()
                count = len(told["images"])
                assert told["total"] == count
            else:
                told = running.get("api/search?path=cats/cat-1.jpg&top=100").json()
                (answer,) = told["answers"]
                assert answer["generation"] == told["generation"]
                count = len(answer["results"])
            answers.append((told["generation"], count))

    with ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask, number) for number in range(4)]
        assert writer.stdout is not None
        for place, line in enumerate(writer.stdout, 1):
            generations[line.strip()] = 13 + place
        for one in asking:
            one.result(60)
    writer.stdout.close()
    assert len(generations) == 5
    assert len({generation for generation, _ in answers}) >= 3
    assert all(generations[generation] == count for generation, count in answers)


def test_how_it_fares_is_told(running: Served, collection: Path) -> None:
    def told(expected: Any) -> bool:
        for _ in range(100):
            if running.get("healthz").json() == {"status": expected}:
                return True
            threading.Event().wait(0.1)
        return False

    assert told("ok")
    whole = (collection / "index.csv").read_bytes()
    (collection / "index.csv").write_bytes(b"no index\n")
    assert told("stale")
    assert running.get("api/search?path=cats/cat-1.jpg").status == 200
    (collection / "index.csv").write_bytes(whole)
    assert told("ok")
