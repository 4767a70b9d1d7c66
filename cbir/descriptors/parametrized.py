"""What descriptors and extractors of local features have alike: a name, a version, parameters."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from cbir.core.digests import digest


@dataclass(frozen=True)
class Parametrized:
    """Base of frozen dataclasses whose fields are parameters that change the numbers they give.

    Attributes
    ----------
    name : str
        The registered name.
    version : int
        Raised whenever the numbers change; an index of another version is not mixed with it.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return {field.name: getattr(self, field.name) for field in parameter_fields(type(self))}

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the numbers: equal fingerprints, comparable numbers."""
        identity = {"name": self.name, "version": self.version, **self._identity()}
        return digest(json.dumps(identity, sort_keys=True).encode())

    def _identity(self) -> dict[str, Any]:
        return {"parameters": self.parameters}

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but what is computed from the rest when it is asked for."""
        return {
            name: value
            for name, value in vars(self).items()
            if not isinstance(getattr(type(self), name, None), cached_property)
        }


def parameter_fields(cls: type[Parametrized]) -> list[dataclasses.Field[Any]]:
    """List the dataclass fields of a class that are parameters."""
    return [field for field in dataclasses.fields(cls) if field.metadata.get("parameter", True)]
