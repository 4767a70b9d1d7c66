"""Which descriptors a run of indexing computes, ready to describe: chosen, trained or loaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cbir.descriptors.base import State, TrainedDescriptor
from cbir.descriptors.registry import Named, create, parse
from cbir.errors import CbirError, UnreadableImageError, UsageError, printable
from cbir.images import Picture
from cbir.parallel import ordered_map
from cbir.stores import open_store
from cbir.stores.base import Record, Snapshot
from cbir.stores.files import load_arrays
from cbir.walking import Found
from cbir.watching import Watcher

DEFAULT = "hsv"
"""What a new index gets when nothing is asked for."""

TRAINING_PICTURES = 1000
"""Pictures of the dataset that training looks at, at most."""


@dataclass(frozen=True, slots=True)
class Source:
    """The pictures that training may look at."""

    dataset: str
    found: Sequence[Found]
    workers: int

    def sample(self) -> list[str]:
        """Choose pictures evenly, by a hash of their paths: always the same ones."""

        def rank(found: Found) -> bytes:
            return hashlib.sha256(os.fsencode(found.path)).digest()

        chosen = sorted(self.found, key=rank)[:TRAINING_PICTURES]
        return [os.path.join(self.dataset, found.path) for found in chosen]

    def samples(
        self, descriptor: TrainedDescriptor, watcher: Watcher | None = None
    ) -> list[NDArray[Any]]:
        """Extract what `descriptor` trains on from the sample; unreadable pictures are left out."""
        watcher = watcher or Watcher()
        paths = self.sample()

        def extract(path: str) -> NDArray[Any] | None:
            try:
                picture = Picture.open(path)
                if picture.header.own:
                    return None
                pixels = picture.pixels(descriptor.working_size)
            except UnreadableImageError:  # reported when it is its turn to be described
                return None
            return descriptor.training_sample(pixels)

        watcher.begin(f"{descriptor.name}: training pictures", len(paths))
        samples = []
        for sample in ordered_map(extract, paths, self.workers):
            watcher.advance()
            if sample is not None:
                samples.append(sample)
        watcher.end()
        return samples


def choose(
    records: Sequence[Record],
    specs: Sequence[str],
    drop: Sequence[str],
    own_columns: Collection[str] = (),
) -> list[Named]:
    """Return the descriptors that the index is to hold, in the order of their columns.

    Parameters
    ----------
    records : sequence of Record
        What it holds now.
    specs : sequence of str
        What is to be added.
    drop : sequence of str
        Aliases of what is to be removed.
    own_columns : collection of str
        Columns that the user added; none may have the name of a descriptor's.

    Raises
    ------
    UsageError
        When the wishes contradict each other or what is there.
    """
    there = {record.alias: record for record in records}
    for alias in drop:
        if alias not in there:
            raise UsageError(f"--drop {alias}: the index has: {', '.join(there) or 'nothing'}")
        del there[alias]
    chosen = {
        alias: Named(alias, create(record.name, dict(record.parameters)))
        for alias, record in there.items()
    }
    for spec in specs or ([] if records else [DEFAULT]):
        named = parse(spec)
        if chosen.setdefault(named.alias, named) != named:
            raise UsageError(
                f"descriptor {spec!r}: the alias {named.alias!r} is taken by"
                f" {chosen[named.alias].spec}; give the new one an alias of its own,"
                f" as in {Named('other', named.descriptor).spec}"
            )
    if not chosen:
        raise UsageError("--drop: an index holds at least one descriptor; add another first")
    _check_columns(list(chosen.values()), own_columns)
    return list(chosen.values())


def make_ready(
    chosen: Sequence[Named],
    previous: Snapshot | None,
    vocabulary: str | None,
    retrain: bool,
    source: Source,
    watcher: Watcher,
) -> list[Named]:
    """Bind trained descriptors to a vocabulary: the given one, the one kept, or a new one.

    Raises
    ------
    CbirError
        When the given vocabulary cannot be read or fits no descriptor.
    """
    trained = {
        named.alias: named.descriptor
        for named in chosen
        if isinstance(named.descriptor, TrainedDescriptor)
    }
    given = _given(vocabulary, trained) if vocabulary is not None else {}
    ready = []
    for named in chosen:
        descriptor = trained.get(named.alias)
        if descriptor is not None:
            state = given.get(named.alias) or (None if retrain else _kept(named, previous))
            named = Named(
                named.alias, descriptor.bind(state or _train(descriptor, source, watcher))
            )
        ready.append(named)
    return ready


def _given(path: str, trained: Mapping[str, TrainedDescriptor]) -> dict[str, State]:
    """Return the vocabularies of a file that the user named, by the aliases that they fit."""
    fitting: dict[str, State] = {}
    refusals = []
    for state in _read_vocabularies(path):
        for alias, descriptor in trained.items():
            refusal = descriptor.check_state(state)
            if refusal is None:
                fitting[alias] = state
            else:
                refusals.append(refusal)
    if not fitting:
        reason = "; ".join(dict.fromkeys(refusals)) or (
            "none of the descriptors has a vocabulary; add one that has, such as orb"
        )
        raise CbirError(f"{printable(path)}: the vocabulary is of no use here: {reason}")
    return fitting


def _read_vocabularies(path: str) -> list[State]:
    if path.endswith(".npz") or os.path.isdir(path):
        try:
            return [load_arrays(path)]
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"damaged: {error}"
            raise CbirError(
                f"{printable(path)}: cannot read the vocabulary: {str(reason).lower()};"
                " give an .npz file from an index's state folder, or an index"
            ) from None
    snapshot = open_store(path).snapshot()
    states = [snapshot.state(record.state) for record in snapshot.metadata.records if record.state]
    if not states:
        raise CbirError(f"{printable(path)}: this index has no vocabulary; give one with orb")
    return states


def _kept(named: Named, previous: Snapshot | None) -> State | None:
    descriptor = named.descriptor
    assert isinstance(descriptor, TrainedDescriptor)
    for record in previous.metadata.records if previous else ():
        if (record.alias, record.name) == (named.alias, descriptor.name) and record.state:
            state = previous.state(record.state) if previous else {}
            return state if descriptor.check_state(state) is None else None
    return None


def _train(descriptor: TrainedDescriptor, source: Source, watcher: Watcher) -> State:
    samples = source.samples(descriptor, watcher)
    watcher.note(
        f"Training a {descriptor.state_name} for {descriptor.name} on {len(samples):,} pictures …"
    )
    return descriptor.train(samples)


def _check_columns(chosen: Sequence[Named], own_columns: Collection[str]) -> None:
    owner: dict[str, str] = {}
    for named in chosen:
        for column in named.columns:
            if column in own_columns:
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
