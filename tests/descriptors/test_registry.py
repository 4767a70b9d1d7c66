"""Naming descriptors, and descriptors from other packages."""

from __future__ import annotations

import json
import os
import pickle
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas
import pytest

from cbir.core.errors import UsageError
from cbir.descriptors.encoders.bovw import OrbBovw
from cbir.descriptors.global_features.hsv_histogram import HsvHistogram
from cbir.descriptors.hashes.perceptual import PerceptualHash
from cbir.descriptors.registry import NamedDescriptor, create, parse, ready_made
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.image_source import open_image
from tests.conftest import Run


def test_a_spec_names_a_descriptor_its_alias_and_parameters() -> None:
    assert parse("hsv").descriptor == HsvHistogram()
    assert parse("hsv:layout=ellipse").descriptor == HsvHistogram(layout="ellipse")
    named = parse("short=phash:bits=64")
    assert (named.alias, named.descriptor) == ("short", PerceptualHash(bits=64))
    assert named.columns == ["short", "short_quality"]
    assert parse(named.spec) == named


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nothing", "there are: hsv, "),
        ("hsv:size=3", "it has: layout"),
        ("hsv:layout", "not key=value"),
        ("hsv:layout=round", "grid, ellipse, none"),
        ("phash:bits=65", "256, 64"),
        ("hog:size=big", "a whole number"),
        ("path=hsv", "cannot be an alias"),
        ("1a=hsv", "cannot be an alias"),
        ("", "cannot be an alias"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused_with_what_does(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(spec)


def test_the_first_value_may_have_no_key_where_the_descriptor_says_so() -> None:
    short = parse("seen=torch:resnet50,weights=mine.pth")
    assert short.descriptor.parameters == {"model": "resnet50", "weights": "mine.pth"}
    assert short.spec == "seen=torch:model=resnet50,weights=mine.pth"
    assert parse(short.spec) == short
    assert parse("onnx:net.onnx,size=64") == parse("onnx:size=64,model=net.onnx")


def test_parameters_keep_their_types_through_json() -> None:
    descriptor = create("hog", {"cells": 4})
    restored = create("hog", json.loads(json.dumps(descriptor.parameters)))
    assert restored == descriptor
    assert restored.fingerprint == descriptor.fingerprint


def test_the_fingerprint_tells_parameters_apart() -> None:
    fingerprints = {parse(spec).descriptor.fingerprint for spec in ("hsv", "hsv:layout=none")}
    assert len(fingerprints) == 2


PLUGIN = '''
from dataclasses import dataclass
import numpy as np
from cbir.descriptors.base import Descriptor
from cbir.descriptors.row_kinds import HASH

@dataclass(frozen=True)
class Brightness(Descriptor):
    """Mean brightness of a few rows."""
    name = "brightness"
    version = 1
    summary = "a test"
    metrics = ("manhattan",)
    meaning = "0 = as bright"
    dtype = np.dtype(np.float32)
    bands: int = 4

    @property
    def dimension(self):
        return self.bands

    def describe(self, image):
        return np.array([b.mean() for b in np.array_split(image, self.bands)], np.float32)
'''


def install(folder: Path, name: str, code: str, entry_points: str) -> dict[str, str]:
    """Lay a package out as an installer would; return the environment that sees it."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


def test_a_descriptor_from_another_package_works(run: Run, tmp_path: Path, photos: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    entry = "[cbir.descriptors]\nbrightness = bright:Brightness\n"
    env = install(site, "bright", PLUGIN, entry)
    done = run("index", "-d", photos, "--descriptor", "brightness:bands=3", env=env)
    assert done.returncode == 0, done.stderr
    query = photos / "cats" / "cat-1.jpg"
    done = run("search", "-q", query, "--no-montage", "--format", "json", env=env)
    result = json.loads(done.stdout)[0]
    assert result["descriptor"] == "brightness" and result["metric"] == "manhattan"
    assert result["results"][0]["distance"] == 0
    assert "brightness" in run("descriptors", env=env).stdout

    gone = run("search", "-q", query, "--no-montage")
    assert gone.returncode == 1 and "no descriptor 'brightness'" in gone.stderr
    assert "install the package" in gone.stderr and "Traceback" not in gone.stderr


def test_a_descriptor_that_fails_is_told_with_the_image(
    run: Run, tmp_path: Path, photos: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    code = PLUGIN.replace(
        "        return np.array(",
        "        if self.bands == 5: raise KeyError('oops')\n"
        "        if self.bands == 6: return np.zeros(3)\n"
        "        return np.array(",
    )
    env = install(site, "bright", code, "[cbir.descriptors]\nbrightness = bright:Brightness\n")
    for bands, message in ((5, "failed: KeyError: 'oops'"), (6, "gave ((3,), dtype('float64'))")):
        spec = f"brightness:bands={bands}"
        done = run("index", "-d", photos, "-i", f"{bands}.csv", "--descriptor", spec, env=env)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        line = done.stderr.splitlines()[0]
        assert "cat-1.jpg: the descriptor 'brightness'" in line and message in line


HASH_PLUGIN = (
    PLUGIN.replace("version = 1", "version = 1\n    kind = HASH")
    .replace("np.float32)", "np.uint8)")
    .replace('"manhattan"', '"hamming"')
    .replace("return self.bands", "return 8 * self.bands")
)


def test_a_hash_from_another_package_has_a_quality_only_if_it_says_so(
    run: Run, tmp_path: Path, photos: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    entry = "[cbir.descriptors]\nbrightness = bright:Brightness\n"
    env = install(site, "bright", HASH_PLUGIN, entry)
    done = run("index", "-d", photos, "--descriptor", "brightness", env=env)
    assert done.returncode == 0, done.stderr
    frame = pandas.read_csv(tmp_path / "index.csv")
    assert frame["brightness"].str.fullmatch("h[0-9a-f]{8}").all()
    assert "brightness_quality" not in frame
    query = photos / "cats" / "cat-1.jpg"
    done = run("search", "-q", query, "--no-montage", "--format", "json", env=env)
    assert json.loads(done.stdout)[0]["results"][0]["distance"] == 0

    rated = HASH_PLUGIN.replace('    """Mean', '    has_quality = True\n    """Mean')
    rated = rated.replace(
        "        return np.array(", "        return np.array([0, 0, 0, 0, 101] or"
    )
    (site / "bright.py").write_text(rated)
    done = run("index", "-d", photos, "-i", "2.csv", "--descriptor", "brightness", env=env)
    assert done.returncode == 1 and "gave the quality 101, not 0 to 100" in done.stderr
    (site / "bright.py").write_text(rated.replace("101]", "55]"))
    done = run("index", "-d", photos, "-i", "2.csv", "--descriptor", "brightness", env=env)
    assert done.returncode == 0, done.stderr
    assert set(pandas.read_csv(tmp_path / "2.csv")["brightness_quality"]) == {55}


def test_a_broken_plugin_is_listed_and_the_rest_goes_on(
    run: Run, tmp_path: Path, photos: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    entry = (
        "[cbir.descriptors]\nbad = bad:Missing\n\n[cbir.commands]\nhello = bad:hello\nworse = x:y\n"
    )
    code = "import click\n\n@click.command()\ndef hello():\n    click.echo('hi')\n"
    env = install(site, "bad", code, entry)
    listed = run("descriptors", env=env)
    assert listed.returncode == 0
    assert re.search(r"^bad +broken: .*Missing", listed.stdout, re.MULTILINE)
    assert "phash" in listed.stdout
    used = run("index", "-d", photos, "--descriptor", "bad", env=env)
    assert used.returncode == 1 and "does not load" in used.stderr
    assert "Traceback" not in used.stderr
    assert run("index", "-d", photos, env=env).returncode == 0
    assert run("hello", env=env).stdout == "hi\n"
    helped = run("--help", env=env)
    assert "Broken plug-in" in helped.stdout and "search" in helped.stdout
    assert run("worse", env=env).returncode == 1


@pytest.mark.parametrize("name", [one.name for one in ready_made()])
def test_every_descriptor_can_be_pickled_also_when_it_is_bound(name: str, noise: Any) -> None:
    descriptor = create(name, {})
    if isinstance(descriptor, TrainedDescriptor) and (shipped := descriptor.shipped()):
        descriptor = descriptor.bind(shipped)
    ready = not isinstance(descriptor, TrainedDescriptor) or descriptor.state is not None
    image = open_image(noise).pixels(descriptor.working_size)
    before = descriptor.describe(image) if ready else None  # and with it what it computes once
    copy = pickle.loads(pickle.dumps(NamedDescriptor("alias", descriptor))).descriptor
    assert copy == descriptor and copy.fingerprint == descriptor.fingerprint
    if ready:
        assert np.array_equal(copy.describe(image), before)


def test_a_descriptor_bound_to_what_was_trained_here_can_be_pickled() -> None:
    words = np.eye(3, 32, dtype=np.uint8)
    usage = np.ones(3, np.int64)
    state = {"words": words, "usage": usage, "words_asked": np.array(3), "images": np.array(5)}
    state |= {"features": np.array("orb"), "upright": np.array(False)}
    bound = OrbBovw(words=3).bind(MappingProxyType(state))
    copy = pickle.loads(pickle.dumps(bound))
    assert copy.fingerprint == bound.fingerprint
    assert copy.state is not None and np.array_equal(copy.state["words"], words)
