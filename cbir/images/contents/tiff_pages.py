"""The pages of a TIFF, and what they hold beside the images that Pillow shows."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from cbir.core.amounts import counted
from cbir.images.contents.embedded_data import LARGEST_NOTE

MOST_PAGES = 1024
"""Pages that are looked at; further ones count as what no other file has."""

_BITS_PER_SAMPLE, _SUBFILE_TYPE, _SUB_IFDS, _LAYERS = 258, 254, 330, 37724
_SAMPLES_PER_PIXEL = 277
_BASELINE = 512
_PREVIEWS, _PROFILE, _TABLES = 34377, 34675, 347
"""Tags: those of the standard, Photoshop's resources, and what is compared elsewhere."""
_REDUCED = 1


def bits_per_sample(image: Image.Image) -> int:
    """Return the most bits a channel of a page."""
    return max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))  # type: ignore[attr-defined]


def hidden_channels(image: Image.Image) -> int:
    """Count the samples a pixel that a page of a TIFF has and Pillow does not show."""
    samples = image.tag_v2.get(_SAMPLES_PER_PIXEL, 1)  # type: ignore[attr-defined]
    return max(0, int(samples) - len(image.getbands()))


def says_reduced(image: Image.Image, page: int) -> bool:
    """Say whether a page calls itself a smaller version of another one."""
    image.seek(page)
    return bool(int(image.tag_v2.get(_SUBFILE_TYPE, 0)) & _REDUCED)  # type: ignore[attr-defined]


def beside_pages(image: Image.Image, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what the pages of a TIFF hold beside the images that Pillow shows: words, and bytes."""
    count = getattr(image, "n_frames", 1)
    for page in range(min(count, MOST_PAGES)):
        image.seek(page)
        tags = image.tag_v2  # type: ignore[attr-defined]
        if _LAYERS in tags:
            yield "layers", bytes(tags[_LAYERS])
        if _SUB_IFDS in tags:
            yield "images inside of a page", data
        if hidden := hidden_channels(image):
            yield f"{counted(hidden, 'hidden channel')}, such as infrared", data
        for tag in set(tags) - {_LAYERS, _PREVIEWS, _PROFILE, _TABLES}:
            value = tags[tag] if tag > _BASELINE else ()
            size = len(value) if isinstance(value, bytes | str | tuple) else 0
            if size > LARGEST_NOTE:
                yield f"private data (tag {tag})", repr(value).encode()
    if count > MOST_PAGES:
        yield f"pages beyond {MOST_PAGES:,}", data
    image.seek(0)
