"""An update that copies the lines of unchanged rows writes what a full write does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from cbir.core.errors import CbirError
from cbir.core.spliced_rows import SplicedRows
from cbir.descriptors.base import Row
from cbir.stores import open_store
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import FILE_DTYPE, Manifest, Rows
from cbir.stores.parquet.compact_protocol import written
from cbir.stores.parquet.row_groups import ParquetParts
from cbir.stores.paths import PathList
from cbir.stores.single_file.column_cache import Cache
from cbir.stores.single_file.kept_rows import WrittenFile
from cbir.stores.single_file.snapshot import FileSnapshot
from tests.stores.csv.test_reading import AWKWARD, NAMES, RECORDS

PATHS = NAMES.map(os.fsdecode) | st.sampled_from([*AWKWARD, *"abcdefgh"])
CELLS = st.sampled_from(["", "1", "a,b", 'say "x"', "two\nlines", " é "])

Known = dict[str, tuple[int, dict[str, str]]]
"""By path: a number that stands for its content, and what is known about it."""


@dataclass
class Step:
    """What becomes of an index."""

    put: dict[str, int] = field(default_factory=dict)
    gone: int = 0
    renamed: bool = False
    typed: dict[str, str] = field(default_factory=dict)
    edit: str = ""


STEPS = st.builds(
    Step,
    put=st.dictionaries(PATHS, st.integers(0, 9), max_size=4),
    gone=st.integers(0, 2),
    renamed=st.booleans(),
    typed=st.dictionaries(st.sampled_from(["price", "no,te"]), CELLS, max_size=1),
    edit=st.sampled_from(["", "", "", "line ends", "other file", "cache"]),
)


def after(step: Step, known: Known) -> Known:
    """Return what an index is to know."""
    left = dict(sorted(known.items())[step.gone :])
    if step.renamed and left:
        first = min(left)
        left[f"{first}.renamed"] = left.pop(first)
    left.update({path: (content, {}) for path, content in step.put.items()})
    for path in list(left)[::2]:
        content, cells = left[path]
        left[path] = content, {**cells, **step.typed}
    return left or {"a": (0, {})}


def content(known: Known) -> tuple[Rows, dict[str, Row]]:
    """Return the rows and the matrices that stand for it."""
    paths = sorted(known, key=os.fsencode)
    facts = np.zeros(len(paths), FILE_DTYPE)
    numbers = [known[path][0] for path in paths]
    for name in ("bytes", "mtime", "width", "height"):
        facts[name] = np.array(numbers) + 1
    facts["sha256"] = np.array([bytes([number]) * 32 for number in numbers], "V32")
    matrices = {
        entry.alias: np.array(
            [np.full(entry.width, number) + np.arange(entry.width) for number in numbers],
            entry.dtype,
        )
        for entry in RECORDS
    }
    names = sorted({name for path in paths for name in known[path][1]})
    columns = {
        name: MetadataColumn.of([known[path][1].get(name, "") for path in paths]) for name in names
    }
    return Rows(PathList.of(paths), facts, columns), matrices


def update(index: Path, before: Known, known: Known, knows: bool) -> None:
    """Commit an index, saying which rows it has already, or not."""
    rows, matrices = content(known)
    with open_store(str(index)).writer() as writer:
        previous = writer.previous()
        sources = None
        spliced: Mapping[str, Row | SplicedRows] = matrices
        if knows and previous is not None:
            sources = np.full(len(rows), -1, np.int64)
            for place, path in enumerate(rows.paths):
                row = previous.rows.paths.find(path)
                if row is not None and before[path][0] == known[path][0]:
                    sources[place] = row
            spliced = {
                alias: SplicedRows(previous.matrix(alias), matrix[sources < 0], sources)
                for alias, matrix in matrices.items()
            }
        writer.commit(Manifest("data", RECORDS, "test"), rows, spliced, sources)


def state_of(index: Path) -> dict[str, bytes]:
    """Return all bytes of an index: of the file, of what belongs to it, and of its cache."""
    folder = index.parent / f"{index.name}.cbir"
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    parts = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return {
        "": index.read_bytes(),
        **{name: raw for name, raw in parts.items() if not name.endswith((".json", "lock"))},
        **{name: raw for name, raw in parts.items() if "cache/" in name},
    }


def damage(index: Path, edit: str) -> None:
    """Do to an index what people and disks do."""
    if edit == "line ends":
        index.write_bytes(index.read_bytes().replace(b"\n", b"\r\n"))
    if edit == "other file":  # the same content, as a copy of it has it
        index.write_bytes(index.read_bytes())
    if edit == "cache":
        for path in index.parent.rglob("written.places.npy"):
            raw = bytearray(path.read_bytes())
            raw[-1] ^= 1
            path.write_bytes(raw)


@pytest.fixture(scope="module", autouse=True)
def small_groups() -> Iterator[None]:
    """Let a few rows be a group of Parquet, as thousands are otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cbir.stores.parquet.writing._GROUP_ROWS", 3)
        yield


