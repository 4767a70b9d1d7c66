"""The files of indexed images: nothing else is read, whatever is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO

from cbir.core.confined_files import LeadsOutError, open_beneath
from cbir.core.errors import CbirError, UnreadableImageError, printable, reason_of
from cbir.core.regular_files import open_regular
from cbir.images.encoded_image import EncodedImage
from cbir.search.catalog import CatalogEntry
from cbir.search.engine import Index

_MILLISECOND = 1_000_000


class NoSuchImageError(CbirError):
    """The index has no such image."""


class ImageGoneError(CbirError):
    """The file of an indexed image is not there, or not what was indexed."""


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files of the images of an index.

    Parameters
    ----------
    index : Index
    follow_links : bool
        Also those that links lead to, out of the dataset.
    """

    index: Index
    follow_links: bool = False

    def entry(self, path: str, columns: Sequence[str] = ()) -> CatalogEntry:
        """Return what the index says of the image at a path, columns of metadata included.

        Raises
        ------
        NoSuchImageError
            When the index has none.
        """
        entry = self.index.catalog.find(path, columns)
        if entry is None:
            raise NoSuchImageError(f"{printable(path)}: the index has no such image")
        return entry

    def open(self, path: str) -> FileIO:
        """Open the file of an indexed image; who calls closes it.

        Raises
        ------
        NoSuchImageError
            When the index has none.
        ImageGoneError
            When it is missing, was changed since it was indexed, or is out of the dataset.
        """
        entry = self.entry(path)
        try:
            file = self._opened(path)
        except LeadsOutError:
            raise ImageGoneError(
                f"{printable(path)}: a link leads to it, out of the dataset, and the server is not"
                " to follow such links"
            ) from None
        except (OSError, ValueError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            raise ImageGoneError(f"{printable(path)}: {reason}; update the index") from None
        status = os.fstat(file.fileno())
        if (status.st_size, status.st_mtime_ns // _MILLISECOND) != (entry.bytes, entry.mtime):
            file.close()
            raise ImageGoneError(
                f"{printable(path)}: the file was changed since it was indexed; update the index"
            )
        return file

    def image(self, path: str) -> EncodedImage:
        """Return an indexed image, read from its file.

        Raises
        ------
        NoSuchImageError, ImageGoneError
            As :meth:`open`.
        UnreadableImageError
            When it cannot be read.
        """
        with self.open(path) as file:
            try:
                return EncodedImage(path, file.readall())
            except OSError as error:
                raise UnreadableImageError(path, reason_of(error)) from None

    def _opened(self, path: str) -> FileIO:
        if self.follow_links:
            return open_regular(os.path.join(self.index.root, path))
        return open_beneath(self.index.root, path)
