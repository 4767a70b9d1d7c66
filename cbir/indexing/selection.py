"""Which descriptors a run of indexing computes, ready to describe: chosen, trained or loaded."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cbir.core.amounts import counted
from cbir.core.errors import CbirError, UsageError, printable, reason_of
from cbir.core.messages import Call, Message, Parameter
from cbir.core.npz import load_arrays
from cbir.core.progress import ProgressListener
from cbir.core.suggestions import did_you_mean
from cbir.descriptors.parametrized import file_parameters
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.descriptors.state import SHIPPED, State, origin_of, state_digest
from cbir.descriptors.trained import TrainedDescriptor
from cbir.indexing.train import TrainingImages
from cbir.stores import open_store
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.locations import kept_location
from cbir.stores.model import Snapshot

DEFAULT = "hsv"
"""What a new index gets when nothing is asked for."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A vocabulary or a model in a file that the user named."""

    path: str
    name: str
    state: State


def choose(
    entries: Sequence[DescriptorEntry],
    specs: Sequence[str],
    drop: Sequence[str],
    index: str,
    metadata: Collection[str] = (),
) -> list[NamedDescriptor]:
    """Return the descriptors that the index is to hold, in the order of their columns.

    Parameters
    ----------
    entries : sequence of DescriptorEntry
        What it holds now.
    specs : sequence of str
        What is to be added.
    drop : sequence of str
        Aliases of what is to be removed.
    index : str
        The index file.
    metadata : collection of str
        Columns that the user added; none may have the name of a descriptor's.

    Raises
    ------
    UsageError
        When the wishes contradict each other or what is there.
    """
    there = {entry.alias: entry for entry in entries}
    for alias in drop:
        if alias not in there:
            names = [*there, *sorted(metadata)]
            what = ", ".join(map(printable, names)) or "nothing"
            raise UsageError(
                Parameter("drop", alias), f": the index has: {what}{did_you_mean(alias, names)}"
            )
        del there[alias]
    chosen = {alias: _held(entry, index) for alias, entry in there.items()}
    for spec in specs or ([] if entries else [DEFAULT]):
        named = parse(spec)
        entry = there.get(named.alias)
        if entry is not None and entry.means(named.descriptor) and _is_moved(entry, named, index):
            chosen[named.alias] = named
        if chosen.setdefault(named.alias, named) != named:
            raise UsageError(
                f"descriptor {spec!r}: the alias {named.alias!r} is taken by"
                f" {chosen[named.alias].spec}; give the new one an alias of its own,"
                f" as in {NamedDescriptor('other', named.descriptor).spec}, or replace the old"
                " one: ",
                Parameter("drop", named.alias),
            )
    for alias, held in chosen.items():
        if alias in there:
            _check_usable(held, index)
    if not chosen:
        reason = "an index holds at least one descriptor; add another first"
        raise UsageError(Parameter("drop"), f": {reason}")
    _check_columns(list(chosen.values()), metadata)
    return list(chosen.values())


def bind_states(
    chosen: Sequence[NamedDescriptor],
    previous: Snapshot | None,
    models: Sequence[str],
    retrain: bool,
    images: TrainingImages,
    listener: ProgressListener,
) -> list[NamedDescriptor]:
    """Bind trained descriptors to a vocabulary or a model.

    That is a given one; else the one that the index keeps; else the one that comes with the
    package; else a new one.

    Parameters
    ----------
    chosen : sequence of NamedDescriptor
        The descriptors.
    previous : Snapshot or None
        The index so far.
    models : sequence of str
        The given ones: ``.npz`` files, folders of them, or indexes.
    retrain : bool
        Take neither the kept one nor that of the package.
    images : TrainingImages
        What a new one is trained on.
    listener : ProgressListener
        Told of the training, and of models that are not those of this version.

    Raises
    ------
    CbirError
        When a given one cannot be read or fits no descriptor.
    """
    trained = {
        named.alias: named.descriptor
        for named in chosen
        if isinstance(named.descriptor, TrainedDescriptor)
    }
    given = _given(models, trained)
    ready = []
    for named in chosen:
        descriptor = trained.get(named.alias)
        if descriptor is not None:
            state = given.get(named.alias)
            if state is None and not retrain:
                state = _kept(named, previous, listener) or descriptor.shipped()
            named = NamedDescriptor(
                named.alias, descriptor.bind(state or _train(descriptor, images, listener))
            )
        ready.append(named)
    return ready


def _check_columns(chosen: Sequence[NamedDescriptor], metadata: Collection[str]) -> None:
    owner: dict[str, str] = {}
    for named in chosen:
        for column in named.columns:
            if column in metadata:
                raise UsageError(
                    f"the index has a column {column!r} of your own; rename it, or give the"
                    f" descriptor another alias, as in other={named.descriptor.name}"
                )
            other = owner.setdefault(column, named.alias)
            if other != named.alias:
                raise UsageError(
                    f"{other!r} and {named.alias!r} would both have a column {column!r};"
                    " choose another alias"
                )


def _is_moved(entry: DescriptorEntry, named: NamedDescriptor, index: str) -> bool:
    """Say whether a file that the index knows is named by another path, with the same content."""
    files = file_parameters(type(named.descriptor))
    paths = {name: kept_location(named.descriptor.parameters[name], index) for name in files}
    is_same_place = paths.items() <= entry.parameters.items()
    return is_same_place or named.descriptor.fingerprint == entry.fingerprint


