"""A token is read from a file that only its owner can read, and from nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbir.core.errors import CbirError
from cbir.web.security.token_file import read_token

TOKEN = b"correct-horse-battery"


def written(folder: Path, data: bytes, mode: int = 0o600) -> str:
    path = folder / "token"
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_token(tmp_path: Path, end: bytes, mode: int) -> None:
    assert read_token(written(tmp_path, TOKEN + end, mode)) == TOKEN


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o666, 0o777])
def test_one_that_others_can_read(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, TOKEN, mode)
    with pytest.raises(CbirError, match=f"others have access .*{mode:04o}.* chmod 600 {path}"):
        read_token(path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"fifteen-letters", "at least 16 characters"),
        (b"two words of a token", "one line"),
        (TOKEN + b"\n" + TOKEN, "one line"),
        (TOKEN + b"\n\n", "one line"),
        (b" " + TOKEN, "one line"),
        (TOKEN + b"\0", "one line"),
        ("schl\u00fcssel-zum-gl\u00fcck".encode(), "one line"),
        (b"x" * 5000, "more than 4,096 bytes"),
    ],
)
def test_what_is_not_a_token(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(CbirError, match=rf"token: .*{reason}.*; make one: python3 -c"):
        read_token(written(tmp_path, data))


def test_a_link(tmp_path: Path) -> None:
    written(tmp_path, TOKEN)
    (tmp_path / "link").symlink_to("token")
    with pytest.raises(CbirError, match="not read from a link"):
        read_token(str(tmp_path / "link"))


def test_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, reason in [("pipe", "a pipe"), (".", "directory"), ("none", "no such file")]:
        with pytest.raises(CbirError, match=f"the token cannot be read: .*{reason}"):
            read_token(str(tmp_path / name))
    with pytest.raises(CbirError, match="cannot be read"):
        read_token("a\0b")
