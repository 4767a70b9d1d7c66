"""How Sphinx builds the documentation's site out of these pages and the docstrings."""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import cbir

project = "cbir"
release = version = cbir.__version__
extensions = [
    "command_help",
    "mathml",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]

# The guides are read as plain Markdown, too: links among them name a file and a heading.
myst_heading_anchors = 3

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True

# A type such as `bytes` is the built-in one, although some class has an attribute of the name.
suppress_warnings = ["ref.python"]

# Everything that a page needs lies beside it: the site works without a network.
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"cbir {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False


def setup(app: Any) -> None:
    """Let signatures name the type of an array's numbers, and no more: docstrings say the rest."""
    app.connect("autodoc-process-signature", _shorten_arrays)
    app.connect("autodoc-process-docstring", _keep_first_clause, priority=400)


def _keep_first_clause(*event: Any) -> None:
    """Put an empty comment first: of an attribute, napoleon takes what stands before a colon in
    the first line for its type."""
    what, lines = event[1], event[-1]
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]


def _shorten_arrays(*event: Any) -> tuple[str | None, ...]:
    return tuple(text and _ARRAY.sub(r"NDArray[\1]", text) for text in event[-2:])


_ARRAY = re.compile(
    r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[((?:[^][]|\[[^][]*\])*)\]\]"
)
