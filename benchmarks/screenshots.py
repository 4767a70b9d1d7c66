"""Take the pictures of the pages that the documentation shows, of the sample images.

Example::

    python benchmarks/screenshots.py

Needs the extra ``browser``, and Chromium. The pictures are written to ``docs/``.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import cbir

PROJECT = Path(__file__).resolve().parent.parent
_WIDE = {"width": 1280, "height": 800}
_PHONE = {"width": 360, "height": 720}
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_LARGEST = 250_000
"""Bytes of a picture."""


def gallery(page: Page, url: str) -> None:
    """The first page."""
    page.goto(url)


def search(page: Page, url: str) -> None:
    """An image from outside was dropped."""
    page.goto(url)
    page.set_input_files("#query-image", PROJECT / "queries" / "windmill.jpg")
    page.wait_for_url("**query=**")


def part(page: Page, url: str) -> None:
    """A part of an image is searched for, by several descriptors, and one result is explained."""
    page.goto(
        f"{url}search?path=desert/pyramid-1.jpg&preset=fast&exclude_self=true&columns=kind"
        "&region=90,50,220,160"
    )
    page.get_by_text("Comparison").click()
    page.locator("summary", has_text="Why").first.click()


def taken(page: Page, name: str) -> None:
    """Write what a window shows, as small as it has to be."""
    page.wait_for_load_state("networkidle")
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for quality in range(88, 40, -6):
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=6)
        if len(file.getvalue()) <= _LARGEST:
            break
    target = PROJECT / "docs" / f"{name}.webp"
    target.write_bytes(file.getvalue())
    print(f"{target.relative_to(PROJECT)}: {len(file.getvalue()):,} bytes")


def make_index(folder: Path) -> None:
    """Index the sample images, with the folder of each as its kind."""
    shutil.copytree(PROJECT / "data", folder / "data")
    paths = sorted(path.relative_to(folder / "data") for path in folder.glob("data/*/*.jpg"))
    rows = [f"{path.as_posix()},{path.parent.name}" for path in paths]
    table = folder / "kinds.csv"
    table.write_text("\n".join(["path,kind", *rows]), "utf-8")
    cbir.index(
        str(folder / "data"), str(folder / "index.csv"), ["hsv"], preset="fast",
        metadata=str(table), key="path",
    )  # fmt: skip


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run ``cbir serve``; yield the address of its first page."""
    command = [sys.executable, "-m", "cbir", "serve", "--index", "index.csv", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "XDG_CACHE_HOME": str(folder)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        found = re.search(r"http://\S+/", process.stderr.readline())
        assert found, "the server did not start"
        yield found[0]
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        make_index(folder)
        program = os.environ.get("CBIR_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        with served(folder) as url:
            page = browser.new_page(viewport=_WIDE)
            for show in (gallery, search, part):
                show(page, url)
                taken(page, f"web-{show.__name__}")
            phone = browser.new_page(
                viewport=_PHONE,
                color_scheme="dark",
                is_mobile=True,
                has_touch=True,
                device_scale_factor=2,
            )
            search(phone, url)
            taken(phone, "web-phone")
        browser.close()


if __name__ == "__main__":
    main()
