"""How fast ``cbir serve`` answers, on loopback, with the client on the same cores.

Example::

    python benchmarks/web.py corel1k --photos holidays

The images are repeated under other names, as hard links, until there are as many as asked for. Each
image of the index is searched for at most once, so no answer comes from the cache. The client is
this process: it keeps its connections open, and does little beside.

- *by path*: images of the index, each another one
- *upload*: image files, against the same files searched for by the library in this process
- *gallery*: a page of the images, as HTML and as JSON, at places far apart
- *during an update*: images of the index, while a tenth of as many new ones is added
- *start*: from the start of the command to the first page
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
from common import keep, print_table, seconds

import cbir
from cbir.images.encoded_image import EncodedImage
from cbir.stores import open_store
from cbir.stores.model import Rows
from cbir.stores.paths import PathList

_COLUMNS = (
    "what",
    "images",
    "requests",
    "per s",
    "p50 ms",
    "p99 ms",
    "most ms",
    "CPU ms",
    "failed",
    "goal",
)
_BOUNDARY = "cbir-benchmark"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--photos", type=Path, help="large images to upload, too")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--gallery-rows", type=int, default=100_000)
    parser.add_argument("--descriptor", default="hsv")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--uploads", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = _measured(Path(folder), options)
    print_table(_COLUMNS, [list(asdict(row).values()) for row in rows])
    document = [dict(zip(_COLUMNS, asdict(row).values(), strict=True)) for row in rows]
    keep("web", {"connections": options.connections, "rows": document})


def _measured(folder: Path, options: argparse.Namespace) -> list[Row]:
    repeated, index = folder / "repeated", folder / "index.csv"
    _repeat_files(options.dataset, repeated, options.rows)
    cbir.index(str(repeated), str(index), [options.descriptor])
    large = folder / "large.csv"
    _repeat_rows(index, large, options.gallery_rows)
    starts = [_start_seconds(index) for _ in range(5)]
    rows = [_start_row(options.rows, starts)]
    with _served(index, "--allow-changes") as server:
        rows += _searches(server, index, options)
        for source in filter(None, (options.dataset, options.photos)):
            rows += _uploads(server, index, source, options)
        rows.append(_update(server, index, repeated, options))
    with _served(large) as server:
        rows += _gallery(server, options)
    return rows


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    process: subprocess.Popen[str]

    def get(self, target: str) -> bytes:
        """Return a request for a page."""
        return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()

    def post(self, target: str, body: bytes, kind: str, more: str = "") -> bytes:
        """Return a request with a body."""
        head = (
            f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{more}"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def cpu_seconds(self) -> float:
        """Return how long the server has kept a core busy."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def json(self, request: bytes) -> dict[str, object]:
        """Return what one request is answered."""
        ((_, status, body),) = asyncio.run(_all_answers(self, [request], 1))
        assert 200 <= status < 300, body
        return json.loads(body)


@contextlib.contextmanager
def _served(index: Path, *more: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "cbir", "serve", "-i", str(index), "--port", "0", *more]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        told = process.stderr.readline()
        yield Server(int(told.rpartition(" at http://127.0.0.1:")[2].partition("/")[0]), process)
    finally:
        process.terminate()
        process.communicate()


Answer = tuple[float, int, bytes]
"""Seconds, status and body."""


async def _all_answers(server: Server, requests: Sequence[bytes], connections: int) -> list[Answer]:
    """Send requests over some connections, each as soon as one is free."""
    left, answers = iter(requests), []

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 20)
        for request in left:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            answers.append((time.perf_counter() - began, int(head[9:12]), body))
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    return answers


@dataclass(frozen=True)
class Row:
    """A row of the table; its numbers in the order of the columns."""

    what: str
    images: int
    requests: int
    rate: float
    p50: float
    p99: float
    most: float
    cpu: float
    failed: int
    goal: str


def _asked(
    server: Server, what: str, images: int, requests: Sequence[bytes], connections: int, goal: str
) -> Row:
    """Send requests, and return how they were answered."""
    answers: list[Answer] = []

    def ask() -> None:
        answers.extend(asyncio.run(_all_answers(server, requests, connections)))

    before = server.cpu_seconds()
    rate = len(requests) / seconds(ask)
    cpu = round(1000 * (server.cpu_seconds() - before) / len(requests), 2)
    times = np.array([1000 * took for took, _, _ in answers])
    failed = sum(status != 200 for _, status, _ in answers)
    p50, p99 = (round(float(np.percentile(times, share)), 2) for share in (50, 99))
    most = round(float(times.max()), 2)
    return Row(what, images, len(requests), round(rate, 1), p50, p99, most, cpu, failed, goal)


def _together(rows: Sequence[Row]) -> Row:
    """Return one row for several rounds; of the rounds with the worst times these."""
    return replace(
        rows[0],
        requests=sum(row.requests for row in rows),
        rate=round(statistics.harmonic_mean(row.rate for row in rows), 1),
        p50=round(statistics.fmean(row.p50 for row in rows), 2),
        p99=max(row.p99 for row in rows),
        most=max(row.most for row in rows),
        cpu=round(statistics.fmean(row.cpu for row in rows), 2),
        failed=sum(row.failed for row in rows),
    )


