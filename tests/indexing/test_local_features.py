"""Indexing with local features: kept by content, never extracted twice, whatever happens."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cbir
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.build import build_index
from cbir.stores import open_store
from cbir.stores.features.store import FeatureStore
from tests.conftest import PROJECT
from tests.edits import photo

EXTRACTOR = SiftExtractor(80)
NAMES = ["cats/cat-1", "things/coffee-1", "forest/brook-1", "windmills/windmill-1", "fish/fish-1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images, a second file of one of them, and a blank one."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        photo(name).resize((240, 160)).save(folder / f"{number}.png")
    shutil.copy(folder / "0.png", folder / "twin.png")
    Image.new("RGB", (60, 40), "white").save(folder / "white.png")
    return folder


@pytest.fixture
def index(tmp_path: Path) -> str:
    return str(tmp_path / "index.csv")


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each extraction."""
    calls: list[int] = []
    extract: Callable[..., SiftFeatures] = SiftExtractor.extract

    def counted(self: SiftExtractor, image: np.ndarray) -> SiftFeatures:
        calls.append(1)
        return extract(self, image)

    monkeypatch.setattr(SiftExtractor, "extract", counted)
    return calls


def build(folder: Path, index: str, workers: int = 2, count: int | None = 80) -> None:
    features = None if count is None else SiftExtractor(count)
    build_index(str(folder), index, "ahash", workers=workers, features=features)


def kept(index: str, extractor: SiftExtractor = EXTRACTOR) -> FeatureStore:
    return open_store(index).snapshot().features(extractor)


def contents(index: str) -> set[bytes]:
    return {content.tobytes() for content in open_store(index).snapshot().rows.facts["sha256"]}


def files(index: str, extractor: SiftExtractor = EXTRACTOR) -> dict[str, bytes]:
    place = Path(f"{index}.cbir") / "features" / extractor.fingerprint
    # What is noted of checks has the times of the files.
    kept = (path for path in sorted(place.iterdir()) if path.name != "checked.json")
    return {path.name: path.read_bytes() for path in kept}


def check(folder: Path, index: str) -> None:
    """Everything that is kept is what extracting gives, and nothing is missing."""
    store = kept(index)
    snapshot = open_store(index).snapshot()
    for path, fact in zip(snapshot.rows.paths, snapshot.rows.facts, strict=True):
        image = EncodedImage.open(str(folder / path)).pixels(EXTRACTOR.working_size)
        true = EXTRACTOR.extract(image)
        found = EXTRACTOR.from_record(store.get(fact["sha256"].tobytes()))
        assert np.array_equal(found.points, true.points)
        assert np.array_equal(found.descriptors, true.descriptors)
        assert (found.width, found.height) == (true.width, true.height)
    assert store.damage == []


def test_features_are_kept_by_content(folder: Path, index: str) -> None:
    build(folder, index)
    check(folder, index)
    assert sorted(kept(index).keys()) == sorted(contents(index)) and len(contents(index)) == 6
    assert list(cbir.open(index).descriptors) == ["ahash"]


def test_without_an_extractor_nothing_is_kept(folder: Path, index: str) -> None:
    build(folder, index, count=None)
    assert list(kept(index).keys()) == [] and not (Path(f"{index}.cbir") / "features").exists()


def test_nothing_is_extracted_again(folder: Path, index: str, extracted: list[int]) -> None:
    build(folder, index)
    # A content that two files have may be met by two threads at once.
    assert 6 <= len(extracted) <= 7
    before, rows = files(index), Path(index).read_bytes()
    extracted.clear()
    build(folder, index)
    (folder / "1.png").rename(folder / "renamed.png")
    shutil.copy(folder / "2.png", folder / "again.png")
    build(folder, index)
    assert extracted == []
    assert files(index) == before and Path(index).read_bytes() != rows
    check(folder, index)


def test_an_index_without_them_gets_them(folder: Path, index: str, extracted: list[int]) -> None:
    build(folder, index, count=None)
    rows = Path(index).read_bytes()
    assert extracted == []
    build(folder, index)
    assert Path(index).read_bytes() == rows
    check(folder, index)
    # And new images get them as well.
    extracted.clear()
    photo("lemurs/lemur-1").resize((200, 130)).save(folder / "new.png")
    build(folder, index)
    assert len(extracted) == 1
    check(folder, index)


def test_a_run_without_an_extractor_leaves_them(folder: Path, index: str) -> None:
    build(folder, index)
    before = files(index)
    (folder / "3.png").unlink()
    build(folder, index, count=None)
    assert files(index) == before
    assert len(list(kept(index).keys())) == 6


def test_extractors_have_folders_of_their_own(folder: Path, index: str) -> None:
    build(folder, index)
    before = files(index)
    build(folder, index, count=20)
    assert files(index) == before and len(list(kept(index).keys())) == 6
    few = kept(index, SiftExtractor(20))
    assert len(list(few.keys())) == 6
    found = [SiftExtractor(20).from_record(few.get(key)) for key in contents(index)]
    assert max(map(len, found)) == 20


def test_what_is_gone_is_forgotten_when_it_is_worth_it(
    folder: Path, index: str, extracted: list[int]
) -> None:
    build(folder, index)
    size = sum(map(len, files(index).values()))
    for number in range(1, 4):
        (folder / f"{number}.png").unlink()
    extracted.clear()
    build(folder, index)
    assert sorted(kept(index).keys()) == sorted(contents(index)) and len(contents(index)) == 3
    assert sum(map(len, files(index).values())) < 0.6 * size and extracted == []
    check(folder, index)


def test_any_number_of_workers_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    written = []
    for workers in (1, 4):
        index = str(tmp_path / f"{workers}.csv")
        build(folder, index, workers)
        written.append((Path(index).read_bytes(), files(index)))
    assert written[0] == written[1]


