"""``cbir serve``: it starts, answers, ends, and says what is wrong."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.web.serving import Served, served

TOKEN = secrets.token_urlsafe()


@pytest.fixture
def index(photos: Path, run: Run) -> Path:
    assert run("index", "photos", "--quiet").returncode == 0
    return photos.parent / "index.csv"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token.txt"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def served_by_name(index: Path, token_file: Path) -> Iterator[Served]:
    options = ("--token-file", token_file, "--allow-host", "photos.example")
    with served(index.parent, *options) as server:
        yield server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_serves_until_it_is_asked_to_end(index: Path, number: int) -> None:
    with served(index.parent) as server:
        assert server.get("/").status == 200
        found = server.get("/api/search?path=cats/cat-1.jpg&top=3").json()
        assert server.end(number) == (0, "")
    (answer,) = found["answers"]
    assert [one["rank"] for one in answer["results"]] == [1, 2, 3]


def test_its_numbers_are_those_of_the_command(index: Path, run: Run) -> None:
    asked = ("photos/cats/cat-2.jpg", "--top", "5", "--no-montage", "--format", "json")
    printed = json.loads(run("search", *asked).stdout)
    (expected,) = printed if isinstance(printed, list) else [printed]
    with served(index.parent) as server:
        image = ("cat.jpg", (index.parent / "photos/cats/cat-2.jpg").read_bytes())
        uploaded = server.request("POST", "/api/search", fields={"image": image, "top": "5"})
        named = server.get("/api/search?path=cats/cat-2.jpg&top=5")
    for answered in (uploaded, named):
        (answer,) = answered.json()["answers"]
        assert [one["distance"] for one in answer["results"]] == [
            one["distance"] for one in expected["results"]
        ]
        assert [f"photos/{one['path']}" for one in answer["results"]] == [
            one["path"] for one in expected["results"]
        ]


def test_what_runs_is_finished(index: Path) -> None:
    with served(index.parent) as server:
        host, port = re.findall(r"//(.*):(\d+)/", server.url)[0]
        body = b"top=2&path=cats/cat-1.jpg"
        head = (
            f"POST /api/search HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type:"
            f" application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(head.encode() + body[:5])
            ending = threading.Thread(target=server.end)
            server.get("/healthz")  # so the request before it is being read
            ending.start()
            client.sendall(body[5:])
            answer = b"".join(iter(lambda: client.recv(65536), b""))
            ending.join()
        assert answer.startswith(b"HTTP/1.1 200") and b'"rank":2' in answer


def test_a_folder_is_indexed_first(photos: Path) -> None:
    with served(photos.parent, "photos") as server:
        assert server.get("/api/info").json()["images"] == 12
    assert not (photos.parent / "index.csv").exists()


def test_only_this_machine_is_answered_unless_told_otherwise(index: Path, run: Run) -> None:
    refused = run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "--token-file FILE" in refused.stderr and "--without-token" in refused.stderr
    with served(index.parent, "--host", "0.0.0.0", "--without-token") as server:
        assert server.get("/").status == 200


def test_who_has_the_token_is_let_in(index: Path, token_file: Path) -> None:
    token = token_file.read_text().strip()
    with served(index.parent, "--token-file", token_file) as server:
        refused = server.get("/api/info")
        assert refused.status == 401 and "Authorization: Bearer TOKEN" in refused.json()["detail"]
        assert server.get("/").headers["Location"] == "/login?next=%2F"
        bearer = {"Authorization": f"Bearer {token}"}
        assert server.get("/api/info", headers=bearer).status == 200
        wrong = server.request(
            "POST", "/login", fields={"token": "no", "next": "/"}, encode_multipart=False
        )
        assert wrong.status == 401 and b"This token is wrong" in wrong.data
        login = server.request(
            "POST",
            "/login",
            fields={"token": token, "next": "/search?top=2"},
            encode_multipart=False,
        )
        assert (login.status, login.headers["Location"]) == (303, "/search?top=2")
        cookie = {"Cookie": login.headers["Set-Cookie"].partition(";")[0]}
        assert server.get("/", headers=cookie).status == 200


def test_failed_logins_are_told_in_few_lines_without_what_was_given(
    index: Path, token_file: Path
) -> None:
    with served(index.parent, "--token-file", token_file) as server:
        for given in ("guess-1", "guess-2"):
            server.request(
                "POST", "/login", fields={"token": given, "next": "/"}, encode_multipart=False
            )
        server.get("/api/info", headers={"Authorization": "Bearer guess-3"})
        code, told = server.end()
    lines = told.splitlines()
    assert code == 0 and lines[0] == "1 login failed by a wrong token from 127.0.0.1"
    assert len(lines) <= 2 and "guess" not in told


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({"Host": "photos.example", "Origin": "https://photos.example"}, True),
        ({"Host": "photos.example", "Referer": "https://photos.example/login"}, True),
        ({"Host": "photos.example", "Origin": "http://photos.example"}, False),
        ({"Host": "photos.example", "Referer": "https://other.example/"}, False),
        ({"Host": "photos.example", "X-Forwarded-Proto": "https"}, False),
        ({"Host": "localhost", "Referer": "https://localhost/login"}, False),
        ({}, False),
    ],
)
def test_the_cookie_is_secure_behind_a_proxy_with_tls(
    served_by_name: Served, headers: dict[str, str], secure: bool
) -> None:
    fields = {"token": TOKEN, "next": "/"}
    login = served_by_name.request(
        "POST", "/login", fields=fields, headers=headers, encode_multipart=False
    )
    assert login.status == 303
    assert ("Secure" in login.headers["Set-Cookie"]) is secure


def test_the_page_for_the_token_tells_nothing_else(index: Path, token_file: Path) -> None:
    with served(index.parent, "--allow-changes", "--token-file", token_file) as server:
        page = server.get("/login").data.decode()
        assert "change-token" not in page and "cats" not in page


def test_a_port_that_is_taken_is_told(index: Path, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1 and "in use" in done.stderr and "--port" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--index", "none.csv"], 1, "the index does not exist"),
        (["--port", "70000"], 2, "70000"),
        (["--host", "no such host", "--without-token"], 2, "is not a host"),
        (["--token-file", "none.txt"], 1, "none.txt"),
        (["--token-file", "x", "--without-token"], 2, "contradict"),
        (["--allow-host", "http://x"], 2, "--allow-host"),
        (["photos", "--result-path", "photos"], 2, "--result-path"),
        (["photos", "elsewhere"], 2, "elsewhere"),
        (["--descriptor", "phash"], 2, "cbir serve DIR --descriptor NAME"),
        (["--preset", "fast"], 2, "--preset is added to the index of a folder"),
        (["photos", "--preset", "none"], 2, "balanced"),
        (["photos", "--descriptor", "none"], 2, "none"),
    ],
)
def test_wrong_input_is_told(
    index: Path, run: Run, arguments: list[str], code: int, told: str
) -> None:
    port = [] if "--port" in arguments else ["--port", "0"]
    done = run("serve", *arguments, *port)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert told in done.stderr and "Traceback" not in done.stderr


def test_a_token_that_others_can_read_is_refused(index: Path, run: Run, token_file: Path) -> None:
    token_file.chmod(0o644)
    done = run("serve", "--token-file", token_file)
    assert done.returncode == 1 and f"chmod 600 {token_file}" in done.stderr


def test_without_its_packages_it_says_what_installs_them(index: Path) -> None:
    hidden = (
        "import importlib.util as u, sys\n"
        "found = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'fastapi' else found(name, *rest)\n"
        "from cbir.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden, "serve"],
        cwd=index.parent, capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 1 and "pip install 'cbir[web]'" in done.stderr


def test_a_folder_is_served_with_presets_and_descriptors(photos: Path) -> None:
    with served(photos.parent, "photos") as server:  # the kept index has none of them yet
        assert server.get("/api/info").json()["presets"] == []
    asked = ("--preset", "fast", "--descriptor", "phash", "--descriptor", "small=hog")
    with served(photos.parent, "photos", *asked) as server:
        info = server.get("/api/info").json()
        found = server.get("/search?path=cats%2Fcat-1.jpg&preset=fast&top=3&exclude_self=true")
    assert "fast" in info["presets"]
    assert {"hsv", "phash", "small"} <= {one["alias"] for one in info["descriptors"]}
    assert found.status == 200 and found.data.count(b"/image/") >= 3


def test_patterns_hold_from_the_first_update_on(photos: Path) -> None:
    with served(photos.parent, "photos", "--exclude", "cats") as server:
        images = server.get("/api/images").json()["images"]
    assert images and not any(one["path"].startswith("cats/") for one in images)


def test_an_index_of_another_folder_is_not_replaced_and_says_how(index: Path, run: Run) -> None:
    (index.parent / "others").mkdir()
    (index.parent / "photos/cats/cat-1.jpg").rename(index.parent / "others/cat.jpg")
    done = run("serve", "others", "--index", "index.csv", "--port", "0")
    assert done.returncode == 1
    assert "name another file with --index" in done.stderr
    assert "index --dataset others --index index.csv --rebuild" in done.stderr


def test_an_evaluation_that_cannot_be_shown_is_told_at_once(index: Path) -> None:
    (index.parent / "bad.json").write_text("{")
    with served(index.parent, "--evaluation", "bad.json") as server:
        assert server.get("/").status == 200
        assert server.get("/api/info").json()["limits"]["upload"] == 32_000_000
        warnings = [line for line in server.told if "bad: this evaluation is not shown" in line]
    assert len(warnings) == 1
