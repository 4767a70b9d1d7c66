"""All that is fuzzed, by name."""

from __future__ import annotations

from tests.fuzz import arrays, images, inverted, logs, stores, texts
from tests.fuzz.target import Target

_CLASSES: tuple[type[Target], ...] = (
    stores.Csv,
    stores.ParquetIndex,
    stores.GenerationFile,
    stores.JournalFile,
    stores.CacheLists,
    stores.CacheArrays,
    stores.Segment,
    stores.Table,
    stores.Frames,
    inverted.InvertedSegment,
    inverted.InvertedManifest,
    inverted.InvertedSections,
    logs.Log,
    texts.Ignored,
    texts.Qrels,
    texts.TruthCsv,
    texts.Regions,
    texts.Spec,
    texts.Weights,
    arrays.Arrays,
    arrays.Vocabulary,
    arrays.Words,
    arrays.Model,
    arrays.Projected,
    images.Jpeg,
    images.Png,
    images.Gif,
    images.Tiff,
    images.Bmp,
    images.Webp,
    images.Others,
    images.Exif,
)

TARGETS: dict[str, type[Target]] = {target.name: target for target in _CLASSES}
