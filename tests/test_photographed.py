"""Photographs that are made to measure by: things are where they should be, always the same."""

from __future__ import annotations

import hashlib
import shutil
from argparse import Namespace
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.images.encoded_image import EncodedImage
from cbir.verification.spatial_matching import SpatialVerifier
from tests.conftest import DATA, PROJECT


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    import scenes

    return scenes


@pytest.fixture
def covers(scenes: ModuleType) -> ModuleType:
    import covers

    return covers


@pytest.fixture
def photographed(scenes: ModuleType) -> ModuleType:
    import photographed

    return photographed


def pictures() -> list[Path]:
    return sorted(DATA.rglob("*.jpg"))


def picture(number: int) -> NDArray[np.uint8]:
    return EncodedImage.open(str(pictures()[number])).pixels()


def other(rng: np.random.Generator) -> NDArray[np.uint8]:
    return picture(int(rng.integers(8, 12)))


@pytest.mark.parametrize("angle", [0, 20, 50])
@pytest.mark.parametrize("axis", [0, 35, 160, 300])
def test_a_tilted_plane_is_seen_as_a_pinhole_camera_sees_it(
    scenes: ModuleType, angle: float, axis: float
) -> None:
    corners = np.array([[-200, -150], [200, -150], [200, 150], [-200, 150]], float)
    radians = np.radians(axis)
    about = np.radians(angle) * np.array([np.cos(radians), np.sin(radians), 0])
    turned = Rotation.from_rotvec(about).apply(np.column_stack([corners, np.zeros(4)]))
    distance = 2 * scenes.FOCAL * 250
    expected = distance * turned[:, :2] / (distance + turned[:, 2:])
    assert scenes.tilted(corners, angle, axis) == pytest.approx(expected)


def test_a_turn_is_clockwise_as_rows_go_down(scenes: ModuleType) -> None:
    assert scenes.turned(np.array([[1.0, 0.0]]), 90) == pytest.approx(np.array([[0, 1]]))


def test_a_quarter_turn_takes_the_left_upper_corner_to_the_right(scenes: ModuleType) -> None:
    camera = scenes.Camera(tilt=0)
    rng = np.random.default_rng(0)
    corners = scenes.placed(picture(0), (600, 800), camera, rng, 90) - (300, 400)
    assert corners[:2, 0].min() > corners[2:, 0].max()


def test_an_image_comes_where_its_corners_should(scenes: ModuleType) -> None:
    marked = np.zeros((90, 120, 3), np.uint8)
    marked[:45, :60], marked[:45, 60:], marked[45:, 60:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    corners = np.array([[40, 30], [260, 60], [230, 210], [20, 160]], float)
    scene = scenes.laid_on(np.full((240, 320, 3), 90, np.uint8), marked, corners)
    middle = np.array([*corners.mean(axis=0)])
    colors = [scene[*np.rint(0.8 * one + 0.2 * middle).astype(int)[::-1]] for one in corners]
    assert np.array(colors).tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0]]
    area = float((scene != 90).any(axis=2).sum())
    assert area == pytest.approx(cv2.contourArea(corners.astype(np.float32)), rel=0.02)


@pytest.mark.parametrize("seed", range(12))
def test_covers_are_within_the_photograph(scenes: ModuleType, seed: int) -> None:
    size, camera = (600, 800), scenes.Camera()
    corners = scenes.placed(picture(0), size, camera, np.random.default_rng(seed))
    low, high = corners.min(axis=0), corners.max(axis=0)
    assert (low >= 0).all()
    assert (high <= size).all()
    assert camera.share[0] <= ((high - low) / size).max() <= camera.share[1]
    assert cv2.isContourConvex(corners.astype(np.float32))
    assert cv2.contourArea(corners.astype(np.float32), oriented=True) > 0  # not mirrored


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_spatial_verification_finds_a_cover_where_it_was_laid(
    scenes: ModuleType, covers: ModuleType, seed: int
) -> None:
    camera = scenes.Camera(share=(0.8, 0.9), tilt=30, hidden=0.05, light=0.3)
    page = covers.designed_cover(picture(0), picture(1), np.random.default_rng(seed))
    size = (600, 800)
    corners = scenes.placed(page, size, camera, np.random.default_rng(seed))
    encoded = scenes.photographed_cover(page, size, camera, np.random.default_rng(seed), other)
    photograph = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    extractor = SiftExtractor(count=1000)
    found = SpatialVerifier(extractor.extract(page)).match(extractor.extract(photograph))
    assert found is not None
    assert found.is_same
    height, width = page.shape[:2]
    ends = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    truth = cv2.getPerspectiveTransform(ends, corners.astype(np.float32))
    inner = (ends[None] * 0.6 + 0.2 * np.float32([width, height])).astype(np.float64)
    expected, told = (cv2.perspectiveTransform(inner, one)[0] for one in (truth, found.transform))
    assert np.linalg.norm(told - expected, axis=1).max() < 0.02 * max(size)


def test_a_label_around_a_can_is_as_wide_as_is_seen_of_it(scenes: ModuleType) -> None:
    label = np.full((100, 200, 3), 200, np.uint8)
    half = np.pi / 3
    layer = scenes.on_cylinder(label, 60, 0)
    assert layer.shape == (100, round(200 * np.sin(half) / half), 4)
    assert layer[50, layer.shape[1] // 2, 3] == 255


def options(folder: Path, **changed: object) -> Namespace:
    """Of a few photographs, of pictures that are copied apart."""
    for number, path in enumerate(pictures()[:12]):
        place = folder / ("references", "clutter", "distractors")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place / path.name)
    usual = {
        "references": folder / "references", "clutter": folder / "clutter",
        "distractors": [folder / "distractors"], "count": 2, "photographs": 5,
        "distractor_count": 2, "seed": 3, "workers": 1,
    }  # fmt: skip
    return Namespace(**usual | changed)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.jpg")
    }


def test_a_seed_gives_always_the_same_and_another_one_something_else(
    photographed: ModuleType, tmp_path: Path
) -> None:
    made = []
    for number, seed in enumerate((3, 3, 4)):
        lines = photographed.make(
            tmp_path / f"made{number}", options(tmp_path / "pictures", seed=seed)
        )
        made.append(contents(tmp_path / f"made{number}"))
    assert made[0] == made[1]
    assert not set(made[0].values()) & set(made[2].values())
    assert [kind for *_, kind in lines].count("reference") == 2
    assert len(lines) == 7
    photographs = {name for name in made[2] if name.startswith("photographs")}
    assert photographs == {f"photographs/{name}" for name, _, kind in lines if kind != "reference"}
    taken = [line for line in lines if line[2] != "reference"]
    assert all(name.startswith(f"{kind}/{stem}-") for name, stem, kind in taken)


def test_a_picture_is_not_reference_and_clutter(photographed: ModuleType, tmp_path: Path) -> None:
    given = options(tmp_path / "pictures")
    with pytest.raises(SystemExit, match="clutter"):
        photographed.make(
            tmp_path / "made", Namespace(**{**vars(given), "clutter": given.references})
        )
