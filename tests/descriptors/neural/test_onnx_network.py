"""`onnx` on small networks whose answers are known."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import cbir
from cbir.core.errors import BrokenIndexError, CbirError, UsageError
from cbir.descriptors.neural.onnx_network import OnnxNetwork
from cbir.descriptors.registry import parse
from tests.conftest import Run
from tests.descriptors.neural.networks import TYPES, as_it_is, means, saved

COLOR = np.array([200, 100, 50])
IMAGE = np.full((40, 60, 3), COLOR, np.uint8)


def direction(values: Any) -> np.ndarray:
    return np.asarray(values) / np.linalg.norm(values)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize(
    "shape",
    [
        (1, 3, 8, 8),
        (1, 8, 8, 3),
        ("n", 3, "h", "w"),
        (None, None, None, 3),
        (4, 3, 8, 8),
        (1, 3, 8, "w"),
    ],
)
def test_the_file_says_layout_type_and_size(shape: Any, dtype: str, tmp_path: Path) -> None:
    normalization: Any = "auto" if dtype == "uint8" else "raw"
    model = means(tmp_path / "net.onnx", shape, dtype)
    descriptor = OnnxNetwork(str(model), normalization)
    assert descriptor.dimension == 3
    assert np.allclose(descriptor.vector(IMAGE), direction(COLOR), atol=1e-3)
    row = descriptor.describe(IMAGE)
    assert row.dtype == np.int8
    values = descriptor.encoding.values(row)
    assert np.allclose(values, direction(COLOR), atol=descriptor.encoding.scale)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"normalization": "unit"}, COLOR / 255),
        ({"normalization": "raw"}, COLOR),
        ({"normalization": "half"}, COLOR / 127.5 - 1),
        ({"normalization": "lite"}, (COLOR - 127) / 128),
        (
            {"normalization": "imagenet"},
            (COLOR / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
        ),
        ({"mean": "0.5", "deviation": "0.25"}, (COLOR / 255 - 0.5) / 0.25),
        (
            {"mean": "0.1/0.2/0.3", "deviation": "1/2/4"},
            (COLOR / 255 - [0.1, 0.2, 0.3]) / [1, 2, 4],
        ),
        ({"normalization": "raw", "channels": "bgr"}, COLOR[::-1]),
    ],
)
def test_normalizations(parameters: Any, expected: Any, tmp_path: Path) -> None:
    descriptor = OnnxNetwork(str(means(tmp_path / "net.onnx")), **parameters)
    assert np.allclose(descriptor.vector(IMAGE), direction(expected), atol=1e-3)


def test_real_numbers_have_to_be_named(tmp_path: Path) -> None:
    model = means(tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="normalization=imagenet"):
        _ = OnnxNetwork(str(model)).fingerprint
    whole = means(tmp_path / "whole.onnx", dtype="uint8")
    with pytest.raises(CbirError, match="as they are; leave out"):
        _ = OnnxNetwork(str(whole), "imagenet").fingerprint


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("onnx", "needs model="),
        ("onnx:model=", "names no file"),
        ("onnx:model=a,mean=1", "go together"),
        ("onnx:model=a,mean=1/2,deviation=1", "one number or three"),
        ("onnx:model=a,mean=x,deviation=1", "could not convert"),
        ("onnx:model=a,mean=1,deviation=0", "numbers from 1e-06"),
        ("onnx:model=a,mean=1,deviation=1e-320", "numbers from 1e-06"),
        ("onnx:model=a,mean=nan,deviation=1", "numbers up to"),
        ("onnx:model=a,mean=1e300,deviation=1", "numbers up to"),
        ("onnx:model=a,mean=1,deviation=1,normalization=unit", "leave one out"),
        ("onnx:model=a,size=-1", "pixels"),
        ("onnx:model=a,p=0", "above 0"),
        ("onnx:model=a,normalization=zca", "choose one of"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse(spec)


def stripes() -> np.ndarray:
    """An image twice as wide as high: red, then green, then blue, in even columns."""
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, :10, 0] = image[:, 10:30, 1] = image[:, 30:, 2] = 255
    return image


@pytest.mark.parametrize(
    ("resize", "expected"),
    [
        ("squash", (1, 2, 1)),
        ("crop", (0, 1, 0)),
        ("pad", (1 + 4 * 127 / 255, 2 + 4 * 127 / 255, 1 + 4 * 127 / 255)),
    ],
)
def test_how_an_image_gets_the_shape_of_the_network(
    resize: Any, expected: Any, tmp_path: Path
) -> None:
    model = means(tmp_path / "net.onnx", (1, 3, 20, 20))
    descriptor = OnnxNetwork(str(model), "raw", resize=resize, edge=20)
    assert np.allclose(descriptor.vector(stripes()), direction(expected), atol=0.02)


def test_the_whole_shape_is_kept_by_a_network_that_takes_any(tmp_path: Path) -> None:
    descriptor = OnnxNetwork(
        str(as_it_is(tmp_path / "net.onnx")), "raw", resize="whole", size=64, pooling="max"
    )
    assert descriptor.preprocessing.array(stripes()).shape == (1, 3, 32, 64)
    assert np.allclose(descriptor.vector(stripes()), direction((1, 1, 1)), atol=0.01)
    fixed = means(tmp_path / "fixed.onnx", (1, 3, 8, 8))
    with pytest.raises(CbirError, match="choose another resize"):
        _ = OnnxNetwork(str(fixed), "raw", resize="whole").fingerprint


@pytest.mark.parametrize(
    ("outputs", "asked", "added"),
    [
        (("pooled", "image_embeds", "last"), "", 1),
        (("logits", "pooler_output", "last"), "", 1),
        (("logits", "last"), "", 1),
        (("logits", "last"), "logits", 0),
    ],
)
def test_which_output(outputs: Any, asked: str, added: int, tmp_path: Path) -> None:
    model = means(tmp_path / "net.onnx", outputs=outputs)
    descriptor = OnnxNetwork(str(model), "unit", output=asked)
    assert np.allclose(descriptor.vector(IMAGE), direction(COLOR / 255 + added), atol=1e-3)


def test_an_unknown_output_is_refused_with_those_there_are(tmp_path: Path) -> None:
    model = means(tmp_path / "net.onnx", outputs=("embedding", "logits"))
    with pytest.raises(CbirError, match="it has: embedding, logits"):
        _ = OnnxNetwork(str(model), "unit", output="embeding").fingerprint


def test_pooling_of_a_map(tmp_path: Path) -> None:
    model = str(as_it_is(tmp_path / "net.onnx"))
    image = np.random.default_rng(3).integers(0, 256, (8, 8, 3), np.uint8)
    values = image.reshape(-1, 3) / 255
    for pooling, expected in {
        "average": values.mean(0),
        "max": values.max(0),
        "gem": np.cbrt((values**3).mean(0)),
        "first": values[0],
    }.items():
        descriptor = OnnxNetwork(model, "unit", pooling=pooling, size=8)  # type: ignore[arg-type]
        assert descriptor.dimension == 3
        assert np.allclose(descriptor.vector(image), direction(expected), atol=1e-5)


def test_a_size_that_the_file_does_not_say_is_found_by_a_trial(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["vector"]),
    ]
    model = saved(
        tmp_path / "net.onnx",
        nodes,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, None)],
    )
    assert OnnxNetwork(str(model), "unit").dimension == 3


def flattened(path: Path, size: int | None, declared: Any) -> Path:
    """Write a network that gives the values of its input one after the other."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, size, size))
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, declared)
    return saved(path, [helper.make_node("Flatten", ["image"], ["vector"])], [image], [vector])


