"""Where the files of an index lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbir.core.digests import digest
from cbir.core.private_folders import can_be_private
from cbir.descriptors.local_features.base import LocalExtractor

if TYPE_CHECKING:
    from cbir.stores.features.store import FeatureStore


@dataclass(frozen=True)
class Layout:
    """Where the parts of an index lie."""

    file: Path
    """The index file itself, symbolic links resolved."""

    @property
    def folder(self) -> Path:
        """Beside the file."""
        return self.file.with_name(self.file.name + ".cbir")

    @property
    def states(self) -> Path:
        """Vocabularies and the like."""
        return self.folder / "state"

    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        """Open the local features of an extractor."""
        from cbir.stores.features.store import FeatureStore

        return FeatureStore(str(self.features_folder(extractor)), extractor.fields)

    def all_features(self) -> dict[str, FeatureStore]:
        """Open all local features that are there, by the fingerprint of what extracted them."""
        from cbir.stores.features.store import FeatureStore
        from cbir.stores.features.stored_fields import stored_fields

        folders = sorted(path for path in (self.folder / "features").glob("*") if path.is_dir())
        known = {folder: stored_fields(folder) for folder in folders}
        return {
            folder.name: FeatureStore(str(folder), fields)
            for folder, fields in known.items()
            if fields is not None
        }

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
        return [self.folder / "cache", *self._private("")]

    def inverted(self) -> list[Path]:
        """Where inverted files may lie, which stay from commit to commit."""
        return [self.folder / "inverted", *self._private("-inverted")]

    @property
    def structures(self) -> Path:
        """Where structures for approximate search lie, which are not taken from anybody else."""
        return self._of_user.with_name(f"{self._of_user.name}-structures")

    def _private(self, suffix: str) -> list[Path]:
        """Return a folder of the user's, unless others may write there."""
        path = self._of_user.with_name(self._of_user.name + suffix)
        return [path] if can_be_private(path) else []

    @property
    def _of_user(self) -> Path:
        import platformdirs

        return Path(platformdirs.user_cache_dir("cbir")) / digest(os.fsencode(self.file))
