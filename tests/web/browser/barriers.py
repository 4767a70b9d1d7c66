"""What keeps people from using a page, as axe-core finds it."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

_SERIOUS = {"serious", "critical"}


def barriers(page: Page) -> list[str]:
    """Return the serious and critical faults of a page, each with where it is."""
    script = os.environ.get("CBIR_AXE")
    assert script, "there is no axe-core; .ci/browser.sh installs it"
    # An image that comes while the colors behind a text are looked for moves what is below it.
    page.evaluate("document.querySelectorAll('img').forEach((one) => (one.loading = 'eager'))")
    page.wait_for_function("[...document.images].every((one) => one.complete)")
    page.evaluate(Path(script).read_text("utf-8"))
    found = page.evaluate("axe.run().then((found) => found.violations)")
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in _SERIOUS
        for node in fault["nodes"]
    ]
