"""Whatever a program gives that makes no sense, it gets a ``CbirError``: docs/python.md says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.duplicates.collection import Collection, open_collection
from cbir.duplicates.grouping import find_groups
from cbir.duplicates.querying import find_copies
from cbir.evaluation import GroundTruth, Queries, Run, choose_queries, evaluate, read_ground_truth
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.train import train_models
from cbir.search.query_files import list_queries
from cbir.search.searchers import Searcher
from cbir.verification import View, verify
from tests.conftest import DATA


@dataclass
class Here:
    """Right arguments, to be given beside a wrong one."""

    data: str
    path: str
    image: str
    out: str
    index: cbir.Index
    searcher: Searcher[Any]
    fused: Searcher[Any]
    truth: GroundTruth
    queries: Queries
    run: Run
    collection: Collection
    view: View


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = tmp_path_factory.mktemp("arguments")
    data, path = folder / "data", str(folder / "index.csv")
    for name in ("cats/cat-1.jpg", "cats/cat-2.jpg", "sky/galaxies-1.jpg"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / name, data / name)
    cbir.index(data, path, ["hsv", "phash:bits=256"])
    index = cbir.open(path)
    truth = read_ground_truth("folders", index.paths)
    queries = choose_queries(index, truth)
    (run,) = evaluate(index, truth, queries, [index.searcher()]).runs
    image = str(data / "cats" / "cat-1.jpg")
    with open_collection(str(data), path) as collection:
        yield Here(
            str(data), path, image, str(folder / "out"), index, index.searcher("hsv"),
            index.searcher("hsv+phash"), truth, queries, run, collection,
            View.of(EncodedImage.open(image).pixels(256)),
        )  # fmt: skip


def opened(*arguments: Any, **options: Any) -> None:
    with open_collection(*arguments, **options):
        pass


NONE, NUMBERS, TYPES = (None,), (5, -1, 1.5), (b"x", object(), np.zeros((9, 9, 3)))
LISTS = ([5], [None], [b"x"])
NUL = ("a\0b",)

Call = Callable[[Here, Any], object]

PATHS: dict[str, Call] = {
    "open": lambda here, wrong: cbir.open(wrong),
    "index.dataset": lambda here, wrong: cbir.index(wrong, here.out),
    "index.index": lambda here, wrong: cbir.index(here.data, wrong),
    "list_queries": lambda here, wrong: here.searcher.describe(list_queries(wrong)[0]),
    "describe": lambda here, wrong: cbir.describe(wrong),
    "Index.search": lambda here, wrong: here.index.search(wrong),
    "Searcher.describe": lambda here, wrong: here.fused.describe(wrong),
    "Image.open": lambda here, wrong: EncodedImage.open(wrong),
    "read_ground_truth": lambda here, wrong: read_ground_truth(wrong, here.index.paths),
    "train_models.dataset": lambda here, wrong: train_models(wrong, "orb", here.out),
    "train_models.output": lambda here, wrong: train_models(here.data, "orb", wrong),
}
OPTIONAL_PATHS: dict[str, Call] = {
    "open.result_path": lambda here, wrong: cbir.open(here.path, wrong),
    "choose_queries": lambda here, wrong: choose_queries(here.index, here.truth, folder=wrong),
    "open_collection.dataset": lambda here, wrong: opened(wrong, here.out),
    "open_collection.index": lambda here, wrong: opened(here.data, wrong),
}
SEVERAL_PATHS: dict[str, Call] = {
    "open_collection.references": lambda here, wrong: opened(here.data, None, wrong),
}
TEXTS: dict[str, Call] = {
    "describe.descriptor": lambda here, wrong: cbir.describe(here.image, wrong),
    "Index.shown": lambda here, wrong: here.index.shown(wrong),
    "Run.mean": lambda here, wrong: here.run.mean(wrong),
    "Run.interval": lambda here, wrong: here.run.interval(wrong),
    "Run.by_class": lambda here, wrong: here.run.by_class(wrong),
    "Run.worst": lambda here, wrong: here.run.worst(1, wrong),
    "GroundTruth.grades": lambda here, wrong: here.truth.grades(wrong),
    "protocol": lambda here, wrong: choose_queries(here.index, here.truth, wrong),
    "open_collection.level": lambda here, wrong: opened(here.data, None, level=wrong),
    "find_groups.level": lambda here, wrong: find_groups(here.collection, wrong),
    "find_groups.keep": lambda here, wrong: find_groups(here.collection, keep=wrong),
}
OPTIONAL_TEXTS: dict[str, Call] = {
    "descriptor": lambda here, wrong: here.index.search(here.image, descriptor=wrong),
    "metric": lambda here, wrong: here.index.search(here.image, metric=wrong),
    "preset": lambda here, wrong: here.index.search(here.image, preset=wrong),
    "fusion": lambda here, wrong: here.index.searcher("hsv+phash", fusion=wrong),
    "Index.vectors": lambda here, wrong: here.index.vectors(wrong),
    "single_searcher": lambda here, wrong: here.index.single_searcher(wrong),
    "single_searcher.metric": lambda here, wrong: here.index.single_searcher(None, wrong),
    "read_ground_truth.key": lambda here, wrong: read_ground_truth("t.csv", [], key=wrong),
    "read_ground_truth.label": lambda here, wrong: read_ground_truth("t.csv", [], label=wrong),
}
IMAGES: dict[str, Call] = {
    "search_all": lambda here, wrong: list(here.index.search_all(wrong)),
}
SEVERAL: dict[str, Call] = {
    "descriptors": lambda here, wrong: cbir.index(here.data, here.out, wrong),
    "index.preset": lambda here, wrong: cbir.index(here.data, here.out, preset=wrong),
    "index.drop": lambda here, wrong: cbir.index(here.data, here.out, drop=wrong),
    "index.include": lambda here, wrong: cbir.index(here.data, here.out, include=wrong),
    "index.exclude": lambda here, wrong: cbir.index(here.data, here.out, exclude=wrong),
    "read_ground_truth.paths": lambda here, wrong: read_ground_truth("folders", wrong),
    "GroundTruth.topics": lambda here, wrong: here.truth.topics(wrong),
    "train_models": lambda here, wrong: train_models(here.data, wrong, here.out),
    "train.include": lambda here, wrong: train_models(here.data, "orb", here.out, include=wrong),
    "train.exclude": lambda here, wrong: train_models(here.data, "orb", here.out, exclude=wrong),
    "open_collection.include": lambda here, wrong: opened(here.data, None, include=wrong),
    "open_collection.exclude": lambda here, wrong: opened(here.data, None, exclude=wrong),
    "find_groups.allow_loss": lambda here, wrong: find_groups(here.collection, allow_loss=wrong),
    "find_copies": lambda here, wrong: list(find_copies(here.collection, wrong)),
    "evaluate": lambda here, wrong: evaluate(here.index, here.truth, here.queries, wrong),
    "verify.limits": lambda here, wrong: verify(here.view, here.view, None, wrong),
}
OBJECTS: dict[str, Call] = {
    "Index": lambda here, wrong: cbir.Index(wrong),
    "Searcher.distances": lambda here, wrong: here.searcher.distances(wrong),
    "Searcher.top_k": lambda here, wrong: here.searcher.top_k(wrong),
    "FusedSearcher.distances": lambda here, wrong: here.fused.distances(wrong),
    "FusedSearcher.top_k": lambda here, wrong: here.fused.top_k(wrong),
    "describe_image": lambda here, wrong: here.fused.describe_image(wrong),
    "choose_queries.index": lambda here, wrong: choose_queries(wrong, here.truth),
    "choose_queries.truth": lambda here, wrong: choose_queries(here.index, wrong),
    "evaluate.index": lambda here, wrong: evaluate(wrong, here.truth, here.queries, []),
    "evaluate.truth": lambda here, wrong: evaluate(here.index, wrong, here.queries, []),
    "evaluate.queries": lambda here, wrong: evaluate(here.index, here.truth, wrong, []),
    "Run.compare": lambda here, wrong: here.run.compare(wrong),
    "View.of": lambda here, wrong: View.of(wrong),
    "verify": lambda here, wrong: verify(here.view, wrong),
    "find_groups": lambda here, wrong: find_groups(wrong),
    "find_copies.collection": lambda here, wrong: list(find_copies(wrong, [])),
    "find_groups.is_excluded": lambda here, wrong: find_groups(here.collection, is_excluded=wrong),
}
OPTIONAL: dict[str, Call] = {
    "index.vocabulary": lambda here, wrong: cbir.index(here.data, here.out, vocabulary=wrong),
    "index.features": lambda here, wrong: cbir.index(here.data, here.out, features=wrong),
    "index.listener": lambda here, wrong: cbir.index(here.data, here.out, listener=wrong),
    "View.of.extractor": lambda here, wrong: View.of(np.zeros((9, 9, 3), np.uint8), wrong),
    "weights": lambda here, wrong: here.index.searcher("hsv+phash", weights=wrong),
}
ROWS: dict[str, Call] = {
    "Searcher.indexed": lambda here, wrong: here.searcher.indexed(wrong),
    "FusedSearcher.indexed": lambda here, wrong: here.fused.indexed(wrong),
    "find_groups.threshold": lambda here, wrong: find_groups(here.collection, threshold=wrong),
    "Image.pixels": lambda here, wrong: EncodedImage.open(here.image).pixels(wrong),
}

CALLS = [
    pytest.param(call, wrong, id=name)
    for calls, wrong in (
        (PATHS, [*NONE, *NUMBERS, *TYPES, *LISTS, *NUL]),
        (OPTIONAL_PATHS, [*NUMBERS, *TYPES, *LISTS, *NUL]),
        (SEVERAL_PATHS, [*NONE, *NUMBERS, *TYPES, *LISTS, *NUL, [*NUL]]),
        (TEXTS, [*NONE, *NUMBERS, *TYPES, *LISTS]),
        (OPTIONAL_TEXTS, [*NUMBERS, *TYPES, *LISTS]),
        (IMAGES, [*NONE, *NUMBERS, *TYPES[:2], *LISTS]),
        (SEVERAL, [*NONE, *NUMBERS, *TYPES, *LISTS]),
        (OBJECTS, [*NONE, *NUMBERS, *TYPES, *LISTS, *NUL]),
        (OPTIONAL, [*NUMBERS, *TYPES, *LISTS, *NUL]),
        (ROWS, [-1, 1.5, "a", *TYPES, *LISTS]),
    )
    for name, call in calls.items()
]


@pytest.mark.parametrize(("call", "wrong"), CALLS)
def test_a_wrong_argument_is_a_cbir_error(here: Here, call: Call, wrong: list[Any]) -> None:
    for value in wrong:
        with pytest.raises(CbirError) as raised:
            call(here, value)
        is_array_or_path = isinstance(value, np.ndarray | str)  # it may be told as unreadable
        assert isinstance(raised.value, UsageError) or is_array_or_path


def test_numbers_of_rows_and_thresholds_have_an_end(here: Here) -> None:
    assert len(here.searcher.indexed(2)) == here.searcher.bytes_per_image
    with pytest.raises(UsageError, match="row=3: give a whole number from 0 to 2"):
        here.fused.indexed(3)
    with pytest.raises(UsageError, match="threshold=257: give a whole number from 0 to 256"):
        find_groups(here.collection, threshold=257)


def test_an_unknown_name_is_told_with_those_there_are(here: Here) -> None:
    with pytest.raises(UsageError, match=r"no measure 'mAP'; there are: map, .* mean 'map'"):
        here.run.mean("mAP")
    with pytest.raises(UsageError, match="no level 'nearr'; there are: exact, near, edited"):
        opened(here.data, None, level="nearr")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"no kind of loss 'areas'; .* did you mean 'area'"):
        find_groups(here.collection, allow_loss=["areas"])  # type: ignore[list-item]


def test_a_single_text_is_one_item(here: Here, tmp_path: Path) -> None:
    (result,) = here.index.search_all(here.image)
    assert result == here.index.search(here.image)
    (copies,) = find_copies(here.collection, here.image, allow_loss="area")
    assert not isinstance(copies, cbir.UnreadableImageError) and copies.query == here.image
    with open_collection(here.data, None, include="cat-*", exclude="*2*") as collection:
        assert [Path(record.path).name for record in collection.records] == ["cat-1.jpg"]
    (trained,) = train_models(here.data, "orb:words=5", str(tmp_path / "o.npz"), include="cat-*")
    assert trained.images == 2
    cbir.index(here.data, tmp_path / "i.csv", "orb:words=5", vocabulary=tmp_path / "o.npz")
