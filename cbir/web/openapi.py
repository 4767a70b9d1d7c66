"""The description of the API for programs, and which tokens it needs."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from cbir.web.changes_allowed import CHANGE_HEADER
from cbir.web.security.tokens import Tokens

_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of the server, where it was started with --token-file.",
    },
    "change_token": {
        "type": "apiKey",
        "in": "header",
        "name": CHANGE_HEADER,
        "description": "The token for changes, which is a new one at each start: see /api/info.",
    },
}
_METHODS = ("get", "put", "post", "delete")
_OPEN = "/healthz"


class DescribedApp(FastAPI):
    """An application whose description says which tokens its routes need.

    Parameters
    ----------
    tokens : Tokens
    **options
        Those of FastAPI.
    """

    def __init__(self, tokens: Tokens, **options: Any) -> None:
        self._tokens = tokens
        super().__init__(**options)

    def openapi(self) -> dict[str, Any]:
        """Return the description, as ``/openapi.json`` has it."""
        if self.openapi_schema is None:
            described = super().openapi()
            described.setdefault("components", {})["securitySchemes"] = _SCHEMES
            needed: dict[str, list[str]] = {"token": []} if self._tokens.needed else {}
            for path, operations in described["paths"].items():
                for method in operations.keys() & _METHODS:
                    operation = operations[method]
                    is_change = "403" in operation["responses"]
                    changes: dict[str, list[str]] = {"change_token": []} if is_change else {}
                    both = {} if path == _OPEN else {**needed, **changes}
                    operation["security"] = [both] if both else []
        assert self.openapi_schema is not None
        return self.openapi_schema