@pytest.mark.parametrize(
    ("size", "declared"), [(8, (1, 2_000_000_000)), (8, (1, 1 << 40)), (224, None)]
)
def test_rows_of_any_length_are_not_made(size: int, declared: Any, tmp_path: Path) -> None:
    model = flattened(tmp_path / "net.onnx", size, declared)
    with pytest.raises(CbirError, match="more than 65,536; choose another output"):
        _ = OnnxNetwork(str(model), "unit").dimension


def test_a_wrong_length_in_the_file_is_one_error(photos: Path, run: Run, tmp_path: Path) -> None:
    flattened(tmp_path / "net.onnx", 8, (1, 10))
    done = run("index", photos, "--descriptor", "onnx:model=net.onnx,normalization=unit")
    said = "its output vector gives 192 numbers for an image, where 10 are expected"
    assert done.returncode == 1 and done.stderr.count(said) == 1
    assert "Cannot read" not in done.stderr and not (tmp_path / "index.csv").exists()


def test_a_length_that_depends_on_the_image_is_refused(tmp_path: Path) -> None:
    model = flattened(tmp_path / "net.onnx", None, None)
    descriptor = OnnxNetwork(str(model), "unit", resize="whole", size=64)
    assert descriptor.describe(np.zeros((64, 64, 3), np.uint8)).shape == (3 * 64 * 64,)
    with pytest.raises(CbirError, match="gives 6,144 numbers for an image, where 12,288"):
        descriptor.describe(stripes())


