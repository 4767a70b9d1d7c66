"""Two commands at once, killed, starved, with damaged files: a short run of the benchmark."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DATA, PROJECT


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="limits and kills as POSIX has them")
def test_nothing_is_lost_and_no_answer_is_wrong(tmp_path: Path) -> None:
    program = PROJECT / "benchmarks" / "torture.py"
    options = ["--episodes", "1", "--rounds", "3", "--images", "5", "--seed", "1", "--name", ""]
    done = subprocess.run(
        [sys.executable, program, DATA, *options, "--scratch", tmp_path],
        capture_output=True, text=True, check=False, timeout=550,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_lost_content_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    from torture_checks import Ledger
    from torture_world import make

    world = make(DATA, tmp_path / "world", random.Random(1), 3)
    before = world.snapshot()
    ledger = Ledger(world, before)
    assert ledger.check(before, before) == []
    twice = [sha for sha in before.contents if list(before.files.values()).count(sha) > 1]
    for path in [path for path, sha in before.files.items() if sha == twice[0]][1:]:
        if str(world.photos) in path:
            Path(path).unlink()
    after = world.snapshot()
    assert ledger.check(before, after) == []
    lost = next(path for path in after.files if path.endswith(".xmp"))
    Path(lost).unlink()
    assert [one.kind for one in ledger.check(after, world.snapshot())] == [
        "content lost, no log tells"
    ]
