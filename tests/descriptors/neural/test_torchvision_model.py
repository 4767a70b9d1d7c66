"""Networks of torchvision compared with torchvision's own."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import models

from cbir.core.errors import UsageError
from cbir.descriptors.neural.torchvision_model import TorchvisionModel
from tests.descriptors.neural.torch_networks import (
    SMALL,
    last_layer,
    network,
    seen_by_last_layer,
)

pytestmark = pytest.mark.torch

IMAGE = np.random.default_rng(3).integers(0, 256, (300, 400, 3), np.uint8)
WITHOUT_VECTOR = ("squeezenet1_0", "squeezenet1_1")


def bytes_of(state: Any) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "convnext_tiny",
        "densenet121",
        "efficientnet_b0",
        "efficientnet_v2_s",
        "googlenet",
        "inception_v3",
        "maxvit_t",
        "mnasnet0_5",
        "mobilenet_v2",
        "mobilenet_v3_large",
        "mobilenet_v3_small",
        "regnet_x_400mf",
        "regnet_y_400mf",
        "resnet18",
        "resnet50",
        "resnext50_32x4d",
        "shufflenet_v2_x1_0",
        "swin_t",
        "swin_v2_t",
        "vgg16",
        "vit_b_32",
    ],
)
def test_the_last_layer_makes_torchvisions_answer_of_what_is_given(name: str) -> None:
    theirs = network(name)
    model = TorchvisionModel(name)
    ours = model.loaded(bytes_of(theirs.state_dict()))
    usual = models.get_model_weights(name).DEFAULT.transforms()
    array = model.transforms.array(IMAGE)
    with torch.inference_mode():
        given = ours(torch.from_numpy(array))
        answer = theirs(torch.from_numpy(array))
        assert given.shape == (1, model.dimension)
        assert torch.allclose(last_layer(theirs)(given), answer, rtol=1e-4, atol=1e-5)
    expected = seen_by_last_layer(theirs, IMAGE, usual)
    assert given.std() > 1e-3
    assert np.allclose(given[0].numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", models.list_models(module=models))
def test_all_networks_have_a_vector_or_are_refused(name: str) -> None:
    if name in WITHOUT_VECTOR:
        with pytest.raises(UsageError, match="no vector"):
            _ = TorchvisionModel(name).dimension
        return
    model = TorchvisionModel(name)
    assert model.dimension >= 400
    assert model.transforms.working_size in (512, 1024)


def test_a_structure_takes_no_random_numbers_and_no_room() -> None:
    before = torch.get_rng_state()
    structure = TorchvisionModel("swin_t")._structure
    assert torch.equal(before, torch.get_rng_state())
    assert all(one.is_meta for one in structure.parameters())


def test_an_unknown_network_is_refused_with_the_likely_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'resnet50'"):
        TorchvisionModel("resnet51")
    with pytest.raises(UsageError, match="75 more"):
        TorchvisionModel("fcn_resnet50")  # of each pixel


@pytest.mark.parametrize(
    ("name", "digits", "resize"),
    [
        ("resnet50", "0676ba61", 256),
        ("resnet50", "11ad3fa6", 232),
        ("resnet50", "", 232),
        ("resnet50", "12345678", 232),
        ("vit_b_16", "c867db91", 256),
        ("vit_b_16", "9ac1b537", 384),
    ],
)
def test_published_weights_are_known_by_their_content(name: str, digits: str, resize: int) -> None:
    assert TorchvisionModel(name, digits.ljust(64, "0")).transforms.identity["resize"] == [resize]


def test_published_weights_for_larger_images_have_more_places() -> None:
    sizes = {
        digits: dict(TorchvisionModel("vit_b_16", digits)._structure.named_parameters())[
            "encoder.pos_embedding"
        ].shape[1]
        for digits in ("c867db91", "9ac1b537")
    }
    assert sizes == {"c867db91": 14 * 14 + 1, "9ac1b537": 24 * 24 + 1}


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_classifiers_that_help_to_train_may_be_there_or_not(name: str) -> None:
    state = network(name).state_dict()
    without = {key: one for key, one in state.items() if not key.lower().startswith("aux")}
    assert len(without) < len(state)
    model = TorchvisionModel(name)
    array = torch.from_numpy(model.transforms.array(IMAGE))
    with torch.inference_mode():
        outputs = [model.loaded(bytes_of(one))(array) for one in (state, without)]
    assert torch.equal(*outputs)


def test_other_classes_make_no_difference() -> None:
    state = network(SMALL).state_dict()
    other = {**state, "fc.weight": torch.zeros(7, 1024), "fc.bias": torch.zeros(7)}
    without = {key: one for key, one in state.items() if not key.startswith("fc.")}
    model = TorchvisionModel(SMALL)
    array = torch.from_numpy(model.transforms.array(IMAGE))
    with torch.inference_mode():
        expected = model.loaded(bytes_of(state))(array)
        for one in (other, without):
            assert torch.equal(model.loaded(bytes_of(one))(array), expected)


def test_names_of_an_older_torchvision_are_understood() -> None:
    """Those of the published DenseNets, which torchvision changes in the same way."""
    state = network("densenet121").state_dict()
    old = {
        key.replace("norm1", "norm.1").replace("norm2", "norm.2")
        .replace("conv1", "conv.1").replace("conv2", "conv.2"): one
        for key, one in state.items()
    }  # fmt: skip
    assert old.keys() != state.keys()
    model = TorchvisionModel("densenet121")
    array = torch.from_numpy(model.transforms.array(IMAGE))
    with torch.inference_mode():
        outputs = [model.loaded(bytes_of(one))(array) for one in (state, old)]
    assert torch.equal(*outputs)


def test_the_transforms_are_those_of_the_weights() -> None:
    usual = models.get_model_weights("efficientnet_b0").DEFAULT.transforms()
    transforms = TorchvisionModel("efficientnet_b0").transforms
    assert transforms.identity == {
        "resize": usual.resize_size,
        "crop": usual.crop_size,
        "interpolation": "bicubic",
        "mean": usual.mean,
        "deviation": usual.std,
    }
    for shape in ((1, 1), (1, 512), (512, 1), (224, 224)):
        assert TorchvisionModel(SMALL).transforms.array(
            np.full((*shape, 3), 90, np.uint8)
        ).shape == (1, 3, 224, 224)
