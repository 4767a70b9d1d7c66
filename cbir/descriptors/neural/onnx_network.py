"""Any ONNX network of images, from a file of the user's."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, UsageError, cause_of, printable, reason_of
from cbir.core.regular_files import read_regular
from cbir.core.suggestions import did_you_mean
from cbir.descriptors.neural.model_file import MOST_BYTES, ModelInfo, TensorInfo, read_model
from cbir.descriptors.neural.network import Network
from cbir.descriptors.neural.pooling import Pooling, Way
from cbir.descriptors.neural.preprocessing import (
    NORMALIZATIONS,
    Normalization,
    Preprocessing,
    Resize,
)
from cbir.descriptors.neural.preprocessor_config import (
    PreprocessorConfig,
    checked_normalization,
    config_beside,
)
from cbir.descriptors.neural.sessions import EXTRA, RUNTIME, session_of
from cbir.descriptors.parametrized import FILE
from cbir.images.pixels import Pixels

_USUAL_SIDE = 224
_USUAL_CROP = 0.875
_MOST_PIXELS = 4096
_STEP = 32
"""Of the sides of an image of any shape: what most networks shrink it by."""

_PREFERRED = ("embed", "pool")
"""Parts of the names of outputs, the best first."""

_HIGHEST_POWER = 100.0

_MOST_NUMBERS = 65_536
"""An image; networks give some thousands at most, and a row of the index is to be read at once."""


@dataclass(frozen=True)
class OnnxNetwork(Network):
    """What a network gives for an image, pooled and normalized.

    Its file says what it takes: channels first or last, whole or real numbers, a fixed size or
    any. What the file cannot say is taken from the parameters, else from the
    ``preprocessor_config.json`` beside it.

    Parameters
    ----------
    model : str
        The file.
    normalization : {"auto", "imagenet", "clip", "half", "unit", "raw", "lite"}
        What the numbers that the network takes stand for; ``auto`` is what the file beside it
        says. Has to be known for all but whole numbers.
    mean : str
        In the place of a name: what is taken off values of 0 to 1, one number or three, as in
        ``0.485/0.456/0.406``.
    deviation : str
        What they are divided by then.
    channels : {"rgb", "bgr"}
        Which color comes first.
    resize : {"auto", "squash", "crop", "pad", "whole"}
        How an image gets the network's shape: squeezed; its middle; with gray around; or as it
        is, of a network that takes any shape. ``auto`` is what the file beside it says, else
        ``squash``.
    size : int
        Pixels of each side, of a network that takes any size; 0 is what the file beside it says,
        else 224.
    edge : int
        With ``crop``: pixels of the shorter side before the middle is cut out; 0 is what the file
        beside it says, else so many that seven eighths of it are left.
    output : str
        Which output; unless told otherwise the first whose name has "embed" in it, else "pool",
        else the last one.
    pooling : {"average", "max", "gem", "first"}
        Of a map or of tokens: the mean, the highest, the generalized mean, the first place.
    p : float
        The power of the generalized mean.
    """

    model: str = dataclasses.field(metadata={FILE: True})
    normalization: Literal["auto", "imagenet", "clip", "half", "unit", "raw", "lite"] = "auto"
    mean: str = ""
    deviation: str = ""
    channels: Literal["rgb", "bgr"] = "rgb"
    resize: Literal["auto", "squash", "crop", "pad", "whole"] = "auto"
    size: int = 0
    edge: int = 0
    output: str = ""
    pooling: Way = "average"
    p: float = 3.0

    name: ClassVar[str] = "onnx"
    version: ClassVar[int] = 1
    first: ClassVar[str] = "model"
    summary: ClassVar[str] = "what a network of your own sees: any ONNX model of images"
    modules: ClassVar[tuple[str, ...]] = (RUNTIME,)
    extra: ClassVar[str] = EXTRA

    def __post_init__(self) -> None:
        """Refuse what makes no sense, whatever the file is."""
        if not self.model:
            raise ValueError("model= names no file; give one, as in onnx:model=FILE.onnx")
        if bool(self.mean) != bool(self.deviation):
            raise ValueError("mean and deviation go together; give both")
        if self.mean and self.normalization != "auto":
            raise ValueError("normalization, or mean and deviation; leave one out")
        if not 0 <= self.size <= _MOST_PIXELS or not 0 <= self.edge <= _MOST_PIXELS:
            raise ValueError(f"size and edge are pixels, up to {_MOST_PIXELS:,}")
        if not 0 < self.p <= _HIGHEST_POWER:
            raise ValueError(f"p: give a number above 0, up to {_HIGHEST_POWER:g}")
        if self.mean:
            _normalization(self.mean, self.deviation)

    @property
    def dimension(self) -> int:
        """Numbers an image, as the file says, or as a trial shows."""
        return self._dimension

    @cached_property
    def _dimension(self) -> int:
        shape, last = self._output.shape, self.preprocessing.channels_last
        dimension = None
        if shape:
            dimension = shape[1] if len(shape) == 4 and not last else shape[-1]
        if dimension is None:
            height, width = self.preprocessing.height, self.preprocessing.width
            dimension = len(super().vector(np.full((height, width, 3), 127, np.uint8)))
        if dimension > _MOST_NUMBERS:
            raise self._error(
                f"its output {printable(self._output.name)} has {dimension:,} numbers an image,"
                f" which is more than {_MOST_NUMBERS:,}; choose another output"
            )
        return dimension

    def vector(self, image: Pixels) -> NDArray[np.float32]:
        """Return what the network says of an image; see :meth:`Network.vector`.

        Raises
        ------
        CbirError
            When it gives another number of numbers than the file says, or than for other images.
        """
        vector = super().vector(image)
        if len(vector) != self.dimension:
            raise self._error(
                f"its output {printable(self._output.name)} gives {len(vector):,} numbers for an"
                f" image, where {self.dimension:,} are expected; choose another output, or export"
                " the network again"
            )
        return vector

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to an image before the network gets it."""
        return self._preprocessing

    @cached_property
    def _preprocessing(self) -> Preprocessing:
        given, config = self._input, config_beside(self.model)
        last = _has_channels_last(given)
        height, width = given.shape[1:3] if last else given.shape[2:]  # type: ignore[index]
        side = self.size or config.size or _USUAL_SIDE
        resize: Resize = (config.resize or "squash") if self.resize == "auto" else self.resize
        if self.size and {height, width} - {None, self.size}:
            raise self._error(f"the network takes images of {width} × {height}; leave out size")
        if resize == "whole" and (height or width):
            raise self._error("the network takes no images of any shape; choose another resize")
        height, width = height or side, width or side
        edge = self.edge or config.edge or round(min(height, width) / _USUAL_CROP)
        pixels = height * width * self._images
        if max(height, width, edge) > _MOST_PIXELS or pixels > _MOST_PIXELS**2:
            raise self._error(f"images have up to {_MOST_PIXELS:,} pixels a side here")
        return Preprocessing(
            height,
            width,
            self._normalized(given, config),
            resize,
            edge if resize == "crop" else 0,
            _STEP if resize == "whole" else 1,
            self.channels == "bgr",
            last,
            given.dtype or "",
        )

    @property
    def pooling_of_map(self) -> Pooling:
        """How an output with many places becomes one vector."""
        return Pooling(self.pooling, self.p)

    def forward(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the output of the network; see :meth:`Network.forward`."""
        try:
            session = session_of(self._info.sha256, self._unchanged, self.name)
            batch = np.repeat(array, self._images, axis=0) if self._images > 1 else array
            output: NDArray[Any] = session.run([self._output.name], {self._input.name: batch})[0]
        except CbirError:
            raise
        except Exception as error:  # onnxruntime has many, in no family
            raise self._error(f"onnxruntime cannot run it: {cause_of(error)}") from None
        return output

    def _identity(self) -> dict[str, Any]:
        return {
            "model": self._info.sha256,
            "preprocessing": dataclasses.asdict(self.preprocessing),
            "output": self._output.name,
            "pooling": self.pooling_of_map.identity,
        }

    @cached_property
    def _info(self) -> ModelInfo:
        try:
            return read_model(self._read())
        except ValueError as error:
            raise self._error(str(error)) from None

    def _read(self) -> bytes:
        try:
            return read_regular(self.model, MOST_BYTES)
        except OSError as error:
            reason = reason_of(error)
        except ValueError as error:  # a NUL in the name
            reason = str(error)
        raise self._error(f"cannot read the model: {reason}")

    def _unchanged(self) -> bytes:
        """Read the file again, to run it; what it was looked through for still has to hold."""
        data = self._read()
        if read_model(data) != self._info:
            raise self._error("the file was replaced while it was in use; begin again")
        return data

    @cached_property
    def _input(self) -> TensorInfo:
        inputs = self._info.inputs
        if len(inputs) != 1:
            names = ", ".join(printable(one.name) for one in inputs) or "none"
            raise self._error(
                f"a network of images has one input; this has: {names}; export the part that takes"
                " an image"
            )
        if not _is_image(inputs[0]):
            raise self._error(
                "its input is no image of three channels in uint8, float16 or float32"
            )
        return inputs[0]

    @property
    def _images(self) -> int:
        """How many images the network takes at a time: as many as it likes, or a fixed number."""
        return (self._input.shape or (None,))[0] or 1

    @cached_property
    def _output(self) -> TensorInfo:
        outputs = {one.name: one for one in self._info.outputs}
        if self.output:
            if self.output not in outputs:
                there = ", ".join(map(printable, outputs))
                question = did_you_mean(self.output, outputs)
                raise self._error(f"it has no output {self.output!r}; it has: {there}{question}")
            return outputs[self.output]
        for part in _PREFERRED:
            for name, one in outputs.items():
                if part in name.lower():
                    return one
        return self._info.outputs[-1]

    def _normalized(self, given: TensorInfo, config: PreprocessorConfig) -> Normalization:
        if given.dtype == "uint8":
            if self.mean or self.normalization not in ("auto", "raw"):
                raise self._error("it takes whole numbers, as they are; leave out normalization")
            return NORMALIZATIONS["raw"]
        if self.mean:
            return _normalization(self.mean, self.deviation)
        if self.normalization != "auto":
            return NORMALIZATIONS[self.normalization]
        if config.normalization is not None:
            return config.normalization
        raise self._error(
            f"it takes {given.dtype}, and does not say what these numbers stand for; name it, as in"
            f" {self.name}:model=FILE,normalization=imagenet ({', '.join(NORMALIZATIONS)}, or mean"
            " and deviation)",
            UsageError,
        )

    def _error(self, reason: str, kind: type[CbirError] = CbirError) -> CbirError:
        return kind(f"{printable(self.model)}: {reason}")


def _has_channels_last(given: TensorInfo) -> bool:
    shape = given.shape or ()
    return shape[1] != 3 and shape[3] == 3


def _is_image(given: TensorInfo) -> bool:
    if given.dtype is None or given.shape is None or len(given.shape) != 4:
        return False
    return given.shape[3 if _has_channels_last(given) else 1] in (3, None)


def _normalization(mean: str, deviation: str) -> Normalization:
    return checked_normalization(_three(mean), _three(deviation))


def _three(text: str) -> tuple[float, float, float]:
    """Return one number for each channel.

    Raises
    ------
    ValueError
        When it is neither one nor three.
    """
    numbers = [float(one) for one in text.split("/")]
    if len(numbers) not in (1, 3):
        raise ValueError(f"{text!r}: give one number or three, as in 0.485/0.456/0.406")
    red, green, blue = numbers if len(numbers) == 3 else 3 * numbers
    return red, green, blue
