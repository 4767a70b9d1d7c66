"""Which descriptors there are, and how one is named: ``ALIAS=NAME:key=value,key=value``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cbir.core.arguments import text_of
from cbir.core.errors import CbirError, UnreadableImageError, UsageError, cause_of
from cbir.core.plugins import plugins
from cbir.core.suggestions import did_you_mean
from cbir.descriptors.base import HIGHEST_QUALITY, NOTHING_KNOWN, Descriptor, Row
from cbir.descriptors.parametrized import (
    file_parameters,
    made,
    required_parameters,
    split_parameters,
)
from cbir.descriptors.row_kinds import BAG, KINDS
from cbir.images.open_image import OpenImage

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "cbir.descriptors"

_BUILT_IN = {
    "hsv": "cbir.descriptors.global_features.hsv_histogram:HsvHistogram",
    "correlogram": "cbir.descriptors.global_features.correlogram:Correlogram",
    "layout": "cbir.descriptors.global_features.color_layout:ColorLayout",
    "jcd": "cbir.descriptors.global_features.jcd:JointColorTexture",
    "hog": "cbir.descriptors.global_features.hog:Hog",
    "centrist": "cbir.descriptors.global_features.centrist:Centrist",
    "phog": "cbir.descriptors.global_features.phog:Phog",
    "gist": "cbir.descriptors.global_features.gist:Gist",
    "lbp": "cbir.descriptors.global_features.lbp:LocalBinaryPatterns",
    "haralick": "cbir.descriptors.global_features.haralick:Haralick",
    "gabor": "cbir.descriptors.global_features.gabor:Gabor",
    "colorfisher": "cbir.descriptors.encoders.fisher:ColorFisher",
    "fisher": "cbir.descriptors.encoders.fisher:Fisher",
    "daisy": "cbir.descriptors.encoders.daisy:Daisy",
    "projection": "cbir.descriptors.encoders.projection:Projection",
    "asmk": "cbir.descriptors.encoders.asmk:Asmk",
    "hamming_embedding": "cbir.descriptors.encoders.hamming_embedding:HammingEmbedding",
    "bovw": "cbir.descriptors.encoders.bovw:Bovw",
    "orb": "cbir.descriptors.encoders.bovw:OrbBovw",
    "vlad": "cbir.descriptors.encoders.vlad:Vlad",
    "cnn": "cbir.descriptors.neural.cnn:Cnn",
    "onnx": "cbir.descriptors.neural.onnx_network:OnnxNetwork",
    "torch": "cbir.descriptors.neural.torch_network:TorchNetwork",
    "phash": "cbir.descriptors.hashes.perceptual:PerceptualHash",
    "pdq": "cbir.descriptors.hashes.pdq:Pdq",
    "dhash": "cbir.descriptors.hashes.perceptual:DifferenceHash",
    "ahash": "cbir.descriptors.hashes.perceptual:AverageHash",
    "whash": "cbir.descriptors.hashes.perceptual:WaveletHash",
    "colorhash": "cbir.descriptors.hashes.colorhash:ColorHash",
}

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
RESERVED_COLUMNS = frozenset(("path", "path_base64", "bytes", "mtime", "width", "height", "sha256"))
"""Columns of every index; no other may be called so."""


@dataclass(frozen=True, slots=True)
class NamedDescriptor:
    """A descriptor under the alias that prefixes its columns in an index."""

    alias: str
    descriptor: Descriptor

    @property
    def columns(self) -> list[str]:
        """The index columns that its rows fill."""
        one = self.descriptor
        return one.kind.columns(self.alias, one.dimension, one.has_quality)

    def describe(self, image: OpenImage, known: Mapping[str, Row] = NOTHING_KNOWN) -> Row:
        """Describe an image, decoded for the descriptor's working size.

        Parameters
        ----------
        image : OpenImage
        known : mapping of str to ndarray
            Rows of this image, by the fingerprints of the descriptors that gave them; one that is
            made of others need not compute these again.

        Raises
        ------
        UnreadableImageError
            When the image cannot be decoded, or the descriptor, perhaps a plug-in, fails on it.
        """
        descriptor = self.descriptor
        try:
            row = descriptor.describe_image(image, known)
            given, wanted = (row.shape, row.dtype), ((descriptor.width,), descriptor.dtype)
        except CbirError:  # nothing of this image: a package or a model is missing
            raise
        except Exception as error:  # a plug-in may fail in any way
            reason = f"the descriptor {self.alias!r} failed: {cause_of(error)}"
            raise UnreadableImageError(image.path, reason) from error
        if given != wanted:
            what = f"{given}, not {wanted} as it says"
        elif descriptor.has_quality and row[-1] > HIGHEST_QUALITY:
            what = f"the quality {row[-1]}, not 0 to 100"
        elif descriptor.dtype.kind == "f" and not np.isfinite(row).all():
            what = "a number that is not finite"
        else:
            return row
        raise UnreadableImageError(image.path, f"the descriptor {self.alias!r} gave {what}")

    @property
    def spec(self) -> str:
        """The text that :func:`parse` turns into this."""
        name, parameters = self.descriptor.name, self.descriptor.parameters
        head = name if self.alias == name else f"{self.alias}={name}"
        tail = ",".join(f"{key}={value}" for key, value in parameters.items() if value != "")
        return f"{head}:{tail}" if tail else head

    @property
    def spec_elsewhere(self) -> str:
        """The same with ``FILE`` for the paths of files, which are somewhere else by now."""
        files = file_parameters(type(self.descriptor))
        moved = {name: "FILE" for name in files if self.descriptor.parameters[name]}
        return replace(self, descriptor=replace(self.descriptor, **moved)).spec


@dataclass(frozen=True, slots=True)
class Broken:
    """A plug-in that could not be loaded."""

    name: str
    reason: str


def parse(spec: str) -> NamedDescriptor:
    """Turn ``NAME``, ``NAME:key=value,…`` or ``ALIAS=NAME:…`` into a descriptor with its alias.

    Raises
    ------
    UsageError
        When the descriptor, a parameter or a value is unknown; the message lists what there is.

    Examples
    --------
    >>> parse("small=hsv:layout=none").alias
    'small'
    """
    head, _, tail = text_of(spec, "a descriptor").partition(":")
    alias, named, name = head.partition("=")
    if not named:
        name = alias
    if not is_alias(alias):
        raise UsageError(
            f"descriptor {spec!r}: {alias!r} cannot be an alias; use letters, digits, - and _,"
            " a letter first, and none of the index's own columns, and give several descriptors one"
            " by one"
        )
    parameters = split_parameters(tail, f"descriptor {spec!r}", load(name).first)
    return NamedDescriptor(alias, create(name, parameters))


def is_alias(text: str) -> bool:
    """Say whether a text may be an alias.

    Examples
    --------
    >>> is_alias("small"), is_alias("my model"), is_alias("path")
    (True, False, False)
    """
    return bool(_ALIAS.fullmatch(text)) and text not in RESERVED_COLUMNS


def create(name: str, parameters: dict[str, Any]) -> Descriptor:
    """Make a descriptor from its registered name and its parameters, given as text or values."""
    return made(load(name), f"descriptor {name!r}", parameters)


def load(name: str) -> type[Descriptor]:
    """Import the class of a descriptor.

    Raises
    ------
    UsageError
        When there is none of that name.
    CbirError
        When it is a plug-in that does not load.
    """
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        cls: type[Descriptor] = getattr(importlib.import_module(module), attribute)
        return cls
    plugged_in = plugins(ENTRY_POINTS, _BUILT_IN)
    for point in plugged_in:
        if point.name == name:
            return _load_plugin(point)
    there = [*_BUILT_IN, *(point.name for point in plugged_in)]
    raise UsageError(
        f"there is no descriptor {name!r}; there are: {', '.join(there)}{did_you_mean(name, there)}"
    )


def names() -> list[str]:
    """Name the descriptors that come with the package; none is imported."""
    return list(_BUILT_IN)


def built_in() -> list[type[Descriptor]]:
    """List the descriptors that come with the package."""
    return [load(name) for name in _BUILT_IN]


def ready_made() -> list[type[Descriptor]]:
    """List those of them that can be made without any parameter."""
    return [one for one in built_in() if not required_parameters(one)]


def available() -> Iterator[type[Descriptor] | Broken]:
    """List all descriptors, built in and plugged in; broken plug-ins with their reason."""
    yield from built_in()
    for point in plugins(ENTRY_POINTS, _BUILT_IN):
        try:
            yield _load_plugin(point)
        except CbirError as error:
            yield Broken(point.name, str(error))


def _load_plugin(point: EntryPoint) -> type[Descriptor]:
    where = f"descriptor {point.name!r} ({point.value})"
    try:
        cls = point.load()
    except Exception as error:  # a plug-in may fail in any way; the rest must go on
        raise CbirError(f"{where} does not load: {cause_of(error)}") from error
    if not (isinstance(cls, type) and issubclass(cls, Descriptor)):
        raise CbirError(f"{where} is not a subclass of cbir.descriptors.base.Descriptor")
    missing = [
        attribute
        for attribute in ("name", "version", "dtype", "summary", "metrics")
        if not hasattr(cls, attribute)
    ]
    if missing or cls.__abstractmethods__:
        lacks = ", ".join([*missing, *sorted(cls.__abstractmethods__)])
        raise CbirError(f"{where} lacks: {lacks}")
    if cls.kind not in KINDS.values() or cls.kind is BAG:
        there = ", ".join(name for name, kind in KINDS.items() if kind is not BAG)
        raise CbirError(f"{where} has the kind {cls.kind!r}, not one of {there}")
    if cls.name != point.name:
        raise CbirError(f"{where} calls itself {cls.name!r}; both names must be the same")
    return cls
