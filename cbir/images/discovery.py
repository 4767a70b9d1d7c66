"""Find the image files of a dataset."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, UnreadableImageError, printable, reason_of
from cbir.core.messages import Message, Parameter
from cbir.core.packed_text import PackedText
from cbir.core.regular_files import open_regular
from cbir.core.suggestions import which_folder
from cbir.images.optional_formats import optional_format

IMAGE_EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jfif .jfi .jif .mpo .jps .insp .png .apng .webp .tif .tiff .bmp .dib .gif"
    " .ppm .pgm .pbm .pnm .heic .heics .heif .heifs .hif .avif .avifs .jxl .jp2 .j2k .j2c .jpc .jpf"
    " .jpx .tga .icb .vda .vst".split()
)

UNSUPPORTED_EXTENSIONS = frozenset(
    ".ai .arw .avi .bpg .cin .cr2 .cr3 .crw .cur .dcr .dds .djvu .dng .dpx .ecw .emf .eps .erf"
    " .exr .fits .flif .flv .gpr .hdp .hdr .icns .ico .iiq .jls .jng .jxr .kdc .kra .m2ts .m4v"
    " .mef .mj2 .mkv .mng .mov .mp4 .mpeg .mpg .mrw .mts .nef .nrw .ogv .orf .pam .pcx .pdf"
    " .pef .pfm .ps .psb .psd .psdt .qoi .raf .raw .rw2 .rwl .sgi .sid .sr2 .srf .srw .svg"
    " .svgz .vob .wdp .webm .wmf .wmv .x3f .xbm .xcf .xpm .3fr .3gp".split()
)
"""Extensions of images and films that are not read; how many were left out is reported."""

_SOME = 10_000
"""Files that are unpacked at a time, when all are gone through."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file that the walk took for an image."""

    path: str
    """Relative to the dataset's root, with ``/``; bytes that are not UTF-8 as surrogates."""
    size: int
    """Bytes."""
    mtime: int
    """Milliseconds since 1970."""


class ImageFiles(Sequence[ImageFile]):
    """Image files, a million of them in little memory.

    Parameters
    ----------
    paths : PackedText
    sizes, mtimes : ndarray of int64, shape (n,)
        As those of an :class:`ImageFile`.

    Examples
    --------
    >>> files = ImageFiles.of([ImageFile("a.jpg", 10, 0), ImageFile("b.jpg", 20, 0)])
    >>> files[1].path, len(files[:1]), files.sizes.tolist()
    ('b.jpg', 1, [10, 20])
    """

    def __init__(
        self, paths: PackedText, sizes: NDArray[np.int64], mtimes: NDArray[np.int64]
    ) -> None:
        self.paths = paths
        self.sizes = sizes
        self.mtimes = mtimes

    @classmethod
    def of(cls, files: Iterable[ImageFile]) -> ImageFiles:
        """Take files in their order."""
        paths, sizes, mtimes = _columns(files)
        return cls(PackedText.of_bytes(paths), np.array(sizes), np.array(mtimes))

    @classmethod
    def sorted(cls, files: Iterable[ImageFile]) -> ImageFiles:
        """Take files, and sort them by the bytes of their paths."""
        paths, sizes, mtimes = _columns(files)
        order = np.array(sorted(range(len(paths)), key=paths.__getitem__), np.intp)
        packed = PackedText.of_bytes(paths[place] for place in order)
        return cls(packed, np.array(sizes)[order], np.array(mtimes)[order])

    def __len__(self) -> int:
        return len(self.sizes)

    @overload
    def __getitem__(self, index: int) -> ImageFile: ...
    @overload
    def __getitem__(self, index: slice) -> ImageFiles: ...
    def __getitem__(self, index: int | slice) -> ImageFile | ImageFiles:
        if isinstance(index, int):
            return ImageFile(self.paths[index], int(self.sizes[index]), int(self.mtimes[index]))
        start, stop, step = index.indices(len(self))
        if step == 1:
            paths = self.paths.part(start, max(start, stop))
        else:
            paths = PackedText.of(self.paths[index])
        return ImageFiles(paths, self.sizes[index], self.mtimes[index])

    def __iter__(self) -> Iterator[ImageFile]:
        for start in range(0, len(self), _SOME):
            some = slice(start, start + _SOME)
            columns = self.paths[some], self.sizes[some].tolist(), self.mtimes[some].tolist()
            yield from map(ImageFile, *columns)


def _columns(files: Iterable[ImageFile]) -> tuple[list[bytes], array[int], array[int]]:
    paths, sizes, mtimes = list[bytes](), array("q"), array("q")
    for file in files:
        paths.append(os.fsencode(file.path))
        sizes.append(file.size)
        mtimes.append(file.mtime)
    return paths, sizes, mtimes


