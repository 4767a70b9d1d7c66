"""Which images query."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.evaluation.ground_truth import read_ground_truth
from cbir.evaluation.protocols import choose_queries
from tests.evaluation.conftest import Listener


def test_every_image_queries_the_others(index: cbir.Index, photos: Path) -> None:
    chosen = choose_queries(index, read_ground_truth("folders", index.paths))
    assert chosen.protocol == "all"
    assert [query.row for query in chosen.queries] == list(range(12))
    for query, path in zip(chosen.queries, index.paths, strict=True):
        assert Path(query.path).samefile(photos / path)
        assert query.self_row == query.row and query.left_out
        assert query.topic == path.rpartition("/")[0]


def test_the_first_of_each_class_queries(index: cbir.Index) -> None:
    chosen = choose_queries(index, read_ground_truth("folders", index.paths), "first")
    names = [Path(query.path).name for query in chosen.queries]
    assert names[:3] == ["cat-1.jpg", "orange-dune-1.jpg", "brook-1.jpg"]
    assert len({query.topic for query in chosen.queries}) == len(names) == 8


def test_in_ukbench_a_query_can_find_itself(index: cbir.Index) -> None:
    chosen = choose_queries(index, read_ground_truth("folders", index.paths), "ukbench")
    assert len(chosen.queries) == 12
    assert not any(query.left_out for query in chosen.queries)


def test_images_without_a_class_do_not_query(index: cbir.Index) -> None:
    chosen = choose_queries(index, read_ground_truth("groups:^(cat|brook)", index.paths))
    assert [query.topic for query in chosen.queries] == ["cat", "cat", "cat", "brook"]


def test_topics_that_are_no_image_are_told(
    index: cbir.Index, tmp_path: Path, listener: Listener
) -> None:
    judgments = tmp_path / "judgments.txt"
    judgments.write_text("cat-1 0 cat-2 1\ncat-11 0 cat-2 1\n")
    chosen = choose_queries(
        index, read_ground_truth(str(judgments), index.paths), listener=listener
    )
    assert [query.topic for query in chosen.queries] == ["cat-1"]
    (warning,) = listener.warnings
    assert "1 of its topics are no image of the index, cat-11 for one" in warning


def test_images_of_another_folder_query(
    index: cbir.Index, photos: Path, tmp_path: Path, listener: Listener
) -> None:
    folder = tmp_path / "queries"
    (folder / "cats").mkdir(parents=True)
    shutil.copy(photos / "cats" / "cat-2.jpg", folder / "cats" / "mine.jpg")
    shutil.copy(photos / "cats" / "cat-2.jpg", folder / "loose.jpg")
    (folder / "cats" / "link.jpg").symlink_to(photos / "cats" / "cat-1.jpg")
    (folder / "cats" / "nowhere.jpg").symlink_to(tmp_path / "nothing.jpg")
    truth = read_ground_truth("folders", index.paths)
    chosen = choose_queries(index, truth, folder=str(folder), listener=listener)
    assert chosen.protocol == f"queries:{folder}"
    link, mine = chosen.queries
    assert mine.path == os.path.join(folder, "cats/mine.jpg")
    assert (mine.topic, mine.row, mine.self_row, mine.left_out) == ("cats", None, None, False)
    assert mine.sha256 == index.hashes[index.paths.index("cats/cat-2.jpg")]
    self_row = index.paths.index("cats/cat-1.jpg")
    assert (link.row, link.self_row, link.left_out) == (None, self_row, True)
    assert "does not know 1 of 3 images" in listener.warnings[0]
    assert "nowhere.jpg" in listener.errors[0]


def test_what_makes_no_sense_is_refused(index: cbir.Index, tmp_path: Path) -> None:
    truth = read_ground_truth("folders", index.paths)
    with pytest.raises(UsageError, match="no protocol 'some'; there are: all, first, ukbench"):
        choose_queries(index, truth, "some")
    with pytest.raises(UsageError, match="give one of them"):
        choose_queries(index, truth, "first", folder=str(tmp_path))
    with pytest.raises(CbirError, match="there is no such folder of images"):
        choose_queries(index, truth, folder=str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CbirError, match=r"knows no image of .*empty, so there is no query"):
        choose_queries(index, truth, folder=str(tmp_path / "empty"))


def test_judgments_say_which_images_query(index: cbir.Index, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("cat-1 0 cat-2 1\nbrook-1.jpg 0 cat-2 1\n")
    truth = read_ground_truth(str(tmp_path / "qrels"), index.paths)
    chosen = choose_queries(index, truth)
    assert [query.topic for query in chosen.queries] == ["cat-1", "brook-1.jpg"]
    with pytest.raises(UsageError, match="use the protocol all"):
        choose_queries(index, truth, "first")
    (tmp_path / "qrels").write_text("7 0 cat-2 1\n")
    with pytest.raises(CbirError, match="knows no image of the index"):
        choose_queries(index, read_ground_truth(str(tmp_path / "qrels"), index.paths))
