"""Counts of requests, as Prometheus's own parser reads them."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from cbir.web.traffic import BOUNDS, Traffic

Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: bytes) -> Numbers:
    """Return each number by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def sum_of(numbers: Numbers, name: str) -> float:
    return sum(value for (one, _), value in numbers.items() if one == name)


def note_all(traffic: Traffic, seconds: Iterable[float]) -> None:
    for one in seconds:
        traffic.note("GET", "/api/search", 200, one)


def test_requests_are_counted_by_how_long_they_took() -> None:
    traffic = Traffic()
    note_all(traffic, [0.001, 0.005, 0.0051, 0.2, 31.0])
    traffic.note("POST", 'odd "route" \\ \n', 500, 1.0)
    numbers = parsed(traffic.text([]))
    labels = (("method", "GET"), ("route", "/api/search"), ("status", "200"))
    assert numbers["cbir_requests_total", labels] == 5
    assert sum_of(numbers, "cbir_requests_total") == 6
    assert sum_of(numbers, "cbir_request_seconds_count") == 6

    def up_to(bound: str) -> float:
        route = (("le", bound), ("route", "/api/search"))
        return numbers["cbir_request_seconds_bucket", route]

    assert [up_to("0.005"), up_to("0.01"), up_to("0.25"), up_to("30.0"), up_to("+Inf")] == [
        2, 3, 4, 4, 5,
    ]  # fmt: skip
    assert numbers["cbir_request_seconds_sum", (("route", "/api/search"),)] == 31.2111
    assert len(BOUNDS) == 12


def test_threads_lose_no_count() -> None:
    traffic = Traffic()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: note_all(traffic, [0.1] * 500), range(8)))
    assert sum_of(parsed(traffic.text([])), "cbir_requests_total") == 4000


def test_the_server_counts_what_it_is_asked_by_routes_and_not_by_paths(client: TestClient) -> None:
    for path in ("cats/cat-1.jpg", "cats/cat-2.jpg", "nothing"):
        client.get(f"/api/images/{path}")
    client.get("/nowhere")
    client.get("/nowhere-else")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    numbers = parsed(answer.content)
    found = {
        (dict(labels)["route"], dict(labels)["status"]): value
        for (name, labels), value in numbers.items()
        if name == "cbir_requests_total"
    }
    assert found["/api/images/{path:image}", "200"] == 2
    assert found["/api/images/{path:image}", "404"] == 1
    assert found["none", "404"] == 2
    assert numbers["cbir_images", ()] == 13
