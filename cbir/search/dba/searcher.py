"""Searches by one descriptor among rows that are means with their neighbors."""

from __future__ import annotations

from cbir.core.progress import ProgressListener
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.open_image import OpenImage
from cbir.search import metrics
from cbir.search.dba.neighbor_means import VERSION, NeighborMeans
from cbir.search.results import between_means
from cbir.search.row_searcher import RowSearcher
from cbir.search.sources import open_source
from cbir.stores.derivation import Derivation
from cbir.stores.model import Snapshot


class MeanSearcher(RowSearcher):
    """Searches by one descriptor and one metric, in a matrix of means.

    A query is averaged with its neighbors, too, as a row of the index is; so an image of the index
    is at distance 0 from itself.

    Parameters
    ----------
    named : NamedDescriptor
        The descriptor.
    metric : Metric
    means : NeighborMeans
        What averages queries.
    matrix : ndarray, shape (n, width)
        The mean of each row.
    """

    def __init__(
        self, named: NamedDescriptor, metric: metrics.Metric, means: NeighborMeans, matrix: Row
    ) -> None:
        super().__init__(named, metric, matrix, open_source(named.descriptor, matrix, metric))
        self._means = means
        self.dba = means.count
        self.metric_name, self.meaning = between_means(self.metric_name, self.meaning, means.count)

    @classmethod
    def averaging(
        cls,
        snapshot: Snapshot,
        named: NamedDescriptor,
        metric: metrics.Metric,
        count: int,
        listener: ProgressListener | None = None,
    ) -> MeanSearcher:
        """Return what compares the means of all rows of an index; they are made once and kept.

        Parameters
        ----------
        snapshot : Snapshot
        named : NamedDescriptor
            One whose rows are vectors.
        metric : Metric
            One that the descriptor allows; also which rows are neighbors goes by it.
        count : int
            How many neighbors a mean has.
        listener : ProgressListener, optional
            Told of progress where the means have to be made.
        """
        plain = RowSearcher.of(snapshot, named, metric)
        rows, encoding = snapshot.matrix(named.alias), named.descriptor.encoding
        means = NeighborMeans(plain.source, rows, encoding, count)

        def build() -> dict[str, Row]:
            return {"means": means.of_all(ProgressListener.of(listener), named.alias)}

        name = f"dba{VERSION}-{metric.name}-{count}"
        derivation = Derivation(build, {"means": (rows.shape, rows.dtype)})
        return cls(named, metric, means, snapshot.derive(named.alias, name, derivation)["means"])

    @property
    def bytes_per_image(self) -> int:
        """Bytes of a mean, and of the row itself, with which queries are compared."""
        return 2 * super().bytes_per_image

    def describe_image(self, image: OpenImage) -> Row:
        """Describe an image by the descriptor, and average it with its neighbors."""
        return self._means.mean_of(super().describe_image(image))
