"""``cbir duplicates`` as a user, a script and a pipe run it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from cbir.cli.duplicates.command import duplicates
from tests.conftest import DATA, Run

LARGE, SMALL = "photos/cats/cat-1.jpg", "photos/cats/small.jpg"
TWIN, ORIGINAL = "photos/a-twin.jpg", "photos/sky/galaxies-1.jpg"
CROP, WHOLE = "photos/things/crop.jpg", "photos/things/coffee-1.jpg"


def recompress(source: Path, target: Path, scale: float = 1.0, quality: int = 75) -> None:
    with Image.open(source) as image:
        size = round(image.width * scale), round(image.height * scale)
        image.resize(size).save(target, quality=quality)


@pytest.fixture
def copied(photos: Path) -> Path:
    """Twelve photographs, a smaller copy of one, a twin of another, a crop of a third."""
    recompress(photos / "cats" / "cat-1.jpg", photos / "cats" / "small.jpg", 0.6, 50)
    shutil.copy2(photos / "sky" / "galaxies-1.jpg", photos / "a-twin.jpg")
    with Image.open(photos / "things" / "coffee-1.jpg") as image:
        width, height = image.size
        image.crop((width // 8, 0, width, height)).save(photos / "things" / "crop.jpg")
    return photos


def groups(done: subprocess.CompletedProcess[Any]) -> list[list[str]]:
    """Return the paths of each group that was printed as JSON."""
    assert done.returncode == 0, done.stderr
    return [
        [group["keep"], *(one["path"] for one in group["duplicates"])]
        for group in json.loads(done.stdout)
    ]


# What is found, and how it is printed


def test_text_for_people(run: Run, copied: Path) -> None:
    done = run("duplicates", "-d", "photos")
    assert done.stdout == f"{TWIN}\n{ORIGINAL}\n\n{LARGE}\n{SMALL}\n"
    assert done.returncode == 0 and done.stderr.startswith("2 groups with 2 removable copies (")
    assert run("duplicates", "-d", "photos", "--quiet").stderr == ""


def test_levels(here: Run, copied: Path) -> None:
    flags = ["duplicates", "-d", "photos", "--format", "json", "--level"]
    assert groups(here(*flags, "exact")) == [[TWIN, ORIGINAL]]
    assert groups(here(*flags, "near")) == [[TWIN, ORIGINAL], [LARGE, SMALL]]
    assert [WHOLE, CROP] in groups(here(*flags, "edited"))


def test_json_tells_why(here: Run, copied: Path) -> None:
    done = here("duplicates", "-d", "photos", "--format", "json")
    twins, resized = json.loads(done.stdout)
    assert twins == {
        "group": 1,
        "keep": TWIN,
        "duplicates": [
            {"path": ORIGINAL, "distance": 0, "level": "exact", "evidence": "same bytes"}
        ],
        "max_distance": 0,
    }
    (small,) = resized["duplicates"]
    assert small["level"] == "near" and small["evidence"].startswith("phash ")
    assert small["distance"] == resized["max_distance"]


def test_formats_agree(run: Run, copied: Path) -> None:
    flags = ["duplicates", "-d", "photos", "--format"]
    wanted = json.loads(run(*flags, "json").stdout)
    lines = run(*flags, "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == wanted
    rows = list(csv.DictReader(io.StringIO(run(*flags, "csv").stdout)))
    assert [(row["group"], row["role"], row["path"]) for row in rows] == [
        ("1", "keep", TWIN), ("1", "duplicate", ORIGINAL),
        ("2", "keep", LARGE), ("2", "duplicate", SMALL),
    ]  # fmt: skip
    assert run(*flags, "paths").stdout == f"{ORIGINAL}\n{SMALL}\n"
    null = run("duplicates", "-d", "photos", "-0", text=False)
    assert null.stdout == f"{ORIGINAL}\0{SMALL}\0".encode()


def test_keep_chooses(here: Run, copied: Path) -> None:
    flags = ["duplicates", "-d", "photos", "--format", "json", "--keep"]
    os.utime(copied / "a-twin.jpg", (1, 1))
    assert groups(here(*flags, "smallest"))[1] == [SMALL, LARGE]
    assert groups(here(*flags, "newest"))[-1] == [ORIGINAL, TWIN]


def test_the_threshold_overrides(here: Run, copied: Path) -> None:
    with Image.open(copied / "cats" / "cat-1.jpg") as image:
        dark = image.convert("L").point([round(255 * (i / 255) ** 1.5) for i in range(256)])
        dark.resize((90, 60)).save(copied / "cats" / "dark.jpg", quality=20)
    flags = ["duplicates", "-d", "photos", "--format", "json"]
    (_, cats) = json.loads(here(*flags).stdout)
    assert len(cats["duplicates"]) == 2 and cats["max_distance"] > 0
    (_, cats) = json.loads(here(*flags, "--threshold", str(cats["max_distance"] - 1)).stdout)
    assert len(cats["duplicates"]) == 1


def test_the_exit_code_tells_on_demand(here: Run, copied: Path) -> None:
    assert here("duplicates", "-d", "photos", "--exit-code").returncode == 1
    assert here("duplicates", "-d", "photos/desert", "--exit-code").returncode == 0
    assert here("duplicates", "-d", "photos/desert").stderr == "No duplicates\n"


def test_an_index_is_kept_and_used_alone(here: Run, copied: Path, tmp_path: Path) -> None:
    first = here("duplicates", "-d", "photos", "-i", "kept.csv", "--format", "json")
    assert (tmp_path / "kept.csv").exists()
    shutil.copy2(copied / "a-twin.jpg", copied / "third.jpg")
    flags = ["duplicates", "-i", "kept.csv", "--format", "json"]
    assert here(*flags).stdout == first.stdout
    assert here(*flags, "-d", "photos").stdout != first.stdout
    assert here(*flags).stdout != first.stdout
    done = here(*flags, "--level", "edited")
    assert done.returncode == 1 and "local features" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_patterns_narrow_the_dataset(here: Run, copied: Path) -> None:
    flags = ["duplicates", "-d", "photos", "--format", "json"]
    assert groups(here(*flags, "--exclude", "sky")) == [[LARGE, SMALL]]
    assert groups(here(*flags, "--include", "cats/*")) == [[LARGE, SMALL]]


def test_nothing_depends_on_the_number_of_workers(here: Run, copied: Path) -> None:
    flags = ["duplicates", "-d", "photos", "--format", "json", "--workers"]
    assert here(*flags, "1").stdout == here(*flags, "3").stdout


def test_references_stay(here: Run, copied: Path, tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    recompress(copied / "sky" / "galaxies-1.jpg", tmp_path / "reference" / "half.jpg", 0.5)
    flags = ["duplicates", "-d", "photos", "--reference", "reference"]
    assert sorted(here(*flags, "--format", "paths").stdout.splitlines()) == [SMALL, ORIGINAL]
    flags += ["--allow-loss", "detail"]
    assert groups(here(*flags, "--format", "json")) == [
        [LARGE, SMALL], ["reference/half.jpg", TWIN, ORIGINAL],
    ]  # fmt: skip
    assert sorted(here(*flags, "--format", "paths").stdout.splitlines()) == [TWIN, SMALL, ORIGINAL]


def test_a_part_of_the_dataset_can_be_the_reference(here: Run, copied: Path) -> None:
    flags = ["duplicates", "-d", "photos", "--reference", "photos/sky", "--format", "json"]
    assert [ORIGINAL, TWIN] in groups(here(*flags))


# Queries


def test_the_copies_of_queries(here: Run, copied: Path, tmp_path: Path) -> None:
    recompress(copied / "cats" / "cat-1.jpg", tmp_path / "mine.jpg", 0.5)
    flags = ["duplicates", "-d", "photos", "--query", "mine.jpg", "--query", WHOLE]
    done = here(*flags, "--format", "json")
    (document,) = json.loads(done.stdout)
    assert document["query"] == "mine.jpg"
    assert sorted(match["path"] for match in document["matches"]) == [LARGE, SMALL]
    assert done.stderr == "1 of 2 queries with copies\n"
    assert sorted(here(*flags).stdout.splitlines()) == [
        "mine.jpg",
        f"{LARGE}  (shows more, and stays: detail: 2.0 times the resolution of the kept image)",
        f"{SMALL}  (shows more, and stays: detail: 1.2 times the resolution of the kept image)",
    ]
    assert here(*flags, "--format", "paths").stdout == ""
    assert here(*flags, "--exit-code").returncode == 1
    assert here("duplicates", "-d", "photos", "--query", WHOLE, "--exit-code").returncode == 0


def test_queries_come_from_standard_input(here: Run, copied: Path) -> None:
    flags = ["duplicates", "-d", "photos", "-q", "-", "--format", "jsonl"]
    for text, more in ((f"{TWIN}\n{SMALL}\n", []), (f"{TWIN}\0{SMALL}\0", ["--from0"])):
        done = here(*flags, *more, input=text)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one["query"] for one in found] == [TWIN, SMALL]
        assert [one["matches"][0]["path"] for one in found] == [ORIGINAL, LARGE]


def test_queries_that_are_copies_of_each_other_both_stay(here: Run, copied: Path) -> None:
    done = here("duplicates", "-d", "photos", "--query", TWIN, "--query", ORIGINAL, "-0")
    assert done.stdout == "" and "2 of 2 queries with copies" in done.stderr


def test_unreadable_queries_are_reported(here: Run, copied: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("text")
    flags = ["duplicates", "-d", "photos", "--format", "jsonl", "--query", "text.jpg"]
    alone = here(*flags)
    assert alone.returncode == 1 and alone.stdout == ""
    assert alone.stderr.startswith("Cannot read text.jpg: not an image\n")
    mixed = here(*flags, "--query", TWIN)
    assert mixed.returncode == 0 and len(mixed.stdout.splitlines()) == 1
    assert "1 of 2 queries could not be read" in mixed.stderr
    assert here(*flags, "--query", TWIN, "--strict").returncode == 1


# Pairs that were judged different


def test_pairs_judged_different_stay_apart(here: Run, copied: Path, tmp_path: Path) -> None:
    mark = ["duplicates", "--mark-different", LARGE, SMALL]
    done = here(*mark)
    assert done.returncode == 0 and "noted as different in different.txt" in done.stderr
    assert "noted already" in here(*mark).stderr
    flags = ["duplicates", "-d", "photos", "--format", "json"]
    assert groups(here(*flags, "--ignore", "different.txt")) == [[TWIN, ORIGINAL]]
    assert len(groups(here(*flags))) == 2
    done = here(*mark, "--mark-different", TWIN, LARGE, "--ignore", "my.txt", "--quiet")
    assert done.returncode == 0 and done.stderr == ""
    assert groups(here(*flags, "--ignore", "my.txt")) == [[TWIN, ORIGINAL]]
    done = here("duplicates", "--mark-different", TWIN, ORIGINAL)
    assert done.returncode == 1 and "the same bytes" in done.stderr


# What goes wrong


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "a folder DIR, or --index FILE"),
        ("-d photos --level exact --threshold 3", "no threshold"),
        ("-d photos --threshold 257", "0<=x<=256"),
        ("-d photos -0 --format json", "leave out --format json"),
        ("-d photos --from0", "goes with --query -"),
        ("-d photos --query a.jpg --action delete --yes", "--query only asks"),
        ("-d photos --query a.jpg --keep first", "the query is what stays"),
        ("-d photos --query a.jpg --report a.html", "--report shows groups"),
        ("-d photos --action move --yes", "--move-to DIR"),
        ("-d photos --move-to copies", "goes with --action move"),
        ("-d photos --action move --move-to c --permanently --yes", "goes with --action delete"),
        ("-d photos --action delete", "no terminal to ask on"),
        ("-d photos --yes", "--yes goes with an --action"),
        ("-d photos --dry-run", "--dry-run goes with an --action"),
        ("-d photos --log log", "--log goes with an --action"),
        ("-i index.csv --exclude thumbs", "go with --dataset"),
        ("--undo log --yes -d photos", "a task of its own; leave out --dataset"),
        ("--mark-different a b -d photos", "a task of its own; leave out --dataset"),
        ("--mark-different a b --undo log", "a task of its own"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(duplicates, arguments.split())
    assert done.exit_code == 2 and done.stdout == ""
    assert message in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_unreadable_images_are_told_and_the_rest_goes_on(here: Run, copied: Path) -> None:
    (copied / "text.jpg").write_text("text")
    done = here("duplicates", "-d", "photos")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 5
    assert done.stderr.startswith("Cannot read photos/text.jpg: not an image\n")
    done = here("duplicates", "-d", "photos", "--strict")
    assert done.returncode == 1 and done.stderr.endswith("Error: 1 unreadable and --strict\n")


def test_a_missing_ignore_file_or_dataset(here: Run, photos: Path) -> None:
    for more in (["-d", "nowhere"], ["-d", "photos", "--ignore", "nowhere.txt"]):
        done = here("duplicates", *more)
        assert done.returncode == 1 and "nowhere" in done.stderr
        assert "Traceback" not in done.stderr and done.stdout == ""


def test_any_file_name_survives(run: Run, tmp_path: Path) -> None:
    names = [b"new\nline.jpg", b"bad\xff\xfe.jpg", b"-dash.jpg", "日本 ünï.jpg".encode(), b" .jpg"]
    (tmp_path / "odd").mkdir()
    for name in names:
        shutil.copy(DATA / "cats" / "cat-1.jpg", tmp_path / "odd" / os.fsdecode(name))
        os.utime(tmp_path / "odd" / os.fsdecode(name), (1000, 1000))
    first = b"odd/ .jpg"  # of files of one age, the one with the shortest name stays
    others = sorted({b"odd/" + name for name in names} - {first})
    done = run("duplicates", "-d", "odd", "-0", text=False)
    assert sorted(done.stdout.rstrip(b"\0").split(b"\0")) == others
    text = run("duplicates", "-d", "odd", text=False).stdout
    assert text.splitlines()[0] == first and len(text.splitlines()) == len(names)


def test_a_reader_that_goes_away_does_no_harm(copied: Path, tmp_path: Path) -> None:
    for more in ("", "--query photos --format csv"):
        command = f"{sys.executable} -m cbir duplicates -d photos --quiet {more} | head -n 1"
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert len(done.stdout.splitlines()) == 1 and done.stderr == ""


def test_the_report_is_written_though_nobody_reads_the_groups(copied: Path, tmp_path: Path) -> None:
    for target in ("| true", "> /dev/full"):
        report = tmp_path / f"{len(target)}.html"
        command = f"{sys.executable} -m cbir duplicates photos --report {report} {target}"
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "small.jpg" in report.read_text(encoding="utf-8")
        assert "Traceback" not in done.stderr


def test_a_report(here: Run, copied: Path, tmp_path: Path) -> None:
    done = here("duplicates", "-d", "photos", "--report", "copies.html")
    assert done.returncode == 0 and "Report: copies.html" in done.stderr
    assert "small.jpg" in (tmp_path / "copies.html").read_text(encoding="utf-8")
    (tmp_path / "mine.html").write_text("mine")
    done = here(
        "duplicates", "-d", "photos", "--report", "mine.html", "--action", "delete", "--yes"
    )
    assert done.returncode == 1 and "mine.html" in done.stderr and done.stdout == ""
    assert (tmp_path / "mine.html").read_text() == "mine" and (copied / "a-twin.jpg").exists()
