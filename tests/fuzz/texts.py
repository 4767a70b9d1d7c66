"""Fuzzed: texts that people write."""

from __future__ import annotations

import os
from functools import cached_property
from typing import ClassVar

import click
import numpy as np

from cbir.changes.files import sha256_of
from cbir.cli.options import _parsed_weights
from cbir.core.errors import UsageError
from cbir.descriptors.registry import parse
from cbir.duplicates.exclusions import mark_different, read_exclusions
from cbir.evaluation.ground_truth import read_ground_truth
from cbir.images.region import Region
from cbir.search.fusion.options import Fusion
from tests.fuzz.target import Target

PATHS = ["a/1.jpg", "a/2.jpg", "b/1.jpg", "b/NA", "c/ö,\n.jpg", "x y.jpg"]


class _Truth(Target):
    """A file for ``--truth``."""

    key: ClassVar[str | None] = None
    label: ClassVar[str | None] = None

    def parse(self, data: bytes) -> None:
        path = self.folder / "truth"
        path.write_bytes(data)
        truth = read_ground_truth(str(path), PATHS, key=self.key, label=self.label)
        topics = truth.topics(PATHS)
        assert len(topics) == len(PATHS)
        truth.unqueried_topics(topics)
        for topic in {topic for topic in topics if topic is not None}:
            grades = truth.grades(topic)
            assert grades.shape == (len(PATHS),) and grades.min() >= 0


class Qrels(_Truth):
    """Relevance judgments in TREC's format."""

    name = "qrels"
    tokens = (b" 0 ", b"\t", b"a/1.jpg 0 b/1.jpg 1\n", "\u2028".encode(), b"\x0b", b"\x1c")

    @cached_property
    def seeds(self) -> list[bytes]:
        return [
            b"a/1.jpg 0 a/2.jpg 1\na/1.jpg 0 b/1.jpg 0\na/2.jpg 0 a/1.jpg 2\n",
            b"a/1 0 a/2 1\r\n\r\nb/1 0 b/NA -1\r\n",
        ]


class TruthCsv(_Truth):
    """Classes in a CSV file."""

    name = "truth-csv"
    key, label = "file", "kind"
    tokens = (b"file", b"kind", b",,,", b'""', b"NA", b"\na/1.jpg,cat", b";")

    @cached_property
    def seeds(self) -> list[bytes]:
        return [
            b"file,kind\na/1.jpg,cat\na/2.jpg,cat\nb/1.jpg,dog\nb/NA,\n",
            '\ufefffile,id,kind\r\n"x y.jpg",1,"a ""b"""\r\n"c/ö,\n.jpg",2,ö\r\n'.encode(),
        ]


class Spec(Target):
    """What ``--descriptor`` takes."""

    name = "spec"
    examples = 200
    tokens = (b"words=", b"orb", b"=", b":", b",", b"size=", b"gaussians=", b"bits=", b"yes", b"+")

    @cached_property
    def seeds(self) -> list[bytes]:
        specs = "hsv hsv:layout=none small=orb:words=10,upright=yes phash:bits=256 layout:luma=6"
        specs += " correlogram:distance=3 fisher:gaussians=64,size=512 orb:features=100,words=10"
        return [spec.encode() for spec in f"{specs} hog:size=64,cells=4,blocks=2 pdq".split()]

    def parse(self, data: bytes) -> None:
        named = parse(os.fsdecode(data))
        assert named.columns[:1] and named.descriptor.width > 0
        assert parse(named.spec) == named


class Weights(Target):
    """What ``--weights`` takes."""

    name = "weights"
    examples = 200
    tokens = (b"hsv=", b"hog=", b"=", b",", b".5", b"e9")

    @cached_property
    def seeds(self) -> list[bytes]:
        return [b"1,0.5", b"hog=0.5", b"hsv=1,hog=2"]

    def parse(self, data: bytes) -> None:
        context = click.Context(click.Command("search"))
        try:
            weights = _parsed_weights(context, click.Option(["--weights"]), os.fsdecode(data))
        except click.UsageError as error:
            raise UsageError(str(error)) from None
        chosen = Fusion.of({"hsv": 1.0, "hog": 0.5}, weights=weights).weights
        assert np.isfinite(chosen).all() and min(chosen) >= 0 and max(chosen) > 0


class Regions(Target):
    """What ``--region`` takes."""

    name = "region"
    examples = 200
    tokens = (b",", b"%", b".", b"0", b"e9", b"-", b"nan", b" ")

    @cached_property
    def seeds(self) -> list[bytes]:
        return [b"10,20,300,200", b"25%,0,50%,100%", b"1.5,0,2%,3"]

    def parse(self, data: bytes) -> None:
        region = Region.parse(os.fsdecode(data))
        assert Region.parse(str(region)) == region
        x, y, width, height = region.in_pixels("image", (640, 480))
        assert 0 <= x < x + width <= 640 and 0 <= y < y + height <= 480


class Ignored(Target):
    """The pairs that were judged different."""

    name = "ignore-file"
    tokens = (b"#", b" ", b"\t", b"0" * 64, b"f" * 64, b"\xc2\xa0")

    @cached_property
    def seeds(self) -> list[bytes]:
        path, names = self.folder / "made", ("a.jpg", "b.jpg", "c.jpg")
        for name in names:
            (self.folder / name).write_bytes(name.encode())
        for other in names[1:]:
            mark_different(str(path), str(self.folder / names[0]), str(self.folder / other))
        return [path.read_bytes()]

    def parse(self, data: bytes) -> None:
        path = self.folder / "different.txt"
        path.write_bytes(data)
        pairs = read_exclusions(str(path)).pairs
        assert all(len(one) == len(other) == 32 and one < other for one, other in pairs)
        images = [str(self.folder / name) for name in ("a.jpg", "b.jpg")]
        mark_different(str(path), *images)
        wanted = tuple(sorted(map(sha256_of, images)))
        assert read_exclusions(str(path)).pairs == pairs | {wanted}
