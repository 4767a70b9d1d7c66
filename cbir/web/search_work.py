"""How much one request may ask of a search, so that it is answered within the time limit."""

from __future__ import annotations

from cbir.core.errors import UsageError
from cbir.images.oriented_image import ORIENTATIONS
from cbir.search.stage_options import Stages, usual_stages
from cbir.web.search_form import SearchForm

MOST_VIEWS = 64
"""Images, in each orientation, that are decoded and described: about a third of a second each by
all there is."""

MOST_VERIFIED = 3000
"""Pairs of an image that is searched by, in an orientation, and of a result that is verified: some
milliseconds of a core each, so that they take up to two thirds of the usual time limit on one."""


def check_work(form: SearchForm, queries: int, searches: int = 1) -> None:
    """Refuse what would take too long.

    Parameters
    ----------
    form : SearchForm
    queries : int
        Images that are searched for in one search; what is liked and disliked comes to them.
    searches : int
        How many such searches the request is.

    Raises
    ------
    UsageError
        When it does; it says why, and what to leave out.
    """
    images = searches * (queries + len(form.like) + len(form.unlike))
    orientations = len(ORIENTATIONS) if form.augment else 1
    if form.augment and images * orientations > MOST_VIEWS:
        raise UsageError(
            f"augment: one request is by up to {MOST_VIEWS // orientations} images in all"
            f" orientations, not {images}; give fewer, or leave out augment"
        )
    stages = Stages(verify=form.verify).or_those_of(usual_stages(form.preset))
    pairs = images * orientations * (stages.verify or 0)
    if pairs > MOST_VERIFIED:
        most = MOST_VERIFIED // (images * orientations)
        raise UsageError(
            f"verify: one request compares up to {MOST_VERIFIED:,} pairs of images, not {pairs:,}:"
            f" {images} × {orientations} orientations × {stages.verify:,} results; with as many"
            f" images, verify up to {most}"
        )
