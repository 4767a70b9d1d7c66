"""Paths written so that no program takes them for something else.

A name may look like a missing value, a number, a formula or an option. With ``./`` before it, it
means the same file, and looks like a path.
"""

from __future__ import annotations

import re

# What pandas, R and spreadsheets take for a missing value, a truth value or a number.
_MISREAD = re.compile(
    r"#?n/?a|#n/a n/a|<na>|-?nan|-?1\.#(ind|qnan)|null|none|nil|true|false|t|f|"
    r"[+-]?(inf(inity)?|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)",
    re.IGNORECASE,
)

# Spreadsheets compute what begins like this, some also behind white space or at full width.
_FORMULA = re.compile(r"[\s\0-\x1f]*[=@+\-\uff1d\uff20\uff0b\uff0d]")

# For many programs an option, for some also an instruction (vi +1) or a file of arguments (gcc @x).
_OPTION = re.compile(r"[-+@=]")


def is_formula(cell: str) -> bool:
    """Say whether spreadsheets compute a cell instead of showing it.

    Examples
    --------
    >>> is_formula("=1+1.jpg"), is_formula("-1")
    (True, False)
    """
    return bool(_FORMULA.match(cell)) and not _MISREAD.fullmatch(cell.strip())


def path_for_csv(path: str) -> str:
    """Return a relative or absolute path as a cell of a CSV file.

    Examples
    --------
    >>> path_for_csv("=1+1.jpg"), path_for_csv("NA"), path_for_csv("a=b.jpg")
    ('./=1+1.jpg', './NA', 'a=b.jpg')
    """
    special = is_formula(path) or _MISREAD.fullmatch(path.strip())
    return f"./{path}" if special else path


def path_for_arguments(path: str) -> str:
    """Return a path for a list of paths that becomes the arguments of a command.

    Examples
    --------
    >>> path_for_arguments("-rf"), path_for_arguments("a-b.jpg")
    ('./-rf', 'a-b.jpg')
    """
    return f"./{path}" if _OPTION.match(path) else path
