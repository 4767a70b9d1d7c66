"""Requests for other hosts and from other sites, each listed, are refused; good ones are served."""

from __future__ import annotations

import pytest

from cbir.core.errors import UsageError
from cbir.web.security.hosts import ServedHosts
from tests.web.security.conftest import Serve, Served

REFUSED_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "localhost.evil.example:{port}",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io:{port}",
    "evil-localhost",
    "localhostevil",
    "images.example.org.evil.example",
    "evilimages.example.org",
    "sub.images.example.org",
    "images.example.org.",
    "localhost.",
    "0.0.0.0",
    "0.0.0.0:{port}",
    "127.0.0.2",
    "127.1",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "127.0.0.01",
    "192.168.0.1",
    "169.254.169.254",
    "[::]",
    "[::2]",
    "[::ffff:127.0.0.1]",
    "[fe80::1]",
    "[0:0:0:0:0:0:0:2]",
]

MALFORMED_HOSTS = [
    "",
    " ",
    ":{port}",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "localhost:999999",
    "localhost:80:80",
    "localhost:-1",
    "localhost:+80",
    "localhost:8o",
    "localhost, evil.example",
    "localhost evil.example",
    "localhost\tevil.example",
    "localhost/evil",
    "localhost/",
    "localhost?",
    "localhost#",
    "localhost\\evil",
    "evil@localhost",
    "localhost@evil.example",
    "http://localhost",
    "//localhost",
    "*",
    "%6cocalhost",
    "l\u00f6calhost",
    "::1",
    "[::1",
    "::1]",
    "[::1]evil.example",
    "[::1%25eth0]",
    "[localhost]",
    "'localhost'",
    '"localhost"',
    "localhost;evil",
    "<script>alert(1)</script>",
    "a" * 300,
]

RAW = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "no host in 1.0": b"GET / HTTP/1.0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "the same host twice": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "another host first": b"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n",
    "folded host": b"GET / HTTP/1.1\r\nHost: localhost\r\n evil.example\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "zero byte": b"GET / HTTP/1.1\r\nHost: localhost\0\r\n\r\n",
    "target of another host": b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target of a file": b"GET file:///etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target without a slash": b"GET evil HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target of a proxy": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target of all": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
}

FOREIGN_ORIGINS = [
    "null",
    "NULL",
    "",
    "http://evil.example",
    "https://evil.example",
    "http://evil.example:{port}",
    "https://127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}",
    "http://127.0.0.1",
    "http://127.0.0.1:80",
    "http://127.0.0.1:1{port}",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@evil.example",
    "http://127.0.0.1:{port}.evil.example",
    "http://evil.example#127.0.0.1:{port}",
    "http://localhost:{port}",
    "http://[::1]:{port}",
    "http://user@127.0.0.1:{port}",
    "http://127.0.0.1:{port} http://evil.example",
    "http://127.0.0.1:{port}, http://evil.example",
    "http:127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "file://",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://0123-4567",
    "about:blank",
    "data:text/html,x",
    "http://\u0031\u00b2\u00b7.0.0.1:{port}",
]

