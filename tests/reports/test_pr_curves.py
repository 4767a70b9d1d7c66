"""The plot: its curves, its formats, and no file of the user's overwritten."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cbir.core.errors import CbirError, UsageError
from cbir.evaluation.model import RECALLS, Evaluation
from cbir.images.encoded_image import EncodedImage
from cbir.reports.pr_curves import check_plot, draw, write_plot
from tests.evaluations import evaluation, run

KINDS = (".png", ".svg", ".pdf")


@pytest.fixture
def found(photos: Path) -> Evaluation:
    return evaluation(photos, run(photos), run(photos, "phash", "hamming", (0.5, 1.0, 0.75)))


def test_a_curve_a_run(found: Evaluation) -> None:
    (axes,) = draw(found).axes
    assert axes.get_xlabel() == "recall" and axes.get_ylabel() == "precision"
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["phash, hamming: mAP 0.750", "hsv, chi2: mAP 0.458"]
    for line, mean in zip(axes.get_lines(), (0.75, 1.375 / 3), strict=True):
        np.testing.assert_allclose(line.get_xdata(), RECALLS)
        np.testing.assert_allclose(line.get_ydata(), np.linspace(1, 0, 101) * mean)


def test_many_curves_are_told_apart(photos: Path) -> None:
    runs = [run(photos, f"hsv{number}") for number in range(28)]
    (axes,) = draw(evaluation(photos, *runs)).axes
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.get_lines()}
    assert len(looks) == 28


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_is_overwritten_and_the_same_again(
    found: Evaluation, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"curves{kind}"
    plots = []
    for _ in range(2):
        write_plot(str(path), found)
        plots.append(path.read_bytes())
    assert plots[0] == plots[1]
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == [path.name]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_else_is_overwritten(found: Evaluation, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"curves{kind}"
    if kind == ".png":
        Image.new("RGB", (9, 9)).save(path)
    else:
        path.write_bytes(b"mine")
    before = path.read_bytes()
    with pytest.raises(CbirError, match="not made by this program"):
        write_plot(str(path), found)
    assert path.read_bytes() == before
    path.unlink()
    path.mkdir()
    with pytest.raises(CbirError, match="this is a folder"):
        check_plot(str(path))


def test_a_plot_is_never_indexed(found: Evaluation, tmp_path: Path) -> None:
    write_plot(str(tmp_path / "curves.png"), found)
    assert EncodedImage.open(str(tmp_path / "curves.png")).header.is_generated


@pytest.mark.parametrize("name", ["a $x_1$ b", "鳥 ü", "a%b_{"])
def test_any_name_can_be_drawn(photos: Path, tmp_path: Path, name: str) -> None:
    photos.rename(tmp_path / name)
    write_plot(str(tmp_path / "curves.png"), evaluation(tmp_path / name))
    with Image.open(tmp_path / "curves.png") as plot:
        assert len(plot.convert("RGB").getcolors(1 << 24)) > 2


def test_an_impossible_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end with \.png, \.svg or \.pdf"):
        check_plot(str(tmp_path / "curves.jpg"))
    with pytest.raises(CbirError, match="there is no folder"):
        check_plot(str(tmp_path / "nowhere" / "curves.png"))


def test_without_matplotlib_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CbirError, match=r"pip install 'cbir\[plot\]'"):
        check_plot(str(tmp_path / "curves.png"))
