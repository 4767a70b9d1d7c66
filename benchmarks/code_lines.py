"""Lines of code of cbir/, package by package, now and in an earlier commit.

Example::

    python benchmarks/code_lines.py 6c02fde --without lbp.py --without haralick.py

A line counts when it has a token of code: docstrings, comments and blank lines do not. Docstrings
are what :mod:`ast` takes for them, and any other text that stands alone as a statement, such as the
description below a constant.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tokenize
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from common import report

ROOT = Path(__file__).parent.parent
PACKAGE = "cbir"
TOP = "(top)"

NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def main() -> None:
    """Count, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", help="the commit to compare with")
    parser.add_argument(
        "--without", action="append", default=[], metavar="FILE",
        help="leave out a file, by its path or the end of it; repeatable",
    )  # fmt: skip
    options = parser.parse_args()
    now = lines_by_package(_working_tree(), options.without)
    before = lines_by_package(_revision(options.revision), options.without)
    rows = [
        (package, before[package], now[package], now[package] - before[package])
        for package in sorted(now | before)
    ]
    rows.append(("all", before.total(), now.total(), now.total() - before.total()))
    report("code-lines", ["package", options.revision, "now", "more"], rows)


def lines_by_package(sources: Iterator[tuple[str, str]], without: Collection[str]) -> Counter[str]:
    """Count the lines of code of files, given by path and text, by the package they are in."""
    lines: Counter[str] = Counter()
    for name, text in sources:
        path = PurePosixPath(name)
        if not any(path.match(pattern) for pattern in without):
            lines[path.parts[1] if len(path.parts) > 2 else TOP] += code_lines(text)
    return lines


def code_lines(text: str) -> int:
    """Count the lines of a module's text that hold code.

    Examples
    --------
    >>> code_lines('\"\"\"A module.\"\"\"\\n\\nx = (  # two\\n    2\\n)\\n')
    3
    """
    texts = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - texts)


def _working_tree() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def _revision(revision: str) -> Iterator[tuple[str, str]]:
    names = _git("ls-tree", "-r", "-z", "--name-only", revision, "--", PACKAGE)
    for name in names.split("\0"):
        if name.endswith(".py"):
            yield name, _git("show", f"{revision}:{name}")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
