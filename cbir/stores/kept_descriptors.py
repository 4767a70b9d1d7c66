"""The descriptors that an index was made with, made again from what it keeps of them."""

from __future__ import annotations

from collections.abc import Callable

from cbir.core.errors import BrokenIndexError, CbirError, UsageError, first_few, printable
from cbir.core.messages import Call
from cbir.descriptors.base import Descriptor
from cbir.descriptors.parametrized import file_parameters
from cbir.descriptors.registry import NamedDescriptor
from cbir.descriptors.state import State
from cbir.descriptors.trained import TrainedDescriptor
from cbir.stores.descriptor_entry import DescriptorEntry


def descriptor_of(
    entry: DescriptorEntry, index: str, dataset: str, state: Callable[[str], State]
) -> NamedDescriptor:
    """Make the descriptor of an entry, with its state.

    Parameters
    ----------
    entry : DescriptorEntry
    index : str
        The path of the index.
    dataset : str
        The absolute path of the dataset, for messages.
    state : callable
        Loads a state file by its name.

    Raises
    ------
    BrokenIndexError
        When this program's descriptor is not the one that wrote the matrix.
    """
    where = f"{printable(index)}: {entry.alias}"
    try:
        descriptor = entry.descriptor(index)
    except (UsageError, TypeError, OverflowError) as error:
        raise BrokenIndexError(
            f"{where} cannot be used: {error}; install the package that it came with, or remove"
            " it: ",
            Call("index", dataset=dataset, index=index, drop=entry.alias),
        ) from None
    # What another version learned need not fit: to bind it would tell of a lesser trouble.
    is_of_this_version = entry.version == descriptor.version
    if isinstance(descriptor, TrainedDescriptor) and is_of_this_version:
        if entry.state is None:
            raise BrokenIndexError(f"{where} has no {descriptor.state_name}")
        try:
            descriptor = descriptor.bind(state(entry.state))
        except BrokenIndexError:
            raise
        except CbirError as error:
            raise BrokenIndexError(
                f"{where} cannot be used: ",
                error,
                "; build the index again: ",
                Call("index", dataset=dataset, index=index, rebuild=True),
            ) from None
    _check_fingerprint(entry, descriptor, index, dataset)
    return NamedDescriptor(entry.alias, descriptor)


def _check_fingerprint(
    entry: DescriptorEntry, descriptor: Descriptor, index: str, dataset: str
) -> None:
    where = f"{printable(index)}: {entry.alias}"
    names = file_parameters(type(descriptor))
    files = [str(descriptor.parameters[one]) for one in names if descriptor.parameters[one]]
    try:
        fingerprint = descriptor.fingerprint
    except CbirError as error:  # a file that its parameters name is not what it was
        spec = NamedDescriptor(entry.alias, descriptor).spec_elsewhere
        raise BrokenIndexError(
            f"{where} cannot be used: ", error, "; put the file back, or say where it is now: ",
            Call("index", dataset=dataset, index=index, descriptors=[spec]),
        ) from None  # fmt: skip
    if fingerprint == entry.fingerprint:
        return
    if names and entry.version == descriptor.version:
        what = f"{first_few(files)}, or of what is beside" if files else "the file that it uses"
        reason = f"was written with another content of {what}"
    else:
        reason = (
            f"was written by version {entry.version} of {entry.name}, this is version"
            f" {descriptor.version}"
        )
    raise BrokenIndexError(
        f"{where} {reason}, and their numbers differ. Describe the images again: ",
        Call("index", dataset=dataset, index=index),
    )
