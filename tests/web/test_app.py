"""The application as other programs use it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cbir.core.errors import CbirError
from cbir.web.app import create_app, unguarded_app
from cbir.web.security.hosts import ServedHosts
from cbir.web.security.tokens import Tokens
from cbir.web.settings import WebSettings

HERE = "http://127.0.0.1:8000"


def settings(collection: Path, **more: object) -> WebSettings:
    return WebSettings(index=str(collection / "index.csv"), **more)  # type: ignore[arg-type]


def test_the_application_that_is_made_is_guarded(collection: Path) -> None:
    app = create_app(settings(collection), Tokens(None))
    with TestClient(app, base_url=HERE) as client:
        answer = client.get("/api/info")
        assert answer.json()["images"] == len(app.service.index)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        for headers in (
            {"Host": "evil.example"},
            {"Origin": "http://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            assert client.get("/api/info", headers=headers).status_code in (400, 403, 421)
        assert client.request("BREW", "/api/info").status_code == 405
        assert client.post("/logout", content=bytes(300_000)).status_code == 413


def test_the_application_asks_for_the_token(collection: Path) -> None:
    tokens = Tokens(b"correct horse battery")
    with TestClient(create_app(settings(collection), tokens), base_url=HERE) as client:
        assert client.get("/api/info").status_code == 401
        headers = {"Authorization": "Bearer correct horse battery"}
        assert client.get("/api/info", headers=headers).status_code == 200


def test_the_application_answers_for_the_hosts_that_are_named(collection: Path) -> None:
    hosts = ServedHosts("127.0.0.1", ["images.example.org"])
    app = create_app(settings(collection), Tokens(None), hosts)
    with TestClient(app, base_url="http://images.example.org") as client:
        assert client.get("/api/info").status_code == 200


@pytest.mark.parametrize("make", [create_app, unguarded_app])
def test_an_application_runs_once(collection: Path, make: type) -> None:
    app = make(settings(collection), Tokens(None))
    with TestClient(app, base_url=HERE) as client:
        assert client.get("/api/info").status_code == 200
    with pytest.raises(CbirError, match="has been ended"), TestClient(app, base_url=HERE):
        pass


def test_what_an_application_held_open_is_closed(collection: Path) -> None:
    def run_one() -> int:
        app = create_app(settings(collection), Tokens(None))
        with TestClient(app, base_url=HERE) as client:
            assert client.get("/api/search?path=cats/cat-1.jpg&top=1").status_code == 200
            assert client.get("/api/thumbnails/cats/cat-1.jpg?size=320").status_code == 200
        del app, client
        return len(os.listdir("/proc/self/fd"))

    run_one()
    before = run_one()
    assert max(run_one() for _ in range(5)) <= before


def test_invented_methods_and_paths_are_counted_together(collection: Path) -> None:
    app = unguarded_app(settings(collection), Tokens(None))
    with TestClient(app) as client:
        for number in range(50):
            client.request(f"M{number}", f"/nowhere/{number}")
            client.request(f"M{number}", "/api/info")
            client.get(f"/api/jobs/{number}")
            client.get(f"/static/{number}.js")
        lines = client.get("/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("cbir_requests_total{")]
    assert len(counted) <= 6
    assert any('method="other"' in line for line in counted)
