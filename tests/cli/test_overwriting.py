"""No command replaces a file that is not of the kind that it writes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cbir.evaluation.model import Evaluation
from cbir.reports.duplicates_page import REPORT, write_report
from cbir.reports.evaluation_page import FAILURES, write_failures
from cbir.reports.montage import MONTAGE, write_montage
from cbir.reports.pr_curves import check_plot, write_plot
from cbir.search.results import Match, SearchResult
from tests.cli.test_bad_input import assert_refused
from tests.conftest import Run
from tests.evaluations import evaluation

QUERY = "photos/cats/cat-1.jpg"


@pytest.fixture
def found(photos: Path) -> Evaluation:
    return evaluation(photos)


def test_a_page_of_another_kind_is_no_page_of_ours(found: Evaluation, tmp_path: Path) -> None:
    page = str(tmp_path / "r.html")
    write_report(page, [])
    REPORT.file.check(page)
    with pytest.raises(Exception, match=r"r\.html: .*not made by this program"):
        FAILURES.file.check(page)
    os.unlink(page)
    write_failures(page, found)
    FAILURES.file.check(page)
    with pytest.raises(Exception, match=r"r\.html: .*not made by this program"):
        REPORT.file.check(page)


def test_a_plot_is_no_montage(found: Evaluation, photos: Path, tmp_path: Path) -> None:
    image = str(tmp_path / "p.png")
    write_plot(image, found)
    check_plot(image)
    with pytest.raises(Exception, match=r"p\.png: .*not made by this program"):
        MONTAGE.check(image)
    os.unlink(image)
    query = str(photos / "cats" / "cat-1.jpg")
    write_montage(image, [SearchResult(query, "hsv", "chi2", (Match(1, query, 0.0),))], 1)
    MONTAGE.check(image)
    with pytest.raises(Exception, match=r"p\.png: .*not made by this program"):
        check_plot(image)


def test_every_command_refuses_before_it_works(run: Run, photos: Path, tmp_path: Path) -> None:
    assert run("index", "-d", "photos").returncode == 0
    (tmp_path / "mine.html").write_text("mine")
    (tmp_path / "mine.svg").write_text("mine")
    shutil.copy(photos / "cats" / "cat-1.jpg", tmp_path / "mine.jpg")
    before = {path.name: path.read_bytes() for path in tmp_path.glob("mine.*")}
    copies = ["duplicates", "-d", "photos"]
    move = [*copies, "--action", "move", "--move-to", "copies", "--yes"]
    for command in (
        ["search", "-q", QUERY, "--montage", "mine.jpg"],
        [*copies, "--report", "mine.html"],
        [*move, "--log", "mine.html"],
        [*move, "--log", "index.csv"],
        [*move, "--log", "same.html", "--report", "same.html"],
        ["evaluate", "-i", "index.csv", "--failures", "mine.html"],
        ["evaluate", "-i", "index.csv", "--plot", "mine.svg"],
        ["train", "-d", "photos", "--descriptor", "orb:words=10", "-o", "mine.npz"],
    ):
        (tmp_path / "mine.npz").write_text("mine")
        done = run(*command)
        assert_refused(done, command[-1], "cannot be written")
        assert done.stdout == "" and "Log" not in done.stderr
    assert before == {name: (tmp_path / name).read_bytes() for name in before}
    assert not (tmp_path / "same.html").exists() and not (tmp_path / "copies").exists()


def test_a_montage_never_replaces_its_own_query(run: Run, photos: Path, tmp_path: Path) -> None:
    assert run("index", "-d", "photos").returncode == 0
    assert run("search", "-q", QUERY).returncode == 0
    before = (tmp_path / "montage.jpg").read_bytes()
    asked = run("search", "-q", "montage.jpg", "--montage", "./montage.jpg")
    assert_refused(asked, "montage.jpg", "uses this file for something else")
    assert asked.stdout == ""
    usual = run("search", "-q", "montage.jpg")
    assert usual.returncode == 0 and usual.stdout
    assert "No montage: montage.jpg: " in usual.stderr
    assert (tmp_path / "montage.jpg").read_bytes() == before


@pytest.mark.parametrize("target", ["/dev/null", "/dev/stdout", "pipe"])
def test_a_montage_is_no_device(run: Run, photos: Path, tmp_path: Path, target: str) -> None:
    assert run("index", "-d", "photos").returncode == 0
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "m.jpg").symlink_to(target)
    done = run("search", "-q", QUERY, "--montage", "m.jpg")
    assert_refused(done, "m.jpg", "no regular file", "--no-montage")
    assert not Path("/dev/null").is_file() and (tmp_path / "m.jpg").is_symlink()
