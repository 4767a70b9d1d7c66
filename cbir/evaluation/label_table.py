"""Classes of images in a table."""

from __future__ import annotations

from collections.abc import Sequence

from cbir.core.errors import CbirError, UsageError, excerpt, printable
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.tables.image_keys import image_key
from cbir.tables.model import Wanted
from cbir.tables.reading import read_table
from cbir.tables.source import Source

MISSING = frozenset(["", "NA"])
"""Labels that mean that there is none, as spreadsheets and R write it."""


def read_labels(
    source: Source, key: str, label: str | None, table: str | None, listener: ProgressListener
) -> dict[str, str]:
    r"""Read the labels of a table by key.

    Parameters
    ----------
    source : Source
        Has a row an image.
    key, label : str
        The columns that name the images, and that have their classes.
    table : str, optional
        Of a database.
    listener : ProgressListener
        Told how a file was read where that was found out.

    Returns
    -------
    dict of str to str
        Rows without a label are left out.

    Raises
    ------
    UsageError
        When there is no such column, or `label` is None.
    CbirError
        When it is no table, or gives an image two classes.

    Examples
    --------
    >>> source = Source("x.csv", "text", "x.csv", b"file,kind\na.jpg,cat\nb.jpg,\n")
    >>> read_labels(source, "file", "kind", None, ProgressListener())
    {'a.jpg': 'cat'}
    """

    def choose(header: Sequence[str]) -> Wanted:
        columns = excerpt(", ".join(header), 1000)
        if label is None:
            raise UsageError(
                f"{printable(source.name)}: which column has the classes? Give it with ",
                Parameter("label"),
                f"; there are: {columns}",
            )
        for name, column in (("key", key), ("label", label)):
            if column not in header:
                raise UsageError(
                    Parameter(name),
                    f" {excerpt(column)}: {printable(source.name)} has no such column; it has:"
                    f" {columns}",
                )
        return Wanted([key, label])

    read = read_table(source, choose, table)
    if read.note:
        listener.note(f"{printable(source.name)}: read as {read.note}")
    labels: dict[str, str] = {}
    for name, value in zip(read.columns[key], read.columns[label or ""], strict=True):
        image = image_key(name)
        if value not in MISSING and labels.setdefault(image, value) != value:
            raise CbirError(
                f"{printable(source.name)}: {excerpt(name)} is {excerpt(labels[image])} in one"
                f" row and {excerpt(value)} in another; an image has one class"
            )
    return labels
