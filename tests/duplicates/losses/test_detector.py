"""A copy goes only if what is kept holds all that it shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from cbir.duplicates.collection import open_collection
from cbir.duplicates.grouping import find_groups
from cbir.duplicates.loss import LossKind
from cbir.duplicates.model import CopyLevel, Group
from cbir.duplicates.querying import find_copies
from tests.duplicates.helpers import save
from tests.edits import captioned, mirrored, padded, photo, rotated

SCENES = ("cats/cat-1", "things/coffee-1", "sky/galaxies-1")


def scene(number: int) -> Image.Image:
    """One of three photographs, reduced."""
    image = photo(SCENES[number])
    return image.resize((image.width // 2, image.height // 2))


def found(
    root: Path, level: CopyLevel = "near", allow_loss: Sequence[LossKind] = (), **options: object
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
        Path(one.record.path).name: [
            f"{loss.kind}{'' if one.stays else ', allowed'}" for loss in one.losses
        ]
        for one in group.duplicates
    }


def pages(seeds: Sequence[int]) -> dict[str, object]:
    return {"save_all": True, "append_images": [scene(seed) for seed in seeds]}


@pytest.mark.parametrize("level", ["exact", "near", "edited"])
def test_a_scan_of_three_pages_stays_beside_an_image_of_the_first(
    tmp_path: Path, level: CopyLevel
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
def test_a_master_of_16_bits_stays_beside_its_export(tmp_path: Path, level: CopyLevel) -> None:
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


# What the image itself shows


def test_a_crop_of_which_the_kept_image_shows_a_part_stays(tmp_path: Path) -> None:
    image = scene(0)
    width, height = image.size
    save(image.crop((0, 0, round(0.7 * width), height)), tmp_path / "a.png")
    save(image.crop((round(0.3 * width), 0, width, height)), tmp_path / "b.png")
    save(image.crop((0, 0, round(0.5 * width), height)), tmp_path / "c.png")
    assert found(tmp_path, "edited") == {"a.png": {"b.png": ["area"], "c.png": []}}


def test_what_is_written_on_a_copy_is_not_in_the_kept_image(tmp_path: Path) -> None:
    save(photo("cats/cat-1"), tmp_path / "a.png")
    save(captioned(photo("cats/cat-1")), tmp_path / "b.png")
    assert found(tmp_path, "edited") == {"a.png": {"b.png": ["area"]}}


def test_what_a_caption_on_the_kept_image_hides_is_lost(tmp_path: Path) -> None:
    """Also where it is smooth: what is under the letters is nowhere else."""
    image = photo("things/kite-1").filter(ImageFilter.GaussianBlur(2))
    save(captioned(image), tmp_path / "a.png")
    save(image, tmp_path / "b.png")
    assert "area" in found(tmp_path, "edited")["a.png"]["b.png"]


@pytest.mark.parametrize("quality", [None, 92])
def test_a_plain_crop_of_fine_detail_loses_nothing(tmp_path: Path, quality: int | None) -> None:
    rng = np.random.default_rng(0)
    image = np.asarray(photo("buildings/pagoda-1").resize((900, 600)), np.int16)
    lines = (rng.integers(0, 2, (600, 900, 1)) * 60).astype(np.int16)
    detailed = Image.fromarray(np.clip(image * 3 // 4 + lines, 0, 255).astype(np.uint8))
    save(detailed, tmp_path / "a.png")
    crop = detailed.crop((91, 63, 809, 539))
    crop.save(tmp_path / f"b.{'jpg' if quality else 'png'}", quality=quality or 75)
    ((name, losses),) = found(tmp_path, "edited")["a.png"].items()
    assert name[0] == "b" and losses == []


def test_plain_edits_lose_nothing(tmp_path: Path) -> None:
    image = photo("cats/cat-1")
    width, height = image.size
    save(image, tmp_path / "a.png")
    save(image, tmp_path / "b.jpg", quality=50)
    save(image.resize((width // 2, height // 2)), tmp_path / "c.jpg", quality=80)
    save(image.convert("L"), tmp_path / "d.png")
    save(image.filter(ImageFilter.GaussianBlur(1)), tmp_path / "e.png")
    save(ImageOps.autocontrast(image, cutoff=5), tmp_path / "f.jpg", quality=90)
    for level in ("near", "edited"):
        lost = found(tmp_path, level)  # type: ignore[arg-type]
        assert lost == {
            "a.png": {name: [] for name in ("b.jpg", "c.jpg", "d.png", "e.png", "f.jpg")}
        }


def test_padding_mirroring_and_turning_lose_nothing(tmp_path: Path) -> None:
    image = photo("cats/cat-1")
    save(image, tmp_path / "a.png")
    save(padded(image), tmp_path / "b.png")
    save(mirrored(image), tmp_path / "c.jpg", quality=90)
    save(rotated(5)(image), tmp_path / "d.png")
    save(image.rotate(90, expand=True), tmp_path / "e.png")
    assert found(tmp_path, "edited") == {
        "a.png": {"b.png": [], "c.jpg": [], "d.png": [], "e.png": []}
    }


def test_colors_are_not_held_by_a_gray_image(tmp_path: Path) -> None:
    save(scene(1).convert("L").convert("RGB"), tmp_path / "a.jpg", quality=90)
    save(scene(1), tmp_path / "b.jpg", quality=90)
    assert "color" in found(tmp_path)["a.jpg"]["b.jpg"]


def test_a_collage_never_removes_its_parts(tmp_path: Path) -> None:
    left, right = (
        photo("cats/cat-1").resize((400, 400)),
        photo("things/coffee-1").resize((400, 400)),
    )
    collage = Image.new("RGB", (800, 400))
    collage.paste(left, (0, 0))
    collage.paste(right, (400, 0))
    save(collage, tmp_path / "a.png")
    save(left, tmp_path / "b.png")
    save(right, tmp_path / "c.png")
    save(left.resize((300, 300)), tmp_path / "d.png")
    lost = found(tmp_path, "edited")
    assert lost["a.png"] == {"b.png": ["composite"], "c.png": ["composite"]}
    assert lost["b.png"] == {"d.png": []}


def test_a_single_part_is_a_crop(tmp_path: Path) -> None:
    image = photo("cats/cat-1")
    save(image, tmp_path / "a.png")
    save(image.crop((0, 0, image.width // 2, image.height)), tmp_path / "b.png")
    assert found(tmp_path, "edited") == {"a.png": {"b.png": []}}


# Fine detail


def statement(total: str, name: str = "Maria Keller") -> Image.Image:
    """A page of which many look alike."""
    page = Image.new("RGB", (620, 877), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((40, 40, 580, 120), fill=(30, 60, 120))
    draw.text((60, 60), "ACME Bank - Statement", fill="white", font_size=30)
    draw.text((50, 150), f"Account holder: {name}", fill="black", font_size=17)
    for row in range(25):
        y = 225 + row * 20
        draw.line((40, y, 580, y), fill="gray")
        text = f"Payment to shop {row * 37 % 91}   order {row * 7919 % 100003}"
        draw.text((50, y + 2), text, fill="black", font_size=13)
        draw.text((490, y + 2), f"{row * 137.77 % 500:8.2f}", fill="black", font_size=13)
    draw.text((50, 750), f"Total due: {total}", fill=(160, 0, 0), font_size=22)
    return page


@pytest.mark.parametrize("level", ["near", "edited"])
def test_a_page_with_another_total_stays(tmp_path: Path, level: CopyLevel) -> None:
    save(statement("1,204.17 EUR"), tmp_path / "a.jpg", quality=90)
    save(statement("9,871.55 EUR"), tmp_path / "b.jpg", quality=75)
    assert found(tmp_path, level) == {"a.jpg": {"b.jpg": ["area"]}}


@pytest.mark.parametrize("level", ["near", "edited"])
def test_copies_of_a_page_lose_nothing(tmp_path: Path, level: CopyLevel) -> None:
    page = statement("1,204.17 EUR")
    save(page, tmp_path / "a.jpg", quality=90)
    save(page, tmp_path / "b.jpg", quality=50)
    save(page.resize((310, 438), Image.Resampling.LANCZOS), tmp_path / "c.jpg", quality=75)
    assert found(tmp_path, level) == {"a.jpg": {"b.jpg": [], "c.jpg": []}}


def test_a_reduced_image_holds_less_detail_than_what_it_was_made_of(tmp_path: Path) -> None:
    image = photo("cats/cat-1")
    save(image.resize((60, 39)), tmp_path / "a.png")
    save(image, tmp_path / "b.png")
    assert found(tmp_path) == {"a.png": {"b.png": ["detail"]}}
    assert found(tmp_path, allow_loss=["detail"]) == {"a.png": {"b.png": ["detail, allowed"]}}


def test_a_thumbnail_holds_nothing_more_than_what_it_was_made_of(tmp_path: Path) -> None:
    image = photo("cats/cat-1")
    save(image, tmp_path / "a.png")
    save(image.resize((60, 39), Image.Resampling.LANCZOS), tmp_path / "b.jpg", quality=90)
    assert found(tmp_path) == {"a.png": {"b.jpg": []}}


def test_an_enlarged_image_and_one_of_the_same_size_hold_no_more(tmp_path: Path) -> None:
    image = photo("cats/cat-1")
    save(image, tmp_path / "a.png")
    save(image.resize((2 * image.width, 2 * image.height), 3), tmp_path / "b.png")
    image.save(tmp_path / "c.jpg", quality=60)
    assert found(tmp_path) == {"a.png": {"b.png": [], "c.jpg": []}}


def test_a_crop_of_higher_resolution_stays_beside_the_whole(tmp_path: Path) -> None:
    """Whatever else there is: a thumbnail of the whole made the crop removable."""
    image = photo("cats/cat-1")
    width, height = image.size
    save(image.resize((width // 2, height // 2)), tmp_path / "a.png")
    save(image.crop((0, 0, int(0.8 * width), int(0.85 * height))), tmp_path / "b.png")
    whole = {"a.png": {"b.png": ["detail"]}}
    assert found(tmp_path, "edited") == whole
    save(image.resize((width // 10, height // 10)), tmp_path / "c.png")
    assert found(tmp_path, "edited") == {"a.png": {"b.png": ["detail"], "c.png": []}}


@pytest.mark.parametrize("share", [0.01, 0.04])
def test_colors_of_a_small_part_are_not_held_by_a_gray_image(tmp_path: Path, share: float) -> None:
    gray = photo("buildings/pagoda-1").convert("L")
    gray.save(tmp_path / "a.jpg", quality=92)
    stamped = np.array(gray.convert("RGB"))
    side = round((share * gray.width * gray.height) ** 0.5)
    stamp = stamped[40 : 40 + side, 60 : 60 + side]
    stamp[:] = np.clip(stamp * np.array([1.9, 0.6, 0.6]), 0, 255)
    Image.fromarray(stamped).resize((gray.width // 2, gray.height // 2)).save(
        tmp_path / "b.jpg", quality=90
    )
    assert "color" in found(tmp_path)["a.jpg"]["b.jpg"]


def test_a_collage_beside_one_of_its_parts_does_not_remove_the_other(tmp_path: Path) -> None:
    """Whichever comes first: here a part, then the collage, then the other part."""
    parts = [photo(name).resize((300, 200)) for name in SCENES[:2]]
    save(parts[0], tmp_path / "a.png")
    collage = Image.new("RGB", (300, 400))
    for number, part in enumerate(parts):
        collage.paste(part, (0, 200 * number))
    save(collage, tmp_path / "b.png")
    save(parts[1], tmp_path / "c.png")
    groups = found(tmp_path, "edited")
    assert groups["a.png"] == {"b.png": ["area"]} and groups["b.png"] == {"c.png": ["composite"]}


@pytest.mark.parametrize("missing", [2, 40])
def test_a_file_without_its_end_is_not_kept_for_a_whole_one(tmp_path: Path, missing: int) -> None:
    photo("cats/cat-1").save(tmp_path / "b.jpg", quality=90)
    whole = (tmp_path / "b.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[:-missing])
    os.utime(tmp_path / "a.jpg", (1_000_000_000, 1_000_000_000))
    if missing == 40:
        assert found(tmp_path) == {"a.jpg": {"b.jpg": ["area"]}}
    with open_collection(str(tmp_path), None, level="near") as collection:
        (group,) = find_groups(collection, "near")
    assert group.keep.path.endswith("b.jpg")


def test_other_words_in_the_alpha_channel_are_lost(tmp_path: Path) -> None:
    """They are too small for the cells in which transparency is compared."""
    image = np.asarray(photo("cats/cat-1").resize((1600, 1040))).copy()
    image[800:] = 255
    for name, words in (("a.png", "INVOICE 1111"), ("b.png", "RECEIPT 7290")):
        alpha = np.full(image.shape[:2], 255, np.uint8)
        alpha[800:] = 0
        cv2.putText(alpha, words, (40, 950), 0, 1.0, 255, 2)
        image[10, 10] ^= 1
        save(Image.fromarray(np.dstack([image, alpha])), tmp_path / name)
    assert found(tmp_path) == {"a.png": {"b.png": ["alpha"]}}


def test_dark_values_of_16_bits_are_lost_where_8_bits_hardly_show_them(tmp_path: Path) -> None:
    gray = np.asarray(photo("cats/cat-1").convert("L"), np.uint16) << 6  # 14 bits
    marked = gray.copy()
    cv2.circle(marked, (300, 60), 14, 16_000, -1)
    for name, values in (("a.png", gray), ("b.png", marked)):
        cv2.imwrite(str(tmp_path / name), values)
    assert "depth" in found(tmp_path)["a.png"]["b.png"]
