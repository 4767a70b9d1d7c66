"""Without the token there is nothing to see, and the way to the form leads nowhere else."""

from __future__ import annotations

import select

import pytest

from cbir.web.security.authentication import local_path
from tests.web.security.conftest import Serve, Served

TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def served(serve: Serve) -> Served:
    return serve(token=TOKEN)


@pytest.mark.parametrize("path", ["/healthz", "/login", "/static/page.css"])
def test_open_to_all(served: Served, path: str) -> None:
    assert served.ask("GET", path).status == 200


@pytest.mark.parametrize("path", ["/api/images", "/api", "/metrics"])
def test_programs_are_told_what_is_missing(served: Served, path: str) -> None:
    answer = served.ask("GET", path)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == ['Bearer realm="cbir"']


@pytest.mark.parametrize("path", ["/static/../api/images", "/static/%2e%2e/x", "/static/..%2fx"])
def test_no_way_around(served: Served, path: str) -> None:
    assert b"served" not in served.ask("GET", path).body


@pytest.mark.parametrize("path", ["/healthz/", "/healthz/x", "/healthzx", "/login/x", "//login"])
def test_only_just_these_are_open(served: Served, path: str) -> None:
    assert served.ask("GET", path).status in (303, 401)


WRONG = [
    "Bearer wrong",
    "Bearer",
    "Bearer ",
    TOKEN,
    f"Basic {TOKEN}",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN} {TOKEN}",
    f"Bearer {TOKEN.upper()}",
    f"Bearer Bearer {TOKEN}",
    f"Bearer\u00a0{TOKEN}",
]


@pytest.mark.parametrize("header", WRONG)
def test_wrong_tokens(served: Served, header: str) -> None:
    answer = served.ask("GET", "/api/images", Authorization=header)
    assert (answer.status, b"served" in answer.body) == (401, False)


def test_two_tokens_are_none(served: Served) -> None:
    good = f"Bearer {TOKEN}"
    answer = served.ask("GET", "/api/images", Authorization="Bearer x", authorization=good)
    assert answer.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("path", ["/", "/api/images", "/metrics"])
def test_the_token(served: Served, path: str, scheme: str) -> None:
    assert served.ask("GET", path, Authorization=f"{scheme} {TOKEN}").status == 200


@pytest.mark.parametrize("cookie", ["cbir_session=", f"cbir_session={TOKEN}", "cbir_session=0" * 9])
def test_wrong_cookies(served: Served, cookie: str) -> None:
    assert served.ask("GET", "/api/images", Cookie=cookie).status == 401


@pytest.mark.parametrize(
    ("target", "next_"),
    [
        ("/", "%2F"),
        ("/duplicates?level=near&a=%20b", "%2Fduplicates%3Flevel%3Dnear%26a%3D%2520b"),
        ("//evil.example/", "%2F"),
        ("/%5Cevil.example", "%2F%255Cevil.example"),
    ],
)
def test_people_are_led_to_the_form_and_back(served: Served, target: str, next_: str) -> None:
    answer = served.ask("GET", target)
    assert (answer.status, answer.headers["location"]) == (303, [f"/login?next={next_}"])


def test_a_link_of_another_site_is_followed_by_a_request_with_the_cookie(served: Served) -> None:
    link = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    answer = served.ask("GET", "/?q=a", Sec_Fetch_Site="cross-site", **link)
    assert answer.status == 200 and b"served" not in answer.body
    assert b'<meta http-equiv="refresh" content="0">' in answer.body
    # As the browser then asks: without the cookie, it is sent to the form.
    assert served.ask("GET", "/?q=a", Sec_Fetch_Site="same-origin", **link).status == 303


def test_a_form_that_is_sent_is_not_sent_again(served: Served) -> None:
    answer = served.ask("POST", "/search")
    assert (answer.status, answer.headers["location"]) == (303, ["/login"])


ELSEWHERE = [
    "",
    "evil",
    "evil.example",
    "http://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/a\\..\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\r\nSet-Cookie: a=b",
    "/\0",
    "/\x7f",
    "/\u2028evil",
    "/\u202egnp.exe",
    "/\udc80",
    "@evil.example",
    "/login",
    "/login?next=/login",
    "/login/x",
    "/" + "a" * 5000,
]


@pytest.mark.parametrize("text", ELSEWHERE)
def test_nobody_is_sent_elsewhere(text: str) -> None:
    assert local_path(text) == "/"


def test_good_paths() -> None:
    for path in ("/", "/duplicates", "/?q=a.jpg&top=9", "/image/a%20b.jpg", "/a:b@c"):
        assert local_path(path) == path
    assert local_path("/\u00e4 b") == "/%C3%A4%20b"


def test_guessing_is_slowed_down_and_hurts_nobody_else(serve: Serve) -> None:
    served = serve(token=TOKEN)
    clients = [served.connect() for _ in range(60)]
    head = "GET /api/images HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    try:
        for client in clients:
            client.sendall(f"{head}Authorization: Bearer wrong\r\n\r\n".encode())
        assert served.ask("GET", "/", Authorization=f"Bearer {TOKEN}").status == 200
        answered, refused = 0, 0
        while not (answered and refused):
            for client in select.select(clients, [], [], 20)[0]:
                status = client.recv(12)[-3:]
                answered += status == b"401"
                refused += status == b"429"
                clients.remove(client)
                client.close()
        assert len(clients) > 20  # who still wait
    finally:
        for client in clients:
            client.close()
