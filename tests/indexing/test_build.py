"""Indexing: what is described, what is reused, and what never depends on the machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.bovw import OrbBovw
from cbir.descriptors.registry import parse
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA

ALL = ("hsv", "hog", "phash", "orb:words=50")


class Listener(ProgressListener):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def index(tmp_path: Path) -> str:
    return str(tmp_path / "index.csv")


def test_the_rows_are_the_descriptors_of_the_images(photos: Path, index: str) -> None:
    report = cbir.index(str(photos), index, ALL)
    assert (report.images, report.added, report.described) == (12, 12, 12)
    opened = cbir.open(index)
    assert opened.descriptors == ("hsv", "hog", "phash", "orb")
    for alias in ("hsv", "hog", "phash"):
        for path, row in zip(opened.paths, opened.vectors(alias), strict=True):
            assert np.array_equal(row, cbir.describe(photos / path, alias))


def test_hashes_stand_in_the_csv_with_their_qualities(photos: Path, index: str) -> None:
    hashes = ("phash", "pdq", "dhash", "ahash", "whash", "colorhash")
    cbir.index(str(photos), index, hashes)
    frame, opened = pandas.read_csv(index), cbir.open(index)
    for alias in hashes:
        place = list(frame).index(alias)
        assert frame.columns[place + 1] == f"{alias}_quality"
        rows = opened.vectors(alias)
        assert frame[alias].tolist() == ["h" + row[:-1].tobytes().hex() for row in rows]
        assert frame[f"{alias}_quality"].tolist() == rows[:, -1].tolist()
    frame.drop(columns="phash_quality").to_csv(index, index=False)
    with pytest.raises(CbirError, match="the column 'phash_quality' is missing"):
        cbir.open(index)


def test_a_descriptors_numbers_are_the_same_alone_and_beside_others(
    photos: Path, tmp_path: Path
) -> None:
    together = str(tmp_path / "all.csv")
    cbir.index(str(photos), together, ALL)
    for spec in ALL:
        alone = str(tmp_path / f"{parse(spec).alias}.csv")
        cbir.index(str(photos), alone, [spec])
        alias = parse(spec).alias
        assert np.array_equal(cbir.open(alone).vectors(), cbir.open(together).vectors(alias))


def test_any_number_of_workers_writes_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    contents = set()
    for workers in (1, 2, 4):
        path = tmp_path / f"{workers}.csv"
        cbir.index(str(photos), str(path), ALL, workers=workers)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_the_facts_of_the_files_are_told(photos: Path, index: str) -> None:
    cbir.index(str(photos), index)
    frame = pandas.read_csv(index)
    for row in frame.itertuples():
        file = photos / row.path
        image = EncodedImage.open(str(file))
        assert row.bytes == file.stat().st_size
        assert row.mtime == file.stat().st_mtime_ns // 1_000_000
        assert (row.width, row.height) == (image.header.width, image.header.height)


def test_nothing_is_done_twice(photos: Path, index: str) -> None:
    cbir.index(str(photos), index)
    before = os.stat(index)
    report = cbir.index(str(photos), index)
    assert (report.reused, report.described) == (12, 0)
    assert os.stat(index) == before


def test_changes_in_the_dataset_are_followed(photos: Path, index: str, tmp_path: Path) -> None:
    cbir.index(str(photos), index)
    (photos / "cats" / "cat-1.jpg").unlink()
    (photos / "sky" / "galaxies-1.jpg").rename(photos / "stars.jpg")
    shutil.copy(photos / "cats" / "cat-2.jpg", photos / "copy.jpg")
    shutil.copy(DATA / "cats" / "cat-4.jpg", photos / "cats" / "cat-3.jpg")
    shutil.copy(DATA / "snow" / "snow-forest-2.jpg", photos)
    os.utime(photos / "things" / "kite-1.jpg", (1, 1))
    report = cbir.index(str(photos), index)
    assert (report.added, report.updated, report.renamed, report.removed) == (2, 1, 1, 1)
    assert (report.reused, report.described, report.images) == (10, 2, 13)
    clean = str(tmp_path / "clean.csv")
    cbir.index(str(photos), clean)
    assert Path(index).read_bytes() == Path(clean).read_bytes()


def test_a_descriptor_can_be_added_and_dropped(photos: Path, index: str, tmp_path: Path) -> None:
    cbir.index(str(photos), index)
    first = Path(index).read_bytes()
    report = cbir.index(str(photos), index, ["short=phash:bits=64"])
    assert (report.updated, report.added) == (12, 0)
    assert cbir.open(index).descriptors == ("hsv", "short")
    clean = str(tmp_path / "clean.csv")
    cbir.index(str(photos), clean, ["hsv", "short=phash:bits=64"])
    assert Path(index).read_bytes() == Path(clean).read_bytes()
    cbir.index(str(photos), index, drop=["short"])
    assert Path(index).read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"descriptors": ["hsv:layout=none"]}, "the alias 'hsv' is taken"),
        ({"drop": ["hog"]}, "the index has: hsv"),
        ({"drop": ["hsv"]}, "at least one descriptor"),
        ({"descriptors": ["hsv_0=phash"]}, "both have a column 'hsv_0'"),
        ({"vocabulary": "x.npz", "descriptors": ["orb"]}, "cannot read the vocabulary"),
    ],
)
def test_wishes_that_contradict_are_refused(
    photos: Path, index: str, arguments: dict[str, object], message: str
) -> None:
    cbir.index(str(photos), index)
    before = Path(index).read_bytes()
    with pytest.raises(CbirError, match=message):
        cbir.index(str(photos), index, **arguments)  # type: ignore[arg-type]
    assert Path(index).read_bytes() == before


def test_columns_of_ones_own_follow_their_images(photos: Path, index: str) -> None:
    cbir.index(str(photos), index)
    frame = pandas.read_csv(index, dtype=str)
    frame["rating"] = [str(i) for i in range(12)]
    frame.to_csv(index, index=False)
    rating = dict(zip(frame["path"], frame["rating"], strict=True))
    (photos / "cats" / "cat-2.jpg").rename(photos / "moved.jpg")
    (photos / "cats" / "cat-1.jpg").unlink()
    shutil.copy(DATA / "snow" / "snow-forest-2.jpg", photos)
    for rebuild in (False, True):
        cbir.index(str(photos), index, ["hog"], rebuild=rebuild)
        after = pandas.read_csv(index, dtype=str, keep_default_na=False)
        found = dict(zip(after["path"], after["rating"], strict=True))
        assert found["things/kite-1.jpg"] == rating["things/kite-1.jpg"]
        assert found["moved.jpg"] == rating["cats/cat-2.jpg"]
        assert found["snow-forest-2.jpg"] == ""
        assert len(found) == 12


def label(index: str) -> dict[str, str]:
    """Add a column of one's own that names each image; return it by path."""
    frame = pandas.read_csv(index, dtype=str)
    frame["label"] = [f"was {path}" for path in frame["path"]]
    frame.to_csv(index, index=False)
    return dict(zip(frame["path"], frame["label"], strict=True))


