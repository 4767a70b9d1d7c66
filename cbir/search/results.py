"""What a search finds, and how it is written for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cbir.core.errors import printable
from cbir.core.text import readable_path
from cbir.stores.metadata import Value

if TYPE_CHECKING:
    import pandas

    from cbir.images.oriented_image import Orientation
    from cbir.images.region import PixelRegion
    from cbir.search.verified_match import VerifiedMatch

FUSED = "fused"
RECIPROCAL_RANKS = "rrf"

FUSED_MEANINGS = {
    FUSED: "0 = equal in everything, 1 = as unrelated images are",
    RECIPROCAL_RANKS: "0 = the first in everything, up to 1",
}
"""What the distances of fusions say."""


def between_means(metric: str, meaning: str, dba: int) -> tuple[str, str]:
    """Return what distances are called, and what they say, between means.

    Parameters
    ----------
    metric, meaning : str
        Of distances between images.
    dba : int
        How many neighbors are in a mean, at most, beside the image itself.

    Examples
    --------
    >>> between_means("chi2", "0 = equal", 5)
    ('chi2, dba 5', '0 = equal; each image averaged with up to 5 neighbors in the index')
    """
    return (
        f"{metric}, dba {dba}",
        f"{meaning}; each image averaged with up to {dba} neighbors in the index",
    )


def approximate_name(metric: str) -> str:
    """Return what distances are called where not every image was looked at.

    Examples
    --------
    >>> approximate_name("chi2")
    'chi2, approximate'
    """
    return f"{metric}, approximate"


@dataclass(frozen=True, slots=True)
class ScoreComponent:
    """What one descriptor adds to a fused distance.

    Attributes
    ----------
    distance : float
        By the descriptor's own metric.
    contribution : float
        What of it is in the fused distance, which is the sum of those of all descriptors.
    """

    distance: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Match:
    """An image of the index that is like the query.

    Attributes
    ----------
    rank : int
        From 1, the most similar.
    path : str
        Absolute: it leads to the file also after a change of the current folder.
    distance : float
        By the search's metric; 0 for equal descriptions.
    parts : mapping of str to ScoreComponent, optional
        Of a fusion: by alias, what each descriptor adds.
    shown : str
        The path as commands print it: from the folder that was the current one in the search,
        where that is shorter. Unless given, `path`.
    metadata : mapping of str to (int, float, str or None)
        What is known about the image, as far as it was asked for: by column; None for what is
        missing.
    texts : mapping of str to str
        The same, as it stands in the index.
    verification : VerifiedMatch, optional
        What spatial verification found; None where it was not asked for, or found nothing.
    orientation : Orientation or None
        How the query had to be turned, or mirrored, to be so near; None: it was not turned.
    """

    rank: int
    path: str
    distance: float
    parts: Mapping[str, ScoreComponent] | None = None
    shown: str = ""
    metadata: Mapping[str, Value] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    verification: VerifiedMatch | None = None
    orientation: Orientation | None = None

    def __post_init__(self) -> None:
        if not self.shown:
            object.__setattr__(self, "shown", self.path)

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON.

        Examples
        --------
        >>> Match(1, "a.jpg", 0.5, {"hsv": ScoreComponent(0.25, 0.5)}).to_dict()["parts"]
        {'hsv': {'distance': 0.25, 'share': 0.5}}
        """
        document: dict[str, Any] = {"rank": self.rank, **path_fields("path", self.shown)}
        document["distance"] = self.distance
        if self.parts is not None:
            document["parts"] = {
                alias: {"distance": part.distance, "share": part.contribution}
                for alias, part in self.parts.items()
            }
        if self.verification is not None:
            document["verification"] = self.verification.to_dict()
        if self.orientation is not None:
            document["orientation"] = self.orientation.to_dict()
        if self.metadata:
            document["metadata"] = dict(self.metadata)
        return document


