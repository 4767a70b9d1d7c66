from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cbir.core.json_text import write_checked
from cbir.core.locks import locked_file
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.merging import Live
from cbir.search.inverted.scorings import scoring_of
from cbir.search.inverted.segment_builder import SegmentBuilder
from cbir.search.inverted.segment_folder import SegmentFolder
from cbir.search.inverted.segment_layout import MOST_IMAGES
from tests.search.inverted.helpers import KERNELS, code, key

KERNEL = KERNELS["asmk"]
SCORING = scoring_of(KERNEL)
CODES = CodeFormat.of(KERNEL, SCORING.norms, "test")


def folder_of(path: Path, *numbers: int) -> SegmentFolder:
    """Return a folder with a segment for each number."""
    folder = SegmentFolder(path, CODES)
    folder.path.mkdir(exist_ok=True)
    for number in numbers:
        builder = SegmentBuilder(CODES, SCORING)
        builder.add(key(number), code(KERNEL, number))
        folder.add(builder.take())
    return folder


def merge_all(folder: SegmentFolder) -> None:
    mask = np.arange(MOST_IMAGES) < 1
    folder.replace([Live(segment, mask) for segment in folder.segments])


def test_a_reader_that_is_overtaken_by_a_merge_sees_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = folder_of(tmp_path, 1, 2), SegmentFolder(tmp_path, CODES)
    overtaken = [reader._names()]
    real = reader._names
    monkeypatch.setattr(reader, "_names", lambda: overtaken.pop() if overtaken else real())
    merge_all(writer)
    assert reader.load() == []
    assert [segment.name for segment in reader.segments] == [writer.segments[0].name]


def test_the_order_of_images_is_that_of_their_segments(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 3, 1, 2)
    merge_all(folder)
    (segment,) = folder.segments
    assert [row.tobytes() for row in segment.keys] == [key(3), key(1), key(2)]


def test_segments_without_any_wanted_image_vanish(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 1, 2)
    folder.replace([Live(folder.segments[0], np.zeros(MOST_IMAGES, bool))])
    assert len(folder.segments) == 1 == len(list(tmp_path.glob("*.segment")))


def test_nothing_is_removed_while_an_updater_is_at_work(tmp_path: Path) -> None:
    folder, left = folder_of(tmp_path, 1), tmp_path / "merged.0.new"
    left.touch()
    with locked_file(str(tmp_path / "lock"), wait=False):
        folder.sweep()
        assert left.exists()
    folder.sweep()
    assert not left.exists() and len(folder.segments) == 1


def test_names_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "used", 1)
    other = folder_of(tmp_path / "other", 2)
    names = [f"../other/{other.segments[0].name}", folder.segments[0].name]
    write_checked(folder.path / "segments.json", "segments", names)
    again = SegmentFolder(folder.path, CODES)
    assert again.load() == [] and [one.name for one in again.segments] == names[1:]