def labels(index: str) -> dict[str, str]:
    frame = pandas.read_csv(index, dtype=str, keep_default_na=False)
    return dict(zip(frame["path"], frame["label"], strict=True))


@pytest.mark.parametrize("rebuild", [False, True])
def test_columns_of_ones_own_follow_images_that_swap_names(
    photos: Path, index: str, rebuild: bool
) -> None:
    cbir.index(str(photos), index)
    label(index)
    one, two, three = (photos / "cats" / f"cat-{number}.jpg" for number in (1, 2, 3))
    three.rename(photos / "cats" / "cat-4.jpg")
    two.rename(three)
    one.rename(two)
    cbir.index(str(photos), index, rebuild=rebuild)
    found = labels(index)
    assert found["cats/cat-2.jpg"] == "was cats/cat-1.jpg"
    assert found["cats/cat-3.jpg"] == "was cats/cat-2.jpg"
    assert found["cats/cat-4.jpg"] == "was cats/cat-3.jpg"


def test_columns_of_ones_own_do_not_go_to_another_datasets_images(
    photos: Path, index: str, tmp_path: Path
) -> None:
    cbir.index(str(photos), index)
    label(index)
    other = tmp_path / "other"
    (other / "cats").mkdir(parents=True)
    shutil.copy(photos / "cats" / "cat-2.jpg", other / "cats" / "cat-1.jpg")
    shutil.copy(DATA / "cats" / "cat-5.jpg", other / "cats" / "cat-3.jpg")
    cbir.index(str(other), index, rebuild=True)
    assert labels(index) == {"cats/cat-1.jpg": "was cats/cat-2.jpg", "cats/cat-3.jpg": ""}


