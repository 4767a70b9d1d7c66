"""Files that go with an image: metadata, notes, the video of a live photo, the raw image.

A sidecar is called as its image, ``IMG_1.jpg.xmp``, or shares its stem, ``IMG_1.xmp``. One of the
second kind may belong to several images; it goes only with the last of them. Google's archives call
theirs ``IMG_1.jpg.supplemental-metadata.json``, and cut long names off within the second word.
"""

from __future__ import annotations

import os
from collections.abc import Sequence, Set

from cbir.core.errors import printable
from cbir.images.discovery import IMAGE_EXTENSIONS, UNSUPPORTED_EXTENSIONS

SIDECARS = frozenset(".aae .dop .json .mov .mp3 .mp4 .pp3 .thm .txt .wav .xmp .yaml .yml".split())
"""Extensions of files that go with an image."""

RAW = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw"
    " .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
"""Extensions of what cameras record: images of their own, which never go with a copy."""


_ARCHIVED = "supplemental-metadata"

_IMAGES = IMAGE_EXTENSIONS | RAW | (UNSUPPORTED_EXTENSIONS - SIDECARS)
"""Extensions of images and films, also of those that are not read: each may have a sidecar."""


def find_related_files(images: Sequence[str]) -> list[tuple[list[str], dict[str, str]]]:
    """Find the files that go with images that are about to go.

    Parameters
    ----------
    images : sequence of str
        Absolute paths, in the order in which they go.

    Returns
    -------
    list of (list of str, dict of str to str)
        For each image the names of the sidecars that may go where it goes, and of the files that
        stay, with the reason. A sidecar of several images is with the last of them.
    """
    going: dict[str, set[str]] = {}
    for path in images:
        going.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
    folders = {path: Folder(path) for path in going}
    found = []
    taken = set[tuple[str, str]]()
    for path in reversed(images):
        folder, image = os.path.split(path)
        sidecars = folders[folder].sidecars(image, going[folder])
        staying = {
            name: f"so it does with {printable(others[0])}, which stays"
            for name, others in sidecars.items()
            if others
        }
        staying |= dict.fromkeys(folders[folder].raw(image), "raw images never go with a copy")
        along = [name for name in sidecars if name not in staying and (folder, name) not in taken]
        taken.update((folder, name) for name in along)
        found.append((along, staying))
    return found[::-1]


class Folder:
    """The files of a folder, looked up by stem without regard to case.

    Parameters
    ----------
    path : str
        A real path.
    """

    def __init__(self, path: str) -> None:
        self._names: dict[str, list[str]] = {}
        try:
            names = sorted(os.listdir(path), key=os.fsencode)
        except OSError:
            names = []
        for name in names:
            if not name.startswith("."):
                self._names.setdefault(name.split(".")[0].casefold(), []).append(name)

    def sidecars(self, image: str, going: Set[str] = frozenset()) -> dict[str, list[str]]:
        """Return the names of an image's sidecars, each with the other images for which it stays.

        Parameters
        ----------
        image : str
            A name.
        going : set of str
            Names of images that go as well.
        """
        return {
            name: [owner for owner in owners if owner != image and owner not in going]
            for name, owners in self._related(image, SIDECARS)
        }

    def raw(self, image: str) -> list[str]:
        """List the raw images of an image."""
        return [name for name, _ in self._related(image, RAW)]

    def _related(self, image: str, extensions: frozenset[str]) -> list[tuple[str, list[str]]]:
        """List the files that go with an image, each with all the images that it goes with."""
        found = []
        for name in self._of_the_stem_of(image):
            stem, extension = _split(name)
            if extension in extensions and stem in _stems(image):
                owners = [
                    other
                    for other in self._of_the_stem_of(image)
                    if _split(other)[1] in _IMAGES - extensions and stem in _stems(other)
                ]
                found.append((name, owners))
        return found

    def _of_the_stem_of(self, image: str) -> list[str]:
        return self._names.get(image.split(".")[0].casefold(), [])


def renamed(sidecar: str, image: str, target: str) -> str:
    """Return the name of a sidecar when its image gets another name.

    Examples
    --------
    >>> renamed("a.jpg.xmp", "a.jpg", "a (2).jpg"), renamed("A.mov", "a.jpg", "a (2).jpg")
    ('a (2).jpg.xmp', 'a (2).mov')
    >>> renamed("a.jpg.supplemental-me.json", "a.jpg", "a (2).jpg")
    'a (2).jpg.supplemental-me.json'
    """
    if image == target:
        return sidecar
    stem, _ = _split(sidecar)
    whole = stem == image.casefold()
    return (target if whole else os.path.splitext(target)[0]) + sidecar[len(stem) :]


def _split(name: str) -> tuple[str, str]:
    """Return a file's name without and from its extension on, without regard to case."""
    stem, extension = os.path.splitext(name.casefold())
    before, dot, word = stem.rpartition(".")
    if extension == ".json" and dot and word and _ARCHIVED.startswith(word):
        stem = before
    return stem, extension


def _stems(image: str) -> tuple[str, str]:
    """Return what the names of an image's companions are without their extension."""
    folded = image.casefold()
    return folded, os.path.splitext(folded)[0]
