"""From pixels to the array that a network takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.images.pixels import WORKING_SIZES, Pixels

Resize = Literal["squash", "crop", "pad", "whole", "area"]
"""How an image gets the shape that a network takes: squeezed or stretched to it; shrunk until the
shorter sides fit, the middle cut out; shrunk until the longer sides fit, and gray around it; or as
it is, since the network takes any shape, with the longer side at a size, or with so many pixels."""

PAD = 127
"""The gray around what is padded: the middle of the values."""

_USUAL_SHAPE = 4 / 3
"""Longer by shorter side of most photographs: so much larger a working size has to be for the
shorter side to be as long as the network wants it."""


@dataclass(frozen=True, slots=True)
class Normalization:
    """What is taken off each channel of values from 0 to 1, and what they are then divided by.

    Examples
    --------
    >>> NORMALIZATIONS["half"].applied(np.array([[[0, 51, 255]]], np.uint8)).round(3).tolist()
    [[[-1.0, -0.6000000238418579, 1.0]]]
    """

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def applied(self, image: Pixels) -> NDArray[np.float32]:
        """Return the normalized values of an image, channels last."""
        factor = 1 / (255 * np.array(self.deviation))
        offset = -np.array(self.mean) / self.deviation
        values = np.multiply(image, factor.astype(np.float32), dtype=np.float32)
        values += offset.astype(np.float32)
        return values


NORMALIZATIONS = {
    "imagenet": Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": Normalization(
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    ),
    "half": Normalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "unit": Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "raw": Normalization((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
    "lite": Normalization((127 / 255, 127 / 255, 127 / 255), (128 / 255, 128 / 255, 128 / 255)),
}
"""By name: of most networks trained on ImageNet; of CLIP; to -1 … 1; to 0 … 1; 0 … 255 as it is;
(x - 127) / 128, of EfficientNet-Lite."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What is done to an image before a network gets it.

    Attributes
    ----------
    height, width : int
        Of the array. With ``whole`` the longer side of any image gets `width`, with
        ``area`` the image about as many pixels as `height` times `width`.
    normalization : Normalization
        Not applied to whole numbers.
    resize : Resize
    edge : int
        With ``crop``: pixels of the shorter side, of which the middle is cut out.
    step : int
        With ``whole`` and ``area``: both sides are multiples of it.
    bgr : bool
        Blue comes first.
    channels_last : bool
        The array is (1, height, width, 3); else (1, 3, height, width).
    dtype : str
        Of the array: ``uint8``, ``float16`` or ``float32``.

    Examples
    --------
    >>> image = np.zeros((100, 200, 3), np.uint8)
    >>> half = NORMALIZATIONS["half"]
    >>> Preprocessing(32, 32, half).array(image).shape
    (1, 3, 32, 32)
    >>> Preprocessing(64, 64, half, "whole", step=16).array(image).shape
    (1, 3, 32, 64)
    >>> Preprocessing(64, 64, half, "area", step=16).array(image).shape
    (1, 3, 48, 96)
    """

    height: int
    width: int
    normalization: Normalization
    resize: Resize = "squash"
    edge: int = 0
    step: int = 1
    bgr: bool = False
    channels_last: bool = False
    dtype: str = "float32"

    @property
    def working_size(self) -> int | None:
        """The smallest working size that has the pixels the network is to see."""
        longest = max(self.height, self.width)
        if self.resize == "crop":
            return size_for_shorter(max(longest, self.edge))
        if self.resize == "area":
            return _size_for(round(longest * math.sqrt(_USUAL_SHAPE)))
        return size_for_shorter(longest) if self.resize == "squash" else _size_for(longest)

    def array(self, image: Pixels) -> NDArray[Any]:
        """Return what the network takes.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            Upright RGB.

        Returns
        -------
        ndarray of `dtype`, with one image
        """
        shaped = self._shaped(image)
        if self.bgr:
            shaped = shaped[..., ::-1]
        values = shaped if self.dtype == "uint8" else self.normalization.applied(shaped)
        if not self.channels_last:
            values = values.transpose(2, 0, 1)
        return np.ascontiguousarray(values[None], self.dtype)

    def _shaped(self, image: Pixels) -> Pixels:
        height, width = image.shape[:2]
        if self.resize == "squash":
            return resampled(image, self.width, self.height)
        if self.resize in ("whole", "area"):
            scale = math.sqrt(self.height * self.width / (height * width))
            if self.resize == "whole":
                scale = self.width / max(height, width)
            return resampled(image, self._stepped(scale * width), self._stepped(scale * height))
        if self.resize == "crop":
            scale = max(self.edge / min(height, width), self.width / width, self.height / height)
        else:
            scale = min(self.width / width, self.height / height)
        shrunk = resampled(image, max(1, round(scale * width)), max(1, round(scale * height)))
        return _framed(shrunk, self.height, self.width)

    def _stepped(self, side: float) -> int:
        return max(1, round(side / self.step)) * self.step


def size_for_shorter(side: int) -> int | None:
    """Return the working size at which the shorter side of most photographs has `side` pixels.

    Examples
    --------
    >>> size_for_shorter(224)
    512
    """
    return _size_for(round(side * _USUAL_SHAPE))


def _size_for(longest: int) -> int | None:
    return next((size for size in WORKING_SIZES if size >= longest), None)


def resampled(image: Pixels, width: int, height: int) -> Pixels:
    """Return `image` at another size: by area averaging where it shrinks, else smoothly."""
    if image.shape[:2] == (height, width):
        return image
    is_larger = width > image.shape[1] or height > image.shape[0]
    way = cv2.INTER_CUBIC if is_larger else cv2.INTER_AREA
    return cv2.resize(image, (width, height), interpolation=way)  # type: ignore[return-value]


def _framed(image: Pixels, height: int, width: int) -> Pixels:
    """Cut the middle out, or put gray around."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    cut = image[max(0, top) : max(0, top) + height, max(0, left) : max(0, left) + width]
    if cut.shape[:2] == (height, width):
        return cut
    framed = np.full((height, width, 3), PAD, np.uint8)
    top, left = (height - cut.shape[0]) // 2, (width - cut.shape[1]) // 2
    framed[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return framed
