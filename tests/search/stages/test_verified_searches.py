"""Searches that verify: with expansion and re-ranking, by one descriptor and by a fusion."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError
from cbir.images.encoded_image import EncodedImage
from cbir.search.engine import Index
from cbir.search.stage_options import Stages
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
