"""Which extractors of local features there are, and how one is named: ``NAME:key=value``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cbir.core.arguments import one_of, text_of
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.descriptors.parametrized import made, split_parameters

EXTRACTORS = {
    "akaze": "cbir.descriptors.local_features.akaze:AkazeExtractor",
    "orb": "cbir.descriptors.local_features.orb:OrbExtractor",
    "sift": "cbir.descriptors.local_features.sift:SiftExtractor",
    "surf": "cbir.descriptors.local_features.surf:SurfExtractor",
}
"""By name; imported when they are asked for."""


def extractor_of(given: str | LocalExtractor[Any]) -> LocalExtractor[Any]:
    """Return an extractor that was named, or the one that was given.

    Raises
    ------
    UsageError
        When there is none of that name, or a parameter or a value is unknown.

    Examples
    --------
    >>> extractor_of("sift:count=200")
    SiftExtractor(count=200, upright=False, step=1, spread=True)
    """
    if isinstance(given, LocalExtractor):
        return given
    name, _, parameters = text_of(given, "an extractor").partition(":")
    what = f"extractor {name!r}"
    module, _, cls = EXTRACTORS[one_of(name, EXTRACTORS, "extractor")].partition(":")
    found = getattr(import_module(module), cls)
    extractor: LocalExtractor[Any] = made(found, what, split_parameters(parameters, what))
    return extractor
