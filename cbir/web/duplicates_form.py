"""What is asked of a search for duplicates: by a form, by an address, or by a program."""

from __future__ import annotations

from typing import cast

from pydantic import BaseModel, ConfigDict, Field

from cbir.duplicates.loss import LossKind, kinds_of
from cbir.duplicates.model import CopyLevel, KeepPolicy
from cbir.web.search_form import Text, names_of

MOST_GROUPS = 1000
"""Groups that are told at once."""


class DuplicatesForm(BaseModel):
    """Which copies are looked for, and which image of a group is kept."""

    model_config = ConfigDict(extra="forbid")

    level: CopyLevel = Field(
        "near",
        description="`exact`: same bytes or pixels; `near`: also recompressed, resized, recolored;"
        " `edited`: also cropped, padded, rotated, mirrored, written on, placed in another.",
    )
    threshold: int | None = Field(
        None, ge=0, le=256, description="The largest distance of a copy; the level's own."
    )
    keep: KeepPolicy = Field("best", description="Which image of a group is kept.")
    where: Text = Field(None, description="An SQL condition on metadata.")
    columns: Text = Field(None, description="Columns to tell of each image: `name,price`.")
    allow_loss: Text = Field(None, description="Kinds of losses that do not matter: `area,detail`.")

    def losses(self) -> frozenset[LossKind]:
        """Return the kinds of losses that are allowed.

        Raises
        ------
        UsageError
            When there is no such kind.
        """
        return kinds_of(cast("tuple[LossKind, ...]", names_of(self.allow_loss)))

    def key(self) -> str:
        """Return what tells one search from another."""
        return self.model_dump_json(include=set(DuplicatesForm.model_fields))


class DuplicatesPage(DuplicatesForm):
    """Which groups of a search are told."""

    offset: int = Field(0, ge=0, description="How many groups to pass over.")
    limit: int = Field(50, ge=1, le=MOST_GROUPS, description="How many to tell at most.")