def _searches(server: Server, index: Path, options: argparse.Namespace) -> list[Row]:
    paths = cbir.open(str(index)).paths
    random.Random(1).shuffle(paths)
    requests = [server.get(f"/api/search?path={quote(os.fsencode(path))}") for path in paths]
    warm, asked = requests[: len(requests) // 10], requests[len(requests) // 10 :]
    asyncio.run(_all_answers(server, warm, options.connections))
    goal = "200 per s, p99 50 ms"
    asked = asked[: options.requests]
    one = _asked(server, "by path, 1 connection", len(paths), asked[::4], 1, "")
    asked = [request for place, request in enumerate(asked) if place % 4]
    row = _asked(server, "by path", len(paths), asked, options.connections, goal)
    return [one, row]


def _uploads(server: Server, index: Path, source: Path, options: argparse.Namespace) -> list[Row]:
    opened = cbir.open(str(index))
    files = sorted(file for file in source.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg"))
    files = random.Random(1).sample(files, min(len(files), options.uploads))
    data = [file.read_bytes() for file in files]
    requests = [_upload(server, one) for one in data]
    warm = len(data) // 10
    asyncio.run(_all_answers(server, requests[:warm], options.connections))

    def by_library(some: Sequence[bytes]) -> None:
        list(opened.search_all([EncodedImage("it", one) for one in some], top=20))

    by_library(data[:warm])
    rates, rows = [], []
    step = max(1, (len(data) - warm) // 4)
    # In turns, for the machine may be slower for a while.
    for start in range(warm, len(data) - step + 1, step):
        some = data[start : start + step]
        rates.append(len(some) / seconds(partial(by_library, some)))
        asked = requests[start : start + step]
        what = f"upload, {source.name}"
        rows.append(_asked(server, what, len(opened), asked, options.connections, ""))
    row = _together(rows)
    library = statistics.harmonic_mean(rates)
    ratio = row.rate / library
    goal = f"{ratio:.2f} of the library's {library:.0f} per s, at least 0.7"
    return [replace(row, goal=goal)]


def _upload(server: Server, data: bytes) -> bytes:
    part = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    )
    body = part.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return server.post("/api/search", body, f"multipart/form-data; boundary={_BOUNDARY}")


def _update(server: Server, index: Path, repeated: Path, options: argparse.Namespace) -> Row:
    """Search while a tenth of as many new images is added to the index."""
    token = server.json(server.get("/api/info"))["change_token"]
    paths = cbir.open(str(index)).paths
    for path in paths[::10]:
        other = repeated / "more" / path
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes((repeated / path).read_bytes() + b"\0")
    allowed = f"X-CBIR-Token: {token}\r\n"
    job = server.json(server.post("/api/index", b"", "text/plain", allowed))["id"]
    requests = [server.get(f"/api/search?path={quote(path)}&top=21") for path in paths]
    rows, step = [], 20 * options.connections
    for start in range(0, len(requests), step):
        asked = requests[start : start + step]
        rows.append(
            _asked(server, "during an update", len(paths), asked, options.connections, "failed 0")
        )
        state = server.json(server.get(f"/api/jobs/{job}"))
        if state["state"] not in ("waiting", "running"):
            assert state["state"] == "done", state
            break
    return _together(rows)


def _gallery(server: Server, options: argparse.Namespace) -> list[Row]:
    count, places = options.gallery_rows, random.Random(1)
    starts = [places.randrange(1, count - 60) for _ in range(200)]
    rows = []
    for what, address in (
        ("gallery, HTML", "/?from={}"),
        ("gallery, JSON", "/api/images?offset={}&limit=50"),
    ):
        requests = [server.get(address.format(start)) for start in starts]
        asyncio.run(_all_answers(server, requests[:10], 1))
        rows.append(_asked(server, what, count, requests[10:], 1, "100 ms"))
    return rows


def _start_seconds(index: Path) -> float:
    """Return how long it takes from the start of the command to the end of the first page."""
    began = time.perf_counter()
    with _served(index) as server:
        asyncio.run(_all_answers(server, [server.get("/")], 1))
        return time.perf_counter() - began


def _start_row(images: int, starts: Sequence[float]) -> Row:
    p50, most = (round(1000 * took, 1) for took in (statistics.median(starts), max(starts)))
    rate = round(1 / statistics.fmean(starts), 1)
    return Row("start to first page", images, len(starts), rate, p50, most, most, 0, 0, "1000 ms")


def _repeat_files(dataset: Path, target: Path, count: int) -> None:
    """Make a folder of `count` images: hard links to those of a dataset, again and again."""
    files = [file for file in sorted(dataset.rglob("*")) if file.suffix.lower() == ".jpg"]
    for number in range(count):
        turn, place = divmod(number, len(files))
        link = target / f"{turn:03}" / files[place].relative_to(dataset)
        link.parent.mkdir(parents=True, exist_ok=True)
        os.link(files[place], link)


def _repeat_rows(index: Path, target: Path, count: int) -> None:
    """Write an index of `count` rows that repeats those of another."""
    snapshot = open_store(str(index)).snapshot()
    source = np.arange(count) % len(snapshot.rows)
    paths = PathList.of(f"{row:09}/{snapshot.rows.paths[int(i)]}" for row, i in enumerate(source))
    rows = Rows(paths, snapshot.rows.facts[source])
    matrices = {
        entry.alias: snapshot.matrix(entry.alias)[source] for entry in snapshot.manifest.entries
    }
    with open_store(str(target)).writer() as writer:
        writer.commit(snapshot.manifest, rows, matrices)


if __name__ == "__main__":
    main()
