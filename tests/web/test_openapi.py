"""The description of the API: complete, and what it promises is kept, whatever is sent."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as of_hypothesis
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from starlette.applications import Starlette

from cbir.web import api
from cbir.web.app import unguarded_app
from cbir.web.security.tokens import Tokens
from cbir.web.settings import WebSettings
from tests.web.conftest import Serving, service_of

load_all_checks()

KEPT = CHECKS.get_by_names([
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance",
])  # fmt: skip
"""What every answer has to keep to."""

_METHODS = ("get", "put", "post", "delete")


def operations(client: TestClient) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and description of each operation."""
    paths = client.get("/openapi.json").json()["paths"]
    return [
        (method, path, of_method)
        for path, of_path in paths.items()
        for method, of_method in of_path.items()
        if method in _METHODS
    ]


def ask(client: TestClient, mode: GenerationMode, examples: int) -> int:
    """Send each operation requests that keep to its description, or do not; count answers."""
    # It would start and end the application anew for each request; the client has it running.
    running = Starlette()
    running.router.default = client.app
    schema = schemathesis.openapi.from_asgi("/openapi.json", running)
    token = service_of(client).tokens.change_token
    sent = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @seed(13)
        @of_hypothesis(
            max_examples=examples, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def keeps_to_the_description(case: Case) -> None:
            nonlocal sent
            case.call_and_validate(checks=KEPT, headers={"X-CBIR-Token": token})
            sent += 1

        # What takes nothing cannot be sent anything wrong.
        with contextlib.suppress(Unsatisfiable):
            keeps_to_the_description()
    return sent


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_a_few_requests_of_any_kind_are_answered_as_described(
    client: TestClient, mode: GenerationMode
) -> None:
    assert ask(client, mode, examples=8) > 50


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_many_requests_of_any_kind_are_answered_as_described(
    serving: Serving, mode: GenerationMode, changes: bool
) -> None:
    assert ask(serving(allow_changes=changes), mode, examples=150) > 1000


def test_every_operation_is_described(client: TestClient) -> None:
    found = operations(client)
    names = [one["operationId"] for _, _, one in found]
    assert len(set(names)) == len(names) >= 15
    for method, path, one in found:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", one["operationId"]), (method, path, one)
        assert one["summary"] and one["description"] and one["tags"], (method, path)
        assert {"200", "202", "201"} & set(one["responses"]), (method, path)


def test_every_answer_in_json_has_an_example(client: TestClient) -> None:
    for method, path, one in operations(client):
        for status, answer in one["responses"].items():
            content = answer.get("content", {}).get("application/json")
            if content is not None and status.startswith("2"):
                assert "example" in content or "examples" in content, (method, path, status)


def test_every_route_of_the_api_is_described(client: TestClient) -> None:
    described = {(method.upper(), path) for method, path, _ in operations(client)}
    routes = {
        (method, route.path_format)
        for module in pkgutil.iter_modules(api.__path__)
        for route in importlib.import_module(f"cbir.web.api.{module.name}").router.routes
        for method in route.methods
    }
    assert routes == described


def test_the_tokens_are_described(collection: Path) -> None:
    index = str(collection / "index.csv")
    settings = WebSettings(index=index, allow_changes=True)
    app = unguarded_app(settings, Tokens(b"correct-horse"))
    described = app.openapi()
    schemes = described["components"]["securitySchemes"]
    assert (schemes["token"]["type"], schemes["token"]["scheme"]) == ("http", "bearer")
    assert schemes["change_token"]["name"] == "X-CBIR-Token"
    paths = described["paths"]
    assert paths["/healthz"]["get"]["security"] == []
    assert paths["/api/info"]["get"]["security"] == [{"token": []}]
    assert paths["/api/index"]["post"]["security"] == [{"token": [], "change_token": []}]
    for of_path in paths.values():
        for method, one in of_path.items():
            if method in ("put", "delete"):
                assert one["security"] == [{"token": [], "change_token": []}]
