"""The address of a search, which holds all that was asked, so that it can be sent to someone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from cbir.core.errors import UsageError, printable
from cbir.web.filters import NAME, PREFIX, Filters
from cbir.web.query_string import Pairs, address
from cbir.web.search_form import SearchForm

SEARCH = "/search"
EXPLANATION = f"{SEARCH}/explanation"

RESULT = "result"
"""The field of the address of an explanation that names a result; the others are of its search."""

EXAMPLE = "example"
"""The field there that names what is liked, if the result is compared with that."""

MARKS = ("like", "unlike")
"""The fields that name what results are to be like, and unlike."""

_OF_ANOTHER_IMAGE: dict[str, Any] = {"offset": 0, "region": None, "like": [], "unlike": []}
"""What of the form is not meant for the next image."""


@dataclass(frozen=True, slots=True)
class SearchAddress:
    """What is asked of a search, the image included.

    Parameters
    ----------
    form : SearchForm
        But for its condition, which is one of the filters.
    filters : Filters
    path : str, optional
        The image, if it is one of the index.
    query : str, optional
        Its key, if it is one from outside.
    also : tuple of str
        The keys of others that came with it, and are still to be searched for.
    """

    form: SearchForm = field(default_factory=lambda: SearchForm.model_validate({}))
    filters: Filters = field(default_factory=Filters)
    path: str | None = None
    query: str | None = None
    also: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: Pairs) -> SearchAddress:
        """Read the fields of an address.

        Raises
        ------
        UsageError
            When one is unknown, twice there, or makes no sense.
        """
        single: dict[str, str] = {}
        also = tuple(value for name, value in pairs if name == "also")
        marked = {
            mark: list(dict.fromkeys(value for name, value in pairs if name == mark))
            for mark in MARKS
        }
        for name, value in pairs:
            if name in ("also", NAME, *MARKS) or name.startswith(PREFIX):
                continue
            if name in single:
                raise UsageError(f"{printable(name)} is there twice")
            single[name] = value
        path, query = single.pop("path", None), single.pop("query", None)
        if path is not None and query is not None:
            raise UsageError("one search is about one image: give path or query")
        form = validated({**single, **marked})
        filters = Filters.of(form.where, pairs)
        return cls(form.model_copy(update={"where": None}), filters, path, query, also)

    @property
    def has_image(self) -> bool:
        """Whether it says which image is searched for, or what results are to be like."""
        return self.path is not None or self.query is not None or bool(self.form.like)

    def asked(self) -> SearchForm:
        """Return the form of the search with the filters as its condition."""
        return self.form.model_copy(update={"where": self.filters.condition})

    def pairs(self) -> list[tuple[str, str]]:
        """Return the fields of the address; what is as usual is left out."""
        options = self.form.model_dump(exclude_defaults=True, exclude=set(MARKS))
        return [
            *self.image_pairs(),
            *((name, _text(value)) for name, value in options.items()),
            *self.filters.pairs(),
        ]

    def image_pairs(self) -> list[tuple[str, str]]:
        """Return the fields that say which images are searched by, and which are still to be."""
        named = [("path", self.path), ("query", self.query)]
        return [
            *((name, value) for name, value in named if value is not None),
            *((mark, path) for mark in MARKS for path in getattr(self.form, mark)),
            *(("also", key) for key in self.also),
        ]

    def about_image(self) -> str:
        """Return the same as the fields of an address."""
        return address("", self.image_pairs()).removeprefix("?")

    def url(self, base: str = SEARCH, **changes: Any) -> str:
        """Return the address, with some options of the form changed."""
        form = self.form.model_copy(update=changes)
        return address(base, replace(self, form=form).pairs())

    def about(self, path: str | None = None, query: str | None = None) -> str:
        """Return the address of the same search for another image, or for none yet.

        An image of the index is not to be found by itself; others are only what is found.
        """
        form = self.form.model_copy(update={"exclude_self": path is not None, **_OF_ANOTHER_IMAGE})
        return replace(self, form=form, path=path, query=query, also=()).url()

    def marked(self, path: str, mark: str | None) -> str:
        """Return the address of the search with an image of the index liked, disliked or neither.

        Parameters
        ----------
        path : str
        mark : {"like", "unlike"} or None
        """
        changes: dict[str, Any] = {"offset": 0}
        for name in MARKS:
            others = [one for one in getattr(self.form, name) if one != path]
            changes[name] = [*others, path] if name == mark else others
        form = self.form.model_copy(update=changes)
        return replace(self, form=form).url()

    def next_of(self, key: str) -> str:
        """Return the address of the search for another of the images that came together."""
        others = [one for one in (self.query, *self.also) if one is not None and one != key]
        form = self.form.model_copy(update=_OF_ANOTHER_IMAGE)
        return replace(self, form=form, query=key, also=tuple(others)).url()

    def state(self) -> str:
        """Return what is asked beside the image, as the fields of an address."""
        return self.about().partition("?")[2]


def explanation_url(asked: SearchAddress, result: str, example: str | None = None) -> str:
    """Return the address of the page about what a result has in common with the one image.

    Parameters
    ----------
    asked : SearchAddress
    result : str
        The path of the result.
    example : str, optional
        Of what is liked, the path of the image that it is compared with instead.
    """
    compared = [] if example is None else [(EXAMPLE, example)]
    return address(EXPLANATION, [*asked.pairs(), *compared, (RESULT, result)])


def validated(fields: Mapping[str, str | list[str]]) -> SearchForm:
    """Return the form that has some fields.

    Raises
    ------
    UsageError
        When one is unknown or makes no sense.
    """
    try:
        return SearchForm.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"{printable(name)}: {_reason(first['type'], first['msg'])}") from None


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "a search has no such option"
    return message[:1].lower() + message[1:]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"