@pytest.mark.parametrize("rebuild", [False, True])
def test_what_was_typed_about_images_that_are_gone_is_kept(
    photos: Path, index: str, rebuild: bool
) -> None:
    cbir.index(str(photos), index)
    label(index)
    before = Path(index).read_bytes()
    (photos / "cats" / "cat-1.jpg").unlink()
    listener = Listener()
    cbir.index(str(photos), index, rebuild=rebuild, listener=listener)
    assert "cats/cat-1.jpg" not in labels(index)
    assert Path(f"{index}.old").read_bytes() == before
    (warning,) = listener.warnings
    assert "cats/cat-1.jpg" in warning and f"{index}.old" in warning
    cbir.index(str(photos), index, rebuild=rebuild, listener=listener)
    assert len(listener.warnings) == 1 and not Path(f"{index}.old1").exists()


def test_rows_without_text_of_ones_own_leave_in_silence(photos: Path, index: str) -> None:
    cbir.index(str(photos), index)
    frame = pandas.read_csv(index, dtype=str)
    frame["label"] = ["" if path == "cats/cat-1.jpg" else "typed" for path in frame["path"]]
    frame.to_csv(index, index=False)
    (photos / "cats" / "cat-1.jpg").rename(photos / "away.txt")
    (photos / "cats" / "cat-2.jpg").rename(photos / "renamed.jpg")
    listener = Listener()
    cbir.index(str(photos), index, listener=listener)
    assert not listener.warnings and not Path(f"{index}.old").exists()
    assert labels(index)["renamed.jpg"] == "typed"


def test_a_column_of_ones_own_keeps_its_name(photos: Path, index: str) -> None:
    cbir.index(str(photos), index)
    frame = pandas.read_csv(index, dtype=str)
    frame.assign(phash="mine").to_csv(index, index=False)
    with pytest.raises(CbirError, match="a column 'phash' of your own; rename it"):
        cbir.index(str(photos), index, ["phash"])
    cbir.index(str(photos), index, ["other=phash"])
    assert set(pandas.read_csv(index)["phash"]) == {"mine"}


def test_what_cannot_be_looked_at_is_not_taken_for_deleted(
    photos: Path, index: str, tmp_path: Path
) -> None:
    (photos / "cats").rename(tmp_path / "disk")
    (photos / "cats").symlink_to(tmp_path / "disk")
    cbir.index(str(photos), index)
    label(index)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    report = cbir.index(str(photos), index)
    assert (report.images, report.removed, len(report.unreadable)) == (12, 0, 1)
    (tmp_path / "unmounted").rename(tmp_path / "disk")
    report = cbir.index(str(photos), index)
    assert (report.reused, report.described) == (12, 0)
    assert labels(index)["cats/cat-1.jpg"] == "was cats/cat-1.jpg"


