"""``/api/evaluations``: the documents that the command kept, and why others cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cbir.cli.group import cli
from tests.web.conftest import Serving


@pytest.fixture
def kept(collection: Path) -> Path:
    """What the command keeps of the collection."""
    path = collection / "kept <b>&.json"
    command = ["evaluate", "--index", str(collection / "index.csv"), "--descriptor", "hsv"]
    done = CliRunner().invoke(cli, [*command, "--save", str(path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return path


def test_the_document_is_that_of_the_command(serving: Serving, kept: Path) -> None:
    client = serving(evaluations=(os.fspath(kept),))
    (listed,) = client.get("/api/evaluations").json()["evaluations"]
    document = json.loads(kept.read_text())
    (run,) = document["runs"]
    assert listed["name"] == "kept <b>&"
    assert listed["best"]["map"] == run["map"]
    assert listed["best"]["interval"] == run["intervals"]["map"]
    for name in ("truth", "protocol", "images", "queries"):
        assert listed[name] == document[name]
    answer = client.get(listed["document"])
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json() == document


def test_a_file_that_cannot_be_read_is_told_without_its_folder(
    serving: Serving, kept: Path
) -> None:
    folder = kept.parent
    (folder / "bad.json").write_text('{"runs": []}')
    # A number that JSON does not have, where nobody looks.
    (folder / "nan.json").write_text(kept.read_text().replace("{", '{"more": NaN, ', 1))
    names = ("bad", "nan", "missing", kept.stem)
    client = serving(evaluations=[str(folder / f"{name}.json") for name in names])
    listed = client.get("/api/evaluations").json()["evaluations"]
    assert [one["name"] for one in listed] == list(names)
    assert ["problem" in one for one in listed] == [True, True, True, False]
    for one in listed[:3]:
        answer = client.get(f"/api/evaluations/{one['name']}")
        assert answer.status_code == 503
        assert answer.json() == {"detail": f"{one['name']}: {one['problem']}"}
        assert str(folder) not in answer.text


def test_no_path_leads_out_of_what_was_named(serving: Serving, kept: Path) -> None:
    client = serving(evaluations=(os.fspath(kept),))
    for name in ("index.csv", "..%2Findex.csv", "%2Fetc%2Fpasswd", "kept", "%00", "%FF"):
        assert client.get(f"/api/evaluations/{name}").status_code == 404


def test_there_may_be_none(serving: Serving) -> None:
    assert serving().get("/api/evaluations").json() == {"evaluations": []}
