"""Find and move the duplicates of a folder as people have them, and look whether all is there.

Example::

    python benchmarks/messy.py fashion --files 10000

Makes a folder of images with exact copies, recompressed copies, unreadable files, odd names, hard
links and symbolic links among them. ``cbir duplicates --action move`` clears it out, and
``--undo`` takes that back. After the first, every file's bytes must be there as often as before,
and no file may have been acted on twice; after the second, everything must be as it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from common import report

from cbir.images.discovery import find_images

_ODD = [
    "ä ö",
    "new\nline",
    "-rf",
    "quo'te\"",
    "\udcff\udcfe",
    "🐈",
    "a" * 200,
    " lead",
    "100%",
    "$HOME",
]
_LINKS = 100
"""Hard links, and as many symbolic links."""

Tree = dict[str, tuple[str, str]]
"""By path: whether file or link, and the digest of the content or the link's target."""


def main() -> None:
    """Make the folder, run the commands, check, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--unreadable", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        root, moved, log = Path(work, "photos"), Path(work, "moved"), Path(work, "moves.log")
        expected = make(options.folder, root, options.files, options.unreadable)
        before = tree_of(root)
        start = time.perf_counter()
        action = ["--action", "move", "--move-to", str(moved), "--yes", "--log", str(log)]
        done = _run("--dataset", str(root), *action, "--format", "json")
        elapsed = time.perf_counter() - start
        after = tree_of(root) | tree_of(moved)
        groups = json.loads(done.stdout)
        listed = [one["path"] for group in groups for one in group["duplicates"]]
        steps = [json.loads(line) for line in log.read_text().splitlines()]
        acted = [step["path"] for step in steps if "path" in step]
        checks = {
            "files": len(before),
            "unreadable, told": done.stderr.count(b"Cannot read"),
            "groups": len(groups),
            "copies listed": len(listed),
            "of those that were made": len(expected),
            "contents as before": _contents(before) == _contents(after),
            "links to moved copies": _dangling(tree_of(root)),
            "acted on twice": len(acted) - len(set(acted)),
            "moved": len(tree_of(moved)),
            "seconds": round(elapsed, 1),
        }
        _run("--undo", str(log), "--yes")
        checks["as before after --undo"] = tree_of(root) == before
    report("messy", ["what", "outcome"], [[name, value] for name, value in checks.items()])


def make(source: Path, root: Path, count: int, unreadable: int) -> list[Path]:
    """Make the folder; return the copies in it."""
    rng = np.random.default_rng(0)
    paths = [str(source / one.path) for one in find_images(str(source))]
    originals = count - unreadable - 2 * _LINKS
    unique = min(len(paths), originals * 3 // 4)
    copies, made = [], []
    for number in range(originals):
        odd = _ODD[number % len(_ODD)] if number % 50 < len(_ODD) else "image"
        target = root / f"folder {number % 40}" / f"{odd}-{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        data = Path(paths[number % unique]).read_bytes()
        if number >= unique:
            copies.append(target)
            if number % 2:
                pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
                assert pixels is not None
                data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes()
        target.write_bytes(data)
        made.append(target)
    for number in range(unreadable):
        data = Path(paths[number]).read_bytes()
        broken = [b"", data[: len(data) // 2], rng.bytes(5000), b"no image"][number % 4]
        (root / f"folder {number % 40}" / f"broken-{number}.jpg").write_bytes(broken)
    for number, place in enumerate(rng.choice(len(made), 2 * _LINKS, replace=False)):
        link = root / "links" / f"link-{number}.jpg"
        link.parent.mkdir(exist_ok=True)
        if number % 2:
            os.link(made[place], link)
        else:
            link.symlink_to(made[place])
    return copies


def tree_of(root: Path) -> Tree:
    """Return what is below a folder."""
    tree: Tree = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                tree[path] = ("link", os.readlink(path))
            else:
                tree[path] = ("file", hashlib.sha256(Path(path).read_bytes()).hexdigest())
    return tree


def _contents(tree: Tree) -> Counter[str]:
    return Counter(content for kind, content in tree.values() if kind == "file")


def _dangling(tree: Tree) -> int:
    return sum(kind == "link" and not os.path.exists(target) for kind, target in tree.values())


def _run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command: Sequence[str] = [sys.executable, "-m", "cbir", "duplicates", *arguments]
    return subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
