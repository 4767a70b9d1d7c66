"""``/api/explanation``: an image of what two others have in common."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from tests.conftest import DATA
from tests.web.conftest import COPY, PART

WINDMILL = "windmills/windmill-1.jpg"
ASKED = f"/api/explanation?path={WINDMILL}&result={PART}"


def drawn(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        return np.asarray(image).astype(int)


def has_lines(pixels: np.ndarray) -> bool:
    """Return whether something crosses the white gap in the middle."""
    middle = pixels.shape[1] // 2
    return bool((pixels[:, middle - 4 : middle + 4].min(axis=2) < 200).any())


def test_lines_lead_to_what_matches(scene_client: TestClient) -> None:
    answer = scene_client.get(f"{ASKED}&descriptor=asmk")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "private, no-cache"
    assert has_lines(drawn(answer.content))
    other = scene_client.get(f"/api/explanation?path={WINDMILL}&result=things/coffee-1.jpg")
    assert not has_lines(drawn(other.content))


def test_an_upload_is_explained_as_what_is_known(scene_client: TestClient) -> None:
    data = (DATA / WINDMILL).read_bytes()
    fields = {"result": PART, "preset": "accurate"}
    sent = scene_client.post("/api/explanation", files={"image": data}, data=fields)
    known = scene_client.get(f"{ASKED}&preset=accurate")
    assert sent.content == known.content
    part = {**fields, "region": "0,0,30%,30%"}
    region = scene_client.post("/api/explanation", files={"image": data}, data=part)
    assert region.status_code == 200 and region.content != sent.content


def test_what_was_drawn_is_kept_until_the_images_change(
    scene_client: TestClient, scenes: Path
) -> None:
    first = scene_client.get(ASKED)
    tag = {"If-None-Match": first.headers["etag"]}
    assert scene_client.get(ASKED, headers=tag).status_code == 304
    assert scene_client.get(f"{ASKED}&region=0,0,50,50", headers=tag).status_code == 200
    assert scene_client.get(ASKED).content == first.content
    os.utime(scenes / "photos" / WINDMILL, (1, 1))
    elsewhere = f"/api/explanation?path={WINDMILL}&result=cats/cat-1.jpg"
    assert scene_client.get(elsewhere).status_code == 410


def test_what_makes_no_sense_is_told(client: TestClient) -> None:
    for fields, status, reason in (
        ("result=cats/cat-2.jpg", 422, "as path or as query"),
        (f"path=cats/cat-1.jpg&query={'0' * 64}&result=cats/cat-2.jpg", 422, "as path or as query"),
        ("path=cats/cat-1.jpg", 422, "result"),
        ("path=cats/cat-1.jpg&result=no.jpg", 404, "no such image"),
        ("path=no.jpg&result=cats/cat-1.jpg", 404, "no such image"),
        (f"query={'0' * 64}&result=cats/cat-1.jpg", 404, "not kept"),
        ("path=cats/cat-1.jpg&result=cats/cat-2.jpg&descriptor=gist", 422, "gist"),
        ("path=cats/cat-1.jpg&result=cats/cat-2.jpg&region=1,2", 422, "region"),
        ("path=cats/cat-1.jpg&result=cats/cat-2.jpg&top=3", 422, "no such field"),
    ):
        answer = client.get(f"/api/explanation?{fields}")
        assert answer.status_code == status and reason in answer.json()["detail"], fields
    broken = client.post(
        "/api/explanation", files={"image": b"no image"}, data={"result": "cats/cat-2.jpg"}
    )
    assert broken.status_code == 422


def test_awkward_names_are_explained(client: TestClient) -> None:
    answer = client.get("/api/explanation", params={"path": "cats/cat-1.jpg", "result": COPY})
    assert answer.status_code == 200 and has_lines(drawn(answer.content))


def test_verification_is_told_in_pixels_of_the_result(scene_client: TestClient) -> None:
    asked = {"path": WINDMILL, "descriptor": "asmk", "verify": 20, "exclude_self": True}
    answer = scene_client.get("/api/search", params=asked).json()["answers"][0]
    first = answer["results"][0]
    found = first["verification"]
    assert first["path"] == PART and found["same"] and found["inliers"] >= 10
    x, y, width, height = found["box"]
    assert 0 <= x < x + width <= first["width"] and 0 <= y < y + height <= first["height"]
    assert len(found["quadrilateral"]) == 4 and len(found["transform"]) == 3
    again = scene_client.get("/api/search", params={**asked, "verify": 0}).json()["answers"][0]
    assert all("verification" not in one for one in again["results"])
