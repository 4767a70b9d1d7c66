"""What tests in a browser use: a real server, a real Chromium, and what looks for barriers.

``.ci/browser.sh`` installs what they need, and tells where it is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.serving import Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip

_WAIT = 20_000
"""Milliseconds that something on a page may take."""

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what needs playwright, unless it is asked for."""
    name = collection_path.name
    needs_it = name.endswith(".py") and name not in ("__init__.py", "conftest.py")
    return True if needs_it and "services" not in config.option.markexpr else None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_WAIT)
    program = os.environ.get("CBIR_CHROMIUM") or shutil.which("chromium")
    assert program, "there is no Chromium; .ci/browser.sh installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(_made_collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of the collection, which all tests share: none changes anything."""
    caches = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    with served(_made_collection, "--index", "index.csv", env={**os.environ, **caches}) as server:
        yield server


@pytest.fixture
def changing_site(collection: Path) -> Iterator[Served]:
    """A server of a collection of the test's own, which allows changes."""
    with served(collection, "--index", "index.csv", "--allow-changes") as server:
        yield server


Visiting = Callable[..., "Page"]


@pytest.fixture
def visiting(browser: Browser) -> Iterator[Visiting]:
    """Open a window as a new visitor; what goes wrong in a script fails the test.

    Takes the options of a context of the browser, as ``color_scheme="dark"``.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def visiting(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, **options})
        context.set_default_timeout(_WAIT)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("response", lambda answer: faults.append(answer.url) if _is_gap(answer) else None)
        page.on("console", lambda told: faults.append(told.text) if _is_fault(told) else None)
        return page

    yield visiting
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(visiting: Visiting) -> Page:
    """A window."""
    return visiting()


def _is_fault(told: Any) -> bool:
    # A request that is answered with an error, which a test may want, is told as one as well.
    return told.type == "error" and not told.text.startswith("Failed to load resource")


def _is_gap(answer: Any) -> bool:
    return answer.request.resource_type == "image" and answer.status >= 400
