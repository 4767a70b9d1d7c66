"""How an evaluation is printed."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbir
from cbir.cli import output as cli_output
from cbir.cli.evaluate.formats import WIDTH, has_duplicates, print_evaluation
from cbir.evaluation.model import CUTOFFS, MEASURES, Evaluation
from tests.evaluations import evaluation, run

FUSION = "hsv+centrist+fisher+colorfisher+spjcd"


@pytest.fixture
def found(photos: Path) -> Evaluation:
    better = run(photos, FUSION, "fused", (1.0, 0.5, np.nan, 0.75), (0.5, 0.5, np.nan, 0.5))
    return evaluation(photos, run(photos), better)


def output(evaluation: Evaluation, format_: str, by_class: bool = False) -> str:
    written = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli_output, "write_out", written.write)
        print_evaluation(evaluation, format_, by_class)
    return written.getvalue().decode()


def test_the_table_fits_a_terminal(found: Evaluation) -> None:
    lines = output(found, "table").splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].split() == (
        "descriptor metric mAP ±95 % P@1 P@10 R@10 N-S nDCG ms/query bytes".split()
    )
    best, more, without, second = (line.split() for line in lines[1:5])
    assert best[:5] == ["hsv+centrist+fisher+", "fused", "0.750", "±0.250", "0.750"]
    assert best[-2:] == ["1.50", "1,440"]
    assert best[0] + "".join(more) == FUSION
    assert without[:5] == ["without", "duplicates", "0.500", "±0.000", "0.500"]
    assert second[:3] == ["hsv", "chi2", "0.458"]


def test_a_short_table_is_not_widened(photos: Path) -> None:
    lines = output(evaluation(photos), "table").splitlines()
    assert len(lines) == 2 and lines[0].startswith("descriptor  metric     mAP ±95 %  ")


def test_runs_are_compared_with_the_best(found: Evaluation) -> None:
    lines = output(found, "table").splitlines()[6:]
    assert lines[0] == f"Difference in mAP from {FUSION}, fused, query by query"
    assert lines[1].split()[:3] == ["descriptor", "metric", "mAP"]
    assert lines[2].split()[:3] == ["hsv", "chi2", "-0.292"]
    assert float(lines[2].split()[-1]) > 0.1


def test_classes_are_listed_when_asked_for(found: Evaluation) -> None:
    text = output(found, "table", by_class=True)
    _, _, of_best, of_second = text.split("\n\n")
    assert of_best.splitlines()[0] == f"{FUSION}, fused"
    assert [line.split()[:3] for line in of_second.splitlines()[2:]] == [
        ["cats", "2", "0.625"], ["desert", "1", "0.125"],
    ]  # fmt: skip


def test_markdown_is_tables(found: Evaluation) -> None:
    pipes = replace(found, runs=[replace(one, labels=["a|b"] * 4) for one in found.runs])
    blocks = output(pipes, "markdown", by_class=True).strip().split("\n\n")
    assert len(blocks) == 1 + 2 + 2 * 2
    for block in (blocks[0], *blocks[2::2]):
        lines = block.replace(r"\|", "").splitlines()
        assert len({line.count("|") for line in lines}) == 1
        assert set(lines[1]) <= set("| -:")
    assert blocks[0].splitlines()[2].startswith(f"| {FUSION} | fused | 0.750 ±0.250 | 0.750 |")
    assert r"| a\|b | 3 |" in blocks[-1]


def test_json_is_as_documented(found: Evaluation) -> None:
    document = json.loads(output(found, "json"))
    assert document["dataset"] == found.dataset
    assert document["queries"] == 3 and document["versions"]["cbir"] == cbir.__version__
    best, second = document["runs"]
    assert best["descriptor"] == FUSION and best["metric"] == "fused" and best["map"] == 0.75
    for measure in ("precision", "recall"):
        assert list(best[measure]) == [str(cutoff) for cutoff in CUTOFFS]
    assert best.keys() >= {"ns_score", "ms_per_query", "bytes_per_image"}
    assert best["compared_with_best"] is None and "classes" not in best
    difference = second["compared_with_best"]
    assert difference["map"] == pytest.approx(-0.875 / 3) and difference["queries"] == 3
    low, high = difference["interval"]
    assert low <= difference["map"] <= high
    assert best["without_duplicates"]["map"] == 0.5
    classes = json.loads(output(found, "json", by_class=True))["runs"][0]["classes"]
    assert list(classes) == ["cats", "desert"]


def test_json_is_valid_whatever_names_and_numbers_are(photos: Path) -> None:
    odd = os.fsdecode(b"/photos \xff")
    nothing = run(photos, averages=(np.nan, np.nan))
    labeled = replace(run(photos), labels=[os.fsdecode(b"\xfe")] * 4)
    for one in (nothing, labeled):
        made = replace(evaluation(photos, one, replace(one, metric="cosine")), dataset=odd)
        document = json.loads(output(made, "json", by_class=True), parse_constant=pytest.fail)
        assert base64.b64decode(document["dataset_base64"]) == b"/photos \xff"
        assert all(output(made, format_, True) for format_ in ("table", "markdown", "csv"))
    assert json.loads(output(evaluation(photos, nothing), "json"))["runs"][0]["map"] is None


def rows_of(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_a_run(found: Evaluation) -> None:
    best, second = rows_of(output(found, "csv"))
    assert best["descriptor"] == FUSION and best["queries"] == "3"
    assert float(second["map"]) == found.runs[1].mean("map")
    assert float(best["map_without_duplicates"]) == 0.5
    assert (float(best["map_low"]), float(best["map_high"])) == (0.5, 1.0)
    assert {name.replace("@", "_") for name in MEASURES} <= best.keys()


def test_csv_has_a_row_a_class_when_asked_for(found: Evaluation) -> None:
    rows = rows_of(output(found, "csv", by_class=True))
    assert [row["class"] for row in rows] == ["", "cats", "desert"] * 2
    assert [row["queries"] for row in rows[3:]] == ["3", "2", "1"]
    assert float(rows[4]["precision_10"]) == 0.625 and rows[4]["map_low"] == ""


def test_duplicates_are_told_only_where_they_matter(photos: Path, found: Evaluation) -> None:
    assert has_duplicates(found.runs[0]) and not has_duplicates(found.runs[1])
    assert "without" not in output(evaluation(photos), "table")
