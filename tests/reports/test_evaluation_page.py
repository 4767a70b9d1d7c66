"""The page of failures: the worst queries first, right and wrong told apart without color."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.evaluation.model import Evaluation
from cbir.reports.evaluation_page import FAILURES, THUMBNAIL, write_failures
from tests.evaluations import evaluation, run
from tests.pages import Page, decoded


@pytest.fixture
def found(photos: Path) -> Evaluation:
    return evaluation(photos, run(photos), run(photos, "phash", "hamming", (0.5, 1.0, 0.75)))


def test_the_worst_queries_come_first(found: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "failures.html"
    assert write_failures(str(path), found) == []
    page = Page(path)
    best, second = found.runs
    assert [one["aria-label"] for one in page.all("section", class_="group")] == [
        f"Query {os.path.basename(query)}"
        for query in (best.queries[0], best.queries[2], second.queries[3], second.queries[1])
    ]
    assert [one["id"] for one in page.all("section", class_="run")] == ["run-1", "run-2"]
    assert "phash, hamming" in page.text and "hsv, chi2" in page.text
    assert "AP 0.500 · 5 of 10 right" in page.text and "AP 0.125" in page.text
    assert "the 2 queries with the lowest AP" in page.text and "mAP 0.750" in page.text
    assert best.queries[0] in page.text and "cats" in page.text


def test_right_and_wrong_are_words(found: Evaluation, tmp_path: Path) -> None:
    write_failures(str(tmp_path / "failures.html"), found, worst=1)
    page = Page(tmp_path / "failures.html")
    assert len(page.all("li", class_="right")) == len(page.all("li", class_="wrong")) == 10
    assert page.text.count("✓ right") == 10 + 1 and page.text.count("✗ wrong") == 10 + 1
    alts = [one["alt"] for one in page.all("img")]
    hit = os.path.basename(found.runs[0].hits[0][1].path)
    assert alts[2] == f"Wrong, rank 2: {hit}" and alts[0].startswith("Query: ")
    assert "1 ✓ right 0 " in page.text and "2 ✗ wrong 0.1250 " in page.text


def test_the_page_needs_nothing_else(found: Evaluation, tmp_path: Path) -> None:
    write_failures(str(tmp_path / "failures.html"), found)
    page = Page(tmp_path / "failures.html")
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "object"})
    assert all(max(decoded(one["src"]).shape[:2]) <= THUMBNAIL for one in page.all("img"))
    text = (tmp_path / "failures.html").read_bytes()
    assert (
        b"://" not in re.sub(rb"data:[^\"]*", b"", text)
        and b'content="cbir failures"' in text[:1024]
    )


def test_the_bytes_follow_from_the_evaluation(found: Evaluation, tmp_path: Path) -> None:
    pages = []
    for workers in (1, 3):
        write_failures(str(tmp_path / "failures.html"), found, workers=workers)
        pages.append((tmp_path / "failures.html").read_bytes())
    assert pages[0] == pages[1]


def test_only_the_first_images_are_in_the_page(found: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "failures.html"
    notes = write_failures(str(path), found, embedded=12)
    assert len(notes) == 1 and "first 12 of 44 images" in notes[0]
    page = Page(path)
    sources = [one["src"] for one in page.all("img")]
    assert [source.startswith("data:") for source in sources] == [True] * 12 + [False] * 32
    assert all((path.parent / source).exists() for source in sources[12:])
    assert "first 12 images" in page.text


def test_an_image_that_vanished_is_told_once(found: Evaluation, tmp_path: Path) -> None:
    gone = found.runs[0].hits[0][1].path
    os.unlink(gone)
    notes = write_failures(str(tmp_path / "failures.html"), found)
    assert notes == [f"Not in the failures: {gone}: no such file or directory"]
    assert Page(tmp_path / "failures.html").text.count("no such file") == 4 + 1


def test_names_are_escaped(photos: Path, tmp_path: Path) -> None:
    odd = photos / os.fsdecode(b"0 <b> \xff&.jpg")
    shutil.copy(photos / "cats" / "cat-1.jpg", odd)
    write_failures(str(tmp_path / "failures.html"), evaluation(photos, run(photos)))
    page = Page(tmp_path / "failures.html")
    assert not page.all("b") and r"0 <b> \xff&.jpg" in page.text


def test_no_failure_is_said(photos: Path, tmp_path: Path) -> None:
    perfect = evaluation(photos, run(photos, averages=(1.0, np.nan)))
    write_failures(str(tmp_path / "failures.html"), perfect)
    assert "No query failed." in Page(tmp_path / "failures.html").text
    nearly = evaluation(photos, run(photos, averages=(0.9999,)))
    write_failures(str(tmp_path / "failures.html"), nearly)
    assert "AP 0.999" in Page(tmp_path / "failures.html").text


def test_only_a_page_of_ours_is_overwritten(found: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "failures.html"
    for _ in range(2):
        write_failures(str(path), found, worst=1)
    path.write_bytes(b"<!doctype html>\n<html>mine")
    with pytest.raises(CbirError, match="not made by this program"):
        write_failures(str(path), found)
    assert path.read_bytes() == b"<!doctype html>\n<html>mine"
    with pytest.raises(UsageError, match=r"must end with \.html or \.htm"):
        FAILURES.file.check(str(tmp_path / "failures.pdf"))
    with pytest.raises(CbirError, match="there is no folder"):
        FAILURES.file.check(str(tmp_path / "nowhere" / "failures.html"))
