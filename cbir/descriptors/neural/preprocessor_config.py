"""``preprocessor_config.json``, which models of the Hugging Face hub have beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.json_text import parse_json
from cbir.core.regular_files import read_regular
from cbir.descriptors.neural.preprocessing import NORMALIZATIONS, Normalization, Resize

NAME = "preprocessor_config.json"
_MOST_BYTES = 1 << 20
_MOST_PIXELS = 4096
"""A side."""

_FAR = 1e6
"""How far values from 0 to 1 are shifted and scaled, at most."""

Three = tuple[float, float, float]
"""One number for each channel."""


@dataclass(frozen=True, slots=True)
class PreprocessorConfig:
    """What the file says, as far as it says it.

    Attributes
    ----------
    size : int or None
        Pixels of each side of what the network takes.
    edge : int or None
        Pixels of the shorter side before the middle is cut out.
    resize : Resize or None
    normalization : Normalization or None
    """

    size: int | None = None
    edge: int | None = None
    resize: Resize | None = None
    normalization: Normalization | None = None


def config_beside(model: str) -> PreprocessorConfig:
    """Read the file beside a model; where there is none, nothing is said.

    Raises
    ------
    CbirError
        When it cannot be read or understood.
    """
    path = os.path.join(os.path.dirname(model), NAME)
    try:
        return parsed(parse_json(read_regular(path, _MOST_BYTES)))
    except FileNotFoundError:
        return PreprocessorConfig()
    except OSError as error:
        reason = reason_of(error)
    except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError):
        reason = "it is no description of a preprocessing"
    raise CbirError(f"{printable(path)}: cannot read this file beside the model: {reason}")


def parsed(document: Any) -> PreprocessorConfig:
    """Understand the file's content.

    Raises
    ------
    ValueError, TypeError, AttributeError, KeyError, ArithmeticError
        When it is none.

    Examples
    --------
    >>> config = parsed({"size": {"shortest_edge": 256}, "crop_size": 224})
    >>> config.size, config.edge, config.resize
    (224, 256, 'crop')
    """
    size, crops = document.get("size"), document.get("do_center_crop", "crop_size" in document)
    edge = _side(size.get("shortest_edge")) if isinstance(size, dict) else None
    side = None if not document.get("do_resize", True) else _side(size)
    resize: Resize | None = None
    if crops:
        edge, side = edge or side, _side(document.get("crop_size")) or side
        resize = "crop"
    elif side is not None:
        resize = "crop" if edge else "squash"
    return PreprocessorConfig(side, edge, resize, _normalization(document))


def checked_normalization(means: Three, deviations: Three) -> Normalization:
    """Return a normalization whose results are numbers in single precision.

    Raises
    ------
    ValueError
        When they are none, or could not be.

    Examples
    --------
    >>> checked_normalization((0, 0, 0), (1, 1, 0))
    Traceback (most recent call last):
    ...
    ValueError: mean: give numbers up to 1e+06; deviation: give numbers from 1e-06 to 1e+06
    """
    if not (
        all(abs(mean) <= _FAR for mean in means)
        and all(1 / _FAR <= deviation <= _FAR for deviation in deviations)
    ):
        raise ValueError(
            f"mean: give numbers up to {_FAR:g}; deviation: give numbers from {1 / _FAR:g} to"
            f" {_FAR:g}"
        )
    return Normalization(means, deviations)


def _side(size: Any) -> int | None:
    if isinstance(size, dict):
        size = size.get("shortest_edge") or size["height"]
    if size is not None and not 0 < int(size) <= _MOST_PIXELS:
        raise ValueError("no size of an image")
    return None if size is None else int(size)


def _normalization(document: dict[str, Any]) -> Normalization | None:
    if not document.get("do_normalize", "image_mean" in document):
        if "do_rescale" not in document and "do_normalize" not in document:
            return None
        return NORMALIZATIONS["unit" if document.get("do_rescale", True) else "raw"]
    # What is taken off applies to values that the factor made of those from 0 to 255.
    rescales = document.get("do_rescale", True)
    scale = 255 * (float(document.get("rescale_factor", 1 / 255)) if rescales else 1.0)
    means, deviations = (_three(document[name], scale) for name in ("image_mean", "image_std"))
    return checked_normalization(means, deviations)


def _three(values: Any, scale: float) -> Three:
    red, green, blue = (float(one) / scale for one in values)
    return red, green, blue
