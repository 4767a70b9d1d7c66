"""How ``search --query -`` fares with many queries: memory, and when results come.

Example::

    python benchmarks/search_batch.py corel1k --rows 100000

The index of the folder is searched as it is, and again with its real rows repeated under other
names. Queries are its images, again and again, through a pipe. Each search is a process of its own;
its peak is the most memory that was resident, also without the bytes of the columns that are
compared. The first result is the first line of its output; every line has to be about the query
whose turn it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from common import report
from search_latency import repeat

import cbir
from cbir.stores import open_store

_CODE = """
import sys
try:
    import cbir.cli
    cbir.cli.main()
finally:
    print(open('/proc/self/status').read(), file=sys.stderr)
"""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--rows", type=int, action="append", help="repeatable; default 100000")
    parser.add_argument(
        "--queries", type=int, action="append", help="repeatable; default 100, 1000, 10000"
    )
    parser.add_argument("--descriptor", default="hsv")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        small = str(Path(folder) / "small.csv")
        cbir.index(str(options.dataset), small, [options.descriptor])
        images = [str(options.dataset / path) for path in cbir.open(small).paths]
        indexes = [small]
        for count in options.rows or [100_000]:
            indexes.append(str(Path(folder) / f"large-{count}.csv"))
            repeat(open_store(small).snapshot(), indexes[-1], count)
        for index in indexes:
            _measured(index, images[:10])  # caches are made, loops are compiled
            for queries in options.queries or [100, 1000, 10_000]:
                rows.append(_measured(index, list(islice(cycle(images), queries))))
                print(rows[-1], flush=True)
    columns = ("rows", "descriptor", "queries", "first result s", "all s", "ms a query", "peak MB")
    report(f"search-batch-{options.dataset.name}", (*columns, "without columns"), rows)


def _measured(index: str, queries: list[str]) -> list[object]:
    """Search for all queries in one process; return what it took."""
    opened = cbir.open(index)
    command = [sys.executable, "-c", _CODE, "search", "-i", index, "--query", "-", "--from0"]
    command += ["--format", "jsonl", "--no-montage", "--quiet"]
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin as pipe:
            pipe.write("".join(f"{query}\0" for query in queries))
        first = 0.0
        for count, line in enumerate(process.stdout):
            first = first or time.perf_counter() - start
            if json.loads(line)["query"] != queries[count]:
                raise SystemExit(f"{line}: {queries[count]} is expected")
        taken = time.perf_counter() - start
        errors.seek(0)
        told = errors.read()
    if process.wait() or count + 1 != len(queries):
        raise SystemExit(told)
    peak = int(told.partition("VmHWM:")[2].split()[0]) / 1000
    return [
        len(opened),
        opened.descriptors[0],
        len(queries),
        round(first, 3),
        round(taken, 2),
        round(1000 * taken / len(queries), 2),
        round(peak),
        round(peak - opened.vectors().nbytes / 1e6),
    ]


if __name__ == "__main__":
    main()
