"""``preprocessor_config.json``, which models of the Hugging Face hub have beside them."""

from __future__ import annotations

import math
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
    except (ValueError, TypeError, AttributeError, KeyError):
        reason = "it is no description of a preprocessing"
    raise CbirError(f"{printable(path)}: cannot read this file beside the model: {reason}")


def parsed(document: Any) -> PreprocessorConfig:
    """Understand the file's content.

    Raises
    ------
    ValueError, TypeError, AttributeError, KeyError
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
    if min(deviations) <= 0 or not all(map(math.isfinite, (*means, *deviations))):
        raise ValueError("no mean and deviation")
    return Normalization(means, deviations)


def _three(values: Any, scale: float) -> tuple[float, float, float]:
    red, green, blue = (float(one) / scale for one in values)
    return red, green, blue
