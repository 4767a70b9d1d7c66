"""Fuzzed: named arrays in ``.npz`` files, and the models that are made of them."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cbir.core.errors import CbirError
from cbir.core.npz import load_arrays
from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.local_descriptor import LocalDescriptor
from cbir.descriptors.encoders.projection import packed
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.descriptors.state import State
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.image_source import ArrayImage
from cbir.indexing.selection import bind_states
from cbir.indexing.train import TrainingImages
from tests.fuzz.mutations import damaged_arrays
from tests.fuzz.target import Target, as_npz


class Arrays(Target):
    """An ``.npz`` file as such."""

    name = "npz"
    tokens = (
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x93NUMPY",
        b"'descr': '|O'",
        b"'shape': (9999999999,)",
    )

    @cached_property
    def seeds(self) -> list[bytes]:
        several = {"words": np.arange(12).reshape(3, 4), "name": np.array("ö"), "none": np.empty(0)}
        return [as_npz(several), as_npz({"a": np.ones((2, 3), np.float32)})]

    def parse(self, data: bytes) -> None:
        path = self.folder / "arrays.npz"
        path.write_bytes(data)
        try:
            arrays = load_arrays(str(path))
        except (OSError, ValueError) as error:  # as it says
            raise CbirError(str(error)) from None
        assert all(isinstance(array, np.ndarray) for array in arrays.values())


@cache
def noise() -> NDArray[np.uint8]:
    """Return an image with something in it for every descriptor."""
    dice = np.random.default_rng(3)
    small = dice.integers(0, 256, (24, 32, 3), np.uint8)
    return small.repeat(5, axis=0).repeat(5, axis=1)


class _Model(Target):
    """A file for ``--model``."""

    spec: ClassVar[str]
    may_give_nothing: ClassVar[bool] = False
    examples = 50

    @property
    def descriptor(self) -> TrainedDescriptor:
        descriptor = parse(self.spec).descriptor
        assert isinstance(descriptor, TrainedDescriptor)
        return descriptor

    @cached_property
    def state(self) -> State:
        images = [np.rot90(noise(), turn).repeat(1 + turn // 4, axis=0) for turn in range(16)]
        return self.descriptor.train(list(map(self.descriptor.training_sample, images)))

    @cached_property
    def seeds(self) -> list[bytes]:
        return [as_npz(self.state)]

    def inputs(self) -> st.SearchStrategy[bytes]:
        return super().inputs() | damaged_arrays([self.state]).map(as_npz)

    def parse(self, data: bytes) -> None:
        path = self.folder / "model.npz"
        path.write_bytes(data)
        named = NamedDescriptor("it", self.descriptor)
        images = TrainingImages(str(self.folder), [], 1)
        ready = bind_states([named], None, [str(path)], False, images, ProgressListener())
        row = ready[0].describe(ArrayImage(noise()))
        assert row.any() or self.may_give_nothing, "an image full of corners has words"
        bound: Any = ready[0].descriptor
        assert np.isfinite(bound.drift(np.array([row] * 300)))
        if isinstance(bound, LocalDescriptor):
            code = bound.encode_query(bound.extractor.extract(noise()))
            idf = bound.kernel(bound.metrics[0]).idf
            assert len(code) and code.words.max() < len(idf)


class Vocabulary(_Model):
    """Visual words."""

    name, spec = "vocabulary", "orb:words=10,features=100"


class Words(_Model):
    """Visual words of descriptors that are numbers, with their cells."""

    name, spec = "words", "asmk:words=10,count=100"


class Model(_Model):
    """A mixture of Gaussians, with what goes before and behind it."""

    name, spec = "model", "colorfisher:gaussians=4,size=128"


class Projected(_Model):
    """A learned projection of a trained descriptor and of another one."""

    name, spec = "projection", "projection:dimension=8"
    may_give_nothing = True  # a matrix may hold zeros

    @cached_property
    def state(self) -> State:
        inner = Model(self.folder)
        bases = parse("gist").descriptor, inner.descriptor.bind(inner.state)
        dice = np.random.default_rng(4)
        length = sum(base.dimension for base in bases)
        return packed(bases, np.ones(2), np.zeros(length), dice.normal(size=(length, 8)))