@pytest.mark.parametrize(
    ("config", "same_as"),
    [
        (
            {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": 8},
            {"normalization": "half", "size": 8},
        ),
        (
            {
                "do_normalize": True,
                "image_mean": [0.485, 0.456, 0.406],
                "image_std": [0.229, 0.224, 0.225],
                "size": {"shortest_edge": 32},
                "do_center_crop": True,
                "crop_size": {"height": 16, "width": 16},
            },
            {"normalization": "imagenet", "size": 16, "edge": 32, "resize": "crop"},
        ),
        (
            {"do_normalize": False, "do_rescale": True, "size": {"height": 16, "width": 16}},
            {"normalization": "unit", "size": 16},
        ),
        (
            {
                "do_rescale": False,
                "image_mean": [127.5] * 3,
                "image_std": [127.5] * 3,
                "size": {"height": 16, "width": 16},
            },
            {"normalization": "half", "size": 16},
        ),
    ],
)
def test_what_lies_beside_the_model_is_read(config: Any, same_as: Any, tmp_path: Path) -> None:
    model = means(tmp_path / "with" / "net.onnx", (1, 3, None, None))
    shutil.copytree(tmp_path / "with", tmp_path / "without")
    (tmp_path / "with" / "preprocessor_config.json").write_text(json.dumps(config))
    told = OnnxNetwork(str(tmp_path / "without" / "net.onnx"), **same_as)
    found = OnnxNetwork(str(model))
    assert found.preprocessing.array(IMAGE).shape == told.preprocessing.array(IMAGE).shape
    assert np.allclose(found.vector(IMAGE), told.vector(IMAGE), atol=1e-5)
    assert found.working_size == told.working_size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"size": "big"}',
        '{"size": 1e9}',
        '{"size": 0}',
        '{"size": 1e400}',
        '{"size": {"height": 1e400}}',
        '{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "rescale_factor": 0}',
        '{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "rescale_factor": 1e-320}',
        '{"image_mean": [0, 0, 0], "image_std": [1, 1, 1e-320]}',
        '{"image_mean": [0, 0, 1e300], "image_std": [1, 1, 1]}',
        pytest.param(f'{{"image_mean": [0, 0, 1{"0" * 400}]}}', id="a number without a float"),
        '{"size": {"shortest_edge": "8 px"}}',
        '{"image_mean": [1]}',
        '{"image_mean": [0, 0, 0], "image_std": [1, 1, 0]}',
        '{"image_mean": [0, 0, 0], "image_std": [1, 1, NaN]}',
    ],
)
def test_a_file_beside_the_model_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    model = means(tmp_path / "net.onnx")
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(CbirError, match="preprocessor_config"):
        _ = OnnxNetwork(str(model), "unit").fingerprint


