"""Makes the structure of one descriptor, or brings up to date the one that is there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from cbir.core.errors import UsageError
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.core.threads import cores
from cbir.descriptors.base import Row
from cbir.search.ann.choosing import choose_vectors
from cbir.search.ann.coverage import Coverage, Keys, keys_of
from cbir.search.ann.engines import registry
from cbir.search.ann.engines.base import Engine, Structure
from cbir.search.ann.geometry import Geometry
from cbir.search.ann.opening import kept_vector_map
from cbir.search.ann.record import StructureRecord
from cbir.search.ann.structure_folder import KeptStructure, StructureFolder
from cbir.search.ann.tuning import RecallSample, tune
from cbir.search.ann.vectors import RowVectors, VectorMap
from cbir.search.row_searcher import RowSearcher
from cbir.stores.model import Snapshot

_OUTDATED = 0.25
"""The share of a structure's images that may have come or gone before it is built anew."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a structure is to be.

    Attributes
    ----------
    recall : float
    engine, pca, size
        Of :func:`~cbir.search.optimizing.optimize`; None: as the structure is that is there, or
        what is usual.
    """

    recall: float
    engine: str | None = None
    pca: int | None = None
    size: int | None = None

    def is_met_by(self, record: StructureRecord) -> bool:
        """Say whether a structure is of the kind that is wished for, whatever its recall."""
        return (
            self.engine in (None, record.engine)
            and self.pca in (None, record.pca)
            and self.size in (None, record.size)
        )


@dataclass(frozen=True, slots=True)
class MadeStructure:
    """What was made of the rows of a descriptor.

    Attributes
    ----------
    alias : str
    record : StructureRecord
    added : int
        Images that were put into the structure.
    is_new : bool
        It was built; else images were added, or none.
    """

    alias: str
    record: StructureRecord
    added: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class StructureMaker:
    """Makes or updates the structure of one descriptor.

    Attributes
    ----------
    snapshot : Snapshot
    searcher : RowSearcher
        By the descriptor and a metric, exactly.
    folder : StructureFolder
        Which is held.
    wish : Wish
    listener : ProgressListener
    """

    snapshot: Snapshot
    searcher: RowSearcher
    folder: StructureFolder
    wish: Wish
    listener: ProgressListener

    def make(self) -> MadeStructure | None:
        """Return what was made; None where no engine can serve the rows."""
        record = self.folder.record(self._fingerprint, self.searcher.metric.name)
        if record is not None and self.wish.is_met_by(record):
            kept = self.folder.read(record.fingerprint, record.metric)
            updated = None if kept is None else self._updated(kept)
            if updated is not None:
                return updated
            return self._built(record.engine, record.pca, record.size)
        return self._built(None, None, None)

    def _updated(self, kept: KeptStructure) -> MadeStructure | None:
        """Bring a structure up to date; None where it has to be built anew."""
        record, alias = kept.record, self.searcher.label
        coverage = Coverage.of(kept.arrays["keys"], self._keys)
        changed = len(coverage.uncovered) + coverage.gone
        if not changed and record.wanted == self.wish.recall:
            return MadeStructure(alias, record, 0, False)
        engine = registry.get(record.engine)
        if changed > _OUTDATED * record.images or (changed and not engine.adds):
            return None
        try:
            vector_map = kept_vector_map(kept, Geometry(self._descriptor, record.form))
            structure = engine.load(kept.path, record.images, record.width, changeable=True)
        except Exception:  # a library may raise anything at all on damaged files
            engine.module()
            return None
        start = time.perf_counter()
        rows = coverage.uncovered
        keys = np.concatenate([kept.arrays["keys"], self._keys[rows]])
        if len(rows):
            self._begin(len(rows))
            structure.add(RowVectors(vector_map, self._matrix[rows], self.listener))
            self.listener.end()
        seconds = record.build_seconds + time.perf_counter() - start
        made = self._kept(structure, vector_map, engine, record.pca, record.size, keys, seconds)
        return MadeStructure(alias, made, len(rows), False)

    def _built(
        self, engine_name: str | None, pca: int | None, size: int | None
    ) -> MadeStructure | None:
        """Build a structure, as it was unless something else is wished for."""
        descriptor, wish = self._descriptor, self.wish
        packed = descriptor.kind.packed
        engine = registry.get(wish.engine or engine_name or registry.USUAL[packed])
        pca = wish.pca if wish.pca is not None else pca
        size = wish.size if wish.size is not None else size
        if engine.packed != packed:
            fitting = ", ".join(
                name for name in registry.ENGINES if registry.get(name).packed == packed
            )
            raise UsageError(
                Parameter("engine", engine.name),
                f": {self.searcher.label} has {'bits' if packed else 'numbers'}; these arrange"
                f" such: {fitting}",
            )
        engine.module()
        choice = choose_vectors(
            descriptor, self.searcher.metric, self._matrix, pca, engine.multiple(size)
        )
        if choice is None:
            return None
        start = time.perf_counter()
        self._begin(len(self._matrix))
        structure = engine.build(
            RowVectors(choice.vector_map, self._matrix, self.listener), size, cores()
        )
        self.listener.end()
        seconds = time.perf_counter() - start
        record = self._kept(structure, choice.vector_map, engine, pca, size, self._keys, seconds)
        return MadeStructure(self.searcher.label, record, len(self._matrix), True)

    def _kept(
        self,
        structure: Structure,
        vector_map: VectorMap,
        engine: Engine,
        pca: int | None,
        size: int | None,
        keys: Keys,
        seconds: float,
    ) -> StructureRecord:
        """Find out how a structure is searched, and keep it."""
        sample = RecallSample.of(
            self.searcher.source, self._matrix, self.listener, self.searcher.label
        )
        coverage = Coverage.of(keys, self._keys)
        tuning = tune(structure, vector_map, sample, self.wish.recall, coverage.rows_of)
        projection = vector_map.projection
        record = StructureRecord(
            self._fingerprint,
            self.searcher.metric.name,
            vector_map.geometry.form,
            vector_map.geometry.width,
            vector_map.width,
            engine.name,
            size,
            pca,
            len(structure),
            tuning.effort,
            tuning.depth,
            tuning.recall,
            tuning.reached,
            self.wish.recall,
            len(sample.queries),
            seconds,
            bytes=0,
            checksum=0,
            array_bytes=0,
            token="",
        )
        arrays = {"keys": keys, **({} if projection is None else projection.arrays)}
        return self.folder.write(record, structure.save, arrays)

    def _begin(self, images: int) -> None:
        self.listener.begin(f"arranging {self.searcher.label}", images)

    @property
    def _descriptor(self) -> Any:
        return self.searcher.named.descriptor

    @property
    def _matrix(self) -> Row:
        return self.snapshot.matrix(self.searcher.label)

    @property
    def _fingerprint(self) -> str:
        return self.snapshot.manifest.entry(self.searcher.label).fingerprint

    @property
    def _keys(self) -> Keys:
        return keys_of(self.snapshot.rows.facts)
