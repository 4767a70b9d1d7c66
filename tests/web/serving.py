"""A real server, as ``cbir serve`` starts it, and requests to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from tests.conftest import can_be_interrupted

_URL = re.compile(r" at (http://\S+/) ")


@dataclass
class Served:
    """A server that runs, and a client of it.

    Attributes
    ----------
    url : str
        Of the first page, with the slash at its end.
    process : subprocess.Popen
    told : list of str
        Lines on standard error until it served.
    """

    url: str
    process: subprocess.Popen[str]
    told: list[str] = field(default_factory=list)
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def get(self, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Ask for something below the first page."""
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Send a request, and do not follow where its answer leads."""
        return self.http.request(
            method, self.url + path.removeprefix("/"), redirect=False, timeout=60, **options
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ask the server to end; return its exit code, and what else it told on standard error."""
        self.process.send_signal(number)
        assert self.process.stderr is not None
        told = self.process.stderr.read()
        return self.process.wait(60), told


@contextmanager
def served(folder: Path, *arguments: str | Path, **options: Any) -> Iterator[Served]:
    """Run ``cbir serve`` in a folder, at a port that is free, until the end of the block."""
    command = [sys.executable, "-m", "cbir", "serve", "--port", "0", *map(os.fspath, arguments)]
    process = subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, preexec_fn=can_be_interrupted,
        **options,
    )  # fmt: skip
    assert process.stderr is not None
    told = ""
    try:
        for line in process.stderr:
            told += line
            found = _URL.search(line)
            if found:
                yield Served(found[1], process, told.splitlines())
                break
        else:
            raise AssertionError(f"the server did not start: {told}")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
