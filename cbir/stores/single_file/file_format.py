"""The interface of a format of files that an index can be in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from types import EllipsisType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, printable
from cbir.core.messages import Call, Message
from cbir.core.spliced_rows import Matrix
from cbir.descriptors.base import Row
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Rows
from cbir.stores.single_file.hashed_file import HashedFile
from cbir.stores.single_file.kept_rows import KeptRows

FACTS = (
    ("path", "string", "image, relative to the dataset"),
    ("path_base64", "base64Binary", "the bytes of a path that is not UTF-8; else absent"),
    ("bytes", "nonNegativeInteger", "size of the file"),
    ("mtime", "long", "time of the last change, in milliseconds since 1970"),
    ("width", "positiveInteger", "pixels, of the upright image"),
    ("height", "positiveInteger", "pixels, of the upright image"),
    ("sha256", "hexBinary", "of the file"),
)
"""The columns of what is known of an image file, in every format: names, types, meanings."""

FACT_COLUMNS = ("bytes", "mtime", "width", "height", "sha256")
"""Those of them that are not about its path."""

PARQUET_MAGIC = b"PAR1"
"""What a Parquet file begins and ends with."""

DATATYPES = {"u1": "unsignedByte", "u2": "unsignedShort", "f4": "float", "f8": "double"}
"""Of numbers, by their type; others are decimal."""


class FileFormat(ABC):
    """How rows and matrices stand in a file.

    Attributes
    ----------
    name : str
        What the file is called in messages, as in ``the CSV``.
    """

    name: ClassVar[str]

    @abstractmethod
    def check_available(self, path: str) -> None:
        """Make sure that an index can be read and written, before there is any work.

        Raises
        ------
        CbirError
            When an optional package is missing.
        """

    @abstractmethod
    def check_header(self, path: str) -> Collection[str]:
        """Return the names of a file's columns, without reading its rows.

        Raises
        ------
        BrokenIndexError
            When the file is no index of this format; the message says what it is instead.
        """

    @abstractmethod
    def datatypes(self, entry: DescriptorEntry) -> Mapping[str, str]:
        """Return the columns that a descriptor fills, with their types in CSV on the Web."""

    @abstractmethod
    def write(
        self,
        file: HashedFile,
        rows: Rows,
        entries: Sequence[DescriptorEntry],
        matrices: Mapping[str, Matrix],
        kept: KeptRows | None = None,
    ) -> NDArray[np.int64]:
        """Write rows and matrices, some rows at a time.

        Parameters
        ----------
        file : HashedFile
        rows : Rows
        entries : sequence of DescriptorEntry
            The descriptors, in the order of their columns.
        matrices : mapping of str to ndarray or SplicedRows
            Their rows, by alias.
        kept : KeptRows, optional
            What of the file so far is the same, and may be copied.

        Returns
        -------
        ndarray of int64
            Where the rows are in the file, for the next one: see :class:`WrittenFile`.
        """

    @abstractmethod
    def read(self, path: str, entries: Sequence[DescriptorEntry]) -> tuple[Rows, dict[str, Row]]:
        """Read a file, however it was edited.

        Parameters
        ----------
        path : str
        entries : sequence of DescriptorEntry
            The descriptors that it holds.

        Returns
        -------
        Rows, dict of str to ndarray
            The rows, sorted by path, and the matrices by alias.

        Raises
        ------
        BrokenIndexError
            When anything in it is not as it should be; the message says where.
        """


def check_names(
    path: str,
    file_format: FileFormat,
    entries: Sequence[DescriptorEntry],
    metadata: Collection[str],
) -> None:
    """Refuse an index of which two columns would have one name; each format names its own.

    Parameters
    ----------
    path : str
        Of the index, for messages.
    file_format : FileFormat
    entries : sequence of DescriptorEntry
    metadata : collection of str
        The names of its columns of metadata.

    Raises
    ------
    CbirError
        When a name is there twice.
    """
    names = [name for entry in entries for name in file_format.datatypes(entry)]
    taken = {name for name, _, _ in FACTS}
    for name in (*names, *metadata):
        if name in taken:
            raise CbirError(
                f"{printable(path)}: in a {file_format.name} two columns would be called"
                f" {printable(name)!r}; rename one of metadata, or choose another alias"
            )
        taken.add(name)


def rebuilding(index: str, dataset: str | EllipsisType = ...) -> Message:
    """Return the remedy for an index that cannot be used; most tell nothing of their dataset."""
    return Message("build it again: ", Call("index", dataset=dataset, index=index, rebuild=True))
