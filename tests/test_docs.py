"""The documentation says what is true: its commands run, its pages are up to date."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import PROJECT

SOME = ("data/cats", "data/sky", "data/things", "data/windmills", "queries")
"""The sample images that the documentation's commands need; with all, they take twice as long."""


@pytest.fixture
def playground(tmp_path: Path) -> Path:
    """A copy of some sample images to run the documentation's commands in."""
    for name in SOME:
        shutil.copytree(PROJECT / name, tmp_path / name)
    return tmp_path


def blocks(page: str, language: str) -> list[str]:
    text = (PROJECT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run_commands(page: str, playground: Path, about: str = "") -> subprocess.CompletedProcess[str]:
    """Run all that a page says to type, as one script; or only the blocks that have a word."""
    tour = "\n".join(block for block in blocks(page, "bash") if about in block)
    scripts = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": os.pathsep.join([scripts, os.environ["PATH"]])}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tour],
        cwd=playground, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_of_the_tutorial_run(playground: Path) -> None:
    done = run_commands("docs/tutorial.md", playground)
    assert done.returncode == 0, done.stderr
    assert "windmills/windmill-" in done.stdout and "data/small.png\n" in done.stdout
    assert (playground / "montage.jpg").exists() and (playground / "all.png").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_of_the_readme_run(playground: Path) -> None:
    done = run_commands("README.md", playground)
    assert done.returncode == 0, done.stderr
    assert (playground / "montage.jpg").exists() and (playground / "all.png").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_about_duplicates_run(playground: Path) -> None:
    done = run_commands("docs/duplicates.md", playground)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("data/cats/cat-1.jpg\ndata/cat-again.jpg\n")
    assert (playground / "data" / "cat-again.jpg").exists()


def test_the_recipe_lets_new_images_in_and_replaces_none(tmp_path: Path) -> None:
    for name in ("data", "new"):
        (tmp_path / name).mkdir()
    for source, target in {
        "cats/cat-1": "data/cat.jpg",
        "cats/cat-2": "new/cat.jpg",  # new, by a name that is taken
        "sky/galaxies-1": "new/a.jpg",
        "sky/blue-mist-1": "data/known.jpg",
    }.items():
        shutil.copy(PROJECT / "data" / f"{source}.jpg", tmp_path / target)
    shutil.copy(tmp_path / "new" / "a.jpg", tmp_path / "new" / "b.jpg")
    shutil.copy(tmp_path / "data" / "known.jpg", tmp_path / "new" / "c.jpg")
    before = (tmp_path / "data" / "cat.jpg").read_bytes()
    done = run_commands("docs/duplicates.md", tmp_path, "in new/*.jpg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "cat.jpg").read_bytes() == before
    there = {name: sorted(os.listdir(tmp_path / name)) for name in ("data", "new")}
    assert there == {
        "data": ["a.jpg", "cat.jpg", "known.jpg"],
        "new": ["b.jpg", "c.jpg", "cat.jpg"],
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_and_the_python_about_local_features_run(playground: Path) -> None:
    done = run_commands("docs/local-features.md", playground)
    assert done.returncode == 0, done.stderr
    assert "data/cats/cat-1.jpg\n" in done.stdout
    assert "words.npz: a vocabulary for asmk, trained on" in done.stderr
    assert not (playground / "words.npz.rounds").exists()
    (code,) = blocks("docs/local-features.md", "python")
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=playground, capture_output=True, text=True, check=True)
    assert ", 128)" in said.stdout and "0.000  data/cats/cat-1.jpg\n" in said.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_about_training_run(playground: Path) -> None:
    done = run_commands("docs/training.md", playground)
    assert done.returncode == 0, done.stderr
    assert "windmill" in done.stdout
    assert "orb.npz: a vocabulary for orb, trained on" in done.stderr


def test_the_commands_about_metadata_run(playground: Path) -> None:
    done = run_commands("docs/metadata.md", playground)
    assert done.returncode == 0, done.stderr
    told = " images by the column id, their names without the ending; 1 row without an image; 3 col"
    assert told in done.stderr and told in (PROJECT / "docs/metadata.md").read_text("utf-8")
    with (playground / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    wanted = {"subject": "cat", "cost": "4.50", "price": "4.50", "taken": "2023-05-01"}
    assert wanted.items() <= rows["cats/cat-1.jpg"].items()
    assert "subject:" in done.stdout and (playground / "failures.html").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_and_the_python_about_verification_run(playground: Path) -> None:
    done = run_commands("docs/verification.md", playground)
    assert done.returncode == 0, done.stderr
    assert "inliers" in done.stdout and (playground / "matches.jpg").exists()
    (code,) = blocks("docs/verification.md", "python")
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=playground, capture_output=True, text=True, check=False
    )
    assert " True [[" in told.stdout, told.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_about_networks_run(playground: Path) -> None:
    done = run_commands("docs/neural.md", playground)
    assert done.returncode == 0, done.stderr
    assert "windmills/windmill-" in done.stdout


def test_the_commands_and_the_python_about_several_images_run(playground: Path) -> None:
    done = run_commands("docs/search-by-several.md", playground)
    assert done.returncode == 0, done.stderr
    assert '"orientation": {"turned": 0, "mirrored": false}' in done.stdout
    script = playground / "several.py"
    script.write_text("\n".join(blocks("docs/search-by-several.md", "python")), encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=playground, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("as it is\n")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_about_evaluation_run(tmp_path: Path) -> None:
    for name in ("data", "queries"):  # all of them: the page shows what comes of it
        shutil.copytree(PROJECT / name, tmp_path / name)
    done = run_commands("docs/evaluation.md", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    document = json.loads((tmp_path / "evaluation.json").read_text())
    documents = map(json.loads, blocks("docs/evaluation.md", "json"))
    shown, kept_shown = (one for one in documents if "runs" in one)
    assert list(document) == list(shown) and document["queries"] == shown["queries"]
    run, shown_run = document["runs"][0], shown["runs"][0]
    assert [key for key in shown_run if key != "classes"] == list(run)
    assert run["map"] == pytest.approx(shown_run["map"], abs=0.01)
    assert (tmp_path / "curves.svg").exists() and (tmp_path / "failures.html").exists()
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert kept.keys() == kept_shown.keys() | document.keys()
    assert kept["runs"][0].keys() == kept_shown["runs"][0].keys() | shown_run.keys()
    worst, worst_shown = (one["runs"][0]["worst"][0] for one in (kept, kept_shown))
    assert worst.keys() == worst_shown.keys() and worst["path"] == worst_shown["path"]
    assert worst["hits"][0].keys() == worst_shown["hits"][0].keys()
    (reading,) = (one for one in blocks("docs/evaluation.md", "python") if "stored" in one)
    subprocess.run([sys.executable, "-c", reading], cwd=tmp_path, check=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ["docs/python.md", "README.md"])
def test_the_python_of_the_documentation_runs(playground: Path, page: str) -> None:
    script = playground / "page.py"
    script.write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    if page == "README.md":
        command = [sys.executable, "-m", "cbir", "index", "-d", "data", "--quiet"]
        subprocess.run(command, cwd=playground, check=True)
    env = {**os.environ, "XDG_DATA_HOME": str(playground / "home")}  # for the trash
    done = subprocess.run(
        [sys.executable, script],
        cwd=playground, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "windmill" in done.stdout or "cat" in done.stdout


def test_the_python_about_copies_tells_those_that_stay(tmp_path: Path) -> None:
    cats = tmp_path / "data" / "cats"
    cats.mkdir(parents=True)
    with Image.open(PROJECT / "data" / "cats" / "cat-1.jpg") as image:
        shutil.copy(image.filename, cats)
        image.resize((image.width // 2, image.height // 2)).save(cats / "small.png")
        image.paste((200, 30, 30), (0, 0, image.width, image.height // 8))
        image.save(cats / "titled.jpg", quality=60)
    (block,) = (one for one in blocks("docs/python.md", "python") if "find_groups" in one)
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "keep data/cats/cat-1.jpg"
    assert "  removable data/cats/small.png" in lines[1]
    assert lines[2].startswith("  stays data/cats/titled.jpg because of area: ")


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    commands = blocks("README.md", "sh")
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)


def test_the_commands_and_the_python_about_parquet_run(playground: Path) -> None:
    done = run_commands("docs/index-format.md", playground)
    assert done.returncode == 0, done.stderr
    (code,) = blocks("docs/index-format.md", "python")
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=playground, capture_output=True, text=True, check=True)
    images = len(list((playground / "data").rglob("*.jpg")))
    assert said.stdout.startswith(f"({images}, 1536) ({images}, 32)\n({images}, 1536)\n[('")


def test_links_lead_somewhere() -> None:
    pages = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_pages_with_figures_are_up_to_date() -> None:
    code = (
        "import pages\n"
        "for name, page in pages.PAGES.items():\n"
        "    assert (pages.DOCS / f'{name}.md').read_text() == page(), name\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT / "benchmarks", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, "run: python benchmarks/pages.py\n" + done.stderr


def test_every_sample_image_has_a_source_and_a_license() -> None:
    text = (PROJECT / "data" / "README.md").read_text(encoding="utf-8")
    for folder in ("data", "queries"):
        for path in (PROJECT / folder).rglob("*.jpg"):
            name = str(path.relative_to(PROJECT / folder))
            assert f"`{name}`" in text or f"`{folder}/{name}`" in text, path


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_commands_and_the_python_about_the_page_run(playground: Path) -> None:
    """Both are about the same server, which the first of the commands start."""
    script = playground / "page.py"
    script.write_text("\n".join(blocks("docs/web.md", "python")), encoding="utf-8")
    for name in ("cats", "sky"):  # so there is something to find
        (playground / "data" / name).mkdir(exist_ok=True)
    commands = "\n".join(blocks("docs/web.md", "bash"))
    tour = f"trap 'kill %1' EXIT\n{commands}\n{sys.executable} page.py\n"
    scripts = str(Path(sys.executable).parent)
    env = {
        **os.environ,
        "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
        "XDG_DATA_HOME": str(playground / "xdg"),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tour],
        cwd=playground, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"total":1' in done.stdout and "cats/cat-" in done.stdout
    assert done.stdout.splitlines().count("done") == 3 and "'unreadable': 0" in done.stdout