def _held(entry: DescriptorEntry, index: str) -> NamedDescriptor:
    """Return a descriptor that the index holds."""
    try:
        return NamedDescriptor(entry.alias, entry.descriptor(index))
    except UsageError as error:
        raise CbirError(
            f"the index holds {entry.alias}, which cannot be used: ", error,
            "; install the package that it came with, or remove it by ",
            Parameter("drop", entry.alias),
        ) from None  # fmt: skip


def _check_usable(held: NamedDescriptor, index: str) -> None:
    """Make sure that the files are there which a descriptor of the index names."""
    try:
        _ = held.descriptor.fingerprint
    except CbirError as error:
        raise CbirError(
            f"the index holds {held.alias}, which cannot be used: ", error,
            "; put the file back, or say where it is now: ",
            Call("index", dataset=..., index=index, descriptors=[held.spec_elsewhere]),
            "; or remove the descriptor by ", Parameter("drop", held.alias),
        ) from None  # fmt: skip


def _given(paths: Sequence[str], trained: Mapping[str, TrainedDescriptor]) -> dict[str, State]:
    """Return what is in files that the user named, by the aliases that it fits."""
    if paths and not trained:
        raise CbirError(
            f"{printable(paths[0])}: of no use here: none of the descriptors needs training; add"
            " one that does, such as orb"
        )
    what = " or ".join(sorted({descriptor.state_name for descriptor in trained.values()}))
    most = max((descriptor.most_state_bytes for descriptor in trained.values()), default=0)
    given = [
        _Given(path, *item) for path in paths for item in _read_states(path, what, most).items()
    ]
    fitting: dict[str, list[_Given]] = {alias: [] for alias in trained}
    refusals: dict[str, dict[str, None]] = {path: {} for path in paths}
    for alias, descriptor in trained.items():
        for one in given:
            refusal = descriptor.check_state(one.state) or descriptor.check_given(one.state)
            if refusal is None:
                fitting[alias].append(one)
            else:
                refusals[one.path][refusal] = None
    useful = {one.path for some in fitting.values() for one in some}
    for path in paths:
        if path not in useful:
            reasons = [part for refusal in refusals[path] for part in ("; ", refusal)]
            raise CbirError(f"{printable(path)}: the {what} is of no use here: ", *reasons[1:])
    return {alias: _the_one(some, alias) for alias, some in fitting.items() if some}


def _the_one(fitting: Sequence[_Given], alias: str) -> State:
    """Return the state that bears the name of the alias; else the only one."""
    left = [one for one in fitting if one.name == alias] or fitting
    if len({state_digest(one.state) for one in left}) > 1:
        names = ", ".join(printable(one.name) for one in left)
        where = ", ".join(dict.fromkeys(printable(one.path) for one in left))
        raise CbirError(f"{where}: {names} all fit {alias}; name one file")
    return left[0].state


def _read_states(path: str, what: str, most_bytes: int) -> dict[str, State]:
    """Read a file, the files of a folder, or what an index keeps, by name."""
    if os.path.isdir(path):
        files = sorted(Path(path).glob("*.npz"))
        if not files:
            raise CbirError(f"{printable(path)}: there is no {what} (.npz) in this folder")
        return {file.stem: _read_file(str(file), what, most_bytes) for file in files}
    if path.endswith(".npz"):
        return {Path(path).stem: _read_file(path, what, most_bytes)}
    snapshot = open_store(path).snapshot()
    states = {
        entry.alias: snapshot.state(entry.state)
        for entry in snapshot.manifest.entries
        if entry.state
    }
    if not states:
        raise CbirError(f"{printable(path)}: this index has no {what}; give one that has")
    return states


def _read_file(path: str, what: str, most_bytes: int) -> State:
    try:
        return load_arrays(path, most_bytes)
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else f"damaged: {error}"
        raise CbirError(
            f"{printable(path)}: cannot read the {what}: {reason}; give an .npz file from ",
            Call("indexing.train.train_models"),
            " or from an index's state folder, or an index",
        ) from None


def _kept(
    named: NamedDescriptor, previous: Snapshot | None, listener: ProgressListener
) -> State | None:
    """Return what the index keeps, if it fits; tell when this version comes with another one."""
    descriptor, entries = named.descriptor, previous.manifest.entries if previous else ()
    assert isinstance(descriptor, TrainedDescriptor)
    wanted = named.alias, descriptor.name
    entry = next((one for one in entries if (one.alias, one.name) == wanted), None)
    if previous is None or entry is None or entry.state is None:
        return None
    state = previous.state(entry.state)
    if descriptor.check_state(state) is not None:
        return None
    if origin_of(state) == SHIPPED and _is_superseded(state, descriptor):
        if entry.version != descriptor.version:  # all images are described again in any case
            return None
        kept = f"{named.alias}: the index keeps the {descriptor.state_name} of the version of cbir"
        rebuild = Parameter("rebuild", True)
        listener.note(Message(f"{kept} that made it; ", rebuild, " takes the one of this version"))
    return state


def _is_superseded(state: State, descriptor: TrainedDescriptor) -> bool:
    shipped = descriptor.shipped()
    return shipped is not None and state_digest(shipped) != state_digest(state)


def _train(
    descriptor: TrainedDescriptor, images: TrainingImages, listener: ProgressListener
) -> State:
    samples = images.samples(descriptor, listener)
    listener.note(
        f"Training a {descriptor.state_name} for {descriptor.name} on"
        f" {counted(len(samples), 'image')} …"
    )
    return descriptor.train(samples, listener)