def find_images(
    root: str,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    on_error: Callable[[UnreadableImageError], None] | None = None,
    left_out: Counter[str] | None = None,
) -> ImageFiles:
    """List the image files below `root`, sorted by the bytes of their paths.

    Hidden files and folders are skipped. A folder is entered once, whatever number of symbolic
    links lead to it, so loops end. A file counts as an image by its extension; one that has no
    extension, by its first bytes.

    Parameters
    ----------
    root : str
        The dataset's folder.
    include : sequence of str
        Shell patterns; only files that match one are taken, whatever their extension. A pattern
        is compared with the relative path and with the bare name.
    exclude : sequence of str
        Shell patterns of files and folders to leave out.
    on_error : callable, optional
        Called with the error of each folder or file that could not be looked at.
    left_out : Counter, optional
        Gets the number of files of each extension in :data:`UNSUPPORTED_EXTENSIONS`.

    Raises
    ------
    CbirError
        When `root` is missing or no folder.
    """
    if not os.path.isdir(root):
        what = "is not a folder" if os.path.exists(root) else "does not exist"
        remedy = which_folder(root) or Message("; give a folder with ", Parameter("dataset", ...))
        raise CbirError(f"{printable(root)}: the dataset {what}", remedy)
    walk = _Walk(root, include, exclude, on_error, Counter() if left_out is None else left_out)
    return ImageFiles.sorted(walk.files())


def find_image(root: str, path: str) -> ImageFile | None:
    """Return the image file at one path below `root`; None where :func:`find_images` finds none.

    Raises
    ------
    UnreadableImageError
        When it cannot be looked at.

    Examples
    --------
    >>> find_image(".", "no/such.jpg")
    """
    if any(part.startswith(".") for part in path.split("/")):
        return None
    file = os.path.join(root, path)
    try:
        status = os.stat(file)
        extension = os.path.splitext(path)[1].lower()
        if not stat.S_ISREG(status.st_mode) or (extension and extension not in IMAGE_EXTENSIONS):
            return None
        if not extension and not _starts_like_an_image(file):
            return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreadableImageError(file, reason_of(error)) from None
    return ImageFile(path, status.st_size, status.st_mtime_ns // 1_000_000)


@dataclass
class _Walk:
    root: str
    include: Sequence[str]
    exclude: Sequence[str]
    on_error: Callable[[UnreadableImageError], None] | None
    left_out: Counter[str]
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def files(self) -> Iterator[ImageFile]:
        # Links are followed after all real folders, so that an image is known by its real path
        # wherever it has one below the root.
        folders, links = [""], list[str]()
        while folders or links:
            if not folders:
                links.sort(key=os.fsencode, reverse=True)
            folder = folders.pop() if folders else links.pop()
            if self._enter(folder):
                yield from self._list(folder, folders, links)

    def _enter(self, folder: str) -> bool:
        try:
            status = os.stat(os.path.join(self.root, folder))
        except OSError as error:
            self._report(folder, error)
            return False
        identity = (status.st_dev, status.st_ino)
        fresh = identity not in self._seen
        self._seen.add(identity)
        return fresh

    def _list(self, folder: str, folders: list[str], links: list[str]) -> Iterator[ImageFile]:
        try:
            with os.scandir(os.path.join(self.root, folder)) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if not entry.name.startswith(".") and not _matches(path, self.exclude):
                        yield from self._take(entry, path, folders, links)
        except OSError as error:
            self._report(folder, error)

    def _take(
        self, entry: os.DirEntry[str], path: str, folders: list[str], links: list[str]
    ) -> Iterator[ImageFile]:
        try:
            if entry.is_dir():
                (links if entry.is_symlink() else folders).append(path)
            elif self._is_image(entry, path):
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    yield ImageFile(path, status.st_size, status.st_mtime_ns // 1_000_000)
        except OSError as error:
            self._report(path, error)

    def _is_image(self, entry: os.DirEntry[str], path: str) -> bool:
        if self.include:
            return _matches(path, self.include)
        extension = os.path.splitext(entry.name)[1].lower()
        if extension:
            if extension in UNSUPPORTED_EXTENSIONS and entry.is_file():
                self.left_out[extension] += 1
            return extension in IMAGE_EXTENSIONS
        if entry.is_symlink() and not os.path.exists(entry.path):
            return True  # it may have led to a folder of images: `stat` will say what is wrong
        return entry.is_file() and _starts_like_an_image(entry.path)

    def _report(self, path: str, error: OSError) -> None:
        if self.on_error is not None:
            self.on_error(UnreadableImageError(os.path.join(self.root, path), reason_of(error)))


def is_selected(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Say whether patterns take a path, as :func:`find_images` does.

    Examples
    --------
    >>> is_selected("thumbs/a.jpg", [], ["thumbs"]), is_selected("a.jpg", ["*.jpg"], [])
    (False, True)
    """
    parts = path.split("/")
    above = ("/".join(parts[: count + 1]) for count in range(len(parts)))
    left_out = any(_matches(one, exclude) for one in above)
    return not left_out and (not include or _matches(path, include))


def _matches(path: str, patterns: Sequence[str]) -> bool:
    if not patterns:
        return False
    match = _expression(tuple(patterns)).match
    path = os.path.normcase(path)
    return bool(match(path) or match(path.rpartition("/")[2]))


@lru_cache(maxsize=64)
def _expression(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches what any of some patterns matches, as :func:`fnmatch.fnmatch` does."""
    return re.compile("|".join(fnmatch.translate(os.path.normcase(glob)) for glob in patterns))


def _starts_like_an_image(path: str) -> bool:
    with open_regular(path) as file:
        start = file.read(16)
    return (
        start.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*"))
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
        or optional_format(start) is not None
    )