CROSS_SITE = [
    ("GET", "/api/images", {"Sec_Fetch_Site": "cross-site"}),
    ("GET", "/api/images", {"Sec_Fetch_Site": "same-site"}),
    ("GET", "/api/images", {"Sec_Fetch_Site": "CROSS-SITE"}),
    ("HEAD", "/api/images", {"Sec_Fetch_Site": "cross-site"}),
    ("GET", "/api/images", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
    ("GET", "/api", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
    ("GET", "/static/page.js", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
    ("GET", "/static/page.js", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}),
    ("GET", "/healthz", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"}),
    ("GET", "/metrics", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
    ("GET", "/", {"Sec_Fetch_Site": "cross-site"}),
    ("GET", "/", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}),
    ("GET", "/", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"}),
    ("GET", "/", {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "websocket"}),
    ("POST", "/", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
    ("POST", "/api/search", {"Sec_Fetch_Site": "cross-site"}),
    ("PUT", "/api/images/a.jpg", {"Sec_Fetch_Site": "same-site"}),
    ("DELETE", "/api/images/a.jpg", {"Sec_Fetch_Site": "cross-site"}),
    (
        "GET",
        "/",
        {
            "Sec_Fetch_Site": "cross-site",
            "Sec_Fetch_Mode": "navigate",
            "Sec_Fetch_Dest": "iframe",
        },
    ),
    (
        "GET",
        "/",
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "object"},
    ),
    ("GET", "/api/images", {"Origin": "http://evil.example"}),
    ("GET", "/", {"Origin": "null"}),
    ("OPTIONS", "/api/search", {"Origin": "http://evil.example"}),
    (
        "OPTIONS",
        "/api/search",
        {"Origin": "null", "Access_Control_Request_Method": "PUT"},
    ),
    (
        "OPTIONS",
        "/api/images/a.jpg",
        {"Origin": "http://evil.example", "Access_Control_Request_Private_Network": "true"},
    ),
]


@pytest.fixture(scope="module")
def served(serve: Serve) -> Served:
    return serve(hosts=["images.example.org", "10.1.2.3"])


@pytest.mark.parametrize("host", REFUSED_HOSTS)
def test_another_host(served: Served, host: str) -> None:
    answer = served.ask("GET", "/", Host=host.format(port=served.port))
    assert (answer.status, b"served" in answer.body) == (421, False)


@pytest.mark.parametrize("host", MALFORMED_HOSTS)
def test_a_malformed_host(served: Served, host: str) -> None:
    answer = served.ask("GET", "/", Host=host.format(port=served.port))
    assert (answer.status, b"served" in answer.body) == (400, False)


@pytest.mark.parametrize("request_", RAW.values(), ids=RAW)
def test_a_host_that_is_said_in_another_way(served: Served, request_: bytes) -> None:
    with served.connect() as client:
        client.sendall(request_)
        assert client.recv(4096).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_origin(served: Served, origin: str, method: str) -> None:
    answer = served.ask(method, "/api/count", Origin=origin.format(port=served.port))
    assert (answer.status, b"bytes" in answer.body) == (403, False)


def test_two_origins(served: Served) -> None:
    own = f"http://127.0.0.1:{served.port}"
    assert served.ask("POST", "/api/count", Origin=own, origin=own).status == 403


@pytest.mark.parametrize(("method", "path", "headers"), CROSS_SITE)
def test_a_page_of_another_site(
    served: Served, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = served.ask(method, path, **headers)
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "BREW", "get", "PROPFIND"])
def test_a_method_that_is_not_served(served: Served, method: str) -> None:
    answer = served.ask(method, "/api/count", Access_Control_Request_Method="PUT")
    assert answer.status == 405
    assert answer.headers["allow"] == ["DELETE, GET, HEAD, PATCH, POST, PUT"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]


GOOD_HOSTS = [
    "localhost",
    "localhost:{port}",
    "LocalHost:{port}",
    "localhost:9000",
    "127.0.0.1",
    "127.0.0.1:{port}",
    "[::1]:{port}",
    "images.example.org",
    "IMAGES.example.org:443",
    "10.1.2.3:{port}",
]


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_a_host_of_the_server(served: Served, host: str) -> None:
    host = host.format(port=served.port)
    assert served.ask("GET", "/", Host=host).status == 200
    assert served.ask("POST", "/api/count", Host=host, Origin=f"http://{host}").status == 200


GOOD_REQUESTS = [
    ("GET", "/", {}),
    ("POST", "/api/search", {}),
    ("GET", "/healthz", {}),
    ("GET", "/metrics", {}),
    ("GET", "/", {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"}),
    ("GET", "/?q=a.jpg", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),
    (
        "GET",
        "/duplicates",
        {
            "Sec_Fetch_Site": "same-site",
            "Sec_Fetch_Mode": "navigate",
            "Sec_Fetch_Dest": "document",
        },
    ),
    ("GET", "/api/images", {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}),
    ("POST", "/api/search", {"Sec_Fetch_Site": "same-origin"}),
    ("GET", "/api/thumbnails/a.jpg", {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"}),
]


@pytest.mark.parametrize(("method", "path", "headers"), GOOD_REQUESTS)
def test_a_good_request(served: Served, method: str, path: str, headers: dict[str, str]) -> None:
    assert served.ask(method, path, **headers).status == 200


def test_the_port_that_a_scheme_implies_may_be_left_out(served: Served) -> None:
    for host, origin in [("localhost:80", "localhost"), ("localhost", "localhost:80")]:
        answer = served.ask("POST", "/api/count", Host=host, Origin=f"http://{origin}")
        assert answer.status == 200


def test_a_proxy_that_is_named_may_speak_https(served: Served) -> None:
    def status(host: str, origin: str) -> int:
        return served.ask("POST", "/api/count", Host=host, Origin=origin).status

    assert status("images.example.org", "https://images.example.org") == 200
    assert status("images.example.org:8443", "https://images.example.org:8443") == 200
    assert status("images.example.org", "https://images.example.org:8443") == 403
    assert status("images.example.org", "https://evil.example") == 403
    assert status("localhost", "https://localhost") == 403


def test_any_address_but_no_other_name_if_all_are_listened_to() -> None:
    for bound in ("0.0.0.0", "::", "192.168.0.7", "[fd00::7]", "server.lan"):
        hosts = ServedHosts(bound)
        assert {"192.168.0.9", "[fd00::9]", "localhost", "127.0.0.1"} <= {
            one for one in ("192.168.0.9", "[fd00::9]", "localhost", "127.0.0.1") if one in hosts
        }
        assert "evil.example" not in hosts and "127.1" not in hosts and "fd00::9" not in hosts
    assert "server.lan" in ServedHosts("Server.LAN")


@pytest.mark.parametrize(
    "name", ["", "a b", "http://a.org", "a.org:80", "a/b", "*.a.org", "-a", "a..b"]
)
def test_what_is_not_the_name_of_a_host_is_not_taken(name: str) -> None:
    with pytest.raises(UsageError, match="not the name of a host"):
        ServedHosts("127.0.0.1", [name])
