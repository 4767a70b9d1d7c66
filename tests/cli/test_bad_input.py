"""Bad input: one line with the path and the reason, the right exit code, never a traceback."""

from __future__ import annotations

import ctypes
import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import DATA, Run
from tests.images.test_encoded_image import bomb

QUERY = "photos/cats/cat-1.jpg"
FLAT = ["search", "-q", QUERY, "--no-montage"]


def assert_refused(done: subprocess.CompletedProcess[str], *words: str, code: int = 1) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    message = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in message, message


def as_an_ordinary_user() -> None:
    """Give up root's right to read and write what permissions forbid (Linux capabilities 1, 2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    drop_from_bounding_set = 24
    for capability in (1, 2):
        libc.prctl(drop_from_bounding_set, capability, 0, 0, 0)


@pytest.fixture
def index(here: Run, photos: Path, tmp_path: Path) -> Path:
    done = here("index", "-d", photos, "--descriptor", "hsv", "--descriptor", "phash")
    assert done.returncode == 0
    return tmp_path / "index.csv"


# The dataset


def test_a_missing_dataset(run: Run) -> None:
    assert_refused(run("index", "-d", "nowhere"), "nowhere", "does not exist")


def test_a_dataset_that_is_a_file(run: Run, photos: Path) -> None:
    assert_refused(run("index", "-d", QUERY), QUERY, "is not a folder")


def test_an_empty_and_an_imageless_dataset(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(run("index", "-d", "empty"), "empty", "no image")
    (tmp_path / "empty" / "notes.txt").write_text("text")
    assert_refused(run("index", "-d", "empty"), "empty", "no image")


def encoded(format_: str) -> bytes:
    buffer = io.BytesIO()
    Image.open(DATA / "cats" / "cat-1.jpg").save(buffer, format_)
    return buffer.getvalue()


def heic() -> bytes:
    import pillow_heif

    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 64), "red")).save(buffer)
    return buffer.getvalue()


BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero.jpg": (lambda: b"", "the file is empty"),
    "cut.jpg": (lambda: encoded("JPEG")[:9000], "truncated"),
    "cut.png": (lambda: encoded("PNG")[:9000], "truncated"),
    "text.jpg": (lambda: b"hello\n" * 99, "not an image"),
    "bomb.png": (lambda: bomb(50_000, 50_000), "more than 256 million pixels"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_an_unreadable_file_is_told_and_the_rest_goes_on(run: Run, photos: Path, name: str) -> None:
    make, reason = BAD_FILES[name]
    (photos / name).write_bytes(make())
    done = run("index", "-d", "photos")
    assert done.returncode == 0 and "12 added" in done.stderr and "1 unreadable" in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"Cannot read photos/{name}: ") and reason in lines[0]
    assert_refused(run("index", "-d", "photos", "--strict"), "Error: 1 unreadable and --strict")


def test_a_file_and_a_folder_without_permission(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "cats" / "cat-1.jpg").chmod(0)
    (photos / "desert").chmod(0)
    done = run("index", "-d", "photos", preexec_fn=as_an_ordinary_user)
    (photos / "desert").chmod(0o755)
    assert done.returncode == 0 and "9 added" in done.stderr
    assert "Cannot read photos/desert: permission denied\n" in done.stderr
    assert "Cannot read photos/cats/cat-1.jpg: permission denied\n" in done.stderr


def test_a_jpeg_damaged_in_the_middle_is_warned_of(run: Run, photos: Path) -> None:
    data = bytearray(encoded("JPEG"))
    data[len(data) // 2 :][:300] = bytes(300)
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(300)
    (photos / "damaged.jpg").write_bytes(data)
    done = run("index", "-d", "photos")
    assert done.returncode == 0 and "13 added" in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Warning: photos/damaged.jpg: Corrupt JPEG data")
    assert len(lines) == 2


def test_heic_files_without_the_extra_are_told_once(run: Run, photos: Path, tmp_path: Path) -> None:
    for number in range(3):
        (photos / f"{number}.heic").write_bytes(heic())
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "pillow_heif.py").write_text("raise ImportError('not installed')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = run("index", "-d", "photos", env=env)
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    remedy = "HEIC needs an optional package (pip install 'cbir[heif]')"
    assert lines[0] == f"Cannot read photos/0.heic: {remedy}"
    assert "Cannot read 2 more files" in lines[-1] or "2 more files" in lines[-2]
    assert len(lines) == 3 and "3 unreadable" in done.stderr
    assert "15 images" in run("index", "-d", "photos").stderr


@pytest.mark.parametrize("limit", [500, 20_000])
def test_a_full_disk_leaves_the_old_index(run: Run, index: Path, photos: Path, limit: int) -> None:
    before = index.read_bytes()
    shutil.copy(DATA / "cats" / "cat-4.jpg", photos)

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = run("index", "-d", "photos", preexec_fn=limit_files)
    assert_refused(done, "index.csv", "cannot", "file too large")
    assert index.read_bytes() == before
    assert run(*FLAT).returncode == 0
    assert "13 images: 1 added, 12 reused" in run("index", "-d", "photos").stderr


# The query


def test_a_query_that_is_no_image(run: Run, index: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("text")
    (tmp_path / "none").mkdir()
    for name, reason in (
        ("text.jpg", "not an image"),
        ("gone.jpg", "no such file"),
        ("index.csv", "not an image"),
        ("none", "no image"),
    ):
        assert_refused(run("search", "--no-montage", "-q", name), name, reason)


# The index


def test_a_missing_index(run: Run, photos: Path) -> None:
    assert_refused(run(*FLAT), "index.csv", "does not exist", "index --dataset")
    assert_refused(run("info"), "index.csv", "does not exist")


def cut_in_the_middle(data: bytes) -> bytes:
    return data[: len(data) // 2]


def put_a_letter_in_a_number(data: bytes) -> bytes:
    head, _, rest = data.partition(b"\n")
    return head + b"\n" + rest.replace(b",0,0,", b",0,x,", 1)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: b"", ("is empty", "--rebuild")),
        (lambda data: b"\x89PNG\r\n\x1a\n" + bytes(99), ("not an index",)),
        (lambda data: b"name,age\nx,3\n", ("not an index", "no column 'path'")),
        (cut_in_the_middle, ("cut off", "--rebuild")),
        (put_a_letter_in_a_number, ("line 2, column hsv_", "'x' is not a value", "--rebuild")),
    ],
)
def test_an_index_that_cannot_be_read(
    run: Run, index: Path, edit: Callable[[bytes], bytes], words: tuple[str, ...]
) -> None:
    index.write_bytes(edit(index.read_bytes()))
    for command in (FLAT, ["info"], ["index", "-d", "photos"]):
        assert_refused(run(*command), "index.csv", *words)


def test_an_index_of_another_version(run: Run, index: Path) -> None:
    path = next((index.parent / "index.csv.cbir").glob("generation-*.json"))
    path.write_text(path.read_text().replace('"cbir:format": 1', '"cbir:format": 2'))
    for command in (FLAT, ["info"], ["index", "-d", "photos"]):
        assert_refused(run(*command), "format 2", "--rebuild")
    assert run("index", "-d", "photos", "--rebuild").returncode == 0
    assert run(*FLAT).returncode == 0


def test_an_index_without_its_state(run: Run, index: Path) -> None:
    shutil.rmtree(index.parent / "index.csv.cbir")
    for command in (FLAT, ["info"], ["index", "-d", "photos"]):
        assert_refused(run(*command), "index.csv.cbir", "missing", "--rebuild")
    assert run("index", "-d", "photos", "--rebuild").returncode == 0


def test_a_dataset_other_than_the_indexs(run: Run, index: Path) -> None:
    assert_refused(run("index", "-d", "photos/cats"), "photos/cats", "--index", "--rebuild")


def test_a_second_writer(run: Run, index: Path, tmp_path: Path) -> None:
    code = (
        "import time\nfrom cbir.stores import open_store\n"
        "with open_store('index.csv').writer():\n    print('locked', flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
        done = run("index", "-d", "photos")
        assert_refused(done, "index.csv", f"process {holder.pid}", "--wait")
        assert run(*FLAT).returncode == 0
        holder.kill()
    assert run("index", "-d", "photos", "--wait").returncode == 0


def test_a_read_only_index_folder(run: Run, index: Path, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index.csv.cbir"
    shutil.rmtree(folder / "cache")
    (photos / "cats" / "cat-2.jpg").unlink()
    for path in (folder, tmp_path):
        path.chmod(0o555)
    try:
        found = run(*FLAT, preexec_fn=as_an_ordinary_user)
        written = run("index", "-d", "photos", preexec_fn=as_an_ordinary_user)
        new = run("index", "-d", "photos", "-i", "new.csv", preexec_fn=as_an_ordinary_user)
        montage = run("search", "-q", QUERY, preexec_fn=as_an_ordinary_user)
        asked = run("search", "-q", QUERY, "--montage", "m.jpg", preexec_fn=as_an_ordinary_user)
    finally:
        for path in (folder, tmp_path):
            path.chmod(0o755)
    assert found.returncode == 0 and len(found.stdout.splitlines()) == 4
    assert_refused(written, "index.csv", "permission denied", "choose a folder")
    assert_refused(new, "new.csv", "permission denied", "choose a folder")
    assert montage.returncode == 0 and len(montage.stdout.splitlines()) == 4
    assert "No montage: montage.jpg: " in montage.stderr and "permission denied" in montage.stderr
    assert_refused(asked, "m.jpg", "permission denied")


def test_a_vocabulary_that_does_not_match(run: Run, photos: Path, tmp_path: Path) -> None:
    assert run("index", "-d", photos, "-i", "a.csv", "--descriptor", "orb:words=30").returncode == 0
    command = ["index", "-d", "photos", "--descriptor", "orb:words=60", "--vocabulary"]
    assert_refused(run(*command, "a.csv"), "a.csv", "30 words, not 60", "orb:words=30")
    (tmp_path / "bad.npz").write_bytes(b"not a vocabulary")
    assert_refused(run(*command, "bad.npz"), "bad.npz", "damaged")
    assert_refused(run(*command, "gone.npz"), "gone.npz", "no such file")
    assert_refused(run(*command, QUERY), QUERY)


def test_an_index_in_a_folder_that_does_not_exist(run: Run, photos: Path) -> None:
    assert_refused(run("index", "-d", "photos", "-i", "no/where/i.csv"), "no/where/i.csv")


def test_an_index_that_is_a_folder(run: Run, photos: Path) -> None:
    for more in ([], ["--rebuild"]):
        done = run("index", "-d", "photos", "-i", "photos", *more)
        assert_refused(done, "photos", "is a folder")


def test_an_index_whose_name_is_too_long(run: Run, photos: Path) -> None:
    name = "i" * 300
    for command in (
        ["info", name],
        ["search", QUERY, "--index", name, "--no-montage"],
        ["duplicates", "photos", "--index", name],
    ):
        assert_refused(run(*command), name, "cannot read the index: file name too long")


@pytest.mark.parametrize(
    "command",
    [
        ["duplicates", "photos", "--action", "move", "--move-to", "", "--yes"],
        ["duplicates", "photos", "--action", "delete", "--log", "", "--yes"],
        ["duplicates", "photos", "-i", ""],
        ["duplicates", "--mark-different", "a", "b", "--ignore", ""],
        ["search", QUERY, "-d", ""],
        ["search", "", "--descriptor", "hsv"],
        ["search", QUERY, "--descriptor", ""],
        ["index", ""],
        ["info", ""],
        ["evaluate", "photos", "-i", ""],
    ],
    ids=" ".join,
)
def test_what_is_empty_is_never_taken_for_a_default(
    here: Run, photos: Path, tmp_path: Path, command: list[str]
) -> None:
    done = here(*command)
    assert done.returncode == 2
    assert "it is empty; give a value, or leave it out" in done.stderr.replace("\n", " ")
    assert os.listdir(tmp_path) == ["photos"]


def test_a_current_folder_that_is_gone_is_told(run: Run, photos: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for command in (["info"], ["index", photos]):
        gone.mkdir()
        done = run(*command, cwd=gone, preexec_fn=gone.rmdir)
        assert done.returncode == 1
        assert done.stderr == "Error: the current folder is not there any more; go to another one\n"
