"""A copy goes only if what is kept holds all that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cbir.duplicates.collection import open_collection
from cbir.duplicates.grouping import find_groups
from cbir.duplicates.model import Group, Level
from cbir.duplicates.querying import find_copies
from cbir.losses import LossKind

from ..edits import photo
from .helpers import save

SCENES = ("cats/cat-1", "things/coffee-1", "sky/galaxies-1")


def scene(number: int) -> Image.Image:
    """One of three photographs, reduced."""
    image = photo(SCENES[number])
    return image.resize((image.width // 2, image.height // 2))


def found(
    root: Path, level: Level = "near", allow_loss: Sequence[LossKind] = (), **options: object
) -> dict[str, dict[str, list[str]]]:
    """Return of each kept image its copies, and the losses of each that stays."""
    with open_collection(str(root), None, level=level) as collection:
        groups = find_groups(
            collection,
            level,
            keep="first",
            allow_loss=allow_loss,
            **options,  # type: ignore[arg-type]
        )
    return {Path(group.keep.path).name: kinds(group) for group in groups}


def kinds(group: Group) -> dict[str, list[str]]:
    for one in group.duplicates:
        assert one.removable != one.stays
    return {
        Path(one.entry.path).name: [
            f"{loss.kind}{'' if one.stays else ', allowed'}" for loss in one.losses
        ]
        for one in group.duplicates
    }


def pages(seeds: Sequence[int]) -> dict[str, object]:
    return {"save_all": True, "append_images": [scene(seed) for seed in seeds]}


@pytest.mark.parametrize("level", ["exact", "near", "edited"])
def test_a_scan_of_three_pages_stays_beside_an_image_of_the_first(
    tmp_path: Path, level: Level
) -> None:
    save(scene(0), tmp_path / "a.png")
    save(scene(0), tmp_path / "b.tif", **pages([1, 2]))
    assert found(tmp_path, level) == {"a.png": {"b.tif": ["frames"]}}
    assert found(tmp_path, level, ["alpha"]) == {"a.png": {"b.tif": ["frames"]}}
    assert found(tmp_path, level, ["frames"]) == {"a.png": {"b.tif": ["frames, allowed"]}}


def test_the_image_of_a_page_goes_when_the_scan_is_kept(tmp_path: Path) -> None:
    save(scene(0), tmp_path / "a.tif", **pages([1, 2]))
    save(scene(0), tmp_path / "b.png")
    assert found(tmp_path) == {"a.tif": {"b.png": []}}


def test_one_that_stays_is_kept_for_copies_of_its_own(tmp_path: Path) -> None:
    save(scene(0), tmp_path / "a.png")
    for name in ("b.tif", "c.tif"):
        save(scene(0), tmp_path / name, **pages([1, 2]))
    save(scene(0), tmp_path / "d.tif", compression="tiff_lzw", **pages([1, 2]))
    groups = {"a.png": {"b.tif": ["frames"]}, "b.tif": {"c.tif": [], "d.tif": []}}
    assert found(tmp_path) == groups
    allowed = {name: ["frames, allowed"] for name in ("b.tif", "c.tif", "d.tif")}
    assert found(tmp_path, allow_loss=["frames"]) == {"a.png": allowed}


@pytest.mark.parametrize("level", ["exact", "near"])
def test_a_master_of_16_bits_stays_beside_its_export(tmp_path: Path, level: Level) -> None:
    fine = np.asarray(scene(0), np.uint16) * 256 + 77
    for name in ("b.png", "c.tif"):
        cv2.imwrite(str(tmp_path / name), fine[:, :, ::-1])
    save((fine >> 8).astype(np.uint8), tmp_path / "a.png")
    assert found(tmp_path, level) == {"a.png": {"b.png": ["depth"]}, "b.png": {"c.tif": []}}


def test_a_cutout_stays_beside_a_flat_image(tmp_path: Path) -> None:
    image = scene(0)
    mask = Image.new("L", image.size, 255)
    mask.paste(0, (0, 0, 30, image.height))
    image.putalpha(mask)
    white = Image.new("RGBA", image.size, "white")
    save(Image.alpha_composite(white, image).convert("RGB"), tmp_path / "a.jpg", quality=90)
    save(image, tmp_path / "b.png")
    save(image.resize((image.width // 2, image.height // 2)), tmp_path / "c.webp")
    assert found(tmp_path) == {"a.jpg": {"b.png": ["alpha"]}, "b.png": {"c.webp": []}}


def test_a_copy_of_a_query_tells_what_it_shows_besides(tmp_path: Path) -> None:
    query = save(scene(0), tmp_path / "query.png")
    save(scene(0), tmp_path / "photos" / "b.tif", **pages([1, 2]))
    save(scene(0), tmp_path / "photos" / "c.jpg")
    with open_collection(str(tmp_path / "photos"), None) as collection:
        (copies,) = find_copies(collection, [str(query)])
        (allowed,) = find_copies(collection, [str(query)], allow_loss=["frames"])
    assert [one.removable for one in copies.copies] == [False, True]  # type: ignore[union-attr]
    assert [one.removable for one in allowed.copies] == [True, True]  # type: ignore[union-attr]
    assert [loss.kind for loss in copies.copies[0].losses] == ["frames"]  # type: ignore[union-attr]
