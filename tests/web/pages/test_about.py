"""Who looks for the API where it might be finds it."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize("path", ["/api", "/docs"])
def test_the_api_is_listed_with_what_leads_to_it(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200 and "<script" not in page.text
    assert 'href="/openapi.json"' in page.text and "cbir docs web" in page.text
    for described in client.get("/openapi.json").json()["paths"]:
        assert f"<code>{described}</code>" in page.text
