"""Which images the keys of a table mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cbir.core.errors import CbirError, UsageError, excerpt, printable
from cbir.core.messages import Parameter
from cbir.core.text import as_path


def image_key(text: str) -> str:
    """Return a key as paths of images are written: without ``./`` before it, as the system's.

    Examples
    --------
    >>> image_key("./cats/1.jpg")
    'cats/1.jpg'
    """
    return as_path(text.removeprefix("./"))


def match_keys(keys: Collection[str], names: Sequence[str], source: str) -> list[str | None]:
    """Find the key of each image.

    A key is an image's path, its path without the ending, its name, or its name without the
    ending; what comes first in this list wins, and then means no other image.

    Parameters
    ----------
    keys : collection of str
    names : sequence of str
        Paths of images, below their folder, with ``/``.
    source : str
        The file that the keys are from, for the message.

    Returns
    -------
    list of (str or None)
        None for an image that no key means.

    Raises
    ------
    CbirError
        When a key means several images.

    Examples
    --------
    >>> match_keys({"a/1.jpg", "2.jpg", "3"}, ["a/1.jpg", "a/2.jpg", "3.png", "4.jpg"], "x.csv")
    ['a/1.jpg', '2.jpg', '3', None]
    """
    matches = _matches(keys, names, _forms(names))
    if matches.ambiguous is not None:
        key, one, other = matches.ambiguous
        raise CbirError(
            f"{printable(source)}: {excerpt(key)} may be {printable(one)} or {printable(other)};"
            " write their paths below the dataset there"
        )
    return matches.found


def find_key_column(
    columns: Mapping[str, Sequence[str]], names: Sequence[str], source: str
) -> str | None:
    """Return the column whose keys mean the most images, or None if none means any.

    Of those that mean equally many, one is taken whose keys are clear, whose keys are paths rather
    than what comes after these in :func:`match_keys`, that has each key once, and that comes first.

    Parameters
    ----------
    columns : mapping of str to sequence of str
    names : sequence of str
        Paths of images.
    source : str
        The file that the columns are from, for the message.

    Raises
    ------
    UsageError
        When several are equal in all of that, and mean different images in one row.

    Examples
    --------
    >>> columns = {"year": ["2011", "2012"], "id": ["1", "2"]}
    >>> find_key_column(columns, ["1.jpg", "2.jpg"], "x.csv")
    'id'
    """
    forms, best = _forms(names), _WORST
    equal: dict[str, _Matches] = {}
    known = set().union(*forms)
    for column, cells in columns.items():
        keys = set(map(image_key, set(cells))) - {""}
        if known.isdisjoint(keys):
            continue
        matches = _matches(keys, names, forms)
        count = sum(key is not None for key in matches.found)
        rank = (
            count,
            matches.ambiguous is None,
            matches.by_form,
            len(keys) == sum(map(bool, cells)),
        )
        if count and rank > best:
            best, equal = rank, {}
        if rank == best:
            equal[column] = matches
    if not equal:
        return None
    chosen, *others = equal
    for other in others:
        row = _contradiction(*((columns[one], equal[one].found) for one in (chosen, other)))
        if row is not None:
            cells = [excerpt(columns[one][row]) for one in (chosen, other)]
            raise UsageError(
                f"{printable(source)}: the columns {excerpt(chosen)} and {excerpt(other)} both"
                f" name {best[0]:,} of the images, but not the same one where they have"
                f" {cells[0]} and {cells[1]}; say which one counts: ",
                Parameter("key", chosen), " or ", Parameter("key", other),
            )  # fmt: skip
    return chosen


def _contradiction(*columns: tuple[Sequence[str], Sequence[str | None]]) -> int | None:
    """Return a row in which two columns mean different images.

    Parameters
    ----------
    columns : tuple of sequences
        The cells of a column; and the key of each image, found in it.
    """
    meant = []
    for cells, found in columns:
        image_of = {key: image for image, key in enumerate(found) if key is not None}
        meant.append([image_of.get(image_key(cell)) for cell in cells])
    pairs = enumerate(zip(*meant, strict=True))
    return next((row for row, (a, b) in pairs if a != b and None not in (a, b)), None)


def key_form(names: Sequence[str], found: Sequence[str | None]) -> str:
    """Say what of the images the keys that :func:`match_keys` found are.

    Examples
    --------
    >>> key_form(["a/1.jpg", "a/2.jpg"], ["1", "a/2.jpg"])
    'their paths or names without the ending'
    """
    forms, said = _forms(names), set()
    for name, key, *candidates in zip(names, found, *forms, strict=True):
        if key is not None:
            form = candidates.index(key)
            said.add(form if "/" in name else form | 2)
    return "their " + " or ".join(_FORMS[form] for form in sorted(said))


@dataclass(frozen=True, slots=True)
class _Matches:
    """What keys mean.

    Attributes
    ----------
    found : list of (str or None)
        The key of each image.
    ambiguous : tuple of str or None
        A key with two images that it may mean, if there is one.
    by_form : tuple of int
        Images whose key is of each form.
    """

    found: list[str | None]
    ambiguous: tuple[str, str, str] | None
    by_form: tuple[int, ...]


_WORST: tuple[int, bool, tuple[int, ...], bool] = (0, False, (), False)


def _matches(
    keys: Collection[str], names: Sequence[str], forms: Sequence[Sequence[str]]
) -> _Matches:
    found: list[str | None] = [None] * len(names)
    ambiguous = None
    taken: set[str] = set()
    counts = []
    for candidates in forms:
        owners: dict[str, int] = {}
        meant = [(row, key) for row, key in enumerate(candidates) if key in keys]
        for row, key in meant:
            if key in taken or found[row] is not None:
                continue
            other = owners.setdefault(key, row)
            if other != row:
                ambiguous = ambiguous or (key, names[other], names[row])
        for key, row in owners.items():
            found[row] = key
        taken.update(owners)
        counts.append(len(owners))
    return _Matches(found, ambiguous, tuple(counts))


_FORMS = ("paths", "paths without the ending", "names", "names without the ending")
"""What a key may be, in the order in which one wins over the next. In a dataset without folders the
last two are the first two."""


def _forms(names: Sequence[str]) -> list[list[str]]:
    """Return each of the forms for all images."""
    forms: list[list[str]] = [list(names), [], [], []]
    for path in names:
        name = path[path.rfind("/") + 1 :]
        dot = name.rfind(".")
        ending = len(name) - dot if dot > 0 else 0
        forms[1].append(path[: len(path) - ending])
        forms[2].append(name)
        forms[3].append(name[: len(name) - ending])
    return forms
