"""How long nested values will be as text, told without unpacking them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pyarrow import Array


def nested_sizes(array: Array) -> NDArray[np.int64]:
    """Return a lower bound of the characters of each value as JSON.

    Parameters
    ----------
    array : Array
        Of any type, of n values.

    Returns
    -------
    ndarray, (n,), int64

    Examples
    --------
    >>> import pyarrow
    >>> nested_sizes(pyarrow.array([["abcdefgh", "x"], None, []])).tolist()
    [4, 1, 1]
    """
    import pyarrow.compute
    from pyarrow import types

    kind = array.type
    if isinstance(array, pyarrow.ExtensionArray):
        return nested_sizes(array.storage)
    if types.is_map(kind):
        inside = pyarrow.struct([("key", kind.key_type), ("value", kind.item_type)])
        array = array.cast(pyarrow.list_(inside))
    sizes = np.ones(len(array), np.int64)
    if types.is_struct(kind):
        for field in array.flatten():
            sizes += nested_sizes(field)
        sizes[np.asarray(array.is_null())] = 1
    elif types.is_nested(kind):
        items = nested_sizes(pyarrow.compute.list_flatten(array))
        parents = pyarrow.compute.list_parent_indices(array).to_numpy()
        sizes += np.bincount(parents, items, len(array)).astype(np.int64)
    elif types.is_dictionary(kind):
        there = np.asarray(array.is_valid())
        places = array.indices.fill_null(0).to_numpy()
        sizes[there] = nested_sizes(array.dictionary)[places[there]]
    elif types.is_string(kind) or types.is_large_string(kind):
        # A character has up to four bytes.
        lengths = pyarrow.compute.binary_length(array).fill_null(0).to_numpy() // 4
        sizes = np.maximum(sizes, lengths)
    return sizes
