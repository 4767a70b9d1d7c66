"""Each stage of indexing alone: what it is given, and what it gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import cbir
from cbir.core.errors import CbirError
from cbir.core.progress import ProgressListener
from cbir.images.discovery import ImageFile
from cbir.indexing.commit import commit
from cbir.indexing.describe import describe
from cbir.indexing.image_describer import ImageDescriber, Outcomes
from cbir.indexing.plan import Plan, plan
from cbir.indexing.request import IndexRequest
from cbir.indexing.scan import scan
from cbir.stores import open_store
from cbir.stores.model import IndexStore, Writer

LISTENER = ProgressListener()


@dataclass
class OneByOne:
    """An executor that describes where it is called, and notes what it was given."""

    given: list[str] = field(default_factory=list)

    def __call__(self, describer: ImageDescriber, images: Iterable[ImageFile]) -> Outcomes:
        for image in images:
            self.given.append(image.path)
            yield describer(image)


@pytest.fixture
def wanted(photos: Path, tmp_path: Path) -> IndexRequest:
    return IndexRequest(
        dataset=str(photos),
        index=str(tmp_path / "index.csv"),
        descriptors=["hsv", "phash"],
        drop=(),
        models=(),
        include=(),
        exclude=(),
        workers=2,
        rebuild=False,
        retrain=False,
        keep_others=False,
        features=None,
    )


@pytest.fixture
def store(wanted: IndexRequest) -> IndexStore:
    return open_store(wanted.index)


@pytest.fixture
def writer(store: IndexStore) -> Iterator[Writer]:
    with store.writer() as writer:
        yield writer


def planned(request: IndexRequest, store: IndexStore, writer: Writer) -> Plan:
    return plan(scan(request, LISTENER), request, store, writer, LISTENER)


def test_a_scan_tells_what_is_there_and_touches_nothing(wanted: IndexRequest) -> None:
    dataset = Path(wanted.dataset)
    (dataset / "raw.cr2").write_bytes(b"raw")
    found = scan(replace(wanted, include=["cats/*", "*.cr2"]), LISTENER)
    assert [one.path for one in found.images[:3]] == [f"cats/cat-{i}.jpg" for i in (1, 2, 3)]
    assert (found.root, found.is_moved) == (dataset.name, False)
    assert dict(scan(wanted, LISTENER).left_out) == {".cr2": 1}
    assert not Path(f"{wanted.index}.cbir").exists()


def test_a_plan_says_what_is_reused(
    wanted: IndexRequest, store: IndexStore, writer: Writer
) -> None:
    first = planned(wanted, store, writer)
    assert first.base is None and (first.reused_rows == -1).all()
    assert [one.alias for one in first.named] == ["hsv", "phash"]
    report = commit(first, describe(first, OneByOne(), LISTENER), LISTENER)
    assert (report.added, report.described) == (12, 12)
    (Path(wanted.dataset) / "cats" / "cat-1.jpg").unlink()
    second = planned(replace(wanted, descriptors=()), store, writer)
    assert second.reused_rows.tolist() == list(range(1, 12))
    third = planned(replace(wanted, descriptors=["hog"]), store, writer)
    assert (third.reused_rows == -1).all()
    again = planned(replace(wanted, rebuild=True), store, writer)
    assert again.base is None and again.previous is not None


def test_an_executor_is_given_only_what_is_to_be_described(
    wanted: IndexRequest, store: IndexStore, writer: Writer, tmp_path: Path
) -> None:
    executor = OneByOne()
    first = planned(wanted, store, writer)
    descriptions = describe(first, executor, LISTENER)
    assert (
        executor.given == list(descriptions.rows.paths) == [one.path for one in first.scan.images]
    )
    commit(first, descriptions, LISTENER)
    shutil.copy(f"{wanted.dataset}/cats/cat-1.jpg", f"{wanted.dataset}/copy.jpg")
    Path(wanted.dataset, "text.jpg").write_text("text")
    executor = OneByOne()
    second = planned(wanted, store, writer)
    descriptions = describe(second, executor, LISTENER)
    assert executor.given == ["copy.jpg", "text.jpg"]
    assert [Path(error.path).name for error in descriptions.unreadable] == ["text.jpg"]
    assert not descriptions.described.any()
    report = commit(second, descriptions, LISTENER)
    assert (report.images, report.added, report.reused) == (13, 1, 12)
    threads = str(tmp_path / "threads.csv")
    cbir.index(wanted.dataset, threads, ["hsv", "phash"])
    assert Path(threads).read_bytes() == Path(wanted.index).read_bytes()


def test_what_cannot_be_read_at_all_is_not_committed(
    wanted: IndexRequest, store: IndexStore, writer: Writer
) -> None:
    for path in Path(wanted.dataset).rglob("*.jpg"):
        path.write_text("text")
    only = planned(replace(wanted, include=["*.jpg"]), store, writer)
    descriptions = describe(only, OneByOne(), LISTENER)
    with pytest.raises(CbirError, match="could be read"):
        commit(only, descriptions, LISTENER)
    assert not store.exists()
