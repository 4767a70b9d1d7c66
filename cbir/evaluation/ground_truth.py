"""The ground truth as it is given: by folders, names, or a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from cbir.core.arguments import check_type, path_of, text_of, tuple_of
from cbir.core.errors import CbirError, UsageError, reason_of
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.evaluation import oxford, revisited
from cbir.evaluation.boxed_truth import BoxedTruth
from cbir.evaluation.label_table import MISSING, read_labels
from cbir.evaluation.qrels import looks_like_qrels, read_qrels
from cbir.evaluation.relevance import Classes, GroundTruth, Labeler, about_truth
from cbir.search.engine import Index
from cbir.tables.image_keys import match_keys
from cbir.tables.source import Source, open_source
from cbir.tables.text_file import text_encoding

_GIVEN = "folders, groups:REGEX, numbers:N, oxford:DIR, revisited:FILE or a file"

KEY = "file"
"""The column of a table that names the images, unless told otherwise."""


def read_ground_truth(
    spec: str,
    paths: Sequence[str],
    *,
    key: str | None = None,
    label: str | None = None,
    table: str | None = None,
    listener: ProgressListener | None = None,
) -> GroundTruth:
    r"""Read what is right.

    Parameters
    ----------
    spec : str
        ``folders``: the folder of an image is its class, those below it are other classes.
        ``groups:REGEX``: the first group of a regular expression, searched in the file name, is
        the class; ``groups:^(\d{4})`` for INRIA Holidays. ``numbers:N``: the last number in the
        file name, divided by N, is the class; ``numbers:4`` for UKBench. ``oxford:DIR``: the files
        of Oxford 5k and Paris 6k; ``revisited:FILE``: those of revisited Oxford and Paris, as JSON;
        both name the queries, too. Else a table with a row an image, in what
        :func:`cbir.tables.reading.read_table` reads, or a file of relevance judgments in the format
        of TREC.
    paths : sequence of str
        Of the index, sorted, relative to the dataset.
    key : str, optional
        The column of the table that names the images by their path or name, with or without the
        ending; ``file`` unless told otherwise.
    label : str, optional
        The column of the table that has their classes. An empty label, or ``NA``, is none.
    table : str, optional
        The table of a database.
    listener : ProgressListener, optional
        Told of images without a class, and of documents that are not in the index.

    Raises
    ------
    UsageError
        When the regular expression makes no sense, or a column is not there.
    CbirError
        When the file cannot be read, or does not say clearly which image is meant, or gives no
        image a class.

    Examples
    --------
    >>> truth = read_ground_truth("folders", ["cats/1.jpg", "cats/2.jpg", "dogs/1.jpg"])
    >>> truth.topics(["dogs/9.jpg"]), truth.grades("dogs")
    (['dogs'], array([0, 0, 1], dtype=int8))
    """
    listener = ProgressListener.of(listener)
    spec, paths = path_of(spec, "a truth"), tuple_of(paths, "a path of the index")
    for column in (key, label, table):
        if column is not None:
            text_of(column, "a table" if column is table else "a column")
    labeler = _by_path(spec)
    if labeler is _folders and not any("/" in path for path in paths):
        raise CbirError(
            Parameter("truth"),
            " folders: the images lie in no folders below the dataset; sort them into one for each"
            " class, or say what is right in another way, as in ",
            Parameter("truth"),
            " 'groups:^([a-z]+)'",
        )
    boxed = _boxed(spec)
    if labeler is not None or boxed is not None:
        if any(one is not None for one in (key, label, table)):
            raise UsageError(
                about_truth(spec, ""),
                Parameter("key"),
                ", ",
                Parameter("label"),
                " and ",
                Parameter("table"),
                " are about a table, and this is none; leave them out",
            )
        if boxed is not None:
            return boxed(spec, paths, listener)
        assert labeler is not None
        return Classes(spec, paths, labeler, {}, listener)
    source = _opened(spec)
    if source.kind == "text" and key is None and label is None:
        text = source.data.decode(text_encoding(source)[0])
        if looks_like_qrels(text):
            return read_qrels(spec, text, paths, listener)
    labels = read_labels(source, key or KEY, label, table, listener)
    name = source.name
    return Classes(
        f"{name}:{label}", paths, lambda names: match_keys(labels, names, name), labels, listener
    )


def column_truth(
    index: Index, column: str, listener: ProgressListener | None = None
) -> GroundTruth:
    """Take the classes of images from a column of metadata of their index.

    Parameters
    ----------
    index : Index
    column : str
        An empty label, or ``NA``, is none.
    listener : ProgressListener, optional
        Told of images without a class.

    Raises
    ------
    UsageError
        When there is no such column.
    CbirError
        When no image has a class.
    """
    check_type(index, Index, "an index")
    paths, labels = index.paths, index.labels(column)
    label_of = {
        path: label for path, label in zip(paths, labels, strict=True) if label not in MISSING
    }
    spec = f"{index.path}:{column}"
    return Classes(
        spec, paths, lambda names: list(map(label_of.get, names)), {}, ProgressListener.of(listener)
    )


def _by_path(spec: str) -> Labeler | None:
    """Return what labels paths as `spec` says; None if it names a file."""
    if spec == "folders":
        return _folders
    if spec.startswith("groups:"):
        return _groups(spec)
    if spec.startswith("numbers:"):
        return _numbers(spec)
    return None


def _boxed(spec: str) -> Callable[[str, Sequence[str], ProgressListener], BoxedTruth] | None:
    """Return what reads a truth that names its own queries; None if it is another one."""
    if spec.startswith(oxford.PREFIX):
        return oxford.read_oxford
    if spec.startswith(revisited.PREFIX):
        return revisited.read_revisited
    return None


def truth_file(spec: str) -> str:
    """Return the file or folder that a truth names, for whoever is not to overwrite it.

    Examples
    --------
    >>> truth_file("revisited:gnd.json"), truth_file("labels.csv")
    ('gnd.json', 'labels.csv')
    """
    return spec.removeprefix(oxford.PREFIX).removeprefix(revisited.PREFIX)


def _folders(paths: Sequence[str]) -> list[str | None]:
    """Return the folders; what lies beside them in the dataset itself has no class."""
    return [path.rpartition("/")[0] or None for path in paths]


def _groups(spec: str) -> Labeler:
    pattern = spec.removeprefix("groups:")
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise UsageError(about_truth(spec, f"no regular expression: {error}")) from None
    if not regex.groups:
        reason = (
            "it has no group; put what images of a class share in parentheses, as in"
            r" groups:^(\d{4})"
        )
        raise UsageError(about_truth(spec, reason))

    def label(path: str) -> str | None:
        match = regex.search(path.rpartition("/")[2])
        return match.group(1) if match else None

    return lambda paths: [label(path) for path in paths]


def _numbers(spec: str) -> Labeler:
    size = spec.removeprefix("numbers:")
    if not re.fullmatch("[1-9][0-9]{0,8}", size):
        reason = "how many images are a class? Give a number, as in numbers:4"
        raise UsageError(about_truth(spec, reason))

    def label(path: str) -> str | None:
        numbers = re.findall("[0-9]+", os.path.splitext(path.rpartition("/")[2])[0])
        return str(int(numbers[-1]) // int(size)) if numbers else None

    return lambda paths: [label(path) for path in paths]


def _opened(path: str) -> Source:
    try:
        return open_source(path)
    except OSError as error:
        hint = "" if os.path.exists(path) else f"; give {_GIVEN}"
        raise CbirError(about_truth(path, f"{reason_of(error)}{hint}")) from None
