"""What the manifest of an index says of one descriptor, and the descriptor that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cbir.descriptors import registry
from cbir.descriptors.base import Descriptor
from cbir.descriptors.parametrized import file_parameters
from cbir.descriptors.registry import NamedDescriptor
from cbir.descriptors.row_kinds import KINDS, RowKind
from cbir.stores.locations import found_location, kept_location


@dataclass(frozen=True, slots=True)
class DescriptorEntry:
    """What the manifest says of one descriptor."""

    alias: str
    name: str
    version: int
    parameters: Mapping[str, Any]
    fingerprint: str
    kind: str
    dimension: int
    width: int
    dtype: str
    state: str | None = None
    """The name of the state file that it needs."""

    @classmethod
    def of(cls, named: NamedDescriptor, state: str | None, index: str) -> DescriptorEntry:
        """Describe a descriptor that is ready to use, for the index file `index`."""
        descriptor = named.descriptor
        files = file_parameters(type(descriptor))
        parameters = {
            name: kept_location(value, index) if name in files else value
            for name, value in descriptor.parameters.items()
        }
        return cls(
            named.alias,
            descriptor.name,
            descriptor.version,
            parameters,
            descriptor.fingerprint,
            descriptor.kind.name,
            descriptor.dimension,
            descriptor.width,
            descriptor.dtype.str,
            state,
        )

    def descriptor(self, index: str) -> Descriptor:
        """Make the descriptor, without its state, for the index file `index`."""
        files = file_parameters(registry.load(self.name))
        return registry.create(
            self.name,
            {
                name: found_location(str(value), index) if name in files else value
                for name, value in self.parameters.items()
            },
        )

    def moved(self, index: str, target: str) -> DescriptorEntry:
        """Return the same for another index file, from which its files may have other paths."""
        files = file_parameters(registry.load(self.name))
        parameters = {
            name: kept_location(found_location(str(value), index), target)
            if name in files
            else value
            for name, value in self.parameters.items()
        }
        return replace(self, parameters=parameters)

    def means(self, descriptor: Descriptor) -> bool:
        """Say whether a descriptor has the same name and parameters; files may be elsewhere."""
        files = file_parameters(type(descriptor))
        held, meant = (
            {name: value for name, value in one.items() if name not in files}
            for one in (self.parameters, descriptor.parameters)
        )
        return (self.name, held) == (descriptor.name, meant)

    @property
    def row_kind(self) -> RowKind:
        """What its rows are."""
        return KINDS[self.kind]

    @property
    def has_quality(self) -> bool:
        """Whether a byte of quality stands behind what is compared."""
        return self.width > self.row_kind.width(self.dimension)

    @property
    def columns(self) -> list[str]:
        """The columns that its rows fill."""
        return self.row_kind.columns(self.alias, self.dimension, self.has_quality)
