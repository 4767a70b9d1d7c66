"""``index`` as a user runs it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

import cbir
from tests.conftest import PROJECT, Run, can_be_interrupted


def test_the_last_line_says_what_was_done(run: Run, photos: Path) -> None:
    done = run("index", "--dataset", photos)
    assert done.returncode == 0 and done.stdout == ""
    pattern = r"index\.csv: 12 images: 12 added, 0 reused, 0 removed, 0 unreadable; .* images/s"
    assert re.fullmatch(pattern, done.stderr.strip())
    (photos / "cats" / "cat-1.jpg").unlink()
    assert "11 images: 0 added, 11 reused, 1 removed" in run("index", "-d", photos).stderr
    assert run("index", "-d", photos, "--quiet").stderr == ""


def test_the_launcher_and_the_commands_are_the_same_program(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    scripts = Path(sys.executable).parent
    commands = [
        [sys.executable, PROJECT / "index.py"],
        [scripts / "index"],
        [scripts / "cbir", "index"],
        [sys.executable, "-m", "cbir", "index"],
    ]
    contents = set()
    for number, command in enumerate(commands):
        path = tmp_path / f"{number}.csv"
        subprocess.run([*command, "-d", photos, "-i", path, "--quiet"], check=True, cwd=tmp_path)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_the_flags_of_the_seed_programs_work(run: Run, photos: Path, tmp_path: Path) -> None:
    photos.rename(tmp_path / "dataset")
    (tmp_path / "queries").mkdir()
    shutil.copy(tmp_path / "dataset" / "cats" / "cat-1.jpg", tmp_path / "queries" / "x.jpg")
    index = [sys.executable, PROJECT / "index.py", "--dataset", "dataset", "--index", "index1.csv"]
    subprocess.run(index, check=True, cwd=tmp_path, capture_output=True)
    search = [sys.executable, PROJECT / "search.py", "--index", "index1.csv"]
    search += ["--query", "queries/x.jpg", "--result-path", "dataset"]
    done = subprocess.run(search, check=True, cwd=tmp_path, capture_output=True, text=True)
    assert "dataset/cats/cat-1.jpg" in done.stdout
    assert (tmp_path / "montage.jpg").stat().st_size > 10_000


def test_descriptors_are_added_and_dropped(run: Run, photos: Path, tmp_path: Path) -> None:
    run("index", "-d", photos, "--descriptor", "hsv:layout=none", "--descriptor", "phash")
    frame = pandas.read_csv(tmp_path / "index.csv")
    assert "hsv_255" in frame and "hsv_256" not in frame and "phash" in frame
    run("index", "-d", photos, "--drop", "hsv")
    assert "hsv_0" not in pandas.read_csv(tmp_path / "index.csv")


def test_include_and_exclude(run: Run, photos: Path, tmp_path: Path) -> None:
    run("index", "-d", photos, "--include", "*-1.jpg", "--exclude", "sky", "--exclude", "cats/*")
    paths = pandas.read_csv(tmp_path / "index.csv")["path"]
    assert len(paths) == 7 and paths.str.endswith("-1.jpg").all()


def test_unreadable_images_fail_the_run_only_when_strict(run: Run, photos: Path) -> None:
    (photos / "bad.jpg").write_text("text")
    done = run("index", "-d", photos)
    assert done.returncode == 0
    assert f"Cannot read {photos / 'bad.jpg'}: not an image\n" in done.stderr
    assert "1 unreadable" in done.stderr
    strict = run("index", "-d", photos, "--strict")
    assert strict.returncode == 1 and "12 reused" in strict.stderr


def test_a_progress_bar_only_on_a_terminal(photos: Path, tmp_path: Path) -> None:
    assert "%" in on_a_terminal(["index", "-d", str(photos)], tmp_path)
    assert "%" not in on_a_terminal(["index", "-d", str(photos), "--rebuild", "--quiet"], tmp_path)


def on_a_terminal(arguments: list[str], folder: Path) -> str:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "cbir", *arguments]
    with subprocess.Popen(command, stderr=follower, cwd=folder) as process:
        os.close(follower)
        output = b""
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:  # the terminal is closed
                break
            if not chunk:
                break
            output += chunk
        assert process.wait() == 0
    os.close(leader)
    return output.decode()


def test_ctrl_c_says_that_nothing_is_lost(photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cbir", "index", "-d", str(photos), "--descriptor", "orb"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=can_be_interrupted
    ) as process:
        folder = tmp_path / "index.csv.cbir"
        while not (folder / "lock").exists():
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 130
    assert "Interrupted. The index is as it was" in errors and "Traceback" not in errors
    assert not (tmp_path / "index.csv").exists()


AS_SAVED = [
    (lambda text: text.replace(",", ";").encode(), "separated by semicolons"),
    (lambda text: text.replace(",", "\t").encode(), "separated by tabs"),
    (lambda text: text.encode("utf-16"), "no text in UTF-8; save it as UTF-8 with commas"),
]


@pytest.mark.parametrize(("saved", "reason"), AS_SAVED)
def test_an_index_that_was_saved_otherwise_can_be_rebuilt(
    run: Run, photos: Path, tmp_path: Path, saved: Callable[[str], bytes], reason: str
) -> None:
    run("index", photos, "--descriptor", "phash", "--quiet")
    index = tmp_path / "index.csv"
    data = saved(index.read_text(encoding="utf-8"))
    index.write_bytes(data)
    refused = run("index", photos)
    assert refused.returncode == 1 and reason in refused.stderr
    done = run("index", photos, "--rebuild")
    assert done.returncode == 0 and "It is kept as" in done.stderr
    assert (tmp_path / "index.csv.old").read_bytes() == data
    assert "phash" in run("info").stdout
    shutil.rmtree(tmp_path / "index.csv.cbir")
    index.write_bytes(data)  # without its folder, nothing tells that this was an index
    refused = run("index", photos, "--rebuild")
    assert refused.returncode == 1 and reason in refused.stderr
    assert index.read_bytes() == data


@pytest.mark.parametrize("command", ["index", "search", "info", "descriptors", ""])
def test_help_shows_an_example(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout


def test_version(run: Run) -> None:
    for command in ([], ["index"], ["search"]):
        assert re.fullmatch(r"cbir, version \d+\.\d+\.\d+\n", run(*command, "--version").stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ["index"],
        ["index", "-d", "photos", "--workers", "0"],
        ["index", "-d", "photos", "--descriptor", "nothing"],
        ["index", "-d", "photos", "--descriptor", "hsv:layout=x"],
        ["search", "-q", "a.jpg", "--top", "0"],
        ["search", "-q", "a.jpg", "--metric", "nothing"],
        ["search", "-q", "a.jpg", "-0", "--format", "json"],
        ["search"],
        ["nothing"],
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, photos: Path, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Error: " in done.stderr and "Traceback" not in done.stderr


def test_search_does_not_pay_for_what_it_does_not_use(run: Run, photos: Path) -> None:
    run("index", "-d", photos)
    code = (
        "import sys; from cbir.cli.search.command import search\n"
        "search(['-q', 'photos/cats/cat-1.jpg', '--no-montage'], standalone_mode=False)\n"
        "heavy = {'pandas', 'skimage', 'numba', 'scipy', 'tqdm', 'faiss'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=photos.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("wishes", "aliases"),
    [
        ("--descriptor hsv --preset fast", "hsv correlogram centrist"),
        ("--preset fast --descriptor hsv", "correlogram centrist hsv"),
        ("--descriptor=phash --preset=fast --descriptor hsv", "phash correlogram centrist hsv"),
        ("--preset fast --descriptor centrist", "correlogram centrist"),
        ("--descriptor centrist --preset fast", "centrist correlogram"),
    ],
)
def test_what_is_named_first_is_the_default(
    here: Run, photos: Path, tmp_path: Path, wishes: str, aliases: str
) -> None:
    assert here("index", "-d", "photos/cats", *wishes.split()).returncode == 0
    assert cbir.open(str(tmp_path / "index.csv")).descriptors == tuple(aliases.split())


def test_from_python_descriptors_come_before_presets(photos: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "index.csv")
    cbir.index(str(photos / "cats"), path, "hsv", preset="fast")
    assert cbir.open(path).descriptors == ("hsv", "correlogram", "centrist")


def test_a_folder_of_raw_images_alone_is_told_of_as_such(here: Run, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in ("a.nef", "b.nef", "c.cr2", "d.txt"):
        (folder / name).write_bytes(b"raw")
    done = here("index", "raw")
    assert done.returncode == 1
    assert "no image in the dataset, but 2 .nef, 1 .cr2 of formats that are not read" in done.stderr