def test_the_fingerprint_is_that_of_content_and_preprocessing(tmp_path: Path) -> None:
    first = means(tmp_path / "a" / "net.onnx")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    other = means(tmp_path / "c" / "net.onnx", outputs=("another",))
    unit = OnnxNetwork(str(first), "unit")
    assert OnnxNetwork(str(tmp_path / "b" / "net.onnx"), "unit").fingerprint == unit.fingerprint
    assert OnnxNetwork(str(first), mean="0", deviation="1").fingerprint == unit.fingerprint
    assert OnnxNetwork(str(first), "unit", p=9.0).fingerprint == unit.fingerprint
    changes: list[Any] = [
        {"normalization": "half"},
        {"channels": "bgr"},
        {"resize": "crop"},
        {"pooling": "gem"},
        {"pooling": "gem", "p": 9.0},
        {"model": str(other)},
    ]
    changed = {dataclasses.replace(unit, **change).fingerprint for change in changes}
    assert len(changed) == len(changes) and unit.fingerprint not in changed


def test_it_can_be_pickled_and_used_by_many_threads(tmp_path: Path) -> None:
    descriptor = OnnxNetwork(str(as_it_is(tmp_path / "net.onnx")), "unit", size=32)
    images = [np.random.default_rng(n).integers(0, 256, (40, 50, 3), np.uint8) for n in range(32)]
    expected = [descriptor.describe(image).tobytes() for image in images]
    copy = pickle.loads(pickle.dumps(descriptor))
    assert copy == descriptor
    with ThreadPoolExecutor(8) as pool:
        assert [row.tobytes() for row in pool.map(copy.describe, images)] == expected


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([("image", "float32", (1, 1, 8, 8))], "no image of three channels"),
        ([("image", "int64", (1, 3, 8, 8))], "no image of three channels"),
        ([("image", "float32", (1, 3))], "no image of three channels"),
        ([("image", "float32", None)], "no image of three channels"),
        ([("a", "float32", (1, 3, 8, 8)), ("b", "float32", (1,))], "this has: a, b"),
    ],
)
def test_what_takes_no_image_is_refused(inputs: Any, reason: str, tmp_path: Path) -> None:
    values = [
        helper.make_tensor_value_info(name, TYPES[kind], shape) for name, kind, shape in inputs
    ]
    nodes = [helper.make_node("Cast", [inputs[0][0]], ["given"], to=TensorProto.FLOAT)]
    given = [helper.make_tensor_value_info("given", TensorProto.FLOAT, None)]
    model = saved(tmp_path / "net.onnx", nodes, values, given)
    with pytest.raises(CbirError, match=reason):
        _ = OnnxNetwork(str(model), "unit").fingerprint


@pytest.mark.parametrize("shape", [(1, 3, 100_000, 100_000), (1_000_000, 3, 64, 64)])
def test_images_of_any_size_are_not_made(shape: Any, tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="pixels a side"):
        _ = OnnxNetwork(str(means(tmp_path / "net.onnx", shape)), "unit").fingerprint


@pytest.fixture
def indexed(photos: Path, tmp_path: Path) -> Path:
    """An index by a model beside it."""
    model = means(tmp_path / "models" / "net.onnx", (1, 3, 16, 16))
    spec = f"onnx:model={model},normalization=unit"
    cbir.index(photos, tmp_path / "index.csv", descriptors=[spec, "hsv"])
    return tmp_path / "index.csv"


def query_of(index: Path) -> Path:
    return index.parent / "photos" / "cats" / "cat-1.jpg"


def test_an_index_finds_its_model_where_both_are_moved(indexed: Path, tmp_path: Path) -> None:
    query = query_of(indexed)
    before = cbir.open(indexed).search(query, descriptor="onnx")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("models", "photos", "index.csv", "index.csv.cbir"):
        shutil.move(tmp_path / name, moved / name)
    found = cbir.open(moved / "index.csv").search(query_of(moved / "index.csv"), descriptor="onnx")
    assert [one.distance for one in found.matches] == [one.distance for one in before.matches]
    assert str(tmp_path) not in (next((moved / "index.csv.cbir").glob("gen*.json"))).read_text()


