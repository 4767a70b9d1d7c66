"""``cbir evaluate`` by the ground truth of Oxford, Paris and their revisited protocol."""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cbir.evaluation.stored import read_evaluation
from tests.conftest import PROJECT, Run
from tests.evaluation.landmarks import BOX, REGION, make_images, write_oxford

NAMES = [f"hall_{number:06}" for number in range(8)]


@pytest.fixture
def oxford(here: Run) -> None:
    make_images(Path("images"), NAMES)
    write_oxford(Path("gt"), "hall_1", "oxc1_hall_000000", NAMES[:2], NAMES[2:4], NAMES[4:5])
    write_oxford(Path("gt"), "hall_2", "hall_000003", NAMES[3:5])
    arguments = ("--descriptor", "hsv", "--descriptor", "phash", "--quiet")
    assert here("index", "-d", "images", *arguments).returncode == 0


@pytest.fixture
def revisited(oxford: None) -> None:
    make_images(Path("queries"), ["hall_000099"])
    judged = [{"bbx": BOX, "easy": np.arange(2), "hard": [2, 3], "junk": [4]}]
    data = {"imlist": NAMES, "qimlist": ["hall_000099"], "gnd": judged, "simlist": None}
    Path("gnd_roxford5k.pkl").write_bytes(pickle.dumps(data, 2))


def converted() -> subprocess.CompletedProcess[str]:
    """Run the program of the guide that makes JSON of a pickle."""
    text = (PROJECT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    (program,) = (
        block for block in re.findall(r"^```python\n(.*?)^```$", text, re.S | re.M)
        if "Unpickler" in block
    )  # fmt: skip
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_table_has_the_published_measure(here: Run, oxford: None) -> None:
    done = here("evaluate", "-i", "index.csv", "--truth", "oxford:gt", "--descriptor", "hsv")
    assert done.returncode == 0 and "trapezoidal" in done.stdout.splitlines()[0]
    assert done.stderr == (
        "8 images, 2 queries; protocol oxford, truth oxford:gt; published figures of it are"
        " trapezoidal mAP\n"
    )


def test_a_folder_need_not_be_indexed(here: Run, oxford: None) -> None:
    done = here("evaluate", "-d", "images", "--truth", "oxford:gt", "--format", "json", "--quiet")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["protocol"], document["queries"]) == ("oxford", 2)
    assert document["runs"][0]["mp"].keys() == {"1", "5", "10"}


def test_what_is_kept_has_setups_and_regions(here: Run, revisited: None) -> None:
    assert converted().returncode == 0
    done = here(
        "evaluate", "-i", "index.csv", "--truth", "revisited:gnd_roxford5k.json", "-q", "queries",
        "--save", "kept.json", "--failures", "failures.html", "--format", "json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    stored, document = read_evaluation("kept.json"), json.loads(done.stdout)
    setups = ["easy", "easy", "medium", "medium", "hard", "hard"]
    assert [run.setup for run in stored.runs] == setups
    assert [run["setup"] for run in document["runs"]] == setups
    assert [run["compared_with_best"] is None for run in document["runs"]] == [True, False] * 3
    for run, fields in zip(stored.runs, document["runs"], strict=True):
        assert run.means["mp@5"] == fields["mp"]["5"]
    query = stored.runs[-1].worst[0]
    assert (query.region, query.outside) == (REGION, True)
    page = Path("failures.html").read_text(encoding="utf-8")
    assert f"region {REGION}" in page and "hsv, chi2, hard" in page


def test_tables_and_csv_tell_the_setup(here: Run, revisited: None) -> None:
    assert converted().returncode == 0
    arguments = ("-i", "index.csv", "--truth", "revisited:gnd_roxford5k.json", "-q", "queries")
    table = here("evaluate", *arguments, "--format", "markdown").stdout
    assert "| hsv | chi2, medium |" in table and "mP@10" in table
    assert "Difference in mAP from the best of a setup" in table
    rows = list(csv.DictReader(io.StringIO(here("evaluate", *arguments, "--format", "csv").stdout)))
    assert [row["setup"] for row in rows[::2]] == ["easy", "medium", "hard"]
    assert {"mp_1", "mp_5", "mp_10"} <= rows[0].keys()


def test_a_pickle_is_refused_and_a_hostile_one_is_not_run(here: Run, revisited: None) -> None:
    done = here("evaluate", "-i", "index.csv", "--truth", "revisited:gnd_roxford5k.pkl")
    assert done.returncode == 1 and "it is a pickle, which can run any program" in done.stderr
    Path("gnd_roxford5k.pkl").write_bytes(b"cos\nmkdir\n(S'made'\ntR.")
    refused = converted()
    assert refused.returncode == 1 and "os.mkdir is no plain data" in refused.stderr
    assert not Path("made").exists()


def test_the_ground_truth_is_not_overwritten(here: Run, revisited: None) -> None:
    Path("gnd.json").write_text("{}")
    done = here(
        "evaluate", "-i", "index.csv", "--truth", "revisited:gnd.json", "--save", "gnd.json"
    )
    assert done.returncode in (1, 2) and Path("gnd.json").read_text() == "{}"


def test_what_contradicts_the_truth_is_refused(here: Run, oxford: None) -> None:
    done = here("evaluate", "-i", "index.csv", "--truth", "oxford:gt", "--protocol", "ukbench")
    assert done.returncode == 2 and "it says itself which images query" in done.stderr
