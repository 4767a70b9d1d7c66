"""What comes with the package is used without training, and indexes keep what they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.atomic_files import save_arrays
from cbir.core.errors import CbirError, UsageError
from cbir.core.npz import load_arrays
from cbir.core.progress import ProgressListener
from cbir.descriptors.models import load_shipped
from cbir.descriptors.state import SHIPPED, TRAINED, origin_of, state_digest, with_origin
from tests.palette import FIRST, SECOND, Palette, palette, ship


class Listener(ProgressListener):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def index(tmp_path: Path) -> str:
    return str(tmp_path / "index.csv")


def indexed(photos: Path, index: str, *specs: str, **options: object) -> Listener:
    listener = Listener()
    cbir.index(str(photos), index, specs, listener=listener, **options)  # type: ignore[arg-type]
    return listener


def grays(index: str) -> list[float]:
    """Return the palette that an index keeps."""
    (file,) = (Path(index + ".cbir") / "state").iterdir()
    return load_arrays(str(file))["grays"].tolist()


def test_what_is_shipped_is_loaded_once_and_cannot_be_changed(package: Path) -> None:
    ship(package, FIRST)
    state = load_shipped("palette")
    assert load_shipped("palette") is state
    assert state["grays"].tolist() == [0, 50, 100, 150]
    with pytest.raises(ValueError, match="read-only"):
        state["grays"][0] = 1
    with pytest.raises(TypeError):
        state["grays"] = np.zeros(4)  # type: ignore[index]


def test_a_model_is_shipped_for_its_parameters_only(package: Path) -> None:
    ship(package, FIRST)
    assert Palette().shipped() is load_shipped("palette")
    assert Palette(levels=5).shipped() is None


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such file"), (b"PK no zip", "it is damaged")]
)
def test_a_damaged_package_says_so(package: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (package / "palette.npz").write_bytes(content)
    with pytest.raises(CbirError, match=rf"palette\.npz: .*{reason}.*; install cbir again"):
        cbir.describe(np.zeros((32, 32, 3), np.uint8), "palette")


def test_a_shipped_model_that_does_not_fit_is_refused(package: Path) -> None:
    ship(package, palette(1, 2))
    with pytest.raises(CbirError, match="does not fit palette: it has 2 levels; install cbir"):
        Palette().shipped()


def test_describe_works_with_what_is_shipped(package: Path, photos: Path) -> None:
    ship(package, FIRST)
    image = np.full((64, 64, 3), 101, np.uint8)
    assert cbir.describe(image, "palette").tolist() == [0, 0, 48, 0]
    with pytest.raises(UsageError, match="palette needs a model, and none comes with the package"):
        cbir.describe(image, "palette:levels=5")


def test_index_takes_what_is_shipped_and_trains_the_rest(
    package: Path, photos: Path, index: str
) -> None:
    ship(package, FIRST)
    assert not indexed(photos, index, "palette").notes
    assert grays(index) == [0, 50, 100, 150]
    opened = cbir.open(index)
    for path, row in zip(opened.paths, opened.vectors(), strict=True):
        assert np.array_equal(row, cbir.describe(photos / path, "palette"))
    other = indexed(photos, index + "5.csv", "palette:levels=5")
    assert other.notes == ["Training a model for palette on 12 images …"]


def test_retrain_trains_on_the_images(package: Path, photos: Path, index: str) -> None:
    ship(package, FIRST)
    indexed(photos, index, "palette", retrain=True)
    own = grays(index)
    assert own != [0, 50, 100, 150]
    assert not indexed(photos, index).notes
    assert grays(index) == own
    indexed(photos, index, rebuild=True)
    assert grays(index) == [0, 50, 100, 150]


def test_a_given_model_comes_first_and_is_kept(
    package: Path, photos: Path, index: str, tmp_path: Path
) -> None:
    ship(package, FIRST)
    given = str(tmp_path / "given.npz")
    save_arrays(given, with_origin(SECOND, TRAINED))
    indexed(photos, index, "palette", vocabulary=given)
    assert grays(index) == [10, 90, 170, 250]
    assert not indexed(photos, index).notes
    assert grays(index) == [10, 90, 170, 250]


def test_a_later_version_does_not_change_what_an_index_means(
    package: Path, photos: Path, index: str
) -> None:
    ship(package, FIRST)
    indexed(photos, index, "palette")
    before = Path(index).read_bytes()
    ship(package, SECOND)
    query = photos / "cats" / "cat-1.jpg"
    opened = cbir.open(index)
    assert opened.search(query).matches[0].distance == 0
    assert not np.array_equal(opened.searcher().describe(query), cbir.describe(query, "palette"))
    listener = indexed(photos, index)
    assert listener.notes == [
        "palette: the index keeps the model of the version of cbir that made it; rebuild=True takes"
        " the one of this version"
    ]
    assert Path(index).read_bytes() == before
    indexed(photos, index, rebuild=True)
    assert grays(index) == [10, 90, 170, 250]
    assert not indexed(photos, index).notes


def test_a_new_version_of_a_descriptor_comes_with_its_own_model(
    package: Path, photos: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(package, FIRST)
    indexed(photos, index, "palette")
    ship(package, SECOND)
    monkeypatch.setattr(Palette, "version", 2)
    assert not indexed(photos, index).notes
    assert grays(index) == [10, 90, 170, 250]


def test_an_index_needs_no_package_once_it_is_made(package: Path, photos: Path, index: str) -> None:
    ship(package, FIRST)
    indexed(photos, index, "palette")
    (package / "palette.npz").unlink()
    load_shipped.cache_clear()
    assert cbir.open(index).search(photos / "cats" / "cat-1.jpg").matches[0].distance == 0


def test_drift_from_a_shipped_model_is_warned_of(package: Path, photos: Path, index: str) -> None:
    ship(package, palette(-3, -2, -1, 128))
    (warning,) = indexed(photos, index, "palette").warnings
    assert "its model was trained on (drift 0.71, expected up to 0.50)" in warning
    assert not indexed(photos, index, retrain=True).warnings


def test_a_model_may_come_from_a_folder_or_an_index(
    package: Path, photos: Path, index: str, tmp_path: Path
) -> None:
    ship(package, FIRST)
    folder = tmp_path / "models"
    folder.mkdir()
    with pytest.raises(CbirError, match=r"models: there is no model \(\.npz\) in this folder"):
        indexed(photos, index, "palette", vocabulary=str(folder))
    save_arrays(str(folder / "one.npz"), SECOND)
    save_arrays(str(folder / "other.npz"), {"a": np.zeros(3)})
    indexed(photos, index, "palette", vocabulary=str(folder))
    assert grays(index) == [10, 90, 170, 250]
    save_arrays(str(folder / "two.npz"), palette(1, 2, 3, 4))
    with pytest.raises(CbirError, match="one, two all fit palette; name one file"):
        indexed(photos, index, "palette", vocabulary=str(folder))
    indexed(photos, index, "two=palette", vocabulary=str(folder), rebuild=True)
    assert grays(index) == [1, 2, 3, 4]
    indexed(photos, index + "2.csv", "palette", vocabulary=index)
    assert grays(index + "2.csv") == [1, 2, 3, 4]


def test_several_models_go_to_those_that_they_fit(
    package: Path, photos: Path, index: str, tmp_path: Path
) -> None:
    files = [str(tmp_path / name / "one.npz") for name in ("a", "b")]
    for file, state in zip(files, (FIRST, palette(1, 2, 3, 4, 5)), strict=True):
        Path(file).parent.mkdir()
        save_arrays(file, state)
    indexed(photos, index, "palette", "wide=palette:levels=5", vocabulary=files)
    opened = cbir.open(index)
    for alias, levels in ("palette", 4), ("wide", 5):
        descriptor = opened.single_searcher(alias).named.descriptor
        assert isinstance(descriptor, Palette) and descriptor.state is not None
        assert len(descriptor.state["grays"]) == levels
    with pytest.raises(CbirError, match=r"b/one\.npz: the model is of no use here"):
        indexed(photos, index + "2.csv", "palette", vocabulary=files)
    save_arrays(files[1], SECOND)
    with pytest.raises(CbirError, match=r"a/one\.npz, .*b/one\.npz: one, one all fit palette"):
        indexed(photos, index + "2.csv", "palette", vocabulary=files)


@pytest.mark.parametrize(
    ("specs", "arrays", "reason"),
    [
        (["palette"], {"a": np.zeros(3)}, "the model is of no use here: it is not a palette"),
        (["orb"], {"a": np.zeros(3)}, "the vocabulary is of no use here"),
        (["orb", "palette"], {"a": np.zeros(3)}, "the model or vocabulary is of no use here"),
        (["hsv"], {"a": np.zeros(3)}, "none of the descriptors needs training"),
        (["palette"], None, "cannot read the model: damaged"),
    ],
)
def test_a_model_that_is_of_no_use_is_refused(
    package: Path,
    photos: Path,
    index: str,
    tmp_path: Path,
    specs: list[str],
    arrays: dict[str, np.ndarray] | None,
    reason: str,
) -> None:
    given = tmp_path / "given.npz"
    given.write_bytes(b"text")
    if arrays is not None:
        save_arrays(str(given), arrays)
    with pytest.raises(CbirError, match=reason):
        indexed(photos, index, *specs, vocabulary=str(given))
    assert not Path(index).exists()


def test_the_origin_is_no_part_of_the_identity(package: Path) -> None:
    shipped, trained = with_origin(FIRST, SHIPPED), with_origin(FIRST, TRAINED)
    assert state_digest(shipped) == state_digest(trained) == state_digest(FIRST)
    assert state_digest(FIRST) != state_digest(SECOND)
    assert (origin_of(shipped), origin_of(trained), origin_of(FIRST)) == (SHIPPED, TRAINED, None)
    assert Palette().bind(shipped).fingerprint == Palette().bind(FIRST).fingerprint
