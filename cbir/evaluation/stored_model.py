"""What a file has of an evaluation: its runs with their worst queries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredHit:
    """An image that a query returned.

    Attributes
    ----------
    path : str
        Relative to the dataset, to be looked up in an index; bytes that are not UTF-8 as
        surrogates.
    distance : float
        NaN where it has none.
    relevant : bool
        Whether it is right.
    texts : tuple of str
        What is known about it, by the columns of the evaluation.
    """

    path: str
    distance: float
    relevant: bool
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """One of the worst queries of a run.

    Attributes
    ----------
    path : str
        As that of a hit; elsewhere if `outside`.
    outside : bool
        The query is no image of the dataset, so no index of it knows it.
    label : str or None
        Its class, where the truth has classes.
    average_precision : float
    hits : tuple of StoredHit
        The nearest first.
    region : str or None
        The part of it that was searched by, as ``x,y,width,height``; None if all was.
    """

    path: str
    outside: bool
    label: str | None
    average_precision: float
    hits: tuple[StoredHit, ...]
    region: str | None = None


@dataclass(frozen=True, slots=True)
class StoredRun:
    """How one descriptor did under one metric, or one fusion of several.

    Attributes
    ----------
    descriptor, metric : str
    queries : int
        Those that have something to find.
    means : dict of str to float
        By the names in :data:`cbir.evaluation.model.MEASURES`; NaN of no query.
    intervals : dict of str to (float, float)
        The ends of the 95 % intervals, by the same names.
    ms_per_query : float
    bytes_per_image : int
    curve : tuple of float
        Precision at each of :data:`cbir.evaluation.model.RECALLS`; empty where it was not kept.
    worst : tuple of StoredQuery
        The worst first.
    setup : str or None
        Which setup of the truth it was measured in, if that has several.
    """

    descriptor: str
    metric: str
    queries: int
    means: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    ms_per_query: float
    bytes_per_image: int
    curve: tuple[float, ...]
    worst: tuple[StoredQuery, ...]
    setup: str | None = None

    @property
    def title(self) -> str:
        """What tells it from the other runs, in words."""
        return f"{self.descriptor}, {self.how}"

    @property
    def how(self) -> str:
        """Its metric, and the setup if there are several; what a column of tables has."""
        return self.metric if self.setup is None else f"{self.metric}, {self.setup}"


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """An evaluation that was kept; its texts can be shown as they are.

    Attributes
    ----------
    name : str
        Of the file, without its ending.
    dataset, protocol, truth : str
    where : str or None
        The condition for images to take part.
    images, queries, empty_queries : int
    columns : tuple of str
        The columns of metadata that hits have.
    runs : tuple of StoredRun
        The best mAP first.
    """

    name: str
    dataset: str
    protocol: str
    truth: str
    where: str | None
    images: int
    queries: int
    empty_queries: int
    columns: tuple[str, ...]
    runs: tuple[StoredRun, ...]
