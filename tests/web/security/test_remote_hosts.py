"""URLs that name a host that is allowed, plainly, are; all others are refused alike."""

from __future__ import annotations

import ipaddress

import pytest

from cbir.core.errors import UsageError
from cbir.web.security.remote_hosts import NOT_ALLOWED, RemoteHosts, RemoteImageError

HOSTS = RemoteHosts(
    [
        "images.example.org",
        "*.example.com",
        "files.example.net:8080",
        "b\u00fccher.example",
        "127.0.0.1",
        "[fd00::5]:9000",
    ]
)

REFUSED = [
    "",
    "images.example.org",
    "//images.example.org/",
    "/a.jpg",
    "http:",
    "http:/",
    "http://",
    "http:///a.jpg",
    "http:images.example.org",
    "file:///etc/passwd",
    "file://images.example.org/etc/passwd",
    "ftp://images.example.org/a.jpg",
    "gopher://images.example.org/",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "unix:///run/docker.sock",
    "http+unix://images.example.org/",
    "jar:http://images.example.org!/",
    "http://evil.example/",
    "http://images.example.org.evil.example/",
    "http://evil-images.example.org/",
    "http://sub.images.example.org/",
    "http://example.org/",
    "http://example.com/",
    "http://evilexample.com/",
    "http://.example.com/",
    "http://images.example.org../",
    "http://images..example.org/",
    "http://images.example.org:8080/",
    "http://images.example.org:443/",
    "https://images.example.org:80/",
    "http://images.example.org:0/",
    "http://images.example.org:65536/",
    "http://images.example.org:-1/",
    "http://images.example.org:80:80/",
    "http://images.example.org: 80/",
    "http://images.example.org:8o/",
    "http://files.example.net/",
    "http://files.example.net:8081/",
    "http://user@images.example.org/",
    "http://user:password@images.example.org/",
    "http://images.example.org@evil.example/",
    "http://evil.example@images.example.org/",
    "http://@images.example.org/",
    "http://images.example.org%40evil.example/",
    "http://images.example.org\\@evil.example/",
    "http://images.example.org\\.evil.example/",
    "http:\\\\images.example.org\\a.jpg",
    "http://evil.example#@images.example.org/",
    "http://evil.example?@images.example.org/",
    "http://images.example.org%00.evil.example/",
    "http://images.example.org\0.evil.example/",
    "http://images.example.org\r\nX: y/",
    "http://images.example.org/\r\nX: y",
    "http://images.example.org\t/",
    "http://images\t.example.org/",
    " http://images.example.org/",
    "http://images.example .org/",
    "http://images.example.org%2eevil.example/",
    "http://im%61ges.example.org/",
    "http://images_example.org/",
    "http://[images.example.org]/",
    "http://0/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.2/",
    "http://127.0.0.1:8080/",
    "http://127.0.0.1.nip.io/",
    "http://\u0661\u0662\u0667.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00::5]/",
    "http://[fd00::5]:80/",
    "http://[fd00::5/",
    "http://fd00::5:9000/",
    "http://[v1.fd00::5]/",
    "http://" + "a" * 64 + ".example.com/",
    "http://" + "a." * 200 + "example.com/",
    "http://images.example.org/" + "a" * 5000,
]


@pytest.mark.parametrize("url", REFUSED)
def test_refused(url: str) -> None:
    with pytest.raises(RemoteImageError) as raised:
        HOSTS.checked(url)
    assert NOT_ALLOWED in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://images.example.org", "http://images.example.org/"),
        ("HTTPS://Images.Example.ORG:443/a.jpg", "https://images.example.org/a.jpg"),
        ("http://images.example.org./a.jpg#b", "http://images.example.org/a.jpg"),
        ("http://images.example.org/a b?c=d e", "http://images.example.org/a%20b?c=d%20e"),
        ("http://images.example.org/a%20b%2f", "http://images.example.org/a%20b%2f"),
        ("http://images.example.org/\u00e4", "http://images.example.org/%C3%A4"),
        ("http://a.example.com/", "http://a.example.com/"),
        ("http://a.b.example.com/", "http://a.b.example.com/"),
        ("https://files.example.net:8080/", "https://files.example.net:8080/"),
        ("http://B\u00dcCHER.example/", "http://xn--bcher-kva.example/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
        ("http://127.0.0.1/a.jpg", "http://127.0.0.1/a.jpg"),
        ("http://127.0.0.1./a.jpg", "http://127.0.0.1/a.jpg"),
        ("http://[FD00:0::5]:9000/", "http://[fd00::5]:9000/"),
    ],
)
def test_allowed(url: str, plain: str) -> None:
    assert str(HOSTS.checked(url)) == plain


@pytest.mark.parametrize(
    "name",
    [
        "", "*", "*.", "*.com", ".org", "a..b", "http://a.org", "a.org/", "a.org:", "a.org:0",
        "a.org:65536", "a b", "a@b.org", "*.*.org", "a.*.org", "*.127.0.0.1", "2130706433",
        "0x7f.1", "[::1", "fe80::1%eth0", "-a.org", "a\nb",
    ],
)  # fmt: skip
def test_what_is_not_a_host_is_not_taken(name: str) -> None:
    with pytest.raises(UsageError, match="is not a host; give url_hosts"):
        RemoteHosts([name])


def test_none_are_allowed_unless_some_are() -> None:
    assert not RemoteHosts([]) and HOSTS
    with pytest.raises(RemoteImageError):
        RemoteHosts([]).checked("http://images.example.org/")


def test_private_addresses_only_where_they_are_named() -> None:
    local = RemoteHosts(["localhost", "a.example", "10.0.0.7", "::1"])
    may = [
        ("localhost", "127.0.0.1", True),
        ("localhost", "127.0.0.5", True),
        ("localhost", "10.0.0.8", False),
        ("a.example", "8.8.8.8", True),
        ("a.example", "127.0.0.1", False),
        ("a.example", "10.0.0.7", True),
        ("a.example", "10.0.0.8", False),
        ("a.example", "::1", True),
        ("a.example", "169.254.169.254", False),
        ("a.example", "::ffff:10.0.0.7", False),
    ]
    for host, address, expected in may:
        assert local.may_connect(host, ipaddress.ip_address(address)) is expected