@dataclass(frozen=True, slots=True)
class SearchedImage:
    """An image that results are to be like.

    Attributes
    ----------
    path : str
        As it was given.
    region : PixelRegion or None
        The part of it that was searched by; None: all.
    """

    path: str
    region: PixelRegion | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The images most similar to a query.

    Attributes
    ----------
    query : str
        The query's path, as it was given; of several together, the first; of a search without a
        query, the first of what is liked.
    descriptor : str
        The alias of what was compared; of a fusion the aliases, joined by ``+``, or its preset.
    metric : str
        How; of a fusion ``fused`` or ``rrf``. The stages of the search follow, as in
        ``chi2, expanded by 5`` or ``fused, k-reciprocal, 100 verified``.
    matches : tuple of Match
        The nearest first; equal distances by path.
    meaning : str
        What a distance of 0 and what a large one says, in words.
    identical : int
        Of a search that leaves out the query itself: how many of the matches have the very bytes
        of the query, under another path.
    facets : mapping of str to (mapping of (int, float, str or None) to int)
        By column of metadata that was asked for: how many images have each value, the most
        frequent first. None: those that have none.
    region : PixelRegion or None
        The part of the query that was searched by, in pixels of the upright image; None: all.
    together : tuple of str
        The paths of all queries, if several were searched for together; else none.
    liked, unliked : tuple of str
        The paths of what results were to be like, and unlike.
    several : tuple of SearchedImage
        All images that results are to be like, if they are several: the queries, and then what is
        liked.
    lacking : tuple of tuple of str
        For each image that results are to be like, the aliases of the descriptors that found
        nothing to compare in it, such as those of local features in a blank one.
    """

    query: str
    descriptor: str
    metric: str
    matches: tuple[Match, ...]
    meaning: str = ""
    identical: int = 0
    facets: Mapping[str, Mapping[Value, int]] = field(default_factory=dict)
    region: PixelRegion | None = None
    together: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()
    unliked: tuple[str, ...] = ()
    several: tuple[SearchedImage, ...] = ()
    lacking: tuple[tuple[str, ...], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the images that were searched by, in words.

        Examples
        --------
        >>> print(*SearchResult("q.png", "asmk", "cosine", (), lacking=(("asmk",),)).notes)
        q.png: it has no local features, as what is blank or dark, so that asmk finds nothing in \
common with it; descriptors of whole images, such as hsv, do
        """
        told = zip(self.examples, self.lacking, strict=False)
        return tuple(
            f"{printable(image.path)}: {'it' if image.region is None else 'this part of it'} has no"
            f" local features, as what is blank or dark, so that {' and '.join(lacking)} finds"
            " nothing in common with it; descriptors of whole images, such as hsv, do"
            for image, lacking in told
            if lacking
        )

    @property
    def examples(self) -> tuple[SearchedImage, ...]:
        """All images that results are to be like: one or several."""
        return self.several or (SearchedImage(self.query, self.region),)

    def example_of(self, match: Match) -> SearchedImage:
        """Return the image that a match was verified with; the first if it was with none."""
        return self.examples[match.verification.example if match.verification else 0]

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON.

        Examples
        --------
        >>> SearchResult("q.jpg", "hsv", "chi2", (Match(1, "a.jpg", 0.5),)).to_dict()["results"]
        [{'rank': 1, 'path': 'a.jpg', 'distance': 0.5}]
        """
        document: dict[str, Any] = {
            **path_fields("query", self.query),
            **({} if self.region is None else {"region": list(self.region)}),
            **self._examples(),
            "descriptor": self.descriptor,
            "metric": self.metric,
            "results": [self._told(match) for match in self.matches],
        }
        if self.notes:
            document["notes"] = list(self.notes)
        if self.facets:
            document["facets"] = {
                column: [{"value": value, "count": count} for value, count in counts.items()]
                for column, counts in self.facets.items()
            }
        return document

    def _told(self, match: Match) -> dict[str, Any]:
        """Return a match; of several images, the one that it was verified with is named."""
        document = match.to_dict()
        if self.several and match.verification is not None:
            named = path_fields("query", self.example_of(match).path)
            document["verification"] = {**named, **document["verification"]}
        return document

    def _examples(self) -> dict[str, list[dict[str, str]]]:
        """Return the other images that were searched by, where there were any."""
        given = {"together": self.together, "like": self.liked, "unlike": self.unliked}
        return {
            name: [path_fields("path", path) for path in paths]
            for name, paths in given.items()
            if paths
        }

    def to_frame(self) -> pandas.DataFrame:
        """Return the matches as a pandas frame: rank, path, distance, and metadata."""
        import pandas

        names = list(self.matches[0].metadata) if self.matches else []
        rows = [
            (
                match.rank,
                path_fields("path", match.path)["path"],
                match.distance,
                *match.metadata.values(),
            )
            for match in self.matches
        ]
        return pandas.DataFrame(rows, columns=["rank", "path", "distance", *names])


def path_fields(name: str, path: str) -> dict[str, str]:
    """Return `path` as a JSON field; its bytes in a second one if they are not UTF-8.

    Examples
    --------
    >>> path_fields("path", "ä.jpg")
    {'path': 'ä.jpg'}
    """
    readable, encoded = readable_path(path)
    return {name: readable, f"{name}_base64": encoded} if encoded else {name: readable}


def distance_text(metric: str, distance: float) -> str:
    """Return a distance for people: bits are whole numbers."""
    return f"{distance:.0f}" if metric == "hamming" else f"{distance:.4f}"
