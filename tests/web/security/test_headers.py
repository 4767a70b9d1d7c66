"""Every response is strict, whoever gives it."""

from __future__ import annotations

import pytest

from tests.web.security.conftest import Serve, Served

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@pytest.fixture(scope="module")
def served(serve: Serve) -> Served:
    return serve(bodies={"size": 10, "patience": 0.3})


REQUESTS = {
    "page": (200, b"GET / HTTP/1.1\r\nHost: localhost\r\n"),
    "head": (200, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n"),
    "failure": (500, b"GET /api/fail HTTP/1.1\r\nHost: localhost\r\n"),
    "wrong host": (421, b"GET / HTTP/1.1\r\nHost: evil.example\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n"),
    "foreign": (403, b"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n"),
    "method": (405, b"TRACE / HTTP/1.1\r\nHost: localhost\r\n"),
    "too large": (413, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n"),
    "too slow": (408, b"POST /api/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"),
    "no HTTP": (400, b"nonsense\r\n"),
}


@pytest.mark.parametrize(("status", "request_"), REQUESTS.values(), ids=REQUESTS)
def test_every_response_is_strict(served: Served, status: int, request_: bytes) -> None:
    closing = b"" if request_.startswith(b"nonsense") else b"Connection: close\r\n"
    answer = served.send(request_ + closing + b"\r\n")
    assert answer.status == status
    assert answer.headers["content-security-policy"] == [POLICY]
    assert answer.headers["x-content-type-options"] == ["nosniff"]
    assert answer.headers["referrer-policy"] == ["same-origin"]
    assert answer.headers["cross-origin-opener-policy"] == ["same-origin"]
    assert answer.headers["cross-origin-resource-policy"] == ["same-origin"]
    assert answer.headers["cache-control"] == ["no-store"]
    [permissions] = answer.headers["permissions-policy"]
    assert permissions.startswith("camera=(self), ") and "geolocation=()" in permissions
    assert "server" not in answer.headers


def test_what_the_application_says_is_kept_unless_it_is_laxer(served: Served) -> None:
    answer = served.ask("GET", "/api/share")
    assert answer.headers["cache-control"] == ["max-age=60"]
    assert answer.headers["content-security-policy"] == ["sandbox", POLICY]
    assert "access-control-allow-origin" not in answer.headers


def test_programs_get_json_and_people_text(served: Served) -> None:
    answer = served.ask("GET", "/api/images", Origin="null")
    assert answer.headers["content-type"] == ["application/json"]
    assert answer.body == b'{"detail": "Requests that other sites send are refused."}'
    answer = served.ask("POST", "/", Origin="null")
    assert answer.body == b"Requests that other sites send are refused.\n"
