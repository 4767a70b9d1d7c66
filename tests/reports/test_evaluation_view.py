"""A stored evaluation on a page: its numbers, its curves, and the worst queries with images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cbir.evaluation.document import write_evaluation
from cbir.evaluation.model import Evaluation, Run
from cbir.evaluation.stored import read_evaluation
from cbir.evaluation.stored_model import StoredEvaluation
from cbir.reports.evaluation_view import EvaluationView, evaluation_view
from cbir.reports.html import environment
from cbir.reports.image_card import ImageCard
from tests.evaluations import evaluation, run
from tests.pages import Page


def stored(photos: Path, *runs: Run, columns: Sequence[str] = ()) -> StoredEvaluation:
    path = str(photos.parent / "kept.json")
    made: Evaluation = replace(evaluation(photos, *runs), columns=tuple(columns))
    write_evaluation(path, made)
    return read_evaluation(path)


def linked(path: str) -> ImageCard:
    return ImageCard(path, path, f"/images/{path}", thumbnail=f"/thumbnails/{path}")


def outside(path: str) -> ImageCard:
    return ImageCard(path, path, "", failure="not in the index")


def shown(view: EvaluationView, folder: Path) -> Page:
    template = '{% from "evaluation.html.jinja" import evaluation %}{{ evaluation(view) }}'
    (folder / "page.html").write_text(
        environment().from_string(template).render(view=view), "utf-8"
    )
    return Page(folder / "page.html")


def test_measures_are_those_of_the_command_line(photos: Path) -> None:
    made = run(photos)
    view = evaluation_view(stored(photos, made), linked, outside)
    (row,) = view.rows
    low, high = made.interval("map")
    assert row[:4] == ["hsv", "chi2", f"0.458 ±{(high - low) / 2:.3f}", "0.458"]
    assert row[-2:] == ["1.50", "1,440"] and len(row) == len(view.columns)
    assert view.facts == [("Images", "12"), ("Queries", "3"), ("Without anything to find", "1")]
    assert view.how == "protocol all · truth folders" and view.title == "kept"


def test_the_worst_queries_are_shown_with_images(photos: Path, tmp_path: Path) -> None:
    runs = (run(photos), run(photos, "phash", "hamming", (0.5, 1.0, 0.75)))
    page = shown(evaluation_view(stored(photos, *runs), linked, outside), tmp_path)
    queries = [one["aria-label"] for one in page.all("section", class_="group")]
    names = ["cats/cat-1.jpg", "cats/cat-3.jpg", "desert/orange-dune-1.jpg", "cats/cat-2.jpg"]
    assert queries == [f"Query {name}" for name in names]
    assert len(page.all("img")) == 4 * 11
    assert all(one["src"].startswith("/thumbnails/") for one in page.all("img"))
    assert "phash, hamming mAP 0.750 · the 2 queries with the lowest AP" in page.text
    assert "1 ✓ right 0.0000 cats/cat-1.jpg 2 ✗ wrong 0.1250 cats/cat-2.jpg" in page.text
    assert len({one["id"] for _, one in page.elements if "id" in one}) == sum(
        "id" in one for _, one in page.elements
    )


def test_as_many_as_wanted_are_shown(photos: Path) -> None:
    view = evaluation_view(stored(photos), linked, outside, worst=1)
    assert [len(one.queries) for one in view.runs] == [1]


def test_a_query_that_no_index_knows_is_named(photos: Path, tmp_path: Path) -> None:
    elsewhere = replace(run(photos), queries=[str(tmp_path / "<b>.jpg")] * 4)
    page = shown(evaluation_view(stored(photos, elsewhere), linked, outside), tmp_path)
    assert "not in the index" in page.text and str(tmp_path / "<b>.jpg") in page.text
    assert not page.all("b")


def test_what_is_known_about_results_is_told(photos: Path, tmp_path: Path) -> None:
    made = run(photos)
    hits = [[replace(hit, texts=("1999", "")) for hit in row] for row in made.hits]
    kept = stored(photos, replace(made, hits=hits), columns=("year", "place"))
    text = shown(evaluation_view(kept, linked, outside), tmp_path).text
    assert text.count("year: 1999") == 2 * 10 and "place:" not in text


def test_what_was_not_kept_is_left_out(photos: Path, tmp_path: Path) -> None:
    nothing = run(photos, "hog", averages=(np.nan,))
    page = shown(evaluation_view(stored(photos, nothing), linked, outside), tmp_path)
    assert not page.all("polyline") and not page.all("ul") and not page.all("img")
    assert "hog, chi2 mAP –" in page.text
    perfect = run(photos, averages=(1.0, 1.0))
    view = evaluation_view(stored(photos, perfect), linked, outside)
    assert view.runs[0].summary == "mAP 1.000 · no query failed"