def interrupted(monkeypatch: pytest.MonkeyPatch, *arguments: object, **options: object) -> None:
    """Run ``cbir.index`` until nine images are described, and kill it."""
    from cbir.core import threads
    from cbir.indexing.image_describer import ImageDescriber

    describe, calls = ImageDescriber.describe, []

    def nine(*given: object) -> object:
        if len(calls) >= 9:
            raise KeyboardInterrupt
        calls.append(1)
        return describe(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(threads, "_BATCH", 2)
        patch.setattr(ImageDescriber, "describe", nine)
        with pytest.raises(KeyboardInterrupt):
            cbir.index(*arguments, workers=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("rebuild", [False, True])
def test_what_was_described_of_another_dataset_is_not_taken(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rebuild: bool
) -> None:
    """Equal names, sizes and times do not make equal images."""
    from PIL import Image

    for number, shade in enumerate(("red", "blue")):
        folder = tmp_path / ("same" if rebuild else shade)
        folder.mkdir(exist_ok=True)
        for name in range(12):
            Image.new("RGB", (50, 50), shade).save(folder / f"{name}.bmp")
            os.utime(folder / f"{name}.bmp", (1, 1))
        if number == 0:
            interrupted(monkeypatch, str(folder), index)
    cbir.index(str(folder), index, rebuild=rebuild)
    opened = cbir.open(index)
    blue = cbir.describe(folder / "0.bmp")
    assert all(np.array_equal(row, blue) for row in opened.vectors())


def test_a_row_deleted_by_hand_comes_back(photos: Path, index: str) -> None:
    cbir.index(str(photos), index)
    whole = Path(index).read_bytes()
    lines = whole.splitlines(keepends=True)
    Path(index).write_bytes(b"".join(lines[:3] + lines[5:]))
    assert len(cbir.open(index)) == 10
    report = cbir.index(str(photos), index)
    assert (report.added, report.described) == (2, 2)
    assert Path(index).read_bytes() == whole


def test_a_dataset_other_than_the_indexs_is_refused_unless_rebuilt(
    photos: Path, index: str
) -> None:
    cbir.index(str(photos), index)
    with pytest.raises(CbirError, match=r"this is the index of .*photos, not of .*cats"):
        cbir.index(str(photos / "cats"), index)
    cbir.index(str(photos / "cats"), index, rebuild=True)
    assert len(cbir.open(index)) == 3


def test_a_montage_of_ours_is_never_indexed(photos: Path, index: str) -> None:
    from cbir.reports.montage import write_montage

    cbir.index(str(photos), index)
    result = cbir.open(index).search(photos / "cats" / "cat-1.jpg")
    for name in ("montage.jpg", "montage.png", "montage.webp"):
        write_montage(str(photos / name), [result], 3)
    report = cbir.index(str(photos), index)
    assert (report.images, report.added, len(report.unreadable)) == (12, 0, 0)


def test_a_vocabulary_is_kept_until_it_is_to_be_trained_again(photos: Path, index: str) -> None:
    cbir.index(str(photos), index, ["orb:words=30"])
    states = Path(index + ".cbir") / "state"
    first = [path.name for path in states.iterdir()]
    for name in ("windmills/windmill-2.jpg", "windmills/windmill-3.jpg"):
        shutil.copy(DATA / name, photos)
    cbir.index(str(photos), index)
    assert [path.name for path in states.iterdir()] == first
    assert len(cbir.open(index)) == 14
    cbir.index(str(photos), index, retrain=True)
    assert [path.name for path in states.iterdir()] != first
    assert len(list(states.iterdir())) == 1


def test_a_vocabulary_can_be_taken_from_elsewhere(photos: Path, tmp_path: Path) -> None:
    one, other = str(tmp_path / "one.csv"), str(tmp_path / "other.csv")
    cbir.index(str(photos / "cats"), one, ["orb:words=30"])
    cbir.index(str(photos), other, ["orb:words=30"], vocabulary=one)
    names = [
        [path.name for path in (Path(path + ".cbir") / "state").iterdir()] for path in (one, other)
    ]
    assert names[0] == names[1]
    again = str(tmp_path / "again.csv")
    file = next((Path(one + ".cbir") / "state").iterdir())
    cbir.index(str(photos), again, ["orb:words=30"], vocabulary=str(file))
    assert Path(again).read_bytes() == Path(other).read_bytes()
    with pytest.raises(CbirError, match="it has 30 words, not 60; use the descriptor orb:words=30"):
        cbir.index(str(photos), str(tmp_path / "x.csv"), ["orb:words=60"], vocabulary=one)
    with pytest.raises(CbirError, match="none of the descriptors needs training"):
        cbir.index(str(photos), str(tmp_path / "x.csv"), ["hsv"], vocabulary=one)
    with pytest.raises(CbirError, match="has no vocabulary"):
        cbir.index(str(photos), str(tmp_path / "hsv.csv"))
        cbir.index(str(photos), other, vocabulary=str(tmp_path / "hsv.csv"))


def test_an_interrupted_run_is_continued(
    photos: Path, index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, str(photos), index)
    assert not Path(index).exists()
    report = cbir.index(str(photos), index)
    assert report.added == 12 and report.described < 12
    clean = str(tmp_path / "clean.csv")
    cbir.index(str(photos), clean)
    assert Path(index).read_bytes() == Path(clean).read_bytes()


def test_a_vocabulary_of_another_size_is_not_kept(photos: Path, index: str) -> None:
    cbir.index(str(photos), index, ["hsv", "orb:words=40"])
    for words in (20, 60):
        cbir.index(str(photos), index, [f"orb:words={words}"], drop="orb")
        descriptor = cbir.open(index).single_searcher("orb").named.descriptor
        assert isinstance(descriptor, OrbBovw) and len(descriptor.vocabulary["words"]) == words
        query = photos / "cats" / "cat-1.jpg"
        assert cbir.open(index).search(query, descriptor="orb").matches[0].distance == 0


def test_two_aliases_of_one_descriptor_are_computed_once(
    photos: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cbir.index(str(photos), index, ["hsv", "again=hsv"])
    assert np.array_equal(cbir.open(index).vectors("hsv"), cbir.open(index).vectors("again"))
    monkeypatch.setattr(EncodedImage, "open", None)
    assert cbir.index(str(photos), index).reused == 12


@pytest.mark.parametrize("specs", [(), ("hsv",)])
def test_an_index_of_another_program_version_of_a_descriptor_is_not_mixed(
    photos: Path, index: str, monkeypatch: pytest.MonkeyPatch, specs: tuple[str, ...]
) -> None:
    from cbir.descriptors.global_features.hsv_histogram import HsvHistogram

    with monkeypatch.context() as first:
        first.setattr(HsvHistogram, "version", 1)
        first.setattr(HsvHistogram, "parameters", {"layout": "grid"})  # it had no other one
        cbir.index(str(photos), index)
    with pytest.raises(CbirError, match="written by version 1 of hsv, this is version 2"):
        cbir.open(index).search(photos / "cats" / "cat-1.jpg")
    report = cbir.index(str(photos), index, specs)
    assert report.updated == 12
    assert cbir.open(index).search(photos / "cats" / "cat-1.jpg").matches[0].distance == 0


def test_unreadable_images_are_reported_and_the_rest_goes_on(photos: Path, index: str) -> None:
    (photos / "text.jpg").write_text("not an image")
    (photos / "zero.png").write_bytes(b"")
    report = cbir.index(str(photos), index)
    assert report.images == 12
    reasons = {Path(error.path).name: error.reason for error in report.unreadable}
    assert reasons == {"text.jpg": "not an image", "zero.png": "the file is empty"}


def test_there_must_be_something_to_index(tmp_path: Path, index: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CbirError, match="there is no image"):
        cbir.index(str(empty), index)
    (empty / "a.jpg").write_text("text")
    with pytest.raises(CbirError, match="none of 1 file could be read"):
        cbir.index(str(empty), index)
    assert not Path(index).exists()


def test_a_file_of_the_users_is_never_overwritten(photos: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("name,age\nx,3\n")
    for rebuild in (False, True):
        with pytest.raises(CbirError, match="not an index"):
            cbir.index(str(photos), str(mine), rebuild=rebuild)
    assert mine.read_text() == "name,age\nx,3\n"


def test_a_broken_index_can_be_rebuilt(photos: Path, index: str) -> None:
    cbir.index(str(photos), index, ["hog"])
    whole = Path(index).read_bytes()
    shutil.rmtree(index + ".cbir")
    with pytest.raises(CbirError, match="rebuild=True"):
        cbir.index(str(photos), index)
    listener = Listener()
    cbir.index(str(photos), index, ["hog"], rebuild=True, listener=listener)
    assert Path(index).read_bytes() == Path(index + ".old").read_bytes() == whole
    assert "It is kept as" in listener.warnings[0]
    Path(index).write_bytes(whole[: len(whole) // 2])
    cbir.index(str(photos), index, rebuild=True)
    assert cbir.open(index).descriptors == ("hog",)
    assert Path(index).read_bytes() == whole
    Path(index).write_bytes(b"")
    cbir.index(str(photos), index, ["hog"], rebuild=True)
    assert Path(index).read_bytes() == whole


def test_describe_refuses_what_needs_a_vocabulary(photos: Path) -> None:
    with pytest.raises(UsageError, match="orb needs a vocabulary"):
        cbir.describe(photos / "cats" / "cat-1.jpg", "orb")


def test_a_dataset_that_was_moved_apart_from_its_index_is_taken_over_by_content(
    photos: Path, index: str, tmp_path: Path
) -> None:
    cbir.index(str(photos), index)
    before = cbir.open(index).vectors("hsv").copy()
    moved = tmp_path / "elsewhere" / "images"
    shutil.copytree(photos, moved, copy_function=shutil.copyfile)  # with other times
    with pytest.raises(CbirError, match=r"this is the index of .*photos, not of .*images"):
        cbir.index(str(moved), index)
    shutil.rmtree(photos)
    shutil.copyfile(moved / "cats" / "cat-1.jpg", moved / "cats" / "cat-2.jpg")
    report = cbir.index(str(moved), index)
    assert (report.described, report.reused, report.images) == (0, 12, 12)
    opened = cbir.open(index)
    assert opened.paths[0] == "cats/cat-1.jpg"
    assert np.array_equal(opened.vectors("hsv")[1], before[0])  # not what the name once was
    assert np.array_equal(opened.vectors("hsv")[2:], before[2:])


def test_an_index_whose_dataset_is_gone_is_not_given_to_another_one(
    photos: Path, index: str, tmp_path: Path
) -> None:
    """The dataset may be on a disk that is not there at the moment."""
    cbir.index(str(photos), index)
    text = Path(index).read_bytes()
    photos.rename(tmp_path / "away")
    other = tmp_path / "other"
    shutil.copytree(DATA / "sunsets", other)
    with pytest.raises(CbirError, match="not there any more, and most images here have other"):
        cbir.index(str(other), index)
    assert Path(index).read_bytes() == text


def test_a_number_edited_by_hand_is_told_and_described_again(photos: Path, index: str) -> None:
    cbir.index(str(photos), index, ["hsv:layout=none"])
    right = Path(index).read_text()
    lines = right.splitlines()
    lines[3] = lines[3][:-1] + ("1" if lines[3][-1] != "1" else "2")
    Path(index).write_text("\n".join(lines) + "\n")
    listener = Listener()
    report = cbir.index(str(photos), index, listener=listener)
    assert report.described == 1 and Path(index).read_text() == right
    assert "a row was edited by hand: cats/cat-3.jpg" in listener.warnings[0]


def test_what_is_refused_as_an_index_leaves_no_folder(photos: Path, tmp_path: Path) -> None:
    image = photos / "cats" / "cat-1.jpg"
    for place in (image, tmp_path / "photos"):
        for rebuild in (False, True):
            with pytest.raises(CbirError, match=r"not an index|is a folder"):
                cbir.index(str(photos), str(place), rebuild=rebuild)
            assert not Path(f"{place}.cbir").exists()
