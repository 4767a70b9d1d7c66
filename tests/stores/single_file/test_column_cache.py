"""What is derived from a matrix is computed once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cbir.descriptors.registry import parse
from cbir.stores.derivation import Derivation
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.paths import PathList
from cbir.stores.single_file.array_files import checksum
from cbir.stores.single_file.column_cache import Cache, clear_others
from cbir.stores.single_file.packed_metadata import pack


def numbers(count: int) -> Derivation:
    return Derivation(lambda: {"a": np.arange(count)}, {"a": ((count,), np.dtype(int))})


def test_derived_arrays_are_kept(tmp_path: Path) -> None:
    calls = []

    def build() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"a": np.arange(5), "empty": np.zeros(0, np.uint8)}

    types = {"a": ((5,), np.dtype(int)), "empty": ((0,), np.dtype(np.uint8))}
    for _ in range(2):
        cache = Cache([tmp_path], "content")
        arrays = cache.derive("fingerprint", "name", Derivation(build, types))
        assert np.array_equal(arrays["a"], np.arange(5)) and arrays["empty"].shape == (0,)
    assert len(calls) == 1


def test_a_cache_belongs_to_one_content(tmp_path: Path) -> None:
    one, two = 16 * "1", 16 * "2"
    Cache([tmp_path], one).derive("f", "n", numbers(1))
    other = Cache([tmp_path], two).derive("f", "n", numbers(2))
    assert len(other["a"]) == 2
    clear_others([tmp_path], two)
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == [two]


def test_what_was_derived_can_be_removed(tmp_path: Path) -> None:
    cache = Cache([tmp_path], "one")
    entry = DescriptorEntry.of(parse("hsv:layout=none"), None, "index.csv")
    rows = Rows(PathList.of(["a.jpg"]), np.zeros(1, FILE_DTYPE))
    matrix = np.ones((1, entry.width), np.uint8)
    cache.fill(rows, [entry], {"hsv": matrix})
    before = {path.name for path in tmp_path.rglob("*")}
    cache.derive(entry.fingerprint, "n", numbers(1))
    assert len(list(tmp_path.rglob("*"))) == len(before) + 2
    cache.remove_derived([entry])
    assert {path.name for path in tmp_path.rglob("*")} == before
    again = Cache([tmp_path], "one")
    found = again.matrix(entry.fingerprint)
    assert found is not None and np.array_equal(found, matrix)
    assert again.derive(entry.fingerprint, "n", numbers(2))["a"].tolist() == [0, 1]


def test_threads_that_derive_at_once_compute_once_and_keep_to_one_folder(tmp_path: Path) -> None:
    """Each trial of four threads once took to the second folder."""
    for trial in range(10):
        beside, user = tmp_path / f"beside-{trial}", tmp_path / f"user-{trial}"
        caches = [Cache([beside, user], "content") for _ in range(2)]
        together = threading.Barrier(4)
        calls: list[int] = []

        def derive(number: int) -> np.ndarray:
            together.wait()  # noqa: B023 - the threads end in the turn that they began in

            def build() -> dict[str, np.ndarray]:
                calls.append(number)  # noqa: B023
                return {"a": np.arange(1000)}

            derivation = Derivation(build, {"a": ((1000,), np.dtype(int))})
            return caches[number % 2].derive("f", "n", derivation)["a"]  # noqa: B023

        with ThreadPoolExecutor(4) as pool:
            arrays = list(pool.map(derive, range(4)))
        assert all(np.array_equal(array, np.arange(1000)) for array in arrays)
        assert len(calls) <= len(caches)
        assert not user.exists() and len(list(beside.rglob("*"))) == 3


@pytest.mark.parametrize("dtype", ["u1", "<i8", "<f4", "?", [("a", "<i4"), ("b", "V3")]])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (4096,), (4097,), (70, 64), (3, 0)])
def test_a_checksum_notices_every_flipped_bit(dtype: object, shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, dtype)  # type: ignore[call-overload]
    expected = checksum(array)
    assert checksum(array.copy()) == expected
    raw = array.reshape(-1).view(np.uint8)
    for place in {0, 1, len(raw) // 2, len(raw) - 1} & set(range(len(raw))):
        for bit in (1, 128):
            raw[place] ^= bit
            assert checksum(array) != expected
            raw[place] ^= bit


def test_pages_that_were_exchanged_or_lost_are_noticed() -> None:
    array = np.random.default_rng(0).integers(0, 256, 5 * 4096, np.uint8)
    expected = checksum(array)
    lost, exchanged = array.copy(), array.copy()
    lost[4096:8192] = 0
    exchanged[:8192] = np.roll(array[:8192], 4096)
    assert expected not in (checksum(lost), checksum(exchanged))


def no_column(name: str) -> MetadataColumn:
    raise AssertionError(name)


def forged_rows() -> dict[str, dict[str, np.ndarray]]:
    facts = np.zeros(2, FILE_DTYPE)
    paths = PathList.of(["a.jpg", "b.jpg"])
    sound = {"blob": paths.blob, "ends": paths.ends, "facts": facts, "columns": text(b"[]")}
    outside, absolute = PathList.of(["../a", "b.jpg"]), PathList.of(["a.jpg", "/etc"])
    return {
        "columns without order": sound | {"columns": text(b"{}")},
        "no JSON": sound | {"columns": text(b"x")},
        "columns that are no names": sound | {"columns": text(b"[1]")},
        "ends that go back": sound | {"ends": np.array([5, 2])},
        "ends beyond the paths": sound | {"ends": np.array([5, 99])},
        "other facts": sound | {"facts": np.zeros(2, "i4")},
        "fewer facts": sound | {"facts": facts[:1]},
        "a path out of the dataset": sound | {"blob": outside.blob, "ends": outside.ends},
        "an absolute path": sound | {"blob": absolute.blob, "ends": absolute.ends},
    }


def text(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


@pytest.mark.parametrize("forgery", forged_rows())
def test_rows_that_no_run_writes_are_as_good_as_absent(tmp_path: Path, forgery: str) -> None:
    """Also with checksums that are right: whoever forges them can compute these."""
    Cache([tmp_path], "one")._save("rows", forged_rows()[forgery])
    cache = Cache([tmp_path], "one")
    assert cache.rows(no_column) is None and len(cache.damage) == 1


def test_columns_that_no_run_writes_are_read_from_the_index_itself(tmp_path: Path) -> None:
    facts = np.zeros(2, FILE_DTYPE)
    column = MetadataColumn.of(["x", "y"])
    rows = Rows(PathList.of(["a.jpg", "b.jpg"]), facts, {"mine": column})
    Cache([tmp_path], "one").fill(rows, [], {})
    sound = pack([column])
    forgeries = [
        {"codes": np.array([[0, 2]], np.int32)},
        {"codes": np.array([[-1, 0]], np.int32)},
        {"codes": np.array([[0]], np.int32)},
        {"counts": np.array([3], np.int64)},
        {"ends": np.array([1, 9], np.int64)},
        {"kinds": np.array(["x"], "S1")},
        {"typed": np.zeros(1, np.int64)},
    ]
    for forgery in forgeries:
        Cache([tmp_path], "one")._save("metadata", sound | forgery)
        cache = Cache([tmp_path], "one")
        read = cache.rows(lambda name: MetadataColumn.of([name, name]))
        assert read is not None and read.metadata["mine"].texts() == ["mine", "mine"]
        assert len(cache.damage) == 1


def rows_of_numbers() -> Derivation:
    build = np.arange(6, dtype=np.float32).reshape(3, 2)
    return Derivation(lambda: {"means": build}, {"means": ((3, 2), np.dtype(np.float32))})


SOUND = rows_of_numbers().build()["means"]
FORGED = {
    "another name": {"other": SOUND},
    "one more": {"means": SOUND, "other": SOUND},
    "none": {},
    "fewer rows": {"means": SOUND[:2]},
    "wider rows": {"means": np.zeros((3, 4), np.float32)},
    "other items": {"means": SOUND.astype(np.float64)},
    "text": {"means": SOUND.astype(str)},
    "items without a byte": {"means": np.zeros((3, 2), "V0")},
    "no number": {"means": SOUND * np.float32("nan")},
    "no finite number": {"means": np.where(SOUND == 2, np.float32("-inf"), SOUND)},
}


@pytest.mark.parametrize("forgery", FORGED)
def test_derived_arrays_that_do_not_fit_are_made_again(tmp_path: Path, forgery: str) -> None:
    """Also with checksums that are right: whoever forges them can compute these."""
    folder = tmp_path / "one-3"
    folder.mkdir()
    checksums = {}
    for name, array in FORGED[forgery].items():
        np.save(folder / f"f-n.{name}.npy", array)
        checksums[name] = checksum(array) if array.dtype.itemsize else 0
    (folder / "f-n.json").write_text(json.dumps(checksums))
    cache = Cache([tmp_path], "one")
    assert np.array_equal(cache.derive("f", "n", rows_of_numbers())["means"], SOUND)
    assert len(cache.damage) == 1
    mended = Cache([tmp_path], "one")
    assert np.array_equal(mended.derive("f", "n", rows_of_numbers())["means"], SOUND)
    assert mended.damage == []


@pytest.mark.parametrize("listed", ["pairs", "names", "number", "null"])
def test_a_list_of_arrays_that_is_no_object_is_damage(tmp_path: Path, listed: str) -> None:
    Cache([tmp_path], "one").derive("f", "n", rows_of_numbers())
    path = tmp_path / "one-3" / "f-n.json"
    pairs = list(json.loads(path.read_bytes()).items())
    others: dict[str, object] = {"pairs": pairs, "names": ["means"], "number": 5, "null": None}
    path.write_text(json.dumps(others[listed]))
    cache = Cache([tmp_path], "one")
    assert np.array_equal(cache.derive("f", "n", rows_of_numbers())["means"], SOUND)
    assert len(cache.damage) == 1


@pytest.mark.parametrize("name", ["x/../../victim", "x/../../../victim", "", "a.b", "a\n"])
def test_an_array_elsewhere_is_not_looked_at(tmp_path: Path, name: str) -> None:
    """Whatever the list calls it, and although it is there."""
    folder = tmp_path / "caches" / "one-3"
    (folder / "f.x").mkdir(parents=True)
    np.save(f"{folder}/f.{name}.npy", SOUND)
    (folder / "f.json").write_text(json.dumps({name: checksum(SOUND)}))
    cache = Cache([folder.parent], "one")
    assert not cache.holds("f") and len(cache.damage) == 1