@pytest.mark.parametrize("extension", ["csv", "parquet"])
@given(st.lists(STEPS, min_size=2, max_size=5))
@settings(max_examples=40)
def test_an_update_writes_what_a_full_write_does(extension: str, steps: Sequence[Step]) -> None:
    with TemporaryDirectory() as folder:
        updated, whole = Path(folder) / f"i.{extension}", Path(folder) / "whole" / f"i.{extension}"
        whole.parent.mkdir()
        before: Known = {}
        for step in steps:
            known = after(step, before)
            update(updated, before, known, knows=True)
            update(whole, before, known, knows=False)
            if extension == "csv":
                assert state_of(updated) == state_of(whole)
            snapshot = open_store(str(updated)).snapshot()
            rows, matrices = content(known)
            assert dict(snapshot.rows.metadata) == rows.metadata
            assert snapshot.rows.has_files_of(rows)
            assert all((snapshot.matrix(alias) == one).all() for alias, one in matrices.items())
            assert not snapshot.inspect().faults
            if extension == "csv":
                for index in (updated, whole):
                    damage(index, step.edit)
            else:
                table, expected = parquet.read_table(updated), parquet.read_table(whole)
                order = np.argsort([path.encode() for path in table["path"].to_pylist()])
                if "path_base64" not in table.column_names:
                    assert table.take(order).equals(expected)
            before = known


MANY: Known = {f"{number:05}.jpg": (number % 9, {}) for number in range(5000)}


