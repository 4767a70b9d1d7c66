"""Collections: each file once, references apart, and nothing computed that is known."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.core.threads import ordered_map
from cbir.duplicates.collection import Collection, open_collection
from cbir.duplicates.image_content import EXTRACTOR, HASH
from cbir.duplicates.model import CopyLevel
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA
from tests.duplicates.helpers import Listener, save
from tests.edits import photo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four small images, two of one content."""
    folder = tmp_path / "images"
    for name in ("cats/cat-1", "things/coffee-1", "forest/brook-1"):
        save(photo(name).resize((120, 80)), folder / f"{name}.png")
    shutil.copy(folder / "cats" / "cat-1.png", folder / "twin.png")
    return folder


def relative(collection: Collection, folder: Path) -> list[str]:
    return [os.path.relpath(record.path, folder) for record in collection.records]


@pytest.mark.parametrize("level", ["exact", "near", "edited"])
def test_entries_and_contents(folder: Path, level: CopyLevel) -> None:
    with open_collection(str(folder), None, level=level) as collection:
        paths = ["cats/cat-1.png", "forest/brook-1.png", "things/coffee-1.png", "twin.png"]
        assert relative(collection, folder) == paths and collection.root == str(folder)
        assert collection.content_ids.tolist() == [0, 1, 2, 0] and len(collection.contents) == 3
        for record, content in zip(collection.records, collection.content_ids, strict=True):
            content, path = collection.contents[content], Path(record.path)
            assert content.sha256 == record.sha256 and not record.reference
            assert record.bytes == path.stat().st_size
            assert record.mtime == path.stat().st_mtime_ns // 1_000_000
            row = HASH.describe(EncodedImage.open(record.path).pixels(HASH.working_size))
            assert np.array_equal(content.bits, row[:-1]) and record.quality == row[-1]
            assert (record.width, record.height) == (content.width, content.height) == (120, 80)
            true = EXTRACTOR.extract(EncodedImage.open(record.path).pixels(EXTRACTOR.working_size))
            assert np.array_equal(collection.cache.features(content).descriptors, true.descriptors)


def test_hard_links_and_symbolic_links_are_one_file(folder: Path) -> None:
    os.link(folder / "cats" / "cat-1.png", folder / "a-hard.png")
    (folder / "a-soft.png").symlink_to("things/coffee-1.png")
    (folder / "dangling.png").symlink_to("nowhere.png")
    (folder / "z-folder").symlink_to("cats")
    listener = Listener()
    with open_collection(str(folder), None, listener=listener) as collection:
        # A real name before a link, and of two real names the first.
        assert relative(collection, folder) == [
            "a-hard.png", "forest/brook-1.png", "things/coffee-1.png", "twin.png",
        ]  # fmt: skip
        assert [error.path for error in collection.unreadable] == [str(folder / "dangling.png")]
    assert listener.notes == ["Left out 2 links to images that take part under another name"]


