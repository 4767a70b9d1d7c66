"""The explanation: lines and frames where the match is, and no file of the user's overwritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cbir.core.errors import CbirError, UsageError
from cbir.images.encoded_image import EncodedImage
from cbir.reports.explanation import (
    _GAP,
    _MARGIN,
    _ROW,
    _SIDE,
    EXPLANATION,
    draw_explanation,
    write_explanation,
)
from cbir.reports.montage import MONTAGE
from cbir.search.results import Match, SearchedImage, SearchResult
from cbir.search.verified_results import verified_result


@pytest.fixture
def result(tmp_path: Path) -> SearchResult:
    """A query, half of it in another image, and something else."""
    rng = np.random.default_rng(0)

    def scene() -> np.ndarray:
        noise = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
        return cv2.GaussianBlur(cv2.resize(noise, (480, 360)), (0, 0), 2)

    query, other = scene(), scene()
    holding = scene()
    holding[100:280, 150:390] = cv2.resize(query, (240, 180), interpolation=cv2.INTER_AREA)
    for name, image in (("query", query), ("holding", holding), ("other", other)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    query_path, *paths = (str(tmp_path / f"{name}.png") for name in ("query", "holding", "other"))
    matches = tuple(Match(rank, path, rank / 10) for rank, path in enumerate(paths, 1))
    return SearchResult(query_path, "hsv", "chi2", matches)


def test_results_tell_where_the_query_is(result: SearchResult) -> None:
    first, second = verified_result(result, 2).matches
    assert first.verification is not None and first.verification.is_same
    box = first.verification.box
    assert box.x >= 145 and box.x + box.width <= 395 and box.width > 150
    assert box.y >= 95 and box.y + box.height <= 285 and box.height > 100
    assert first.to_dict()["verification"]["box"] == list(box)
    assert second.verification is None or not second.verification.is_same


def test_only_the_first_are_verified_and_none_twice(result: SearchResult) -> None:
    once = verified_result(result, 1)
    assert once.matches[0].verification is not None and once.matches[1] == result.matches[1]
    assert verified_result(once, 1).matches[0].verification is once.matches[0].verification


def test_what_is_gone_has_nothing_in_common(result: SearchResult, tmp_path: Path) -> None:
    (tmp_path / "holding.png").unlink()
    assert verified_result(result, 2).matches[0].verification is None
    sheet, _ = draw_explanation([verified_result(result, 2)], 2)
    assert sheet.height == 2 * _ROW + _MARGIN
    (tmp_path / "query.png").unlink()
    assert verified_result(result, 2) == result


def test_lines_cross_the_gap_only_where_something_matches(result: SearchResult) -> None:
    sheet, notes = draw_explanation([verified_result(result, 2)], 2)
    assert notes == []
    pixels = np.asarray(sheet)
    gap = slice(_MARGIN + _SIDE + 2, _MARGIN + _SIDE + _GAP - 2)
    crossed = [(pixels[top : top + _SIDE, gap] != 255).any() for top in (_MARGIN, _MARGIN + _ROW)]
    assert crossed == [True, False] or result.matches[1].verification is not None


def test_what_is_found_is_framed_in_yellow(result: SearchResult) -> None:
    told = verified_result(result, 1)
    sheet, _ = draw_explanation([told], 1)
    pixels = np.asarray(sheet).astype(int)[_MARGIN : _MARGIN + _SIDE, _MARGIN + _SIDE + _GAP :]
    yellow = (pixels[..., 0] > 230) & (pixels[..., 1] > 200) & (pixels[..., 2] < 40)
    verification = told.matches[0].verification
    assert verification is not None
    corners = np.array(verification.quadrilateral)
    top = (_SIDE - 360) // 2
    rows, columns = np.flatnonzero(yellow.any(axis=1)), np.flatnonzero(yellow.any(axis=0))
    assert rows[0] == pytest.approx(corners[:, 1].min() + top, abs=5)
    assert rows[-1] == pytest.approx(corners[:, 1].max() + top, abs=5)
    assert columns[0] == pytest.approx(corners[:, 0].min(), abs=5)
    assert columns[-1] == pytest.approx(corners[:, 0].max(), abs=5)


def test_too_many_rows_are_left_out_and_told_of(result: SearchResult) -> None:
    sheet, notes = draw_explanation([result], 2, _ROW + _MARGIN)
    assert sheet.height == _ROW + _MARGIN
    assert notes == ["The explanation shows the first 1 of 2 matches"]
    empty, _ = draw_explanation([replace(result, matches=())], 2)
    assert empty.height == _ROW + _MARGIN


def test_only_an_explanation_is_overwritten(result: SearchResult, tmp_path: Path) -> None:
    path = str(tmp_path / "e.jpg")
    for _ in range(2):
        assert write_explanation(path, [result], 2) == []
    with Image.open(path) as image:
        assert image.format == "JPEG"
    assert EncodedImage.open(path).header.is_generated
    with pytest.raises(CbirError, match="not made by this program"):
        MONTAGE.check(path)
    with pytest.raises(CbirError, match="not made by this program"):
        write_explanation(result.matches[0].path, [result], 1)
    with pytest.raises(UsageError, match="must end with"):
        EXPLANATION.check(str(tmp_path / "e.gif"))


def test_of_several_images_the_one_that_fits_is_drawn(result: SearchResult) -> None:
    """Whichever it is: the one that is the first has nothing in common with the result."""
    query, other = result.query, result.matches[1].path
    images = (SearchedImage(other), SearchedImage(query))
    several = replace(result, query=other, together=(other, query), several=images)
    told = verified_result(several, 1)
    verification = told.matches[0].verification
    assert verification is not None and verification.is_same and verification.example == 1
    assert told.to_dict()["results"][0]["verification"]["query"] == query
    (drawn, _), (alone, _) = (
        draw_explanation([one], 1) for one in (told, verified_result(result, 1))
    )
    assert drawn.tobytes() == alone.tobytes()


def test_one_of_several_images_may_be_gone(result: SearchResult, tmp_path: Path) -> None:
    images = (SearchedImage(str(tmp_path / "gone.png")), SearchedImage(result.query))
    verification = verified_result(replace(result, several=images), 1).matches[0].verification
    assert verification is not None and verification.example == 1
