"""Searching by a region of the query."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

import cbir
from cbir.core.errors import UnreadableImageError, UsageError
from cbir.descriptors.registry import NamedDescriptor, create, ready_made
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import ArrayImage
from cbir.images.region import PixelRegion, Region
from cbir.images.region_of_image import region_of
from cbir.search.request import IndexedImage, SearchRequest

SPECS = ("hsv", "correlogram", "phog", "phash", "centrist")


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> cbir.Index:
    cbir.index(str(photos), str(tmp_path / "index.csv"), SPECS)
    return cbir.open(str(tmp_path / "index.csv"))


def saved(photo: Path, path: Path, orientation: int, side: int) -> np.ndarray:
    """Save an image with an EXIF orientation; return its upright pixels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(photo) as image:
        image.thumbnail((side, side))
        image.save(path, exif=exif)
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["query.png", "query.jpg"])
def test_a_region_is_searched_by_as_the_image_cut_before(
    index: cbir.Index, photos: Path, tmp_path: Path, name: str, orientation: int
) -> None:
    # A JPEG whose parts are so small is decoded at full size for every descriptor.
    query = tmp_path / name
    side = 350 if name.endswith("png") else 250
    pixels = saved(photos / "cats" / "cat-1.jpg", query, orientation, side)
    x, y, width, height = region = (30, 21, 77, 93)
    part = pixels[y : y + height, x : x + width]
    for descriptor in (*SPECS, "hsv+phash+centrist"):
        found = index.search(query, 12, descriptor=descriptor, region=region)
        expected = index.search(part, 12, descriptor=descriptor)
        assert found.matches == expected.matches
        assert found.region == region and expected.region is None


@pytest.mark.parametrize("name", ["query.png", "query.jpg"])
def test_a_region_of_everything_changes_nothing(
    index: cbir.Index, photos: Path, tmp_path: Path, name: str
) -> None:
    query = tmp_path / name
    with Image.open(photos / "cats" / "cat-1.jpg") as image:
        image.resize((1501, 1103)).save(query)
    for descriptor in (*SPECS, "hsv+phash"):
        whole = index.search(query, 12, descriptor=descriptor)
        for region in ("0,0,100%,100%", (0, 0, 1501, 1103)):
            found = index.search(query, 12, descriptor=descriptor, region=region)
            assert found.region == (0, 0, 1501, 1103)
            assert replace(found, region=None) == whole


def test_nearly_all_of_a_large_jpeg_is_nearly_as_all_of_it(
    index: cbir.Index, photos: Path, tmp_path: Path
) -> None:
    query = tmp_path / "query.jpg"
    with Image.open(photos / "cats" / "cat-1.jpg") as image:
        image.resize((1501, 1103), Image.Resampling.LANCZOS).save(query, quality=95)
    for descriptor in SPECS:
        whole, others = index.search(query, 2, descriptor=descriptor).matches
        part = index.search(query, 1, descriptor=descriptor, region=(1, 1, 1499, 1102)).matches[0]
        assert part.path == whole.path
        assert abs(part.distance - whole.distance) < 0.2 * others.distance


def test_the_query_is_left_out_by_its_whole_file(photos: Path, tmp_path: Path) -> None:
    query = photos / "cats" / "cat-1.jpg"
    shutil.copy(query, photos / "sky" / "twin.jpg")
    cbir.index(str(photos), str(tmp_path / "i.csv"))
    index = cbir.open(str(tmp_path / "i.csv"))
    region = "10%,10%,60%,60%"
    own = index.search(query, 99, region=region, exclude_self=True)
    assert len(own.matches) == 12 and own.identical == 1
    copies = index.search(query, 99, region=region, exclude_identical=True)
    assert {"cat-1.jpg", "twin.jpg"}.isdisjoint(Path(one.path).name for one in copies.matches)
    assert len(copies.matches) == 11