def test_references_are_marked_whichever_name_they_have(folder: Path, tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    save(photo("lemurs/lemur-1").resize((90, 60)), reference / "lemur.png")
    os.link(folder / "twin.png", reference / "linked.png")
    (reference / "soft.png").symlink_to(folder / "things" / "coffee-1.png")
    with open_collection(str(folder), None, [str(reference)]) as collection:
        kept = {record.path for record in collection.records if record.reference}
        assert kept == {str(reference / f"{name}.png") for name in ("lemur", "linked", "soft")}
        others = [record.path for record in collection.records if not record.reference]
        assert others == [
            str(folder / "cats" / "cat-1.png"), str(folder / "forest" / "brook-1.png"),
        ]  # fmt: skip


def test_references_below_and_above_the_dataset(folder: Path, tmp_path: Path) -> None:
    with open_collection(str(folder), None, [str(folder / "cats")]) as collection:
        flags = {os.path.basename(record.path): record.reference for record in collection.records}
        assert flags == {
            "cat-1.png": True, "brook-1.png": False, "coffee-1.png": False, "twin.png": False,
        }  # fmt: skip
    with open_collection(str(folder / "cats"), None, [str(folder)]) as collection:
        assert len(collection.records) == 4
        assert all(record.reference for record in collection.records)


def test_nothing_is_left_behind_without_an_index(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = sorted(folder.rglob("*"))
    with pytest.raises(KeyboardInterrupt), open_collection(str(folder), None, [str(folder)]):
        assert os.listdir(tmp_path / "temporary")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path / "temporary") == [] and sorted(folder.rglob("*")) == before


def test_a_kept_index_spares_the_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, reference = str(tmp_path / "index.csv"), tmp_path / "reference"
    save(photo("lemurs/lemur-1").resize((90, 60)), reference / "lemur.png")
    with open_collection(str(folder), index, [str(reference)], "edited") as collection:
        first = collection.records, [content.sha256 for content in collection.contents]
    assert cbir.open(index).descriptors == ("phash",) and len(cbir.open(index)) == 4
    assert glob.glob(f"{index}.cbir/references/*/index.csv")
    for one in (type(HASH), type(EXTRACTOR)):
        name = "describe" if one is type(HASH) else "extract"
        monkeypatch.setattr(one, name, lambda *_: pytest.fail("computed again"))
    with open_collection(str(folder), index, [str(reference)], "edited") as collection:
        assert (collection.records, [content.sha256 for content in collection.contents]) == first
        for content in collection.contents:
            assert len(collection.cache.features(content)) > 0
    with open_collection(None, index, (), "edited") as collection:
        assert relative(collection, folder) == [
            os.path.relpath(record.path, folder) for record in first[0] if not record.reference
        ]


def test_what_an_index_has_stays_in_it(folder: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "index.csv")
    cbir.index(str(folder), index, ["hsv", "phash:bits=64"])
    rows = cbir.open(index).vectors("phash").copy()
    with open_collection(str(folder), index) as collection:
        assert len(collection.contents) == 3
    assert cbir.open(index).descriptors == ("hsv", "phash", "phash256")
    assert np.array_equal(cbir.open(index).vectors("phash"), rows)
    with open_collection(None, index) as collection:
        assert len(collection.records) == 4


def test_an_index_that_lacks_something_is_refused_with_the_remedy(
    folder: Path, tmp_path: Path
) -> None:
    index = str(tmp_path / "index.csv")
    cbir.index(str(folder), index, ["hsv"])
    content = Path(index).read_bytes()
    for level, lacks in (("near", "lacks hashes of"), ("edited", "hashes and local features of")):
        with (
            pytest.raises(CbirError, match=rf"{lacks}.*open_collection\(.*level='{level}'"),
            open_collection(None, index, (), level),  # type: ignore[arg-type]
        ):
            pass
    assert Path(index).read_bytes() == content
    with open_collection(str(folder), index, level="near"):
        pass
    with (
        pytest.raises(CbirError, match="lacks local features"),
        open_collection(None, index, (), "edited"),
    ):
        pass
    with pytest.raises(UsageError), open_collection(None, None):
        pass


def test_patterns_are_for_the_dataset_alone(folder: Path, tmp_path: Path) -> None:
    reference = tmp_path / "reference" / "cats"
    save(photo("lemurs/lemur-1").resize((90, 60)), reference / "lemur.png")
    with open_collection(
        str(folder), None, [str(reference.parent)], include=["*.png"], exclude=["cats/*"]
    ) as collection:
        assert [os.path.basename(record.path) for record in collection.records] == [
            "brook-1.png", "coffee-1.png", "twin.png", "lemur.png",
        ]  # fmt: skip


def test_images_that_are_gone_are_told(folder: Path, tmp_path: Path) -> None:
    index, listener = str(tmp_path / "index.csv"), Listener()
    with open_collection(str(folder), index):
        pass
    (folder / "cats" / "cat-1.png").unlink()
    with open_collection(None, index, listener=listener) as collection:
        assert relative(collection, folder) == [
            "forest/brook-1.png", "things/coffee-1.png", "twin.png",
        ]  # fmt: skip
    assert listener.warnings == ["1 image of the index no longer there; update it"]


def test_paths_that_are_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"bad\xff")
    folder.mkdir()
    for name in (b"a\xfe.jpg", b"b\n.jpg", "ü.jpg".encode()):
        shutil.copy(DATA / "cats" / "cat-1.jpg", folder / os.fsdecode(name))
    with open_collection(str(folder), None) as collection:
        assert [os.fsencode(os.path.basename(record.path)) for record in collection.records] == [
            b"a\xfe.jpg", b"b\n.jpg", "ü.jpg".encode(),
        ]  # fmt: skip


def test_features_are_read_by_several_threads(folder: Path) -> None:
    with open_collection(str(folder), None, [str(folder / "cats")], "edited") as collection:
        contents = list(collection.contents) * 30
        sizes = [len(one) for one in ordered_map(collection.cache.features, contents, 4, batch=1)]
        assert sizes == sizes[: len(collection.contents)] * 30


@pytest.mark.parametrize("patterns", [{"include": ["cats/*"]}, {"exclude": ["things", "f*"]}])
def test_patterns_never_shrink_an_index(
    folder: Path, tmp_path: Path, patterns: dict[str, list[str]]
) -> None:
    index = str(tmp_path / "index.csv")
    cbir.index(str(folder), index)
    with open_collection(str(folder), index, **patterns) as collection:  # type: ignore[arg-type]
        taken = relative(collection, folder)
    assert "cats/cat-1.png" in taken and "things/coffee-1.png" not in taken
    assert len(cbir.open(index)) == 4
    (folder / "cats" / "cat-1.png").unlink()
    with open_collection(str(folder), index, exclude=["things"]):
        assert len(cbir.open(index)) == 3
