"""The curves of a page: where they are, and that they are told apart without color."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cbir.evaluation.model import RECALLS
from cbir.reports.curves_svg import BOTTOM, LEFT, RIGHT, TOP, chart, x_of, y_of
from cbir.reports.html import environment
from tests.pages import Page

FLAT = [0.5] * len(RECALLS)


def test_a_curve_is_where_its_numbers_say() -> None:
    values = np.linspace(1, 0, len(RECALLS))
    (curve,) = chart([("hsv", values.tolist())]).curves
    points = np.array([point.split(",") for point in curve.points.split()], float)
    np.testing.assert_allclose((points[:, 0] - LEFT) / (RIGHT - LEFT), RECALLS, atol=1e-3)
    np.testing.assert_allclose((BOTTOM - points[:, 1]) / (BOTTOM - TOP), values, atol=1e-3)


def test_markers_stand_on_their_curve_and_not_on_each_other() -> None:
    curves = chart([(str(number), FLAT) for number in range(4)]).curves
    places = [place for curve in curves for place in curve.markers]
    assert len(set(places)) == len(places) == 4 * 5
    for curve in curves:
        for place in curve.markers:
            x, y = place.removeprefix("translate(").removesuffix(")").split()
            assert f"{x},{y}" in curve.points.split()


def test_many_curves_are_told_apart_also_without_color() -> None:
    curves = chart([(str(number), FLAT) for number in range(140)]).curves
    assert len({(one.color, one.dashes, one.marker) for one in curves}) == 140
    assert len({(one.dashes, one.marker) for one in curves[:20]}) == 20


def test_runs_without_numbers_are_left_out() -> None:
    made = chart([("old", ()), ("nothing", [math.nan] * len(RECALLS)), ("hsv", FLAT)])
    assert [one.label for one in made.curves] == ["hsv"]
    assert made.description == (
        "hsv: precision 0.500 at recall 0, 0.500 at recall 0.5, 0.500 at recall 1."
    )
    with pytest.raises(ValueError, match="101"):
        chart([("short", [1.0])])


def test_the_drawing_is_told_and_has_no_style_of_its_own(tmp_path: Path) -> None:
    template = '{% from "curves.html.jinja" import curves %}{{ curves(chart) }}'
    made = chart([("<hsv> & co", FLAT), ("phash", FLAT)])
    path = tmp_path / "curves.html"
    path.write_text(environment().from_string(template).render(chart=made), "utf-8")
    page = Page(path)
    (drawing,) = page.all("svg", role="img")
    told = {one["id"] for tag in ("title", "desc") for one in page.all(tag)}
    assert set(drawing["aria-labelledby"].split()) == told
    assert all("style" not in attributes for _, attributes in page.elements)
    assert page.text.count("<hsv> & co") == 2 and len(page.all("polyline")) == 4
    assert page.all("path", d=f"M{x_of(0.2):g} {TOP}V{BOTTOM}")
    assert page.all("path", d=f"M{LEFT} {y_of(0.4):g}H{RIGHT}")
