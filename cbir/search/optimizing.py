"""Makes an index ready for approximate search, and brings up to date what was made before."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from cbir.core.arguments import path_of
from cbir.core.checks import check_whole
from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.search.ann.choosing import NEAREST
from cbir.search.ann.engines import registry
from cbir.search.ann.fused_source import ApproximateSum
from cbir.search.ann.fusion_tuning import FusionTuning, fusion_name
from cbir.search.ann.making import MadeStructure, StructureMaker, Wish
from cbir.search.ann.structure_folder import StructureFolder
from cbir.search.ann.tuning import is_reached, needed_of_rows, sampled_queries
from cbir.search.candidates import top_k
from cbir.search.engine import Index, open_index
from cbir.search.row_searcher import RowSearcher

RECALL = 0.95
"""That is wanted unless told otherwise."""

_MOST_BYTES = 1024

_QUERIES = 100
"""Rows that are searched for."""

_DEPTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Candidates by each descriptor that are tried."""


@dataclass(frozen=True, slots=True)
class OptimizeReport:
    """What :func:`optimize` did.

    Attributes
    ----------
    images : int
        Of the index.
    descriptors : tuple of MadeStructure
    exact : tuple of str
        Aliases of descriptors that no engine can serve, which are searched as before.
    fusion : FusionTuning, optional
        What was measured of all descriptors together, if they are several.
    removed : int
        Structures that were removed.
    """

    images: int
    descriptors: tuple[MadeStructure, ...] = ()
    exact: tuple[str, ...] = ()
    fusion: FusionTuning | None = None
    removed: int = 0


def optimize(
    index: str = "index.csv",
    descriptor: str | None = None,
    *,
    preset: str | None = None,
    metric: str | None = None,
    engine: str | None = None,
    recall: float = RECALL,
    pca: int | None = None,
    bytes: int | None = None,  # noqa: A002 - as the option is called
    remove: bool = False,
    listener: ProgressListener | None = None,
) -> OptimizeReport:
    """Make an index ready for approximate search.

    Nothing of the index is changed: what is made is kept in the user's own cache folder.

    Parameters
    ----------
    index : str
        The index file.
    descriptor : str, optional
        An alias, the index's first unless told otherwise; or several joined by ``+``, of which the
        fusion is measured, too.
    preset : str, optional
        The descriptors of a preset.
    metric : str, optional
        The descriptor's own unless told otherwise.
    engine : str, optional
        One of :data:`~cbir.search.ann.engines.registry.ENGINES`. Unless told otherwise that of what
        is there, or else the usual one.
    recall : float
        The share of the ten nearest images that is to be found, above 0 and up to 1.
    pca : int, optional
        Principal components to keep; 0: search by the whole vectors. As many as lose little,
        unless told otherwise.
    bytes : int, optional
        Bytes to keep of an image, of an engine that quantizes.
    remove : bool
        Remove what was made, of all descriptors unless some are named, and make nothing.
    listener : ProgressListener, optional
        Told of progress.

    Raises
    ------
    UsageError
        When an option makes no sense.
    CbirError
        When the index lacks the descriptor, a package is missing, or nothing can be written.
    """
    wish = _checked(engine, recall, pca, bytes)
    opened = open_index(path_of(index, "an index"))
    searchers = opened.single_searchers(descriptor, metric, preset=preset)
    folder = StructureFolder(opened.snapshot.structure_folder)
    if remove:
        named = None if descriptor is None and preset is None else {
            opened.snapshot.manifest.entry(one.label).fingerprint for one in searchers
        }  # fmt: skip
        return OptimizeReport(len(opened), removed=folder.remove(named))
    if not len(opened):
        raise CbirError(f"{printable(index)}: there are no images in it")
    telling = ProgressListener.of(listener)
    made, exact = [], []
    with folder.locked():
        for searcher in searchers:
            one = None
            if isinstance(searcher, RowSearcher):
                one = StructureMaker(opened.snapshot, searcher, folder, wish, telling).make()
            if one is None:
                exact.append(searcher.label)
            else:
                made.append(one)
        if not made:
            raise UsageError(
                f"{' and '.join(exact)}: there is nothing to make ready; local features are"
                " searched by an inverted file, which sees few images already"
            )
        fusion = None
        if len(searchers) > 1:
            fusion = _tune_fusion(opened, descriptor, preset, folder, recall, telling)
    return OptimizeReport(len(opened), tuple(made), tuple(exact), fusion)


def _checked(engine: str | None, recall: float, pca: int | None, size: int | None) -> Wish:
    try:
        is_share = 0 < float(recall) <= 1
    except (TypeError, ValueError):
        is_share = False
    if not is_share:
        raise UsageError(
            Parameter("recall"), f"={recall!r}: give a share above 0 and up to 1, as in 0.95"
        )
    if pca is not None:
        check_whole("pca", pca, 0)
    if size is not None:
        check_whole("bytes", size, 1, _MOST_BYTES)
        if engine is None:
            engine = registry.QUANTIZING
        if not registry.get(engine).quantizes:
            raise UsageError(
                Parameter("bytes"), f" is for engines that quantize, as {registry.QUANTIZING} does;"
                f" {engine} keeps vectors as they are",
            )  # fmt: skip
    if engine is not None:
        registry.get(engine)
    return Wish(float(recall), engine, pca, size)


def _tune_fusion(
    index: Index,
    descriptor: str | None,
    preset: str | None,
    folder: StructureFolder,
    wanted: float,
    listener: ProgressListener,
) -> FusionTuning:
    """Measure a fusion on a sample of an index, and keep what was found.

    Parameters
    ----------
    index : Index
        Whose structures are made.
    descriptor, preset : str, optional
        As in a search.
    folder : StructureFolder
    wanted : float
        The share of the ten nearest images that is to be found.
    listener : ProgressListener
    """
    exact = index.fused_searcher(descriptor, preset)
    approximate = index.fused_searcher(descriptor, preset, approximate=True)
    rows = sampled_queries(len(index), _QUERIES)
    nearest = min(NEAREST, len(index) - 1)
    recalls = np.ones((len(_DEPTHS), len(rows)))
    listener.begin(f"measuring {exact.label}", len(rows), "queries")
    for place, row in enumerate(rows.tolist()):
        description = exact.indexed(row)
        source = exact.source_for(description)
        ranked = [one for one in top_k(source, description, nearest + 1) if one[0] != row]
        named_by = approximate.source_for(description)
        assert isinstance(named_by, ApproximateSum)
        for step, depth in enumerate(_DEPTHS if nearest else ()):
            named = named_by.named(description, depth)
            distances = source.exact(description, named[named != row])
            hits = int(np.count_nonzero(distances <= ranked[nearest - 1][1]))
            recalls[step, place] = min(hits, nearest) / nearest
            if hits >= nearest:
                break
        listener.advance()
    listener.end()
    needed = needed_of_rows(wanted)
    step = next((i for i, some in enumerate(recalls) if is_reached(some, needed)), len(_DEPTHS) - 1)
    recall = float(recalls[step].mean())
    found = FusionTuning(
        exact.label, _DEPTHS[step], recall, is_reached(recalls[step], needed), wanted, len(rows)
    )
    aliases = [searcher.label for searcher in exact.searchers]
    folder.write_fusion(fusion_name(index.snapshot, aliases, exact.fusion), asdict(found))
    return found
