"""What tests of pages see of them."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from cbir.images.pixels import Pixels

VOID = {"meta", "link", "img", "image", "use", "path", "input", "br"}


class Page(HTMLParser):
    """A page's elements; it fails when they are not closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text("utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text = re.sub(r"\s+", " ", self.text + data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            found for one, found in self.elements if one == tag and wanted.items() <= found.items()
        ]


def decoded(uri: str) -> Pixels:
    kind, _, data = uri.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