def test_lines_are_copied_and_only_what_is_new_is_formatted(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    update(index, {}, MANY, knows=True)
    rows, matrices = content(MANY)
    forged = {alias: matrix + 1 for alias, matrix in matrices.items()}
    sources = np.arange(len(rows))
    sources[7] = -1
    with open_store(str(index)).writer() as writer:
        writer.previous()
        writer.commit(Manifest("data", RECORDS, "test"), rows, forged, sources)
    text = index.read_text().splitlines()
    assert text[8].split(",")[6] == str(int(forged["v"][7, 0]))
    assert text[9].split(",")[6] == str(int(matrices["v"][8, 0]))


def test_a_byte_that_the_disk_has_lost_is_not_copied(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    update(index, {}, MANY, knows=True)
    status = os.stat(index)
    raw = bytearray(index.read_bytes())
    place = raw.index(b"00077.jpg") + 12
    raw[place] = ord("9")
    index.write_bytes(raw)
    os.utime(index, ns=(status.st_atime_ns, status.st_mtime_ns))
    known = {**MANY, "new.jpg": (3, {})}
    update(index, MANY, known, knows=True)
    fresh = tmp_path / "fresh.csv"
    update(fresh, {}, known, knows=False)
    assert index.read_bytes() == fresh.read_bytes()


@pytest.mark.parametrize("extension", ["csv", "parquet"])
@pytest.mark.parametrize("forged", [-5, 1 << 40])
@pytest.mark.parametrize("place", [0, 1, 3000])
def test_places_that_nobody_else_but_a_forger_writes_are_not_used(
    tmp_path: Path, extension: str, forged: int, place: int
) -> None:
    index = tmp_path / f"index.{extension}"
    update(index, {}, MANY, knows=True)
    (cache,) = [path for path in Path(f"{index}.cbir/cache").iterdir() if path.is_dir()]
    written_file = open_written(index)
    places = written_file.places.copy()
    places[place] = forged
    Cache([cache.parent], cache.name.partition("-")[0]).keep_written(
        replace(written_file, places=places)
    )
    known = {**MANY, "new.jpg": (3, {})}
    update(index, MANY, known, knows=True)
    found, expected = open_store(str(index)).snapshot(), content(known)
    assert list(found.rows.paths) == list(expected[0].paths)
    assert all(np.array_equal(found.matrix(one), rows) for one, rows in expected[1].items())
    if extension == "csv":
        fresh = tmp_path / "fresh.csv"
        update(fresh, {}, known, knows=False)
        assert index.read_bytes() == fresh.read_bytes()


def open_written(index: Path) -> WrittenFile:
    """Return what is known of an index file since it was written."""
    snapshot = open_store(str(index)).snapshot()
    assert isinstance(snapshot, FileSnapshot)
    assert snapshot.written is not None
    return snapshot.written


def test_what_a_file_is_known_by_is_kept_beside_it(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    update(index, {}, MANY, knows=False)
    ends = open_written(index).places.tolist()
    lines = index.read_bytes().splitlines(keepends=True)
    assert ends == np.cumsum([len(line) for line in lines]).tolist()


def test_an_index_that_is_edited_meanwhile_is_left_alone(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    update(index, {}, MANY, knows=False)
    rows, matrices = content(MANY)
    with open_store(str(index)).writer() as writer:
        writer.previous()
        index.write_bytes(b"mine")
        with pytest.raises(CbirError, match="was changed while this run was at work"):
            writer.commit(Manifest("data", RECORDS, "test"), rows, matrices, np.arange(len(rows)))
    assert index.read_bytes() == b"mine"


def test_groups_of_rows_are_copied_where_all_rows_are_the_same(tmp_path: Path) -> None:
    index = tmp_path / "index.parquet"
    known = {f"{number}.jpg": (number, {}) for number in range(9)}
    update(index, {}, known, knows=True)
    before = index.read_bytes()
    old = parquet.read_metadata(index)
    known["10.jpg"] = 1, {}
    known["4.jpg"] = 8, {}
    update(index, known | {"4.jpg": (4, {})}, known, knows=True)
    new, after = parquet.read_metadata(index), index.read_bytes()
    assert [new.row_group(number).num_rows for number in range(4)] == [3, 3, 3, 1]
    first, last = old.row_group(0), old.row_group(2)
    for group, copied in ((first, new.row_group(0)), (last, new.row_group(1))):
        pages = [
            raw[one.column(0).data_page_offset :][: one.column(0).total_compressed_size]
            for raw, one in ((before, group), (after, copied))
        ]
        assert pages[0] == pages[1]
    paths = parquet.read_table(index)["path"].to_pylist()
    assert paths == [f"{number}.jpg" for number in (0, 1, 2, 6, 7, 8, 10, 3, 4, 5)]


def test_what_pyarrow_says_of_a_footer_stays(tmp_path: Path) -> None:
    index = tmp_path / "index.parquet"
    update(index, {}, MANY, knows=False)
    with open(index, "rb") as file:
        parts = ParquetParts.of(file)
    raw = written(parts.footer)
    end = index.read_bytes()[-8 - len(raw) :]
    assert end == raw + len(raw).to_bytes(4, "little") + b"PAR1"
    assert sum(parts.rows) == len(MANY)
