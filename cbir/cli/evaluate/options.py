"""What ``cbir evaluate`` was asked for, and which requests contradict themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cbir.core.errors import UsageError
from cbir.core.progress import ProgressListener
from cbir.descriptors import presets
from cbir.descriptors.registry import parse
from cbir.evaluation.document import STORED
from cbir.evaluation.ground_truth import column_truth, read_ground_truth, truth_file
from cbir.evaluation.protocols import Protocol
from cbir.evaluation.relevance import GroundTruth
from cbir.images.discovery import find_images
from cbir.reports.evaluation_page import FAILURES
from cbir.reports.pr_curves import check_plot
from cbir.search.engine import Index
from cbir.search.fusion.options import Fusion, Weights, equal_weights
from cbir.search.stage_options import Stages


@dataclass(frozen=True, slots=True)
class RequestedFusion:
    """A fusion that is to be measured.

    Attributes
    ----------
    usual : dict of str to float
        The weights by alias, unless others are given.
    label : str or None
        The aliases, joined; None of a preset.
    preset : str or None
        Its name, if it is one.
    """

    usual: dict[str, float]
    label: str | None = None
    preset: str | None = None


@dataclass(frozen=True)
class Options:
    """The options of ``cbir evaluate``, by the names of its parameters."""

    dataset: str | None
    index_path: str | None
    given_truth: str | None
    key: str | None
    label: str | None
    table: str | None
    where: str | None
    columns: tuple[str, ...]
    protocol: Protocol | None
    queries: str | None
    descriptors: tuple[str, ...]
    presets: tuple[str, ...]
    metrics: tuple[str, ...]
    fusion: str | None
    weights: Weights | None
    adaptive: bool
    expand: int | None
    rerank: str | None
    verify: int | None
    dba: tuple[int, ...]
    approximate: bool
    models: tuple[str, ...]
    format_: str | None
    by_class: bool
    plot: str | None
    failures: str | None
    save: str | None
    worst: int
    workers: int | None
    quiet: bool

    @property
    def stages(self) -> list[Stages]:
        """What the searches do beside comparing: each combination is measured."""
        return [
            Stages(self.expand, self.rerank, self.verify, dba)
            for dba in dict.fromkeys(self.dba or (None,))
        ]

    @property
    def truth(self) -> str:
        """What is right, unless the index itself says it."""
        return self.given_truth or "folders"

    @property
    def label_of_index(self) -> str | None:
        """The column of the index that says what is right, if it is none of another table."""
        return self.label if self.index_path is not None and self.given_truth is None else None

    @property
    def parts(self) -> list[str]:
        """The descriptors, with those of fusions each by itself."""
        return list(dict.fromkeys(part for spec in self.descriptors for part in spec.split("+")))

    @property
    def singles(self) -> list[str]:
        """The aliases of the descriptors that are to be measured by themselves."""
        return list(dict.fromkeys(_label(spec) for spec in self.descriptors if "+" not in spec))

    @property
    def fusions(self) -> list[RequestedFusion]:
        """The fusions that are to be measured."""
        labels = dict.fromkeys(_label(spec) for spec in self.descriptors if "+" in spec)
        named = [
            RequestedFusion(presets.get(name).usual, preset=name)
            for name in dict.fromkeys(self.presets)
        ]
        return [*named, *(RequestedFusion(equal_weights(label), label) for label in labels)]

    def weights_of(self, requested: RequestedFusion) -> Weights | None:
        """Return the weights for a fusion: those by name are for the fusions that have the name."""
        if not isinstance(self.weights, Mapping):
            return self.weights
        return {alias: weight for alias, weight in self.weights.items() if alias in requested.usual}

    def truth_of(self, index: Index, listener: ProgressListener) -> GroundTruth:
        """Read what is right for the images of an index."""
        if self.label_of_index is not None:
            return column_truth(index, self.label_of_index, listener)
        return self._read_truth(index.paths, listener)

    def _read_truth(
        self, paths: Sequence[str], listener: ProgressListener | None = None
    ) -> GroundTruth:
        return read_ground_truth(
            self.truth, paths, key=self.key, label=self.label, table=self.table, listener=listener
        )

    def check(self) -> None:
        """Refuse what cannot work, before a folder is described, which may take long.

        Raises
        ------
        CbirError
        """
        if self.dataset is None and self.index_path is None:
            raise UsageError("say where the images are: either a folder DIR, or --index FILE")
        if self.dataset is not None and self.index_path is not None:
            raise UsageError("a folder DIR, or --index FILE, but not both; leave one out")
        if self.queries is not None and self.protocol is not None:
            raise UsageError("--queries DIR is a protocol of its own; leave out --protocol")
        if self.columns and self.failures is None and self.save is None:
            raise UsageError(
                "--columns is for the page of --failures and the file of --save; name one of them,"
                " too"
            )
        if self.label_of_index is not None and not (self.key is None and self.table is None):
            raise UsageError(
                "--key and --table are about a table of --truth; the index knows its images"
            )
        if self.label is not None and self.given_truth is None and self.index_path is None:
            raise UsageError(
                "--label names a column of an index, or of a table: add --index FILE, or --truth"
                " TABLE"
            )
        if self.approximate and self.index_path is None:
            raise UsageError(
                "--approximate searches by what cbir optimize has made of an index: name it with"
                " --index"
            )
        self._check_files()
        self._check_fusions()
        if self.dataset is None:
            self._check_for_index()
        else:
            self._check_for_dataset(self.dataset)

    def _check_files(self) -> None:
        in_use = (self.index_path, truth_file(self.truth))
        if self.plot is not None:
            check_plot(self.plot, in_use)
        if self.failures is not None:
            FAILURES.file.check(self.failures, in_use)
        if self.save is not None:
            STORED.check(self.save, in_use)

    def _check_fusions(self) -> None:
        fusions = self.fusions
        if not fusions and (self.fusion is not None or self.weights is not None or self.adaptive):
            raise UsageError(
                "--fusion, --weights and --adaptive are for several descriptors; join them by +,"
                " as in --descriptor hsv+hog, or name a --preset"
            )
        if fusions and self.metrics and not self.singles:
            raise UsageError(
                f"--metric {self.metrics[0]} is for one descriptor; in a fusion each is compared by"
                " its own metric"
            )
        there = {alias for requested in fusions for alias in requested.usual}
        for alias in self.weights if isinstance(self.weights, Mapping) else ():
            if alias not in there:
                raise UsageError(
                    f"--weights: {alias!r} is not fused; these are: {', '.join(sorted(there))}"
                )
        for requested in fusions:
            Fusion.of(requested.usual, self.fusion, self.weights_of(requested), self.adaptive)

    def _check_for_index(self) -> None:
        if self.models:
            raise UsageError("--model goes with --dataset; an index has its own")
        for spec in self.parts:
            if _label(spec) != spec:
                raise UsageError(
                    f"--descriptor {spec}: with --index, name what the index has by its alias:"
                    f" {_label(spec)}"
                )

    def _check_for_dataset(self, dataset: str) -> None:
        named = [parse(part) for part in self.parts]
        singles = [one for one in named if one.alias in self.singles]
        if singles:
            allowed = {metric for one in singles for metric in one.descriptor.metrics}
            check_metrics(self.metrics, allowed, [one.alias for one in singles])
        names = [found.path for found in find_images(dataset)]
        if names:
            self._read_truth(names)


def check_metrics(metrics: Sequence[str], allowed: Collection[str], aliases: Sequence[str]) -> None:
    """Refuse metrics that make no sense for any of the descriptors.

    Raises
    ------
    UsageError
    """
    for metric in metrics:
        if metric not in allowed:
            raise UsageError(
                f"--metric {metric} makes no sense for {' or '.join(aliases)}; cbir descriptors"
                " lists what does"
            )


def _label(spec: str) -> str:
    """Return what a searcher calls itself: an alias, or several joined by plus signs.

    Examples
    --------
    >>> _label("hsv+small=orb:words=1000")
    'hsv+small'
    """
    return "+".join(part.partition(":")[0].partition("=")[0] for part in spec.split("+"))
