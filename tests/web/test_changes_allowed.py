"""Who may not change anything is told so by the head of a request; its body is not read."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.types import Message, Scope

import cbir.web.api
import cbir.web.pages
from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.security.answers import is_page
from tests.web.conftest import Serving

READING = {
    ("/search", "POST"),
    ("/api/search", "POST"),
    ("/api/explanation", "POST"),
    ("/login", "POST"),
    ("/logout", "POST"),
}
"""What takes a body, and changes no file."""

FORMS = ("multipart/form-data; boundary=B", "application/x-www-form-urlencoded")
KINDS = ("", "application/json", "image/jpeg", *FORMS)


def routes() -> Iterator[APIRoute]:
    for package in (cbir.web.api, cbir.web.pages):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            router = getattr(importlib.import_module(found.name), "router", None)
            yield from (one for one in getattr(router, "routes", ()) if isinstance(one, APIRoute))


CHANGING = [route for route in routes() if ChangesAllowed in route.dependencies]


def test_every_route_that_takes_more_than_a_look_is_guarded() -> None:
    for route in routes():
        methods = route.methods - {"GET", "HEAD"}
        guarded = ChangesAllowed in route.dependencies and isinstance(route, ChangingRoute)
        assert guarded or not methods or {(route.path, one) for one in methods} <= READING
    assert len(CHANGING) > 10


def status_by_head(client: TestClient, route: APIRoute, headers: dict[str, str]) -> int:
    """Return the status of the answer to a request whose body must not be read."""
    path = re.sub(r"{[^}]*}", "a.jpg", route.path)
    status = 0

    async def receive() -> Message:
        raise AssertionError("the body is read")

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    scope: Scope = {
        "type": "http", "method": next(iter(route.methods)), "path": path, "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "raw_path": path.encode(), "scheme": "http", "server": ("localhost", 80), "root_path": "",
    }  # fmt: skip
    asyncio.run(client.app(scope, receive, send))
    return status


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.path)
def test_without_the_token_nothing_is_read(serving: Serving, route: APIRoute) -> None:
    client = serving(allow_changes=True)
    for kind in KINDS:
        head = {"Content-Type": kind, "Content-Length": "200000"}
        if not (is_page(route.path) and kind in FORMS):  # whose fields may have the token
            assert status_by_head(client, route, head) == 403
        assert status_by_head(client, route, {**head, "X-CBIR-Token": "wrong"}) == 403


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.path)
def test_where_no_changes_are_allowed_nothing_is_read(serving: Serving, route: APIRoute) -> None:
    client = serving()
    for kind in KINDS:
        assert status_by_head(client, route, {"Content-Type": kind}) == 403


WRONG = {
    "unknown fields": "{" + ",".join(f'"{number}{"x" * 1000}": 1' for number in range(200)) + "}",
    "a long name": '{"level": 1, "' + "x" * 200_000 + '": 2}',
    "a long value": '{"level": "' + "x" * 200_000 + '"}',
    "many values": '{"groups": [' + ",".join(["1"] * 9_000) + "]}",
    "too many values": '{"groups": [' + ",".join(["1"] * 50_000) + "]}",
    "deep": "[" * 200_000,
    "no JSON": "x" * 200_000,
    "no object": '"' + "x" * 200_000 + '"',
    "no text": "\udcff",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_what_was_sent_is_not_sent_back(serving: Serving, body: str) -> None:
    client = serving(allow_changes=True)
    token = client.get("/api/info").json()["change_token"]
    headers = {"X-CBIR-Token": token, "Content-Type": "application/json"}
    content = body.encode("utf-8", "surrogateescape")
    answer = client.post("/api/duplicates/plan", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert len(answer.content) < 3_000 and answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/search", "/api/images", "/api/duplicates"])
def test_what_was_asked_is_not_sent_back(serving: Serving, path: str) -> None:
    query = "&".join(f"{'x' * 200}{number}={'y' * 200}" for number in range(90))
    answer = serving().get(f"{path}?{query}&level={'z' * 9_000}")
    assert len(answer.content) < 3_000
