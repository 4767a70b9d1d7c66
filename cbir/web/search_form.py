"""What is asked of a search: by a form, by an address, or by a program."""

from __future__ import annotations

import csv
import json
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cbir.core.errors import UsageError
from cbir.search.fusion.options import Weights
from cbir.search.request import IndexedImage, SearchOptions
from cbir.search.stage_options import MOST_EXPANDING, MOST_VERIFYING

MOST_RESULTS = 10_000

_LONGEST = 4000
"""Characters of a text."""

_BETWEEN = re.compile(r"\s*\+\s*|\s+")


def _blank_is_none(text: str | None) -> str | None:
    """A field of a form that is left empty says nothing."""
    return text if text and text.strip() else None


def _joined(text: str | None) -> str | None:
    """Return aliases joined by plus signs: an address that does not escape them has blanks."""
    return text and _BETWEEN.sub("+", text.strip())


Text = Annotated[str | None, Field(max_length=_LONGEST), AfterValidator(_blank_is_none)]


class SearchForm(BaseModel):
    """What is asked of a search, beside the images."""

    model_config = ConfigDict(extra="forbid")

    top: int = Field(20, ge=1, le=MOST_RESULTS, description="How many images to return at most.")
    offset: int = Field(0, ge=0, le=MOST_RESULTS, description="How many of them to pass over.")
    descriptor: Annotated[Text, AfterValidator(_joined)] = Field(
        None, description="An alias, or several joined by +; the index's first unless told."
    )
    metric: Text = Field(None, description="The descriptor's own unless told.")
    preset: Text = Field(None, description="Fuse the descriptors of a preset.")
    fusion: Text = Field(None, description="`scores` or `ranks`.")
    weights: Text = Field(
        None, description="What each descriptor of a fusion counts: `1,0.5`, or `hsv=1,hog=0.5`."
    )
    adaptive: bool = Field(False, description="Weigh the descriptors by the query.")
    expand: int | None = Field(
        None, ge=1, le=MOST_EXPANDING, description="Search again by the best results, too."
    )
    rerank: Text = Field(None, description="`k-reciprocal` or `diffusion`; `none`.")
    verify: int | None = Field(
        None, ge=0, le=MOST_VERIFYING, description="Results that are verified by local features."
    )
    dba: int | None = Field(
        None, ge=0, le=0, description="0: compare images themselves, though the index averages."
    )
    max_distance: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Leave out what is farther."
    )
    where: Text = Field(None, description="An SQL condition on metadata.")
    columns: Text = Field(None, description="Columns to tell of each result: `name,price`.")
    group_by: Text = Field(None, description="Only the nearest of each value of a column.")
    facets: Text = Field(None, description="Columns whose values are counted.")
    exclude_self: bool = Field(False, description="Leave out the image that is asked for.")
    exclude_identical: bool = Field(False, description="Leave out all that has its very bytes.")
    region: Text = Field(
        None,
        description="Search by a part of each image: `x,y,width,height`, in pixels of the upright"
        " image or in percent of its sides, as in `25%,0,50%,100%`.",
    )

    augment: bool = Field(
        False, description="Search also by each image turned by 90, 180 and 270 degrees, mirrored."
    )
    approximate: bool = Field(
        False, description="Look at few images only, by what `cbir optimize` has made."
    )
    like: list[str] = Field([], description="Images of the index that results are to be like, too.")
    unlike: list[str] = Field([], description="Images of the index that they are not to be like.")

    def options(self) -> SearchOptions:
        """Return the options of a :class:`~cbir.search.request.SearchRequest`.

        Raises
        ------
        UsageError
            When a list makes no sense.
        """
        return SearchOptions(
            descriptor=self.descriptor,
            metric=self.metric,
            preset=self.preset,
            fusion=self.fusion,
            weights=_parsed_weights(self.weights),
            adaptive=self.adaptive,
            expand=self.expand,
            rerank=self.rerank,
            verify=self.verify,
            dba=self.dba,
            max_distance=self.max_distance,
            where=self.where,
            columns=names_of(self.columns),
            group_by=self.group_by,
            facets=names_of(self.facets),
            exclude_self=self.exclude_self,
            exclude_identical=self.exclude_identical,
            region=self.region,
            augment=self.augment,
            approximate=self.approximate,
            like=[IndexedImage(path) for path in self.like],
            unlike=[IndexedImage(path) for path in self.unlike],
        )

    def key(self) -> str:
        """Return what tells one search from another."""
        # Not by the model's own JSON, which refuses names that are not UTF-8.
        return json.dumps(self.model_dump(include=set(SearchForm.model_fields)), default=str)


def names_of(text: str | None) -> tuple[str, ...]:
    """Split a list at its commas; a name with a comma in it stands in quotes, as in a CSV.

    Examples
    --------
    >>> names_of('name,"price, net"')
    ('name', 'price, net')

    Raises
    ------
    UsageError
    """
    if text is None:
        return ()
    try:
        rows = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise UsageError(f"{text!r} is no list of names: {error}") from None
    return tuple(name.strip() for row in rows for name in row)


def _parsed_weights(text: str | None) -> Weights | None:
    if text is None:
        return None
    pairs = [item.rpartition("=") for item in text.split(",")]
    try:
        numbers = [float(number) for _, _, number in pairs]
        if not any(separator for _, separator, _ in pairs):
            return numbers
        weights = dict(zip((alias.strip() for alias, _, _ in pairs), numbers, strict=True))
        if "" in weights or len(weights) < len(numbers):
            raise ValueError
    except ValueError:
        raise UsageError(
            "weights are numbers in the order of the descriptors, as in 1,0.5, or all with their"
            f" names, each once, as in hsv=1,hog=0.5; not {text!r}"
        ) from None
    return weights
