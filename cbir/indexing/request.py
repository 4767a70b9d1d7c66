"""What a run of indexing is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cbir.descriptors.local_features.base import LocalExtractor
from cbir.indexing.metadata_join import MetadataRequest


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What a run of indexing is asked for; see :func:`cbir.index`.

    Attributes
    ----------
    dataset, index : str
        The folder of images and the index file.
    descriptors, drop : sequence of str
        What to add, those of presets included, and which aliases and columns to remove.
    models : sequence of str
        Vocabularies and models, given as files, folders of them, or indexes.
    include, exclude : sequence of str
        Shell patterns of images to take and to leave.
    workers : int
        Threads.
    rebuild, retrain, keep_others : bool
    paths : collection of str or None
        If not None, only these paths of the dataset are looked at.
    features : LocalExtractor or None
        Extracts the local features that are to be kept.
    metadata : MetadataRequest or None
        The table that is to be joined.
    dba : int or None
        With how many neighbors searches are to average each row; None: as before.
    """

    dataset: str
    index: str
    descriptors: Sequence[str]
    drop: Sequence[str]
    models: Sequence[str]
    include: Sequence[str]
    exclude: Sequence[str]
    workers: int
    rebuild: bool
    retrain: bool
    keep_others: bool
    features: LocalExtractor[Any] | None
    metadata: MetadataRequest | None = None
    paths: frozenset[str] | None = None
    dba: int | None = None
