"""Learning a projection from labels: the file, the judgment and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.core.npz import load_arrays
from cbir.descriptors.encoders.projection import Projection
from cbir.descriptors.state import TRAINED, origin_of
from cbir.evaluation import GroundTruth, read_ground_truth
from cbir.learning.projection import learn_projection
from tests.descriptors.neural.networks import means


def test_its_rows_are_the_same_from_pixels_and_from_rows(
    index: cbir.Index, truth: GroundTruth, photos: Path, tmp_path: Path
) -> None:
    model = str(tmp_path / "model.npz")
    learn_projection(index, "hsv+gist", truth, model, dimension=40)
    spec = "classes=projection:dimension=40"
    own, shared = str(tmp_path / "own.csv"), str(tmp_path / "shared.csv")
    cbir.index(str(photos), own, spec, vocabulary=model)
    cbir.index(str(photos), shared, ["hsv", "gist"])
    cbir.index(str(photos), shared, spec, vocabulary=model)
    rows = [cbir.open(path).vectors("classes") for path in (own, shared)]
    assert np.array_equal(*rows)
    (match,) = cbir.open(own).search(str(photos / "cats/cat-1.jpg"), top=1).matches
    assert match.path.endswith("cats/cat-1.jpg") and match.distance == 0


def test_it_helps_where_labels_say_what_counts(
    index: cbir.Index, truth: GroundTruth, tmp_path: Path
) -> None:
    learned = learn_projection(index, "hsv+hog", truth, str(tmp_path / "model.npz"))
    by_images, by_classes = learned.judgments
    assert (by_images.held_out, by_classes.held_out) == ("images", "classes")
    assert by_images.helps and by_images.comparisons["map"].difference.mean > 0.05
    assert (learned.images, learned.classes, learned.bases) == (102, 19, "hsv+hog")


def test_random_labels_do_not_help(index: cbir.Index, tmp_path: Path) -> None:
    labels = np.random.default_rng(1).integers(0, 4, len(index)).tolist()
    table = tmp_path / "labels.csv"
    lines = [f"{path},{label}" for path, label in zip(index.paths, labels, strict=True)]
    table.write_text("\n".join(["file,label", *lines]))
    truth = read_ground_truth(str(table), index.paths, label="label")
    learned = learn_projection(index, "gist", truth, str(tmp_path / "model.npz"))
    assert not learned.judgments[0].helps
    assert (tmp_path / "model.npz").exists()


def test_any_number_of_workers_writes_the_same_bytes(
    index: cbir.Index, truth: GroundTruth, tmp_path: Path
) -> None:
    contents, judgments = set(), []
    for workers in (1, 3):
        path = tmp_path / f"{workers}.npz"
        learned = learn_projection(index, "layout", truth, str(path), workers=workers)
        contents.add(path.read_bytes())
        judgments.append([one.to_dict() for one in learned.judgments])
    assert len(contents) == 1 and judgments[0] == judgments[1]


def test_the_file_is_a_model_that_training_may_replace(
    index: cbir.Index, truth: GroundTruth, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    for _ in range(2):
        learned = learn_projection(index, "layout", truth, str(path))
    state = load_arrays(str(path))
    assert origin_of(state) == TRAINED
    again = Projection(learned.descriptor.dimension).bind(state)
    assert again.fingerprint == learned.descriptor.fingerprint


def test_other_files_are_not_replaced(
    index: cbir.Index, truth: GroundTruth, tmp_path: Path
) -> None:
    own = tmp_path / "own.npz"
    own.write_text("mine")
    with pytest.raises(CbirError, match="was not made by this program"):
        learn_projection(index, "layout", truth, str(own))
    assert own.read_text() == "mine"


def test_a_descriptor_with_a_file_is_no_base(photos: Path, tmp_path: Path) -> None:
    network = means(tmp_path / "net.onnx")
    cbir.index(photos, tmp_path / "i.csv", f"mine=onnx:model={network},normalization=unit")
    index = cbir.open(tmp_path / "i.csv")
    truth = read_ground_truth("folders", index.paths)
    with pytest.raises(UsageError, match=r"mine needs a file beside the model \(model=…\)"):
        learn_projection(index, "mine", truth, str(tmp_path / "model.npz"))
    assert not (tmp_path / "model.npz").exists()


@pytest.mark.parametrize(
    ("descriptor", "output", "error", "message"),
    [
        ("phash", "model.npz", UsageError, "phash is no vector of numbers"),
        ("gist+gist", "model.npz", UsageError, "name each descriptor once"),
        ("lbp", "model.npz", CbirError, "the index has no descriptor 'lbp'"),
        ("gist", "model", UsageError, "give a name that ends in .npz"),
        ("gist", "nowhere/model.npz", CbirError, "there is no folder"),
    ],
)
def test_what_is_refused(
    index: cbir.Index,
    truth: GroundTruth,
    tmp_path: Path,
    descriptor: str,
    output: str,
    error: type[CbirError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        learn_projection(index, descriptor, truth, str(tmp_path / output))