def test_another_model_in_its_place_is_not_mixed_but_described_again(
    indexed: Path, photos: Path
) -> None:
    means(indexed.parent / "models" / "net.onnx", (1, 3, 8, 8))
    with pytest.raises(BrokenIndexError, match="another content of"):
        cbir.open(indexed).search(query_of(indexed), descriptor="onnx")
    assert cbir.open(indexed).search(query_of(indexed), descriptor="hsv")
    assert cbir.index(photos, indexed).described == 12
    assert cbir.open(indexed).search(query_of(indexed), descriptor="onnx")


def test_a_missing_model_is_told_and_its_new_place_is_learned(indexed: Path, photos: Path) -> None:
    model, moved = indexed.parent / "models" / "net.onnx", indexed.parent / "net.onnx"
    model.rename(moved)
    with pytest.raises(BrokenIndexError, match="say where it is now"):
        cbir.open(indexed).search(query_of(indexed), descriptor="onnx")
    assert cbir.open(indexed).search(query_of(indexed), descriptor="hsv")
    there = "say where it is now: .*descriptors=.'onnx:model=FILE,normalization=unit.*; or remove"
    with pytest.raises(CbirError, match=there):
        cbir.index(photos, indexed)
    spec = f"onnx:model={moved},normalization=unit"
    assert cbir.index(photos, indexed, descriptors=[spec]).described == 0
    assert cbir.open(indexed).search(query_of(indexed), descriptor="onnx")


def test_an_alias_stays_with_its_model(indexed: Path, photos: Path, tmp_path: Path) -> None:
    other = means(tmp_path / "other.onnx", (1, 3, 8, 8))
    spec = f"onnx:model={other},normalization=unit"
    with pytest.raises(UsageError, match="is taken by"):
        cbir.index(photos, indexed, descriptors=[spec])
    assert cbir.index(photos, indexed, descriptors=[f"second={spec}"]).described == 12


def test_a_missing_model_can_be_dropped(indexed: Path, photos: Path) -> None:
    (indexed.parent / "models" / "net.onnx").unlink()
    assert cbir.index(photos, indexed, drop=["onnx"]).described == 0
    assert cbir.open(indexed).descriptors == ("hsv",)


def test_another_normalization_is_not_mixed(indexed: Path, photos: Path) -> None:
    spec = f"onnx:model={indexed.parent}/models/net.onnx,normalization=half"
    with pytest.raises(UsageError, match="is taken by"):
        cbir.index(photos, indexed, descriptors=[spec])


def test_commands(photos: Path, run: Run, tmp_path: Path) -> None:
    means(tmp_path / "net.onnx", (1, 3, 16, 16))
    spec = "colors=onnx:model=net.onnx,normalization=unit"
    assert run("index", photos, "--descriptor", spec).returncode == 0
    query = photos / "cats/cat-1.jpg"
    found = run("search", query, "--descriptor", "colors", "--format", "paths")
    assert found.returncode == 0 and "cat-1.jpg" in found.stdout.splitlines()[0]
    info = run("info")
    assert "colors = onnx:model=net.onnx,normalization=unit" in info.stdout
    unnamed = run("index", photos, "--descriptor", "other=onnx:model=net.onnx")
    assert unnamed.returncode == 2 and "normalization=imagenet" in unnamed.stderr
    missing = run("index", photos, "--descriptor", "other=onnx:model=no.onnx,normalization=unit")
    assert missing.returncode == 1 and "no.onnx: cannot read the model" in missing.stderr
    dataset = run("search", query, "--dataset", photos, "--descriptor", spec, "--format", "paths")
    assert dataset.returncode == 0, dataset.stderr
    again = run("search", query, "--dataset", photos, "--descriptor", spec, "--format", "paths")
    assert again.returncode == 0 and again.stdout == dataset.stdout
    assert "updated" not in again.stderr
