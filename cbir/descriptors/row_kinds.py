"""What the rows of descriptors are, declared as data.

A descriptor names one of these as its `kind`. A store takes from it how rows are written, a search
what compares them; neither knows any descriptor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowKind:
    """What a row holds.

    Attributes
    ----------
    name : str
        As it stands in the metadata of an index. Stores register a codec for it, searches a
        candidate source.
    packed : bool
        The dimensions are bits, eight a byte. They are one value: an index has one column of them.
    counted : bool
        A row only says how many local features an image has. These lie in the index's feature
        store, by the content of the image.
    """

    name: str
    packed: bool = False
    counted: bool = False

    def width(self, dimension: int, has_quality: bool = False) -> int:
        """Return how many numbers of the stored type a row has.

        Examples
        --------
        >>> GLOBAL.width(12), HASH.width(256), HASH.width(256, has_quality=True)
        (12, 32, 33)
        """
        return (dimension // 8 if self.packed else dimension) + has_quality

    def columns(self, alias: str, dimension: int, has_quality: bool = False) -> list[str]:
        """Return the columns of an index that a row fills.

        Examples
        --------
        >>> GLOBAL.columns("small", 2), HASH.columns("phash", 256, has_quality=True)
        (['small_0', 'small_1'], ['phash', 'phash_quality'])
        """
        if self.counted:
            return [f"{alias}_features"]
        columns = [alias] if self.packed else [f"{alias}_{i}" for i in range(dimension)]
        return [*columns, f"{alias}_quality"] if has_quality else columns


GLOBAL = RowKind("global")
"""A vector of numbers for the whole image."""

HASH = RowKind("hash", packed=True)
"""Bits; a byte that says how much they mean may follow."""

FEATURES = RowKind("features", counted=True)
"""Local features, searched by the visual words that they are assigned to."""

BAG = RowKind("local")
"""How often each visual word is there: what earlier versions kept of local features. It is read,
and described again by the next run of indexing."""

KINDS = {kind.name: kind for kind in (GLOBAL, HASH, FEATURES, BAG)}