def test_features_that_were_lost_are_extracted_again(
    folder: Path, index: str, extracted: list[int]
) -> None:
    build(folder, index)
    place = Path(f"{index}.cbir") / "features" / EXTRACTOR.fingerprint
    for path in place.iterdir():
        path.unlink()
    extracted.clear()
    build(folder, index)
    assert 6 <= len(extracted) <= 7
    check(folder, index)


NO_FEATURES = {
    "nothing": ([], b""),
    "no size": ([240, 0, 0], b"\x03\x00"),
    "more features than any": ([240, 160, 2**31 - 1], b"\x03\x00"),
    "fewer bytes than features": ([240, 160, 3], b"\x03\x00"),
    "no stream": ([240, 160, 3], b"\xff" * 50),
}


def forge(index: str, what: str, extractor: SiftExtractor = EXTRACTOR) -> None:
    """Write records in the place of all, whose checksums are right, but which are no features."""
    size, raw = NO_FEATURES[what]
    place = Path(f"{index}.cbir") / "features" / extractor.fingerprint
    keys = list(FeatureStore(str(place), EXTRACTOR.fields).keys())
    shutil.rmtree(place)
    record = {"size": np.array(size, np.int32), "features": np.frombuffer(raw, np.uint8)}
    with FeatureStore(str(place), EXTRACTOR.fields) as store:
        for key in keys:
            store.append(key, record)


@pytest.mark.parametrize("what", NO_FEATURES)
def test_records_that_are_no_features_are_extracted_again(
    folder: Path, index: str, extracted: list[int], what: str
) -> None:
    build(folder, index)
    forge(index, what)
    extracted.clear()
    build(folder, index)
    assert 6 <= len(extracted) <= 7
    check(folder, index)
    extracted.clear()
    build(folder, index)
    assert extracted == []


def test_to_rebuild_believes_no_note_of_what_was_checked(folder: Path, index: str) -> None:
    build(folder, index)
    forge(index, "nothing")
    with kept(index) as store:  # and who forges the records can forge the note
        store.check_changed(lambda _: True)
    build(folder, index)
    with pytest.raises(ValueError, match="three sizes"):
        check(folder, index)
    build_index(str(folder), index, "ahash", features=EXTRACTOR, rebuild=True)
    check(folder, index)


def test_what_a_search_asks_for_mends_forged_records(folder: Path, index: str) -> None:
    def searched() -> object:
        query = str(folder / "0.png")
        return cbir.open(index).search(query, descriptor="bovw", verify=3).matches

    cbir.index(str(folder), index, ["bovw:words=20"])
    expected = searched()
    (place,) = (Path(f"{index}.cbir") / "features").iterdir()
    for rebuild in (False, True):
        keys = list(FeatureStore(str(place), EXTRACTOR.fields).keys())
        shutil.rmtree(place)
        with FeatureStore(str(place), EXTRACTOR.fields) as store:
            for key in keys:
                store.append(key, {"size": np.zeros(0, np.int32), "features": np.zeros(0, "u1")})
        shutil.rmtree(Path(f"{index}.cbir") / "inverted")
        with pytest.raises(cbir.CbirError, match="missing or damaged"):
            searched()
        cbir.index(str(folder), index, rebuild=rebuild)
        assert searched() == expected


def test_unreadable_images_have_none_and_the_rest_goes_on(folder: Path, index: str) -> None:
    (folder / "0.png").write_bytes((folder / "0.png").read_bytes()[:900])
    (folder / "text.jpg").write_text("text")
    build(folder, index)
    assert len(cbir.open(index)) == 6
    check(folder, index)


KILLED = """
import os, sys
from cbir.indexing.local_features import LocalFeatureWriter
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.indexing.build import build_index

folder, index, after, flush = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "flush"
add, done = LocalFeatureWriter.add, []


def add_and_die(self, sha256, features):
    add(self, sha256, features)
    done.append(1)
    if flush:
        self._store.sync()
    if len(done) == after:
        os._exit(9)


LocalFeatureWriter.add = add_and_die
build_index(folder, index, "ahash", workers=1, features=SiftExtractor(80))
"""


@pytest.mark.parametrize(("after", "flush"), [(4, True), (4, False)])
def test_a_killed_run_is_continued(
    folder: Path, index: str, tmp_path: Path, extracted: list[int], after: int, flush: bool
) -> None:
    """Killed between two images, with what it had written and without."""
    clean = str(tmp_path / "clean.csv")
    build(folder, clean)
    arguments = [str(folder), index, str(after), "flush" if flush else "no"]
    command = [sys.executable, "-c", KILLED, *arguments]
    done = subprocess.run(command, cwd=PROJECT, check=False, timeout=300)
    assert done.returncode == 9 and not Path(index).exists()
    extracted.clear()
    build(folder, index, workers=1)
    assert len(extracted) <= 7 - (after if flush else 0)
    assert Path(index).read_bytes() == Path(clean).read_bytes()
    assert set(kept(index).keys()) == contents(index)
    check(folder, index)


def test_an_interrupted_run_keeps_what_it_has(
    folder: Path, index: str, monkeypatch: pytest.MonkeyPatch, extracted: list[int]
) -> None:
    extract = SiftExtractor.extract

    def interrupted(self: SiftExtractor, image: np.ndarray) -> SiftFeatures:
        if len(extracted) == 3:
            raise KeyboardInterrupt
        return extract(self, image)

    with monkeypatch.context() as patch:
        patch.setattr("cbir.core.threads._BATCH", 1)
        patch.setattr(SiftExtractor, "extract", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build_index(str(folder), index, "ahash", workers=1, features=EXTRACTOR)
    build(folder, index, workers=1)
    check(folder, index)
