"""The searchers of an index: made when they are asked for, and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from cbir.core.arguments import check_type, text_of
from cbir.core.errors import CbirError, UsageError
from cbir.core.messages import Call, Parameter
from cbir.descriptors import presets
from cbir.descriptors.registry import NamedDescriptor
from cbir.descriptors.row_kinds import FEATURES, GLOBAL
from cbir.search import metrics
from cbir.search.fused_searcher import FusedSearcher
from cbir.search.fusion.options import Fusion, Weights, equal_weights
from cbir.search.searcher_kinds import open_searcher
from cbir.search.searchers import Searcher, SingleSearcher
from cbir.search.stage_options import NO_STAGES, Stages, usual_stages
from cbir.search.stages.compose import HasFeatures, with_stages
from cbir.stores.model import Snapshot
from cbir.stores.presets import check_holds

if TYPE_CHECKING:  # few searches verify what they found
    from cbir.search.image_features import ImageFeatures


class SearcherPool:
    """What searches one index, by any of its descriptors and by fusions of them.

    Parameters
    ----------
    snapshot : Snapshot
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._single_searcher = lru_cache(self._make_single_searcher)
        self._fused_searcher = lru_cache(self._make_fused_searcher)
        self._approximate_searcher = lru_cache(self._make_approximate_searcher)
        self._staged_searcher = lru_cache(with_stages)
        self._image_features = lru_cache(self._open_image_features)

    def searcher(
        self,
        descriptor: str | None = None,
        metric: str | None = None,
        *,
        preset: str | None = None,
        fusion: str | None = None,
        weights: Weights | None = None,
        adaptive: bool = False,
        stages: Stages = NO_STAGES,
        approximate: bool = False,
    ) -> Searcher[Any]:
        """Return what searches by one descriptor or by a fusion; made once and kept.

        The parameters are those of :class:`SearchRequest`; `stages` is what follows.
        """
        check_type(stages, Stages, "stages")
        if stages.dba:
            self._check_has_vectors(tuple(self._asked(descriptor, preset)))
        stages = stages.or_those_of(usual_stages(preset))
        dba = self._snapshot.manifest.dba if stages.dba is None else stages.dba
        if approximate and dba:
            raise UsageError(
                Parameter("approximate"), " looks at images, not at the means that ",
                Parameter("dba"), " compares; leave it out, or give ", Parameter("dba", 0),
            )  # fmt: skip
        compared = self._compared(
            descriptor, metric, preset, fusion, weights, adaptive, dba, approximate
        )
        if not stages.follow:
            return compared
        return self._staged_searcher(compared, stages, self._verifier(compared, stages))

    def _verifier(self, compared: Searcher[Any], stages: Stages) -> HasFeatures | None:
        """Return what has local features to verify by: of the search, or else of the index."""
        if not stages.verify:
            return None
        used = compared.searchers if isinstance(compared, FusedSearcher) else [compared]
        others = (
            self.single_searcher(entry.alias)
            for entry in self._snapshot.manifest.entries
            if entry.row_kind == FEATURES
        )
        found = next((one for one in (*used, *others) if _has_features(one)), None)
        if found is None:
            raise CbirError(
                Parameter("verify"), " needs local features, and the index has none; add them: ",
                Call("index", dataset=self._snapshot.root, index=self._snapshot.path,
                     descriptors=["asmk"]),
            )  # fmt: skip
        return cast(HasFeatures, found)

    def _compared(
        self,
        descriptor: str | None,
        metric: str | None,
        preset: str | None,
        fusion: str | None,
        weights: Weights | None,
        adaptive: bool,
        dba: int,
        approximate: bool,
    ) -> Searcher[Any]:
        """Return what only compares."""
        usual = self._asked(descriptor, preset)
        aliases = tuple(usual)
        if len(aliases) == 1:
            if fusion is not None or weights is not None or adaptive:
                raise UsageError(
                    Parameter("fusion"), ", ", Parameter("weights"), " and ", Parameter("adaptive"),
                    " are for several descriptors; join their aliases by +, as in hsv+phash",
                )  # fmt: skip
            if approximate:
                return self._approximate_searcher(aliases[0], metric)
            return self.single_searcher(aliases[0], metric, dba)
        if metric is not None:
            raise _one_metric(metric, aliases)
        chosen = Fusion.of(usual, fusion, weights, adaptive)
        return self._fused_searcher(aliases, chosen, preset, dba, approximate)

    def fused_searcher(
        self, descriptor: str | None, preset: str | None, approximate: bool = False
    ) -> FusedSearcher:
        """Return what searches by several descriptors, without stages and means of rows."""
        usual = self._asked(descriptor, preset)
        return self._fused_searcher(tuple(usual), Fusion.of(usual), preset, 0, approximate)

    def single_searchers(
        self, descriptor: str | None, metric: str | None, preset: str | None
    ) -> list[SingleSearcher[Any]]:
        """Return what searches by each of the descriptors that are asked for.

        Raises
        ------
        UsageError
            When a metric is given for several.
        """
        aliases = tuple(self._asked(descriptor, preset))
        if metric is not None and len(aliases) > 1:
            raise _one_metric(metric, aliases)
        return [self.single_searcher(alias, metric) for alias in aliases]

    def single_searcher(
        self, descriptor: str | None = None, metric: str | None = None, dba: int = 0
    ) -> SingleSearcher[Any]:
        """Return what searches by one descriptor, the first unless told otherwise.

        Rows are compared as they are, unless they are to be averaged with `dba` neighbors.
        """
        if metric is not None:
            text_of(metric, "a metric")
        return self._single_searcher(self.alias(descriptor), metric, dba)

    def _check_has_vectors(self, aliases: tuple[str, ...]) -> None:
        """Refuse to average where there is nothing of which there are means."""
        entries = [self._snapshot.manifest.entry(alias) for alias in aliases]
        if not any(entry.row_kind == GLOBAL for entry in entries):
            raise UsageError(
                Parameter("dba"), f" averages vectors, and {' and '.join(aliases)} has none of an"
                " image; leave it out"
            )  # fmt: skip

    def alias(self, descriptor: str | None) -> str:
        """Return the alias that is asked for, the first of the index unless there is one."""
        if descriptor is None:
            return self._snapshot.manifest.entries[0].alias
        return text_of(descriptor, "a descriptor")

    def image_features(self, descriptor: str | None, preset: str | None) -> ImageFeatures:
        """Return what has local features of images; opened once and kept.

        Parameters
        ----------
        descriptor, preset : str or None
            What is searched by: its features are taken before those of other descriptors.
        """
        aliases = tuple(self._asked(descriptor, preset))
        for alias in aliases:
            self._snapshot.manifest.entry(alias)  # it has to be there
        return self._image_features(aliases)

    def _open_image_features(self, preferred: tuple[str, ...]) -> ImageFeatures:
        from cbir.search.image_features import ImageFeatures

        return ImageFeatures.of_index(self._snapshot, preferred)

    def _asked(self, descriptor: str | None, preset: str | None) -> dict[str, float]:
        """Return the aliases that are asked for, with their weights unless others are given."""
        if preset is not None:
            if descriptor is not None:
                raise UsageError(
                    Parameter("preset"), " and ", Parameter("descriptor"),
                    " contradict each other; leave one out",
                )  # fmt: skip
            chosen = presets.get(preset)
            check_holds(self._snapshot, chosen)
            return chosen.usual
        return equal_weights(self.alias(descriptor))

    def _make_single_searcher(
        self, alias: str, metric: str | None, dba: int
    ) -> SingleSearcher[Any]:
        named = self._snapshot.descriptor(alias)
        chosen = _allowed_metric(named, metric)
        return open_searcher(self._snapshot, named, chosen, dba=dba)

    def _make_fused_searcher(
        self,
        aliases: tuple[str, ...],
        fusion: Fusion,
        label: str | None,
        dba: int,
        approximate: bool,
    ) -> FusedSearcher:
        searchers = [self._single_searcher(alias, None, dba) for alias in aliases]
        if not approximate:
            return FusedSearcher(searchers, fusion, label)
        from cbir.search.approximate_fusion import approximate_fusion  # few searches need it

        return approximate_fusion(self._snapshot, searchers, fusion, label)

    def _make_approximate_searcher(self, alias: str, metric: str | None) -> SingleSearcher[Any]:
        from cbir.search.ann.opening import approximate_searcher

        return approximate_searcher(self._snapshot, self.single_searcher(alias, metric))


def _one_metric(metric: str, aliases: tuple[str, ...]) -> UsageError:
    return UsageError(
        Parameter("metric", metric),
        f" is for one descriptor; in a fusion each of {', '.join(aliases)} is compared by its own"
        " metric",
    )


def _has_features(searcher: Searcher[Any]) -> bool:
    return isinstance(searcher, SingleSearcher) and (searcher.named.descriptor.kind == FEATURES)


def _allowed_metric(named: NamedDescriptor, metric: str | None) -> metrics.Metric:
    allowed = named.descriptor.metrics
    chosen = metrics.get(allowed[0] if metric is None else metric)
    if chosen.name not in allowed:
        raise UsageError(
            f"{chosen.name} makes no sense for {named.alias}; these do: {', '.join(allowed)}"
        )
    return chosen
