"""The store of a Parquet index: what is committed is read, and nothing else."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas
import pytest

from cbir.core.errors import BrokenIndexError, CbirError
from cbir.stores import open_store
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import Manifest, Rows
from tests.stores.single_file.test_store import HSV, commit, content, snapshot


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "index.parquet"
    commit(path, "a.jpg", "b.jpg", "c.jpg", shade=1)
    return path


def edit(index: Path, change: str) -> None:
    frame = pandas.read_parquet(index)
    frame.query(change).to_parquet(index)


def test_what_is_committed_is_read_from_cache_and_file(index: Path) -> None:
    for _ in range(2):
        read = snapshot(index)
        assert list(read.rows.paths) == ["a.jpg", "b.jpg", "c.jpg"]
        assert (read.matrix("hsv") == 1).all()
        assert read.inspect().faults == []
        shutil.rmtree(index.parent / "index.parquet.cbir" / "cache")


def test_a_search_after_a_commit_needs_no_pyarrow(index: Path) -> None:
    program = (
        "import sys\nfrom cbir.stores import open_store\n"
        "assert len(open_store(sys.argv[1]).snapshot().rows) == 3\n"
        "assert 'pyarrow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(index)], check=True)


def test_without_pyarrow_there_is_one_message_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with (
        pytest.raises(CbirError, match=r"Parquet needs .* pyarrow; install it: .*cbir\[parquet\]"),
        open_store(str(tmp_path / "new.parquet")).writer(),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_rows_deleted_by_pandas_are_gone(index: Path) -> None:
    edit(index, "path != 'b.jpg'")
    assert list(snapshot(index).rows.paths) == ["a.jpg", "c.jpg"]
    assert snapshot(index).rows.metadata == {}
    assert snapshot(index).inspect().faults == []


def test_a_number_that_was_edited_is_noticed(index: Path) -> None:
    frame = pandas.read_parquet(index)
    frame.at[1, "hsv"] = np.append(frame.at[1, "hsv"][1:], 2).astype("u1")
    frame.to_parquet(index)
    with pytest.raises(BrokenIndexError, match=r"a row was edited by hand: b\.jpg"):
        snapshot(index)


def test_a_file_from_another_time_is_refused(index: Path) -> None:
    old = index.read_bytes()
    commit(index, "a.jpg", "b.jpg", shade=2)
    index.write_bytes(old)
    with pytest.raises(BrokenIndexError, match="another time"):
        snapshot(index)


def test_two_columns_of_one_name_are_not_written(index: Path) -> None:
    before = index.read_bytes()
    rows, matrices = content("a.jpg")
    named = Rows(rows.paths, rows.facts, {"hsv": MetadataColumn.of(["x"])})
    with (
        open_store(str(index)).writer() as writer,
        pytest.raises(CbirError, match="in a Parquet file two columns would be called 'hsv'"),
    ):
        writer.commit(Manifest("data", (HSV,), "test"), named, matrices)
    assert index.read_bytes() == before


def test_a_file_that_is_none_of_ours_is_never_replaced(tmp_path: Path) -> None:
    for name, data in (("a.parquet", b"precious"), ("b.parquet", b"PAR1")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(BrokenIndexError), open_store(str(path)).writer():
            pass
        assert path.read_bytes() == data and not (tmp_path / f"{name}.cbir").exists()


WRITER = """
import sys
import numpy as np
from cbir.stores import open_store
from cbir.stores.model import Manifest
from tests.stores.single_file.test_store import HSV, content
with open_store(sys.argv[1]).writer() as writer:
    rows, matrices = content(*(f"{number:06}.jpg" for number in range(40_000)), shade=3)
    print("ready", flush=True)
    writer.commit(Manifest("data", (HSV,), "test"), rows, matrices)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", np.linspace(0, 1.2, 7).round(2).tolist())
def test_a_writer_that_is_killed_leaves_the_old_index_or_the_new_one(
    index: Path, seconds: float
) -> None:
    command = [sys.executable, "-c", WRITER, str(index)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writing:
        assert writing.stdout is not None and writing.stdout.readline() == "ready\n"
        time.sleep(seconds)
        writing.send_signal(signal.SIGKILL)
    read = snapshot(index)
    shade, count = (1, 3) if len(read.rows) == 3 else (3, 40_000)
    assert read.matrix("hsv").shape[0] == count and (read.matrix("hsv") == shade).all()
    assert read.inspect().faults == []
    commit(index, "z.jpg", shade=5)
    assert list(snapshot(index).rows.paths) == ["z.jpg"]
    assert not list((index.parent / "index.parquet.cbir").glob("*.new"))
