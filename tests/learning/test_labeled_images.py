"""Which images are learned from, and how they are split."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.evaluation import read_ground_truth
from cbir.learning import labeled_images as module
from cbir.learning.labeled_images import LabeledImages, Split, labeled_images


def made_up(*sizes: int) -> LabeledImages:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    shuffled = np.random.default_rng(2).permutation(len(labels))
    return LabeledImages(np.arange(len(labels)), labels, shuffled)


def opened(folder: Path, tmp_path: Path) -> cbir.Index:
    cbir.index(str(folder), str(tmp_path / "index.csv"), "hsv:layout=none")
    return cbir.open(str(tmp_path / "index.csv"))


def check(splits: list[Split], count: int) -> None:
    held_out = np.concatenate([split.held_out for split in splits])
    assert np.array_equal(np.sort(held_out), np.arange(count))
    for split in splits:
        both = np.concatenate([split.learned, split.held_out])
        assert np.array_equal(np.sort(both), np.arange(count))


def test_each_image_is_held_out_once_and_each_class_evenly() -> None:
    images = made_up(40, 30, 20, 20)
    splits = images.image_splits()
    assert len(splits) == 5
    check(splits, 110)
    for split in splits:
        shares = np.bincount(images.labels[split.held_out]) / (40, 30, 20, 20)
        assert np.allclose(shares, 0.2, atol=0.06)


def test_few_images_are_split_in_two() -> None:
    splits = made_up(5, 5, 4).image_splits()
    assert len(splits) == 2
    check(splits, 14)


def test_classes_that_are_held_out_are_not_learned_from() -> None:
    images = made_up(50, 9, 8, 7, 6, 5, 4, 3)
    splits = images.class_splits()
    assert len(splits) == 2
    check(splits, 92)
    for split in splits:
        assert not set(images.labels[split.learned]) & set(images.labels[split.held_out])


def test_too_few_classes_are_not_split() -> None:
    assert made_up(9, 9, 9).class_splits() == []


def test_copies_and_only_images_of_their_class_are_left_out(photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "cats/cat-1.jpg", photos / "cats/copy.jpg")
    index = opened(photos, tmp_path)
    images = labeled_images(index, read_ground_truth("folders", index.paths))
    paths = [index.paths[row] for row in images.rows]
    assert paths == sorted(
        f"{name}.jpg"
        for name in (
            *("cats/cat-1", "cats/cat-2", "cats/cat-3"),
            *("desert/orange-dune-1", "desert/orange-dune-2", "things/coffee-1", "things/kite-1"),
        )
    )
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 2, 2]
    digests = [index.hashes[row] for row in images.rows[images.shuffled]]
    assert digests == sorted(digests)


def test_the_number_of_images_is_bounded(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_IMAGES", 6)
    index = opened(photos, tmp_path)
    images = labeled_images(index, read_ground_truth("folders", index.paths))
    assert 4 <= len(images) <= 6 and np.bincount(images.labels).min() >= 2


def test_what_teaches_nothing_is_refused(photos: Path, tmp_path: Path) -> None:
    index = opened(photos, tmp_path)
    with pytest.raises(CbirError, match="two classes, each of two different images"):
        labeled_images(index, read_ground_truth("groups:^(.*)$", index.paths))
    qrels = tmp_path / "qrels.txt"
    qrels.write_text("cats/cat-1.jpg 0 cats/cat-2.jpg 1\n")
    with pytest.raises(UsageError, match="it has no classes to learn from"):
        labeled_images(index, read_ground_truth(str(qrels), index.paths))
