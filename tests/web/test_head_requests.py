"""HEAD is answered as GET is, but for the body."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    "path",
    ["/", "/api/info", "/api/images/cats/cat-1.jpg", "/healthz", "/static/cbir.css", "/api/none"],
)
def test_head_tells_what_get_would(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-length"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_does_nothing_where_get_does_not(client: TestClient) -> None:
    assert client.head("/api/index").status_code == 405
