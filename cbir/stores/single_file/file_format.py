"""The interface of a format of files that an index can be in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from types import EllipsisType
from typing import ClassVar

from cbir.core.messages import Call, Message
from cbir.descriptors.base import Row
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Rows
from cbir.stores.single_file.hashed_file import HashedFile

FACT_COLUMNS = ("bytes", "mtime", "width", "height", "sha256")
"""The columns of what is known of an image file besides its path, in every format."""


class FileFormat(ABC):
    """How rows and matrices stand in a file.

    Attributes
    ----------
    name : str
        What the file is called in messages, as in ``the CSV``.
    """

    name: ClassVar[str]

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
        matrices: Mapping[str, Row],
    ) -> None:
        """Write rows and matrices, some rows at a time.

        Parameters
        ----------
        file : HashedFile
        rows : Rows
        entries : sequence of DescriptorEntry
            The descriptors, in the order of their columns.
        matrices : mapping of str to ndarray
            Their rows, by alias.
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


def rebuilding(index: str, dataset: str | EllipsisType = ...) -> Message:
    """Return the remedy for an index that cannot be used; most tell nothing of their dataset."""
    return Message("build it again: ", Call("index", dataset=dataset, index=index, rebuild=True))
