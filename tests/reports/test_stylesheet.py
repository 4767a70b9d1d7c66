"""The stylesheet: text can be read in light and dark, and nothing is fetched from anywhere."""

from __future__ import annotations

import re

import pytest

from cbir.reports.html import environment, stylesheet

TEXT, SHAPE = 4.5, 3.0
"""The least contrasts of WCAG 2.2, level AA: criteria 1.4.3 and 1.4.11."""

SURFACES = ("paper", "card", "mat", "chip")
ON_ALL = ("ink", "soft", "link", "warn")
PAIRS = [
    *((color, surface, TEXT) for color in ON_ALL for surface in SURFACES),
    *(("kept", surface, TEXT) for surface in ("paper", "card", "mat", "kept-soft")),
    *((name, f"{name}-soft", TEXT) for name in ("warn", "edited", "near")),
    *(("on-accent", surface, TEXT) for surface in ("accent", "accent-hover")),
    *((name, surface, SHAPE) for name in ("control", "accent") for surface in SURFACES[:3]),
    *((f"curve-{n}", surface, SHAPE) for n in range(1, 8) for surface in ("card", "paper")),
]


def palettes() -> tuple[dict[str, str], dict[str, str]]:
    """Return the colors in light and in dark."""
    blocks = re.findall(r":root \{(.*?)\}", stylesheet().decode(), re.DOTALL)
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6,8});", block)) for block in blocks[:2]
    )
    return light, light | dark


def luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_can_be_read(scheme: str) -> None:
    colors = palettes()[scheme == "dark"]
    poor = {
        f"{color} on {surface}": round(contrast(colors[color], colors[surface]), 2)
        for color, surface, least in PAIRS
        if contrast(colors[color], colors[surface]) < least
    }
    assert poor == {}


def test_contrasts_are_those_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_every_color_has_one_for_the_dark() -> None:
    light, dark = (
        set(re.findall(r"--([\w-]+): #", block))
        for block in re.findall(r":root \{(.*?)\}", stylesheet().decode(), re.DOTALL)[:2]
    )
    assert light == dark


def test_colors_are_named_once() -> None:
    text = stylesheet().decode()
    used = set(re.findall(r"var\(--([\w-]+)\)", text))
    assert used == set(re.findall(r"--([\w-]+):", text))


def test_nothing_is_fetched() -> None:
    text = stylesheet().decode()
    assert not re.search(r"url\(|@import|://|</", text)


def test_a_page_holds_all_of_it() -> None:
    page = environment().get_template("page.html.jinja").render(title="", kind="report")
    assert stylesheet().decode() in page
