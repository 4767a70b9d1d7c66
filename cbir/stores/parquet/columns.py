"""Which columns of a Parquet file the rows of a descriptor fill."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cbir.stores.descriptor_entry import DescriptorEntry


class Cells(Enum):
    """What the cells of a column hold."""

    LIST = "list"
    """All numbers of a vector."""
    NUMBER = "number"
    BITS = "bits"
    """The bytes of a hash."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the rows of a descriptor.

    Attributes
    ----------
    name : str
    cells : Cells
    start, stop : int
        Which numbers of a row it has.
    """

    name: str
    cells: Cells
    start: int
    stop: int

    @property
    def width(self) -> int:
        """How many numbers a cell has."""
        return self.stop - self.start


def columns_of(entry: DescriptorEntry) -> list[Column]:
    """Return the columns of a descriptor.

    A vector is one column, of lists of one length. A hash is one, too: its bits are one value.
    How much they mean has a column of its own, as in the CSV.
    """
    kind = entry.row_kind
    if kind.counted:
        return [Column(entry.columns[0], Cells.NUMBER, 0, 1)]
    width = kind.width(entry.dimension)
    columns = [Column(entry.alias, Cells.BITS if kind.packed else Cells.LIST, 0, width)]
    if entry.has_quality:
        columns.append(Column(entry.columns[-1], Cells.NUMBER, width, width + 1))
    return columns
