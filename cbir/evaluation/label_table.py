"""Classes of images in a CSV file."""

from __future__ import annotations

import io
import warnings

from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.messages import Parameter
from cbir.core.text import as_path

MISSING = frozenset(["", "NA"])
"""Labels that mean that there is none, as spreadsheets and R write it."""


def read_labels(path: str, text: str, key: str, label: str | None) -> dict[str, str]:
    r"""Read the labels of a CSV by key.

    Parameters
    ----------
    path : str
        The file, for messages.
    text : str
        What is in it: a header and a row an image, separated by commas.
    key, label : str
        The columns that name the images, and that have their classes.

    Returns
    -------
    dict of str to str
        Rows without a label are left out.

    Raises
    ------
    UsageError
        When there is no such column, or `label` is None.
    CbirError
        When it is no CSV, or gives an image two classes.

    Examples
    --------
    >>> read_labels("x.csv", "file,kind\na.jpg,cat\nb.jpg,\n", "file", "kind")
    {'a.jpg': 'cat'}
    """
    import pandas

    try:
        with warnings.catch_warnings():
            # Of more fields than the header has: they would shift, or be lost.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame = pandas.read_csv(
                io.StringIO(text), dtype=str, keep_default_na=False, index_col=False
            )
    except (ValueError, pandas.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())
        raise CbirError(
            f"{printable(path)}: no CSV: {reason}; it needs a header and a row an image"
        ) from None
    columns = ", ".join(map(str, frame.columns))
    if label is None:
        raise UsageError(
            f"{printable(path)}: which column has the classes? Give it with ",
            Parameter("label"),
            f"; there are: {printable(columns)}",
        )
    for name, column in (("key", key), ("label", label)):
        if column not in frame.columns:
            raise UsageError(
                Parameter(name),
                f" {printable(column)}: {printable(path)} has no such column; it has:"
                f" {printable(columns)}",
            )
    labels: dict[str, str] = {}
    for name, value in zip(frame[key].tolist(), frame[label].tolist(), strict=True):
        image = as_path(name.removeprefix("./"))
        if value not in MISSING and labels.setdefault(image, value) != value:
            raise CbirError(
                f"{printable(path)}: {printable(name)} is {printable(labels[image])} in one row and"
                f" {printable(value)} in another; an image has one class"
            )
    return labels
