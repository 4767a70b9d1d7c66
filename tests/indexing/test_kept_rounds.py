"""A training that was killed goes on where it was, and ends with the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import CbirError
from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.asmk import Asmk
from cbir.descriptors.encoders.bovw import OrbBovw
from cbir.descriptors.encoders.vlad import Vlad
from cbir.descriptors.resumable import ResumableDescriptor
from cbir.indexing.kept_rounds import KeptRounds, rounds_path
from cbir.indexing.train import train_models
from tests.conftest import PROJECT

NUMBERS = [np.random.default_rng(seed).integers(0, 90, (300, 128), np.uint8) for seed in (1, 2)]
BITS = [np.random.default_rng(seed).integers(0, 256, (300, 32), np.uint8) for seed in (1, 2)]
TRAININGS = [(Vlad(words=20), NUMBERS), (Asmk(words=30), NUMBERS), (OrbBovw(words=20), BITS)]


class Listener(ProgressListener):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class Dying(KeptRounds):
    """Dies after a round, once it is kept."""

    after = 0

    def keep(self, done: int, words: np.ndarray) -> None:
        super().keep(done, words)
        if done >= self.after:
            raise KeyboardInterrupt


def train(
    output: Path, descriptor: ResumableDescriptor, samples: list[np.ndarray], dies: int = 0
) -> tuple[dict[str, bytes], Listener]:
    listener = Listener()
    cls = Dying if dies else KeptRounds
    kept = cls(str(output), descriptor, samples, listener)
    if isinstance(kept, Dying):
        kept.after = dies
    state = descriptor.train(samples, listener, kept)
    return {name: array.tobytes() for name, array in state.items()}, listener


@pytest.mark.parametrize(("descriptor", "samples"), TRAININGS)
@pytest.mark.parametrize("deaths", [(1,), (2, 3), (1, 2, 5)])
def test_wherever_it_was_interrupted_the_result_is_the_same(
    descriptor: ResumableDescriptor,
    samples: list[np.ndarray],
    deaths: tuple[int, ...],
    tmp_path: Path,
) -> None:
    whole = {name: array.tobytes() for name, array in descriptor.train(samples).items()}
    output, done = tmp_path / "words.npz", 0
    for number in deaths:
        try:
            train(output, descriptor, samples, number)
        except KeyboardInterrupt:
            done = number
        else:  # there were no more rounds
            break
    state, listener = train(output, descriptor, samples)
    assert state == whole
    assert listener.notes[0].startswith("Continuing an interrupted training after round ")
    assert int(listener.notes[0].split()[-1]) >= done > 0 and not listener.warnings


KILLED = """
import os, sys
from cbir.indexing.kept_rounds import KeptRounds
from cbir.indexing.train import train_models

keep = KeptRounds.keep


def keep_and_die(self, done, words):
    keep(self, done, words)
    os._exit(9)


KeptRounds.keep = keep_and_die
train_models(sys.argv[1], ["orb:words=30"], sys.argv[2], workers=1)
"""


def test_a_killed_run_is_continued_by_the_same_call(photos: Path, tmp_path: Path) -> None:
    clean, output = tmp_path / "clean.npz", tmp_path / "words.npz"
    train_models(str(photos), ["orb:words=30"], str(clean))
    for _ in range(2):
        command = [sys.executable, "-c", KILLED, str(photos), str(output)]
        done = subprocess.run(command, cwd=PROJECT, check=False, timeout=300)
        assert done.returncode == 9 and not output.exists()
    listener = Listener()
    train_models(str(photos), ["orb:words=30"], str(output), listener=listener)
    assert "Continuing an interrupted training after round 2" in listener.notes
    assert output.read_bytes() == clean.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*words*")) == ["words.npz"]


def test_rounds_of_another_training_count_as_none(tmp_path: Path) -> None:
    output = tmp_path / "words.npz"
    with pytest.raises(KeyboardInterrupt):
        train(output, Vlad(words=20), NUMBERS, 2)
    for descriptor, samples in ((Vlad(words=21), NUMBERS), (Vlad(words=20), NUMBERS[::-1])):
        whole = {name: array.tobytes() for name, array in descriptor.train(samples).items()}
        before = Path(rounds_path(str(output))).read_bytes()
        kept = KeptRounds(str(output), descriptor, samples, Listener())
        assert kept.last() is None
        state, listener = train(output, descriptor, samples)
        assert state == whole and not listener.notes and not listener.warnings
        Path(rounds_path(str(output))).write_bytes(before)


@pytest.mark.parametrize("place", [40, 70, 300, -1])
def test_a_damaged_file_is_told_and_replaced(place: int, tmp_path: Path) -> None:
    output = tmp_path / "words.npz"
    with pytest.raises(KeyboardInterrupt):
        train(output, Vlad(words=20), NUMBERS, 2)
    path = Path(rounds_path(str(output)))
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    for content in (bytes(data), bytes(data[:place])):
        path.write_bytes(content)
        state, listener = train(output, Vlad(words=20), NUMBERS)
        assert state == {k: v.tobytes() for k, v in Vlad(words=20).train(NUMBERS).items()}
        assert "cannot be used: it is damaged; it begins again" in listener.warnings[0]


@pytest.mark.parametrize(
    ("done", "words"),
    [
        ([1, 2], np.zeros((20, 128), np.uint8)),
        ("x", np.zeros((20, 128), np.uint8)),
        (-5, np.zeros((20, 128), np.uint8)),
        (10**9, np.zeros((20, 128), np.uint8)),
        (1, np.zeros((20, 5), np.uint8)),
        (1, np.zeros((3, 128), np.uint8)),
        (1, np.zeros((0, 128), np.uint8)),
        (1, np.array(1, np.uint8)),
        (1, np.full((20, 128), np.nan)),
    ],
)
def test_rounds_that_no_run_leaves_count_as_none(
    done: object, words: np.ndarray, tmp_path: Path
) -> None:
    output = tmp_path / "words.npz"
    descriptor = Vlad(words=20)
    forged = KeptRounds(str(output), descriptor, NUMBERS, Listener())
    forged.keep(done, words)  # type: ignore[arg-type]
    state, _ = train(output, descriptor, NUMBERS)
    assert state == {k: v.tobytes() for k, v in descriptor.train(NUMBERS).items()}


def test_a_file_that_is_none_of_ours_is_never_touched(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "words.npz"
    path = Path(rounds_path(str(output)))
    path.write_bytes(b"my own notes")
    with pytest.raises(CbirError, match=r"was not made by this program.*move it away"):
        train_models(str(photos), ["orb:words=20"], str(output))
    assert path.read_bytes() == b"my own notes" and not output.exists()
    kept = KeptRounds(str(output), Vlad(), NUMBERS, Listener())
    kept.remove()
    assert path.exists()
