"""Fuzzed: the files of an inverted file. Whatever is in them, answers are right, or made again."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st

from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource
from cbir.search.inverted.scorings import scoring_of
from cbir.search.inverted.segment import Segment
from cbir.search.inverted.segment_layout import MOST_IMAGES, SECTIONS, packed
from tests.fuzz.mutations import damaged
from tests.fuzz.target import Target
from tests.search.inverted.helpers import KERNELS, code, key

_KERNEL = KERNELS["asmk"]
_IMAGES = 12
_NUMBERS = {key(number): number for number in range(_IMAGES)}


class InvertedSegment(Target):
    """A segment."""

    name = "inverted-segment"
    tokens = (b"cbir inverted 1\n",)
    pattern: ClassVar[str] = "*.segment"

    def filled(self, folder: Path) -> InvertedFile:
        """Return an inverted file of all images."""
        inverted = InvertedFile([folder], _KERNEL, "fuzz", run_bytes=6000)
        inverted.update(list(_NUMBERS), lambda one: code(_KERNEL, _NUMBERS[one]), workers=1)
        return inverted

    @cached_property
    def made(self) -> Path:
        """An inverted file as the program makes it."""
        self.filled(self.folder / "made")
        return self.folder / "made"

    @cached_property
    def right(self) -> list[float]:
        """Distances by what is sound."""
        return self.distances(self.filled(self.made))

    def distances(self, inverted: InvertedFile) -> list[float]:
        """Return those of all images to a query."""
        return InvertedSource(inverted, _KERNEL, list(_NUMBERS)).estimate(code(_KERNEL, 3)).tolist()

    @property
    def path(self) -> Path:
        """The file that is going to be damaged."""
        return min(self.made.glob(self.pattern))

    @cached_property
    def seeds(self) -> list[bytes]:
        return [self.path.read_bytes()]

    def parse(self, data: bytes) -> None:
        folder = self.folder / "used"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.made, folder)
        (folder / self.path.name).write_bytes(data)
        read = self.distances(InvertedFile([folder], _KERNEL, "fuzz"))
        assert all(one in (right, 1) for one, right in zip(read, self.right, strict=True))
        assert self.distances(self.filled(folder)) == self.right
        assert self.filled(folder).damage == []


class InvertedManifest(InvertedSegment):
    """Which segments there are."""

    name, pattern = "inverted-manifest", "segments.json"


class InvertedSections(InvertedSegment):
    """Segments whose checksums are right, and whose contents are not."""

    name = "inverted-sections"

    @cached_property
    def segment(self) -> Segment:
        """What is going to be forged."""
        return self.filled(self.made).segments[0]

    @cached_property
    def seeds(self) -> list[bytes]:
        return [self.segment.raw.tobytes()]

    def inputs(self) -> st.SearchStrategy[bytes]:
        return st.sampled_from(SECTIONS).flatmap(
            lambda name: damaged([getattr(self.segment, name).tobytes()]).map(
                lambda data: self._forged(name, data)
            )
        )

    def _forged(self, name: str, data: bytes) -> bytes:
        parts: dict[str, Any] = {part: getattr(self.segment, part) for part in SECTIONS}
        sound = parts[name]
        size = sound.nbytes
        parts[name] = np.frombuffer((data + bytes(size))[:size], sound.dtype).reshape(sound.shape)
        codes = InvertedFile([], _KERNEL, "fuzz").codes
        return packed(parts, codes.digest).tobytes()

    def parse(self, data: bytes) -> None:
        codes, scoring = InvertedFile([], _KERNEL, "fuzz").codes, scoring_of(_KERNEL)
        try:
            segment = Segment(np.frombuffer(data, np.uint8), codes)
        except ValueError:
            return
        query = code(_KERNEL, 3)
        prepared, lists = scoring.prepare(query), segment.lists(query.words)
        found = []
        for add in (scoring.add, scoring.add_compiled):
            sums = np.zeros(MOST_IMAGES, np.int64)
            add(prepared, segment, lists, sums)
            found.append(scoring.distances(prepared, segment, sums[: len(segment)]))
            assert ((found[-1] >= 0) & (found[-1] <= 1)).all()
        assert np.array_equal(found[0], found[1])
