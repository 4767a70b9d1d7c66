"""A small application behind all of the protection: run by the tests as a program of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from cbir.web.listening import listen
from cbir.web.security.body_limits import BodyLimits
from cbir.web.security.connections import ConnectionLimits
from cbir.web.security.guard import guarded
from cbir.web.security.hosts import ServedHosts
from cbir.web.security.tokens import Tokens
from cbir.web.server import run

EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def show(request: Request) -> Response:
    return PlainTextResponse(f"served {request.url.path}")


async def count(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body())})


async def answer_early(request: Request) -> Response:
    return PlainTextResponse("enough")


async def fail(request: Request) -> Response:
    raise ValueError("a\nbug")


async def be_slow(request: Request) -> Response:
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("done")


async def send_much(request: Request) -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(100_000)

    return StreamingResponse(blocks())


async def share(request: Request) -> Response:
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=60"}
    return PlainTextResponse("shared", headers={**headers, "Content-Security-Policy": "sandbox"})


HANDLERS = {
    "/api/count": count,
    "/api/early": answer_early,
    "/api/fail": fail,
    "/api/slow": be_slow,
    "/api/much": send_much,
    "/api/share": share,
    "/{path:path}": show,
}


def application(settings: dict[str, Any]) -> Any:
    """Return the application with the limits and names that a test chooses."""
    app = Starlette(
        routes=[Route(path, one, methods=EVERY_METHOD) for path, one in HANDLERS.items()]
    )
    hosts = ServedHosts(settings.get("bound", "127.0.0.1"), settings.get("hosts", ()))
    token = settings.get("token")
    tokens = Tokens(token.encode() if token else None)
    return guarded(app, hosts, tokens, BodyLimits(**settings.get("bodies", {"size": 100_000})))


if __name__ == "__main__":
    chosen = json.loads(sys.argv[1])
    finished = run(
        application(chosen),
        listen(chosen.get("listen", "127.0.0.1"), 0),
        ready=lambda url: print(url, flush=True),
        stopping=lambda: print("stopping", flush=True),
        grace=chosen.get("grace", 30),
        limits=ConnectionLimits(**chosen.get("connections", {})),
    )
    print("finished" if finished else "cut off", flush=True)
