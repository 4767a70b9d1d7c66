"""Searches that verify: with expansion and re-ranking, by one descriptor and by a fusion."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError
from cbir.images.encoded_image import EncodedImage
from cbir.images.oriented_image import Orientation
from cbir.search.engine import Index
from cbir.search.request import IndexedImage
from cbir.search.stage_options import Stages
from cbir.search.verified_results import verified_result
from cbir.verification.homography import mapped
from tests.conftest import DATA

VIEWS = 3


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Return an index of photographs, of one of them three views, and of none of them two."""
    folder = tmp_path_factory.mktemp("views")
    for path in sorted(DATA.rglob("*.jpg"))[:8]:
        (folder / path.name).write_bytes(path.read_bytes())
    pixels = EncodedImage.open(str(DATA / "windmills" / "windmill-1.jpg")).pixels(512)
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    for view in range(VIEWS):
        moved = corners + np.random.default_rng(view).uniform(-40, 40, (4, 2)).astype(np.float32)
        warped = cv2.warpPerspective(
            pixels, cv2.getPerspectiveTransform(corners, moved), (width, height)
        )
        cv2.imwrite(str(folder / f"view-{view}.png"), warped[..., ::-1])
    path = str(folder.parent / "views.csv")
    cbir.index(folder, path, ["asmk", "hsv"])
    return cbir.open(path)


@pytest.mark.parametrize("descriptor", ["asmk", "hsv", "hsv+asmk"])
@pytest.mark.parametrize(
    "stages",
    [
        {},
        {"expand": 2},
        {"rerank": "k-reciprocal"},
        {"expand": 2, "rerank": "diffusion"},
    ],
)
def test_what_shows_the_same_thing_comes_first_and_tells_where(
    index: Index, descriptor: str, stages: dict[str, object]
) -> None:
    query = str(DATA / "windmills" / "windmill-1.jpg")
    result = index.search(query, top=VIEWS + 2, descriptor=descriptor, verify=20, **stages)  # type: ignore[arg-type]
    verified = {
        Path(match.path).name: match.verification
        for match in result.matches
        if match.verification is not None and match.verification.is_same
    }
    assert set(verified) >= {f"view-{view}.png" for view in range(VIEWS)}
    found = verified["view-0.png"]
    assert found is not None and found.inliers > 20
    width, height = EncodedImage.open(query).dimensions
    assert found.query_box.width > width / 2 and found.query_box.height > height / 2


def test_of_several_images_the_one_that_fits_best_is_told(index: Index) -> None:
    """Whatever they are together: queries, or what is liked."""
    windmill, other = (
        str(DATA / "windmills" / "windmill-1.jpg"),
        str(DATA / "animals" / "elephant-1.jpg"),
    )
    liked, unliked = IndexedImage("view-1.png"), IndexedImage("koala-1.jpg")
    by_hand = {
        path: index.search(path, 20, descriptor="asmk", verify=20).matches
        for path in (windmill, other)
    }
    for result, names in (
        (
            index.search_together([other, windmill], 20, descriptor="asmk", verify=20),
            [other, windmill],
        ),
        (
            index.search(other, 20, like=[windmill], descriptor="asmk", verify=20),
            [other, windmill],
        ),
        (
            index.search(other, 20, like=[liked], unlike=[unliked], descriptor="hsv", verify=20),
            [other, index.shown("view-1.png")],
        ),
    ):
        assert [one.path for one in result.examples] == names
        document = result.to_dict()
        told = {
            Path(one["path"]).name: one["verification"]
            for one in document["results"]
            if "verification" in one
        }
        assert told["view-0.png"]["query"] == names[1] and told["view-0.png"]["same"]
        assert told["elephant-1.jpg"]["query"] == other and told["elephant-1.jpg"]["same"]
    scores = {
        path: {one.path: one.verification.score for one in matches if one.verification}
        for path, matches in by_hand.items()
    }
    together = index.search_together([other, windmill], 20, descriptor="asmk", verify=20)
    for match in together.matches:
        best = max(scores[path].get(match.path, 0) for path in (other, windmill))
        assert (match.verification.score if match.verification else 0) == best


@pytest.mark.parametrize("orientation", [Orientation(), Orientation(90), Orientation(180, True)])
def test_a_turned_query_tells_of_places_in_it_as_it_lies(
    index: Index, tmp_path: Path, orientation: Orientation
) -> None:
    """The transform leads there from the query's own pixels, which a view shows turned."""
    pixels = EncodedImage.open(str(DATA / "windmills" / "windmill-1.jpg")).pixels(512)
    height, width = pixels.shape[:2]
    query = str(tmp_path / "query.png")
    cv2.imwrite(query, orientation.of(pixels)[..., ::-1])
    turned = orientation.matrix(width, height)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + np.random.default_rng(0).uniform(-40, 40, (4, 2)).astype(np.float32)
    moving = cv2.getPerspectiveTransform(corners, moved)
    for told in (
        index.search(query, 4, descriptor="asmk", verify=20, augment=True),
        verified_result(index.search(query, 4, descriptor="hsv", augment=True), 4),
    ):
        found = {Path(one.path).name: one.verification for one in told.matches}["view-0.png"]
        assert found is not None and found.is_same
        lines = np.array(found.lines)
        there = mapped(moving @ np.linalg.inv(turned), lines[:, :2])
        errors = np.abs(there - lines[:, 2:])
        assert np.median(errors) < 2 and errors.max() < 15
        box = found.query_box
        upper_left = mapped(np.array(found.transform), np.array([[box.x, box.y]], float))[0]
        assert np.abs(upper_left - found.quadrilateral[0]).max() < 4
        within = (lines[:, 0] >= box.x - 1) & (lines[:, 0] <= box.x + box.width + 1)
        assert within.all()


def test_what_was_not_asked_for_is_not_told(index: Index) -> None:
    query = str(DATA / "windmills" / "windmill-1.jpg")
    (first, *_) = index.search(query, top=1, descriptor="asmk").matches
    assert first.verification is None
    plain = index.searcher("asmk", stages=Stages(verify=0))
    assert plain is index.searcher("asmk")


def test_an_index_without_local_features_says_how_to_get_them(tmp_path: Path) -> None:
    path = str(tmp_path / "index.csv")
    cbir.index(DATA / "windmills", path, ["hsv"])
    with pytest.raises(CbirError, match=r"verify.* needs local features.*asmk"):
        cbir.open(path).search(str(DATA / "windmills" / "windmill-1.jpg"), verify=5)