def test_a_region_of_an_indexed_image_is_that_of_its_file(index: cbir.Index, photos: Path) -> None:
    path = "cats/cat-1.jpg"
    for options in ({}, {"exclude_self": True}, {"descriptor": "hsv+phash"}):
        expected = index.search(index.shown(path), 12, region=(9, 8, 70, 60), **options)
        assert index.search(IndexedImage(path), 12, region=(9, 8, 70, 60), **options) == expected
    other = EncodedImage.open(photos / "cats" / "cat-2.jpg")
    given = index.search(IndexedImage(path, other), 12, region=(9, 8, 70, 60))
    assert given.matches == index.search(other, 12, region=(9, 8, 70, 60)).matches
    everything = "0,0,100%,100%"
    whole = index.search(IndexedImage(path, other), region=everything)  # what is stored of it
    assert whole.matches == index.search(IndexedImage(path)).matches
    (photos / path).unlink()
    with pytest.raises(UnreadableImageError, match="no such file"):
        index.search(IndexedImage(path), region=(9, 8, 70, 60))


def test_an_open_image_and_one_of_pillow_have_the_same_regions(
    index: cbir.Index, photos: Path
) -> None:
    path, region = photos / "cats" / "cat-1.jpg", (9, 8, 70, 60)
    expected = index.search(path, 12, region=region).matches
    assert index.search(EncodedImage.open(path), 12, region=region).matches == expected
    with Image.open(path) as image:
        assert index.search(image, 12, region=region).matches == expected


def test_queries_that_the_region_reaches_beyond_are_told_and_the_others_go_on(
    index: cbir.Index, photos: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "small.png")
    queries = [photos / "cats" / "cat-1.jpg", tmp_path / "small.png", photos / "cats" / "cat-2.jpg"]
    first, small, last = index.search_all(queries, 1, region=(50, 0, 60, 60))
    assert not isinstance(first, UnreadableImageError)
    assert not isinstance(last, UnreadableImageError)
    assert str(small) == (
        f"{tmp_path / 'small.png'}: the region 50,0,60,60 reaches beyond its 40x30 pixels"
        " (give one within the image, or percentages)"
    )
    with pytest.raises(UnreadableImageError, match="reaches beyond its 40x30"):
        index.search(tmp_path / "small.png", region=(0, 0, 42, 5))
    with pytest.raises(UnreadableImageError, match="reaches beyond its 9x8"):
        index.search(np.zeros((8, 9, 3), np.uint8), region="0,0,9,10")


@pytest.mark.parametrize("region", ["1,2,3", (0, 0, 0, 5), (1, 2, 3, -4), 7, "a,b,c,d"])
def test_what_is_no_region_is_refused(index: cbir.Index, photos: Path, region: Any) -> None:
    with pytest.raises(UsageError, match=r"region=.*give four numbers"):
        index.search(photos / "cats" / "cat-1.jpg", region=region)


def test_the_result_tells_the_region_and_may_be_asked_for_again(
    index: cbir.Index, photos: Path
) -> None:
    query = photos / "cats" / "cat-1.jpg"
    result = index.search(query, region="25%,0,50%,100%")
    with Image.open(query) as image:
        width, height = image.size
    document = result.to_dict()
    assert list(document) == ["query", "region", "descriptor", "metric", "results"]
    assert document["region"] == [round(width / 4), 0, round(width / 2), height]
    assert index.search(query, region=document["region"]) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_request_keeps_a_region_that_can_be_pickled() -> None:
    request = SearchRequest(["cat.jpg"], region=(1, 2, 3, 4))
    assert request.region == Region.parse("1,2,3,4")
    assert pickle.loads(pickle.dumps(request)) == request


SMALLEST = [(5, 6, 1, 1), (0, 40, 130, 1), (70, 0, 1, 90), (0, 0, 130, 2), (3, 3, 2, 2)]


@pytest.mark.parametrize("name", [one.name for one in ready_made()])
def test_every_descriptor_describes_the_smallest_regions(name: str, noise: np.ndarray) -> None:
    descriptor = create(name, {})
    if isinstance(descriptor, TrainedDescriptor):
        shipped = descriptor.shipped()
        if shipped is None:  # the next test trains one
            assert name in ("orb", "projection")
            return
        descriptor = descriptor.bind(shipped)
    for region in SMALLEST:
        part = region_of(ArrayImage(noise), PixelRegion(*region))
        assert NamedDescriptor(name, descriptor).describe(part).shape == (descriptor.width,)


def test_visual_words_are_searched_by_the_smallest_regions(
    photos: Path, tmp_path: Path, noise: np.ndarray
) -> None:
    cbir.index(str(photos), str(tmp_path / "orb.csv"), "orb:words=20")
    index = cbir.open(str(tmp_path / "orb.csv"))
    for region in SMALLEST:
        assert len(index.search(noise, region=region).matches) == 3
