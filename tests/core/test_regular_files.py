"""Only regular files are read, and pipes only where a list may come through one."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from cbir.core import regular_files
from cbir.core.errors import reason_of
from cbir.core.regular_files import open_regular, read_regular, read_text_source

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_regular_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(str(tmp_path / "link"), limit=7) == b"content"
    assert read_text_source(str(tmp_path / "file"), limit=7) == b"content"
    with open_regular(str(tmp_path / "file")) as file:
        assert file.read(3) == b"con"


def test_pipes_devices_and_folders_are_refused_at_once(tmp_path: Path, pipe: Path) -> None:
    start = time.monotonic()
    for path, reason in ((pipe, "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "director")):
        with pytest.raises(OSError, match=reason):
            read_regular(str(path), limit=100)
    with pytest.raises(OSError, match="a device"):
        read_text_source("/dev/zero", limit=100)
    assert time.monotonic() - start < 5


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger than 1 megabytes") as caught:
        read_regular(str(path), limit=1_000_000)
    assert reason_of(caught.value) == "larger than 1 megabytes"


def test_a_file_that_hides_its_size_is_read_and_bounded() -> None:
    path = "/proc/self/status"
    if not os.path.exists(path):
        pytest.skip("there is no /proc")
    assert b"Name" in read_regular(path, limit=100_000)
    with pytest.raises(OSError, match="larger"):
        read_regular(path, limit=10)


def test_a_list_may_come_through_a_pipe(pipe: Path) -> None:
    text = b"a,b\n" * 100_000
    writer = threading.Thread(target=pipe.write_bytes, args=(text,))
    writer.start()
    assert read_text_source(str(pipe), limit=len(text)) == text
    writer.join(10)


def test_a_pipe_that_nobody_writes_to_is_given_up(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regular_files, "_PATIENCE", 0.2)
    with pytest.raises(OSError, match="nothing came through"):
        read_text_source(str(pipe), limit=100)


def test_a_pipe_that_never_ends_is_given_up(pipe: Path) -> None:
    def write() -> None:
        try:
            with open(pipe, "wb", buffering=0) as file:
                while True:
                    file.write(b"y\n" * 1000)
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(OSError, match="larger"):
        read_text_source(str(pipe), limit=100_000)
    writer.join(10)
    assert not writer.is_alive()
