"""Counts of what was asked of the server, in the form that Prometheus reads."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds up to which requests are counted together."""

Labels = tuple[str, str, str]
"""The method of a request, its route, and the status of the answer."""


class Traffic:
    """Counts requests; threads may share it.

    Examples
    --------
    >>> traffic = Traffic()
    >>> traffic.note("GET", "/healthz", 200, 0.002)
    >>> b'cbir_requests_total{method="GET",route="/healthz",status="200"} 1.0' in traffic.text([])
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[Labels] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        with self._lock:
            self._requests[method, route, str(status)] += 1
            buckets = self._buckets.setdefault(route, [0] * (len(BOUNDS) + 1))
            buckets[bisect_left(BOUNDS, seconds)] += 1
            self._seconds[route] += seconds  # type: ignore[assignment]  # a sum of seconds

    def text(self, others: Iterable[Metric]) -> bytes:
        """Return all counts, and other metrics, as Prometheus reads them."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.registry import Collector

        metrics = [*self._metrics(), *others]

        class Collected(Collector):
            def collect(self) -> Iterable[Metric]:
                return metrics

        registry = CollectorRegistry()
        registry.register(Collected())
        return generate_latest(registry)

    def _metrics(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

        with self._lock:
            requests, seconds = dict(self._requests), dict(self._seconds)
            buckets = {route: list(counts) for route, counts in self._buckets.items()}
        counter = CounterMetricFamily(
            "cbir_requests", "Requests that were answered.", labels=["method", "route", "status"]
        )
        for labels, count in requests.items():
            counter.add_metric(labels, count)
        yield counter
        histogram = HistogramMetricFamily(
            "cbir_request_seconds", "Seconds that answers took.", labels=["route"]
        )
        ends = [*map(str, BOUNDS), "+Inf"]
        for route, counts in buckets.items():
            sums = zip(ends, accumulate(counts), strict=True)
            histogram.add_metric([route], list(sums), seconds[route])
        yield histogram
