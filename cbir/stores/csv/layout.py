"""Where the files of an index lie."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbir.core.digests import digest
from cbir.descriptors.local_features.base import LocalExtractor

if TYPE_CHECKING:
    from cbir.stores.features.store import FeatureStore


@dataclass(frozen=True)
class Layout:
    """Where the parts of an index lie."""

    csv: Path
    """The CSV file itself, symbolic links resolved."""

    @property
    def folder(self) -> Path:
        """Beside the CSV."""
        return self.csv.with_name(self.csv.name + ".cbir")

    @property
    def states(self) -> Path:
        """Vocabularies and the like."""
        return self.folder / "state"

    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        """Open the local features of an extractor."""
        from cbir.stores.features.store import FeatureStore

        return FeatureStore(str(self.features_folder(extractor)), extractor.fields)

    def features_folder(self, extractor: LocalExtractor[Any]) -> Path:
        """Where the local features of an extractor lie."""
        return self.folder / "features" / extractor.fingerprint

    @property
    def journal(self) -> Path:
        """Of an unfinished run."""
        return self.folder / "journal"

    @property
    def changes(self) -> Path:
        """Logs of what was done to the dataset."""
        return self.folder / "changes"

    def caches(self) -> list[Path]:
        """Where caches of one commit may lie, the preferred place first."""
        return [self.folder / "cache", self._of_user]

    def inverted(self) -> list[Path]:
        """Where inverted files may lie, which stay from commit to commit."""
        return [self.folder / "inverted", self._of_user.with_name(f"{self._of_user.name}-inverted")]

    @property
    def structures(self) -> Path:
        """Where structures for approximate search lie, which are not taken from anybody else."""
        return self._of_user.with_name(f"{self._of_user.name}-structures")

    @property
    def _of_user(self) -> Path:
        import platformdirs

        return Path(platformdirs.user_cache_dir("cbir")) / digest(os.fsencode(self.csv))


def content_of(path: Path) -> str:
    """Identify the content of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
