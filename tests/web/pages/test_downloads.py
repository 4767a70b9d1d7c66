"""Results as files: what the command line prints."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from cbir.cli.group import cli
from tests.conftest import DATA
from tests.web.api.test_search import ASKED
from tests.web.pages.document import Document

FILES = [one for one in ASKED if one.keys().isdisjoint({"exclude_self", "facets"})]


def printed(folder: Path, format_: str, asked: dict[str, str]) -> str:
    """Return what the command prints."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
    options = [option.removesuffix("=true") for option in options]
    query = ["search", "-q", str(folder / "photos/cats/cat-1.jpg"), "-i", str(folder / "index.csv")]
    done = CliRunner().invoke(
        cli, [*query, "--top", "20", "--no-montage", "--format", format_, *options]
    )
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("asked", FILES, ids=str)
def test_csv_has_the_rows_that_the_command_prints(
    client: TestClient, collection: Path, asked: dict[str, str]
) -> None:
    answer = client.get("/search/results.csv", params={"path": "cats/cat-1.jpg", **asked})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    wanted = list(csv.reader(io.StringIO(printed(collection, "csv", asked))))
    for row in wanted[1:]:
        row[0] = "cats/cat-1.jpg"
        row[4] = os.path.relpath(row[4], collection / "photos")
    assert list(csv.reader(io.StringIO(answer.text))) == wanted


@pytest.mark.parametrize("asked", FILES, ids=str)
def test_json_has_the_document_that_the_command_prints(
    client: TestClient, collection: Path, asked: dict[str, str]
) -> None:
    answer = client.get("/search/results.json", params={"path": "cats/cat-1.jpg", **asked})
    (wanted,) = json.loads(printed(collection, "json", asked))
    wanted["query"] = "cats/cat-1.jpg"
    for result in wanted["results"]:
        result["path"] = os.path.relpath(result["path"], collection / "photos")
    assert answer.json() == [wanted]


def test_the_links_of_a_page_lead_to_all_that_it_asks(client: TestClient) -> None:
    image = (DATA / "cats/cat-1.jpg").read_bytes()
    answer = client.post(
        "/search", data={"state": "top=2&is.kind=cat&columns=price"}, files={"image": image}
    )
    page = Document(answer)
    assert len(page.names()) == 2
    rows = list(csv.DictReader(io.StringIO(client.get(page.link("CSV")).text)))
    assert [row["path"] for row in rows[:2]] == page.names() and len(rows) == 3
    assert [row["price"] for row in rows if row["path"] == "cats/cat-2.jpg"] == ["2.5"]
    documents: list[dict[str, Any]] = client.get(page.link("JSON")).json()
    assert [one["path"] for one in documents[0]["results"]] == [row["path"] for row in rows]


def test_a_file_is_about_an_image(client: TestClient) -> None:
    assert client.get("/search/results.csv").status_code == 422
    assert client.get("/search/results.csv?path=no.jpg").status_code == 404
