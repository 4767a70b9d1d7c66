"""``search`` as a user, a script and a pipe run it."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from cbir.descriptors.global_features.hsv_histogram import HsvHistogram
from tests.cli.test_index import on_a_terminal
from tests.conftest import Run

QUERY = "photos/cats/cat-1.jpg"


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    done = here("index", "-d", photos, "--descriptor", "hsv", "--descriptor", "phash")
    assert done.returncode == 0
    return photos


def test_a_table_for_people(run: Run, indexed: Path) -> None:
    done = run("search", "-q", QUERY)
    lines = done.stdout.splitlines()
    assert lines[0] == f"{QUERY}  (hsv, chi2: {HsvHistogram().meaning})"
    assert lines[1].split() == ["1", "0.0000", QUERY]
    assert len(lines) == 4
    assert "\x1b" not in done.stdout
    assert done.stderr == "Montage: montage.jpg\n"


def test_json_is_as_documented(run: Run, indexed: Path) -> None:
    done = run("search", "-q", QUERY, "-q", "photos/sky", "--format", "json", "--no-montage")
    documents = json.loads(done.stdout)
    assert [document["query"] for document in documents] == [QUERY, "photos/sky/galaxies-1.jpg"]
    first = documents[0]
    assert list(first) == ["query", "descriptor", "metric", "results"]
    assert first["results"][0] == {"rank": 1, "path": QUERY, "distance": 0.0}
    assert done.stderr == ""


def test_jsonl_is_one_object_a_line(run: Run, indexed: Path) -> None:
    done = run("search", "-q", "photos", "--format", "jsonl", "--no-montage", "--top", "1")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(documents) == 12
    assert all(document["query"] == document["results"][0]["path"] for document in documents)


def test_csv_has_a_row_a_result(run: Run, indexed: Path) -> None:
    done = run("search", "-q", QUERY, "-q", QUERY, "--format", "csv", "--no-montage")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 6
    assert rows[0]["path"] == QUERY and float(rows[0]["distance"]) == 0
    assert [row["rank"] for row in rows[:3]] == ["1", "2", "3"]


def test_paths_feed_other_programs(run: Run, indexed: Path) -> None:
    done = run("search", "-q", QUERY, "--format", "paths", "--no-montage")
    assert done.stdout.splitlines()[0] == QUERY
    assert all((indexed.parent / line).is_file() for line in done.stdout.splitlines())
    null = run("search", "-q", QUERY, "-0", "--no-montage", text=False)
    assert null.stdout.decode() == done.stdout.replace("\n", "\0")


def test_queries_come_from_standard_input(run: Run, indexed: Path) -> None:
    wanted = [QUERY, "photos/sky/galaxies-1.jpg"]
    flags = ["search", "-q", "-", "--no-montage", "--format", "jsonl"]
    for text, more in (("\n".join(wanted), []), ("\0".join(wanted) + "\0", ["--from0"])):
        done = run(*flags, *more, input=text)
        assert [json.loads(line)["query"] for line in done.stdout.splitlines()] == wanted
    none = run(*flags, input="")
    assert none.returncode == 1 and "names no image" in none.stderr


def test_the_options_narrow_the_results(run: Run, indexed: Path) -> None:
    def found(*more: str) -> list[dict[str, object]]:
        done = run("search", "-q", QUERY, "--no-montage", "--format", "json", *more)
        assert done.returncode == 0, done.stderr
        results: list[dict[str, object]] = json.loads(done.stdout)[0]["results"]
        return results

    assert len(found("--top", "5")) == 5
    assert all(result["path"] != QUERY for result in found("--exclude-self"))
    assert len(found("--top", "99", "--max-distance", "0.5")) < 12
    assert len(found("--max-distance", "0")) == 1
    assert found("--descriptor", "phash")[0]["distance"] == 0
    assert found("--metric", "euclidean")[1]["distance"] != found()[1]["distance"]


@pytest.mark.parametrize(
    ("more", "message", "code"),
    [
        (["--metric", "hamming"], "these do: chi2, manhattan, cosine, euclidean", 2),
        (["--descriptor", "phash", "--metric", "chi2"], "these do: hamming", 2),
        (["--descriptor", "hog"], "name one of its own: hsv, phash", 1),
        (["--descriptor", "hsv", "--descriptor", "phash"], "join descriptors by +", 2),
        (["--metric", "l1", "--metric", "l2"], "one is allowed", 2),
        (["--montage", "a.jpg", "--no-montage"], "contradict", 2),
        (["--montage", "a.pdf"], "must end with", 2),
        (["--result-path", "nowhere"], "no such folder", 1),
        (["--index", "nowhere.csv"], "does not exist; make one with: index --dataset", 1),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: Run, indexed: Path, more: list[str], message: str, code: int
) -> None:
    done = run("search", "-q", QUERY, *more)
    assert done.returncode == code
    assert message in done.stderr.replace("\n", " ") and "Traceback" not in done.stderr


def test_a_copy_that_stays_is_told_of(run: Run, indexed: Path) -> None:
    shutil.copy(indexed / "cats" / "cat-1.jpg", indexed / "sky" / "twin.jpg")
    assert run("index", "-d", "photos").returncode == 0
    flags = ["search", "-q", QUERY, "--no-montage", "--format", "paths"]
    kept = run(*flags, "--exclude-self")
    assert "photos/sky/twin.jpg" in kept.stdout
    assert "1 result with the very bytes of the query" in kept.stderr
    assert "--exclude-identical" in kept.stderr
    left_out = run(*flags, "--exclude-identical")
    assert "twin" not in left_out.stdout and QUERY not in left_out.stdout
    assert len(left_out.stdout.splitlines()) == 3 and left_out.stderr == ""


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e999"])
def test_a_distance_that_means_nothing_is_wrong_usage(run: Run, indexed: Path, value: str) -> None:
    done = run("search", "-q", QUERY, "--max-distance", value)
    assert done.returncode == 2 and done.stdout == "" and "--max-distance" in done.stderr


def test_the_montage_overwrites_only_what_it_made(run: Run, indexed: Path, tmp_path: Path) -> None:
    montage = tmp_path / "montage.jpg"
    for _ in range(2):
        assert run("search", "-q", QUERY).returncode == 0
    shutil.copy(indexed / "cats" / "cat-1.jpg", montage)
    before = montage.read_bytes()
    done = run("search", "-q", QUERY)
    assert done.returncode == 0 and QUERY in done.stdout
    assert "No montage: montage.jpg: " in done.stderr
    assert "not made by this program" in done.stderr
    asked = run("search", "-q", QUERY, "--montage", "montage.jpg")
    assert asked.returncode == 1 and asked.stdout == ""
    assert montage.read_bytes() == before


def test_results_come_without_a_montage_where_the_folder_is_gone(
    run: Run, indexed: Path, tmp_path: Path
) -> None:
    query, index = indexed / "cats" / "cat-1.jpg", tmp_path / "index.csv"
    script = f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} -m cbir search"
    done = subprocess.run(
        ["bash", "-c", f"{script} {query} -i {index}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.count("\n") == 4, done.stderr
    assert "No montage: no such file or directory" in done.stderr


def test_many_queries_make_no_montage_unless_asked(run: Run, indexed: Path, tmp_path: Path) -> None:
    names = "\n".join([QUERY] * 21)
    run("search", "-q", "-", input=names)
    assert not (tmp_path / "montage.jpg").exists()
    run("search", "-q", "-", "--montage", "many.png", "--top", "1", input=names)
    with Image.open(tmp_path / "many.png") as many:
        assert many.height > 21 * 240


def test_unreadable_queries_are_reported_one_line_each(run: Run, indexed: Path) -> None:
    (indexed.parent / "text.jpg").write_text("text")
    flags = ["search", "--no-montage", "--format", "jsonl"]
    alone = run(*flags, "-q", "text.jpg")
    assert (alone.returncode, alone.stdout) == (1, "")
    assert alone.stderr == "Cannot read text.jpg: not an image\n"
    mixed = run(*flags, "-q", "text.jpg", "-q", QUERY, "-q", "gone.jpg")
    assert mixed.returncode == 0 and len(mixed.stdout.splitlines()) == 1
    assert "Cannot read gone.jpg: no such file or directory\n" in mixed.stderr
    assert "2 of 3 queries could not be read" in mixed.stderr
    assert run(*flags, "-q", "text.jpg", "-q", QUERY, "--strict").returncode == 1


NAMES = [b"a,b.jpg", b'quo"te.jpg', b"new\nline.jpg", b" space .jpg", b"-dash.jpg", b"=1+1.jpg",
         "日本 ünï.jpg".encode(), b"bad\xff\xfe.jpg", b"NA", b"tab\t.jpg", b"'.jpg"]  # fmt: skip


def test_any_file_name_survives(run: Run, indexed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(indexed / "cats" / "cat-1.jpg", folder / os.fsdecode(name))
    assert run("index", "-d", "names", "-i", "n.csv").returncode == 0
    wanted = sorted(b"names/" + name for name in NAMES)
    flags = ["search", "-i", "n.csv", "-q", QUERY, "--top", "99"]
    null = run(*flags, "-0", "--no-montage", text=False)
    assert null.stdout.rstrip(b"\0").split(b"\0") == wanted
    results = json.loads(run(*flags, "--format", "json", "--no-montage").stdout)[0]["results"]
    found = [
        base64.b64decode(result["path_base64"])
        if "path_base64" in result
        else result["path"].encode()
        for result in results
    ]
    assert found == wanted
    lines = run(*flags, "--format", "paths", "--no-montage")
    assert lines.returncode == 1 and r"new\nline.jpg: there is a line break" in lines.stderr
    table = run(*flags, "--montage", "names.jpg")
    assert table.returncode == 0 and len(table.stdout.splitlines()) == 1 + len(NAMES)
    again = run("search", "-i", "n.csv", "-q", "-", "--from0", "-0", "--top", "1",
                "--no-montage", text=False, input=null.stdout)  # fmt: skip
    assert again.stdout.split(b"\0")[0] == wanted[0]
    assert again.stdout.count(b"\0") == len(NAMES)


SPECIAL = ["-rf.jpg", "=1+1.jpg", "@cell.jpg", "+1.jpg"]


def test_no_path_is_a_formula_or_an_option(run: Run, indexed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    for name in SPECIAL:
        shutil.copy(indexed / "cats" / "cat-1.jpg", folder / name)
    wanted = sorted(f"./{name}" for name in SPECIAL)
    assert run("index", "-d", ".", cwd=folder).returncode == 0
    with open(folder / "index.csv", encoding="utf-8", newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == wanted
    flags = ["search", "-q", "-", "--top", "9", "--no-montage", "--format"]
    found = run(*flags, "csv", cwd=folder, input="=1+1.jpg\n").stdout
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [row["path"] for row in rows] == wanted
    assert {row["query"] for row in rows} == {"./=1+1.jpg"}
    paths = run(*flags, "paths", cwd=folder, input="=1+1.jpg\n").stdout
    assert paths.splitlines() == wanted
    listed = subprocess.run(
        ["xargs", "ls"], input=paths, cwd=folder, capture_output=True, text=True, check=True
    )
    assert sorted(listed.stdout.splitlines()) == wanted
    copies = run("duplicates", "-d", ".", "--format", "csv", cwd=folder).stdout
    assert sorted(row["path"] for row in csv.DictReader(io.StringIO(copies))) == wanted
    removable = run("duplicates", "-d", ".", "--format", "paths", cwd=folder).stdout.splitlines()
    assert len(removable) == 3 and set(removable) < set(wanted)


def test_a_reader_that_goes_away_does_no_harm(indexed: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m cbir search -q photos --no-montage --format paths | head -n 1"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert len(done.stdout.splitlines()) == 1 and done.stderr == ""


def test_the_montage_is_made_though_nobody_reads_the_results(indexed: Path, tmp_path: Path) -> None:
    for target in ("| true", "> /dev/full"):
        montage = tmp_path / f"all{len(target)}.png"
        command = f"{sys.executable} -m cbir search -q photos --montage {montage} {target}"
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert montage.exists() and "Traceback" not in done.stderr
        with Image.open(montage) as image:
            assert image.height > 12 * 240  # all queries
    assert done.returncode == 1 and "cannot write to standard output" in done.stderr


def test_results_that_are_gone_are_warned_of(run: Run, indexed: Path) -> None:
    query = ("search", "-q", QUERY, "--no-montage")
    before = run(*query)
    shutil.copy(indexed / "cats" / "cat-1.jpg", indexed.parent / "query.jpg")
    for name in ("cats/cat-1.jpg", before.stdout.split()[-1].removeprefix("photos/")):
        (indexed / name).unlink()
    done = run("search", "-q", "query.jpg", "--no-montage", "--quiet")
    assert done.stdout.splitlines()[1:] == before.stdout.splitlines()[1:]
    assert done.stderr == (
        "Warning: 2 of 3 results are not there any more; bring the index up to date with: index"
        " --dataset photos --index index.csv\n"
    )
    remedy = done.stderr.strip().partition("with: ")[2].split()
    assert run(*remedy).returncode == 0
    assert run("search", "-q", "query.jpg", "--no-montage").stderr == ""


def test_quiet_leaves_only_what_goes_wrong(run: Run, indexed: Path) -> None:
    shutil.copy(indexed / "cats" / "cat-1.jpg", indexed / "twin.jpg")
    for more in (["--dataset", "photos"], ["--exclude-self"]):
        done = run("search", QUERY, "--quiet", *more)
        assert done.stderr == "" and done.stdout.startswith(QUERY)
    done = run("search", QUERY, *[QUERY] * 30, "nowhere.jpg", "--quiet")
    assert done.stderr == (
        "Cannot read nowhere.jpg: no such file or directory\n1 of 32 queries could not be read\n"
    )


def test_a_plain_search_tells_of_presets_on_a_terminal(
    run: Run, indexed: Path, tmp_path: Path
) -> None:
    search = ["search", QUERY, "--no-montage"]
    assert on_a_terminal(search, tmp_path) == ""
    assert run("index", "photos", "--preset", "fast", "--quiet").returncode == 0
    assert on_a_terminal(search, tmp_path) == "This index also serves --preset fast\r\n"
    assert on_a_terminal([*search, "--descriptor", "hsv"], tmp_path) == ""
    assert on_a_terminal([*search, "--preset", "fast"], tmp_path) == ""
    assert on_a_terminal([*search, "--quiet"], tmp_path) == ""
    assert run(*search).stderr == ""


def test_output_that_cannot_be_written_is_told(run: Run, indexed: Path, tmp_path: Path) -> None:
    for command in (["search", "-q", QUERY, "--no-montage"], ["info"], ["descriptors"], ["--help"]):
        with open("/dev/full", "w") as full:
            done = run(*command, stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 1
        assert "cannot write" in done.stderr and "no space left" in done.stderr.lower()
        assert "Traceback" not in done.stderr


def test_an_image_on_standard_input_is_refused(run: Run, indexed: Path) -> None:
    data = (indexed / "cats" / "cat-1.jpg").read_bytes()
    done = run("search", "-q", "-", input=data, text=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: standard input must be a list of paths")
    assert run("search", "-q", QUERY, "--from0").returncode == 2


def test_the_montage_is_checked_before_the_work(run: Run, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    for name, code in (("x.pdf", 2), ("nowhere/x.jpg", 1), ("mine.jpg", 1)):
        done = run("search", "-q", QUERY, "--montage", name)
        assert (done.returncode, done.stdout) == (code, "")


def test_a_dataset_that_moved_is_warned_of(run: Run, indexed: Path, tmp_path: Path) -> None:
    query = tmp_path / "query.jpg"
    shutil.copy(indexed / "cats" / "cat-1.jpg", query)
    indexed.rename(tmp_path / "moved")
    done = run("search", "-q", query, "--no-montage")
    assert "the images are not at photos" in done.stderr.replace(f"{tmp_path}/", "")
    assert "--result-path" in done.stderr
    done = run("search", "-q", query, "--no-montage", "-r", "moved")
    assert done.stderr == "" and "moved/cats/cat-1.jpg" in done.stdout


def test_a_query_without_local_features_is_warned_of(here: Run, photos: Path) -> None:
    Image.new("RGB", (90, 70), "white").save(photos / "blank.png")
    assert here("index", photos, "--descriptor", "orb:words=16").returncode == 0
    done = here("search", photos / "blank.png", "--no-montage", "--format", "json")
    assert done.returncode == 0
    (document,) = json.loads(done.stdout)
    (note,) = document["notes"]
    assert done.stderr == f"Warning: {note}\n"
    assert "orb finds nothing in common with it" in note
