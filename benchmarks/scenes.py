"""What photographs by a phone are made of: a picture in a scene, and what a camera does to it.

Pixels are RGB arrays of uint8, shape (height, width, 3); a layer has a fourth channel, which says
how much of each pixel it covers. Sizes are shares of the photograph's sides, angles are degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Rng = np.random.Generator
Other = Callable[[Rng], Pixels]
Corners = NDArray[np.float64]
"""Of a quadrilateral, clockwise from the left upper one, shape (4, 2)."""

FOCAL = 1.2
"""The focal length of the camera over the longer side of the photograph: that of usual phones."""

_SKIN = ((224, 172, 140), (198, 134, 98), (141, 92, 62), (92, 58, 40))
_TABLE = (60, 200)


@dataclass(frozen=True, slots=True)
class Camera:
    """How hard the photographs are: the largest of each defect; chance takes less.

    Attributes
    ----------
    share : (float, float)
        Of a cover, the least and the most that it fills of the photograph's height or width.
    tilt : float
        Degrees from the frontal view.
    hidden : float
        Share of the picture that something lies upon.
    defocus, motion : float
        Standard deviation of the blur, and length of the trace, in thousandths of the longer side.
    noise : float
        Standard deviation, in levels.
    light : float
        How much exposure, white balance, shadows, contrast and saturation differ; 0: not at all.
    """

    share: tuple[float, float] = (0.6, 1.0)
    tilt: float = 50
    hidden: float = 0.30
    defocus: float = 0.8
    motion: float = 4
    noise: float = 6
    light: float = 0.7


def resized(rgb: Pixels, width: int, height: int) -> Pixels:
    """Resize by area averages, or cubic interpolation if it grows."""
    way = cv2.INTER_AREA if width * height < rgb.shape[0] * rgb.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=way), np.uint8)


def clutter(size: tuple[int, int], rng: Rng, other: Other) -> Pixels:
    """Return a table full of other photographs, lying across each other, out of focus a little."""
    width, height = size
    scene = resized(other(rng), width, height)
    if rng.random() < 0.4:  # a plain table
        scene = np.full_like(scene, _muted(rng))
    for _ in range(int(rng.integers(3, 9))):
        center = rng.uniform((0, 0), size)
        picture = other(rng)
        corners = turned(rectangle(picture), rng.uniform(-180, 180))
        corners *= rng.uniform(0.2, 0.6) * max(size) / max(picture.shape[:2])
        scene = laid_on(scene, picture, corners + center)
    return _blurred(scene, rng.uniform(0, 0.002) * max(size))


def rectangle(rgb: Pixels) -> Corners:
    """Return the corners of an image about its middle."""
    height, width = rgb.shape[:2]
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float) * (width / 2, height / 2)


def turned(corners: Corners, angle: float) -> Corners:
    """Rotate in the plane."""
    radians = math.radians(angle)
    c, s = math.cos(radians), math.sin(radians)
    return corners @ np.array([[c, s], [-s, c]])


def tilted(corners: Corners, angle: float, axis: float) -> Corners:
    """See a plane that is tilted about an axis in it, through a camera in front of its middle."""
    radius = np.linalg.norm(corners, axis=1).max()
    flat = turned(corners, -axis)
    depth = flat[:, 1] * math.sin(math.radians(angle))
    flat[:, 1] *= math.cos(math.radians(angle))
    distance = 2 * FOCAL * radius
    return turned(flat * (distance / (distance + depth))[:, None], axis)


def laid_on(scene: Pixels, rgb: Pixels, corners: Corners) -> Pixels:
    """Draw an image over a scene so that its corners come where they should.

    A fourth channel says how much of the scene it covers.
    """
    height, width = rgb.shape[:2]
    shrink = math.sqrt(max(1e-9, cv2.contourArea(corners.astype(np.float32)) / (width * height)))
    if shrink < 0.8:  # else fine detail would turn into noise
        rgb = _blurred(rgb, 0.4 / shrink)
    size = np.array([scene.shape[1], scene.shape[0]])
    low = np.floor(corners.min(axis=0) - 1).clip(0, size).astype(int)
    high = np.ceil(corners.max(axis=0) + 2).clip(low, size).astype(int)
    if (low == high).any():  # all of it is beyond the edges
        return scene
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (corners - low).astype(np.float32))
    alpha = rgb[..., 3] if rgb.shape[2] == 4 else np.full((height, width), 255, np.uint8)
    part = (high - low).tolist()
    mask = cv2.warpPerspective(alpha, matrix, part)[..., None] / np.float32(255)
    drawn = cv2.warpPerspective(rgb[..., :3], matrix, part, borderMode=cv2.BORDER_REPLICATE)
    result = scene.copy()
    under = result[low[1] : high[1], low[0] : high[0]]
    under[:] = rounded(under * (1 - mask) + drawn * mask)
    return result


def on_cylinder(rgb: Pixels, half_angle: float, bend: float) -> Pixels:
    """Return an image as a label around a can, seen from the front, with a fourth channel.

    Parameters
    ----------
    rgb : ndarray
    half_angle : float
        Degrees from the middle of the label to its edges; what is beyond 84 is not seen.
    bend : float
        How far the middle hangs below the edges, over the width: a camera above sees that.
    """
    height, width = rgb.shape[:2]
    seen = min(math.radians(half_angle), math.radians(84))
    across = round(width * math.sin(seen) / math.radians(half_angle))
    drop = round(bend * across)
    x = np.linspace(-math.sin(seen), math.sin(seen), across)
    angle = np.arcsin(x)
    columns = (angle / math.radians(half_angle) + 1) / 2 * (width - 1)
    rows = np.arange(height + drop)[:, None] - drop * (np.cos(angle) - math.cos(seen))[None]
    bent = cv2.remap(
        np.dstack([rgb, np.full((height, width), 255, np.uint8)]),
        np.broadcast_to(columns, rows.shape).astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
    )
    shade = 0.35 + 0.65 * np.cos(angle)
    return np.dstack([rounded(bent[..., :3] * shade[None, :, None]), bent[..., 3]])


def hand(rng: Rng) -> Pixels:
    """Return a hand-like blob of one color, fingers up, as a layer."""
    layer = np.zeros((400, 300, 4), np.uint8)
    tint = _SKIN[int(rng.integers(len(_SKIN)))]
    layer[..., :3] = tint
    mask = np.zeros((400, 300), np.uint8)
    cv2.ellipse(mask, (150, 300), (110, 130), 0, 0, 360, 255, -1)
    for finger in range(4):
        top = (60 + 58 * finger + int(rng.integers(-10, 10)), int(rng.integers(20, 110)))
        cv2.line(mask, (75 + 48 * finger, 260), top, 255, 46)
    layer[..., 3] = cv2.GaussianBlur(mask, (0, 0), 2)
    light = np.linspace(1.15, 0.7, 300, dtype=np.float32)[None, :, None]
    layer[..., :3] = rounded(layer[..., :3] * light)
    return layer


def covered(scene: Pixels, corners: Corners, most: float, rng: Rng, other: Other) -> Pixels:
    """Lay another picture, or a hand, upon a part of a quadrilateral: up to a share of its area."""
    thing = hand(rng) if rng.random() < 0.5 else other(rng)
    area = cv2.contourArea(corners.astype(np.float32))
    shape = turned(rectangle(thing), rng.uniform(-60, 60))
    corner = corners[int(rng.integers(4))]
    inward = corners.mean(axis=0) - corner
    # So large that about half of it lies upon the picture.
    share = rng.uniform(0.3, 1) * most
    shape *= math.sqrt(2 * share * area / cv2.contourArea(shape.astype(np.float32)))
    return laid_on(scene, thing, shape + corner + inward * rng.uniform(0.1, 0.5))


def glare(scene: Pixels, corners: Corners, rng: Rng) -> Pixels:
    """Let a lamp shine on the picture: a bright soft spot."""
    middle = rng.dirichlet(np.ones(4)) @ corners
    size = math.sqrt(cv2.contourArea(corners.astype(np.float32)))
    x, y = np.meshgrid(np.arange(scene.shape[1]), np.arange(scene.shape[0]))
    along, across = rng.uniform(0.08, 0.3, 2) * size
    turn = rng.uniform(0, math.pi)
    u = (x - middle[0]) * math.cos(turn) + (y - middle[1]) * math.sin(turn)
    v = (y - middle[1]) * math.cos(turn) - (x - middle[0]) * math.sin(turn)
    spot = rng.uniform(0.6, 1.1) * np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    spot = spot.clip(0, 1)[..., None]
    return rounded(scene * (1 - spot) + 255 * spot)


def lit(scene: Pixels, camera: Camera, rng: Rng) -> Pixels:
    """Light a scene unevenly and dimly or brightly, with a shadow, and get its colors wrong."""
    light = camera.light
    height, width = scene.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    turn, shadow = rng.uniform(0, 2 * math.pi, 2)
    slope = rng.uniform(0, 0.5) * light * (x * math.cos(turn) + y * math.sin(turn))
    exposure = 2.0 ** (light * rng.uniform(-1.1, 0.8))
    edge = x * math.cos(shadow) + y * math.sin(shadow) - rng.uniform(-0.7, 0.7)
    dark = light * rng.uniform(0, 0.3) * (1 - np.tanh(edge / rng.uniform(0.04, 0.4)))
    balance = 2.0 ** (light * 0.3 * rng.standard_normal(3, np.float32))
    values = scene / np.float32(255) * (exposure * (1 + slope) * (1 - dark))[..., None] * balance
    gray = values.mean(axis=2, keepdims=True)
    values = gray + (values - gray) * (1 - light * rng.uniform(-0.2, 0.7))
    veil = light * rng.uniform(0, 0.25)
    values = (1 - veil) * values.clip(0, 1) + veil * rng.uniform(0.5, 1, 3).astype(np.float32)
    return rounded(255 * values.clip(0, 1) ** 2.0 ** (light * rng.uniform(-0.6, 0.6)))


def taken(scene: Pixels, camera: Camera, rng: Rng) -> bytes:
    """Take the photograph: blur by focus or motion, noise, and JPEG."""
    longer = max(scene.shape[:2]) / 1000
    if rng.random() < 0.35:
        scene = _moved(scene, rng.uniform(0.2, 1) * camera.motion * longer, rng.uniform(0, 180))
    else:
        scene = _blurred(scene, rng.uniform(0.1, 1) * camera.defocus * longer)
    grain = rng.standard_normal(scene.shape, np.float32) * rng.uniform(0.2, 1) * camera.noise
    scene = rounded(scene + cv2.GaussianBlur(grain, (0, 0), 0.6))
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 91))]
    return cv2.imencode(".jpg", cv2.cvtColor(scene, cv2.COLOR_RGB2BGR), quality)[1].tobytes()


def placed(
    rgb: Pixels, size: tuple[int, int], camera: Camera, rng: Rng, quarter: float = 0
) -> Corners:
    """Return where the corners of a picture come in a photograph, by chance."""
    corners = turned(rectangle(rgb), quarter + rng.normal(0, 9))
    corners = tilted(corners, camera.tilt * rng.beta(1.6, 1.4), rng.uniform(0, 360))
    low, high = corners.min(axis=0), corners.max(axis=0)
    factor = rng.uniform(*camera.share) * float((size / (high - low)).min())
    free = np.maximum(np.array(size) - factor * (high - low), 0)
    return factor * (corners - low) + free * rng.uniform(0.1, 0.9, 2)


def photographed_cover(
    rgb: Pixels,
    size: tuple[int, int],
    camera: Camera,
    rng: Rng,
    other: Other,
    quarter: float = 0,
) -> bytes:
    """Photograph a flat picture that lies among others.

    Parameters
    ----------
    rgb : ndarray
        The picture.
    size : (int, int)
        Width and height of the photograph.
    camera : Camera
    rng : Generator
    other : callable
        ``other(rng)`` gives another picture, for the clutter.
    quarter : float
        Degrees that the picture is turned, and a little more or less by chance.
    """
    corners = placed(rgb, size, camera, rng, quarter)
    scene = laid_on(clutter(size, rng, other), rgb, corners)
    if rng.random() < 0.65:
        scene = covered(scene, corners, camera.hidden, rng, other)
    if rng.random() < 0.5:
        scene = glare(scene, corners, rng)
    return taken(lit(scene, camera, rng), camera, rng)


def photographed_grocery(
    rgb: Pixels, size: tuple[int, int], camera: Camera, rng: Rng, other: Other
) -> bytes:
    """Photograph a can on a shelf, which has a picture around it, between others.

    The parameters are those of :func:`photographed_cover`.
    """
    width, height = size
    wood = np.full((height, width, 3), _muted(rng), np.uint8)
    scene = rounded(wood * np.linspace(0.5, 1.1, height, dtype=np.float32)[:, None, None])
    bend = rng.uniform(0.02, 0.14)
    tall = rng.uniform(0.5, 0.85) * height
    floor = rng.uniform(0.9, 0.97) * height
    middle = rng.uniform(0.38, 0.62) * width
    own = _can(rgb, tall, bend, rng)
    place = _standing(own, middle, floor)
    for side in (-1, 1):
        edge = middle + side * own.shape[1] / 2
        while 0 < edge < width:
            can = _can(other(rng), tall * rng.uniform(0.8, 1.1), bend, rng)
            edge += side * (can.shape[1] / 2 + rng.uniform(0, 0.02) * width)
            scene = laid_on(scene, can, _standing(can, edge, floor))
            edge += side * can.shape[1] / 2
    scene = laid_on(scene, own, place)
    if rng.random() < 0.35:
        scene = covered(scene, place, 0.7 * camera.hidden, rng, other)
    if rng.random() < 0.6:
        scene = glare(scene, place, rng)
    view = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    view = turned(view - view.mean(axis=0), rng.normal(0, 4))
    view = tilted(view, 0.4 * camera.tilt * rng.random(), rng.uniform(0, 360))
    view *= 1.12 * (np.array(size) / (view.max(axis=0) - view.min(axis=0))).max()
    scene = laid_on(np.zeros_like(scene), scene, view + np.array(size) / 2)
    return taken(lit(scene, camera, rng), camera, rng)


def _muted(rng: Rng) -> Pixels:
    """Return the color of a table or a shelf: a gray with a tint."""
    return rounded(rng.uniform(*_TABLE) + rng.uniform(-25, 25, 3))


def _can(rgb: Pixels, tall: float, bend: float, rng: Rng) -> Pixels:
    width = max(2, round(tall * rgb.shape[1] / rgb.shape[0]))
    return on_cylinder(resized(rgb, width, round(tall)), rng.uniform(70, 115), bend)


def _standing(can: Pixels, middle: float, floor: float) -> Corners:
    return rectangle(can) + np.array([middle, floor - can.shape[0] / 2])


def rounded(values: NDArray[np.floating]) -> Pixels:
    """Return levels from 0 to 255."""
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _blurred(rgb: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8) if sigma > 0.1 else rgb


def _moved(rgb: Pixels, length: float, angle: float) -> Pixels:
    size = max(3, 2 * math.ceil(length / 2) + 1)
    kernel = np.zeros((size, size), np.float32)
    end = turned(np.array([[length / 2, 0]]), angle)[0]
    steps = np.linspace(-1, 1, 4 * size)[:, None] * end + size // 2
    for x, y in np.rint(steps).astype(int).clip(0, size - 1):
        kernel[y, x] += 1
    return np.asarray(cv2.filter2D(rgb, -1, kernel / kernel.sum()), np.uint8)
