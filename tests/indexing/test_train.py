"""Training on one's own images: the same bytes always, and nothing overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.atomic_files import save_arrays
from cbir.core.errors import CbirError, UnreadableImageError, UsageError
from cbir.core.npz import load_arrays
from cbir.core.progress import ProgressListener
from cbir.descriptors import registry
from cbir.descriptors.registry import available
from cbir.descriptors.state import SHIPPED, TRAINED, origin_of, state_digest, with_origin
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.discovery import ImageFile
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.train import TrainingImages, train_models
from tests.conftest import PROJECT
from tests.palette import FIRST, Palette


class Listener(ProgressListener):
    def __init__(self) -> None:
        self.errors: list[UnreadableImageError] = []

    def unreadable(self, error: UnreadableImageError) -> None:
        self.errors.append(error)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"


def samples(photos: Path, descriptor: Palette) -> list[np.ndarray]:
    paths = sorted(photos.rglob("*.jpg"))
    return [
        descriptor.training_sample(EncodedImage.open(str(path)).pixels(descriptor.working_size))
        for path in paths
    ]


def test_it_learns_from_all_images(package: Path, photos: Path, model: Path) -> None:
    (done,) = train_models(str(photos), ["palette:levels=3"], str(model))
    assert (done.path, done.name, done.state_name) == (str(model), "palette", "model")
    assert (done.images, done.bytes) == (12, model.stat().st_size)
    descriptor = Palette(levels=3)
    learned = load_arrays(str(model))
    assert state_digest(learned) == state_digest(descriptor.train(samples(photos, descriptor)))
    assert origin_of(learned) == TRAINED


def test_any_number_of_workers_writes_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    contents = set()
    for workers in (1, 2, 4):
        path = tmp_path / f"{workers}.npz"
        train_models(str(photos), ["orb:words=20"], str(path), workers=workers)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_index_trains_the_same_thing(photos: Path, model: Path, tmp_path: Path) -> None:
    train_models(str(photos), ["orb:words=20"], str(model))
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    cbir.index(str(photos), str(one), "orb:words=20", vocabulary=str(model))
    cbir.index(str(photos), str(other), "orb:words=20")
    assert one.read_bytes() == other.read_bytes()


def test_several_descriptors_go_to_a_folder_that_index_takes(
    package: Path, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    specs = ["small=palette:levels=3", "palette:levels=3", "orb:words=20"]
    written = train_models(str(photos), specs, str(folder), include=["*-1.jpg"])
    names = ["small.npz", "palette.npz", "orb.npz"]
    assert [one.path for one in written] == [str(folder / name) for name in names]
    assert written[0].images == 9
    index = str(tmp_path / "index.csv")
    cbir.index(str(photos), index, specs, vocabulary=str(folder))
    assert cbir.open(index).descriptors == ("small", "palette", "orb")


def test_images_that_cannot_be_read_are_told(package: Path, photos: Path, model: Path) -> None:
    (photos / "bad.jpg").write_text("text")
    listener = Listener()
    (done,) = train_models(str(photos), ["palette"], str(model), listener=listener)
    assert done.images == 12
    assert [error.path for error in listener.errors] == [str(photos / "bad.jpg")]


def test_a_descriptor_that_fails_on_an_image_is_told(
    package: Path, photos: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Palette, "training_sample", lambda self, image: 1 // 0)
    listener = Listener()
    with pytest.raises(CbirError, match="palette finds nothing to train on in 0 readable images"):
        train_models(str(photos), ["palette"], str(model), listener=listener)
    assert len(listener.errors) == 12
    assert "the descriptor 'palette' failed: ZeroDivisionError" in str(listener.errors[0])
    assert not model.exists()


def test_there_must_be_something_to_train_on(tmp_path: Path, model: Path) -> None:
    from PIL import Image

    (tmp_path / "images").mkdir()
    with pytest.raises(CbirError, match="there is no image to train on"):
        train_models(str(tmp_path / "images"), ["orb"], str(model))
    Image.new("RGB", (90, 90)).save(tmp_path / "images" / "blank.png")
    with pytest.raises(CbirError, match="orb finds nothing to train on in 1 readable image"):
        train_models(str(tmp_path / "images"), ["orb"], str(model))
    assert not model.exists()


def test_only_what_was_trained_is_overwritten(package: Path, photos: Path, model: Path) -> None:
    contents = (b"text", b"PK\3\4", b"")
    for content in contents:
        model.write_bytes(content)
        with pytest.raises(CbirError, match="this file is there and was not made by this program"):
            train_models(str(photos), ["palette"], str(model))
        assert model.read_bytes() == content
    for state in (FIRST, with_origin(FIRST, SHIPPED)):
        save_arrays(str(model), state)
        with pytest.raises(CbirError, match="this file is there and was not made by this program"):
            train_models(str(photos), ["palette"], str(model))
    model.unlink()
    for levels in (3, 5):
        train_models(str(photos), [f"palette:levels={levels}"], str(model))
        assert len(load_arrays(str(model))["grays"]) == levels


def test_a_link_is_followed(package: Path, photos: Path, model: Path, tmp_path: Path) -> None:
    train_models(str(photos), ["palette"], str(model))
    link = tmp_path / "link.npz"
    link.symlink_to(model)
    train_models(str(photos), ["palette:levels=7"], str(link))
    assert link.is_symlink() and len(load_arrays(str(model))["grays"]) == 7


@pytest.mark.parametrize(
    ("specs", "output", "reason"),
    [
        (["hsv"], "x.npz", "hsv needs no training; these do: .*orb"),
        (["orb", "orb:words=9"], "x", "another 'orb'; give it an alias .* other=orb:.*words=9"),
        (["orb", "a=orb"], "x.npz", "several descriptors need a folder"),
        (["orb"], "x", "a name that ends in .npz"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(
    photos: Path, tmp_path: Path, specs: list[str], output: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        train_models(str(photos), specs, str(tmp_path / output))


def test_a_folder_that_is_missing_is_told_before_the_work(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="no, so the vocabulary cannot be written"):
        train_models(str(photos), ["orb"], str(tmp_path / "no" / "x.npz"))


def test_the_sample_does_not_depend_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cbir.indexing.train.TRAINING_IMAGES", 5)
    found = [ImageFile(f"{number}.jpg", 1, 1) for number in range(20)]
    chosen = TrainingImages("d", found, 1).sample()
    assert len(chosen) == 5 and chosen == TrainingImages("d", found[::-1], 1).sample()


def test_the_models_of_the_package_are_made_by_a_program(
    package: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    monkeypatch.setattr(Palette, "__module__", "cbir.descriptors.palette")
    monkeypatch.setattr(registry, "_BUILT_IN", {"palette": "tests.palette:Palette"})
    import models

    (row,) = models.make_models(photos, package)
    assert row[:4] == ["palette", "photos", 12, (package / "palette.npz").stat().st_size]
    first = (package / "palette.npz").read_bytes()
    shipped = Palette().shipped()
    assert shipped is not None and origin_of(shipped) == SHIPPED
    again = tmp_path / "again"
    again.mkdir()
    shutil.copytree(photos, tmp_path / "copy" / "photos")
    models.make_models(tmp_path / "copy" / "photos", again)
    assert (again / "palette.npz").read_bytes() == first


def test_each_model_of_the_package_fits_its_descriptor() -> None:
    for cls in available():
        if isinstance(cls, type) and issubclass(cls, TrainedDescriptor):
            for parameters in cls.shipped_models.values():
                state = cls(**parameters).shipped()
                assert state is not None and origin_of(state) == SHIPPED
