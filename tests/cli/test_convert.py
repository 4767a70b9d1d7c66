"""``cbir convert``, and all commands on a Parquet index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas
import pytest

from tests.conftest import DATA, Run
from tests.stores.single_file.test_store import hold


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    descriptors = ("--descriptor", "hsv", "--descriptor", "phash")
    assert here("index", "-d", "photos", *descriptors, "--quiet").returncode == 0
    return photos.parent


def test_there_and_back_is_the_same_file(here: Run, indexed: Path) -> None:
    done = here("convert", "index.csv", "index.parquet")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("index.parquet: 12 images, ")
    assert here("convert", "index.parquet", "back.csv", "--quiet").stderr == ""
    assert (indexed / "back.csv").read_bytes() == (indexed / "index.csv").read_bytes()


def test_every_command_takes_a_parquet_index(here: Run, indexed: Path) -> None:
    described = ("--descriptor", "hsv", "--descriptor", "phash", "--quiet")
    assert here("index", "photos", "-i", "new.parquet", *described).returncode == 0
    commands = (
        ("search", "photos/cats/cat-1.jpg", "--no-montage"),
        ("search", "photos/cats/cat-1.jpg", "--no-montage", "--descriptor", "hsv+phash"),
        ("duplicates", "photos", "--quiet"),
    )
    for command in commands:
        one, other = (here(*command, "--index", name) for name in ("index.csv", "new.parquet"))
        assert one.returncode == 0, one.stderr
        assert (one.returncode, one.stdout) == (other.returncode, other.stdout)
    measured = [
        json.loads(here("evaluate", "-i", name, "--format", "json", "--quiet").stdout)["runs"]
        for name in ("index.csv", "new.parquet")
    ]
    measures = [[(one["map"], one["recall"]) for one in runs] for runs in measured]
    assert measures[0] == measures[1] and len(measures[0]) == 2
    told = json.loads(here("info", "new.parquet", "--format", "json").stdout)
    assert told["images"] == 12 and told["sound"] is True


def test_labels_teach_the_same_from_both_formats(here: Run) -> None:
    some = ("--include", "cats/*", "--include", "sky/*", "--include", "windmills/*")
    assert here("index", DATA, *some, "--quiet").returncode == 0
    assert here("convert", "index.csv", "index.parquet").returncode == 0
    learn = ("train", "--descriptor", "hsv", "--dimension", "2", "--quiet")
    for name in ("csv", "parquet"):
        done = here(*learn, "--from", f"index.{name}", "-o", f"{name}.npz")
        assert done.returncode == 0, done.stderr
    assert Path("csv.npz").read_bytes() == Path("parquet.npz").read_bytes()


def test_an_update_reuses_rows_and_keeps_columns_of_ones_own(here: Run, indexed: Path) -> None:
    assert here("index", "photos", "-i", "i.parquet", "--quiet").returncode == 0
    frame = pandas.read_parquet(indexed / "i.parquet")
    frame = frame.assign(stars=range(12))[frame["path"] != "cats/cat-2.jpg"]
    frame.to_parquet(indexed / "i.parquet")
    done = here("index", "photos", "-i", "i.parquet")
    assert "12 images: 1 added, 11 reused" in done.stderr
    again = pandas.read_parquet(indexed / "i.parquet").set_index("path")["stars"]
    assert again["cats/cat-1.jpg"] == "0" and again["cats/cat-2.jpg"] == ""
    found = here("search", "photos/cats/cat-1.jpg", "-i", "i.parquet", "--no-montage", "--where",
                 "stars > 9", "--format", "paths")  # fmt: skip
    assert found.stdout.split() == ["photos/windmills/windmill-1.jpg", "photos/things/kite-1.jpg"]


WRONG = {
    "no index": (("none.csv", "new.parquet"), "none.csv: the index does not exist; make one with"),
    "itself": (("index.csv", "index.csv"), "index.csv: this is the index itself"),
    "something is there": (("index.csv", "text.parquet"), "text.parquet: this file is there"),
    "no index is there": (("index.csv", "text.parquet", "--replace"), "this is no Parquet file"),
    "a folder is there": (("index.csv", "photos", "--replace"), "photos: this is a folder"),
    "no folder": (("index.csv", "none/new.parquet"), "none/new.parquet: cannot write the index"),
    "a CSV that is called Parquet": (("copy.parquet", "new.csv"), "this is no Parquet file; if it"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_in_one_line(here: Run, indexed: Path, case: str) -> None:
    (indexed / "text.parquet").write_text("precious")
    (indexed / "copy.parquet").write_bytes((indexed / "index.csv").read_bytes())
    arguments, message = WRONG[case]
    done = here("convert", *arguments)
    assert done.returncode in (1, 2) and message in done.stderr
    assert (indexed / "text.parquet").read_text() == "precious"
    assert not (indexed / "text.parquet.cbir").exists()
    assert done.stderr.count("\n") <= 4 and "Traceback" not in done.stderr


def test_a_damaged_parquet_index_is_rebuilt_and_kept(here: Run, indexed: Path) -> None:
    assert here("index", "photos", "-i", "i.parquet", "--quiet").returncode == 0
    path = indexed / "i.parquet"
    cut = path.read_bytes()[:-100]
    path.write_bytes(cut)
    for command in (
        ("search", "photos/cats/cat-1.jpg", "-i"),
        ("index", "photos", "-i"),
        ("info",),
    ):
        done = here(*command, "i.parquet")
        assert done.returncode == 1 and "seems to be cut off" in done.stderr
        assert "--rebuild" in done.stderr
    assert here("index", "photos", "-i", "i.parquet", "--rebuild").returncode == 0
    assert (indexed / "i.parquet.old").read_bytes() == cut
    assert here("info", "i.parquet").returncode == 0


def test_a_new_index_that_is_being_written_is_waited_for_or_left(run: Run, indexed: Path) -> None:
    with hold(indexed / "new.parquet", 60) as holder:
        done = run("convert", "index.csv", "new.parquet")
        assert done.returncode == 1 and f"process {holder.pid} is writing" in done.stderr
        assert "--wait" in done.stderr and not (indexed / "new.parquet").exists()
        holder.kill()
    assert run("convert", "index.csv", "new.parquet", "--wait").returncode == 0


def test_parquet_is_recommended_where_a_csv_is_a_burden(
    here: Run, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "parquet" not in here("index", "photos").stderr
    monkeypatch.setattr("cbir.stores.recommendation.BURDEN", 10_000)
    done = here("index", "photos")
    assert done.stderr.splitlines()[-1].endswith(": cbir convert index.csv index.parquet")
    assert "convert" not in here("index", "photos", "--quiet").stderr
    assert "convert" not in here("index", "photos", "-i", "new.parquet").stderr


def test_without_pyarrow_the_extra_is_named(
    here: Run, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = "pyarrow; install it: pip install 'cbir[parquet]'"
    for command in (("convert", "index.csv"), ("index", "photos", "-i")):
        done = here(*command, "new.parquet")
        assert done.returncode == 1 and message in done.stderr
    assert not (indexed / "new.parquet.cbir").exists()
