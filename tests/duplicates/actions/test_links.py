"""Linked folders: an action stays inside of the dataset and of its destination."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cbir.duplicates.actions import act, plan, undo
from tests.duplicates.actions.helpers import planned, removal, tree, write


@pytest.fixture
def linked(root: Path, tmp_path: Path) -> Path:
    """A dataset with a link to a library, which has the copy."""
    write(root, "a")
    write(tmp_path, "library/x/original")
    (root / "link").symlink_to(tmp_path / "library")
    return root


@pytest.mark.parametrize("action", ["delete", "move", "hardlink", "symlink"])
def test_what_is_behind_a_linked_folder_stays(linked: Path, tmp_path: Path, action: Any) -> None:
    pair = removal(linked, "a", "link/x/original")
    made = planned(linked, action, pair, permanently=action == "delete")
    assert not made.steps and "behind a linked folder" in made.refused[0].reason
    assert "follow_links=True" in made.refused[0].reason
    before = tree(tmp_path / "library")
    act(made, str(tmp_path / "log"))
    assert tree(tmp_path / "library") == before


def test_it_is_acted_on_when_that_is_asked_for(linked: Path, tmp_path: Path) -> None:
    before = tree(tmp_path / "library")
    pair = removal(linked, "a", "link/x/original")
    made = planned(linked, "move", pair, follow_links=True)
    log = str(tmp_path / "log")
    assert len(act(made, log).done) == 1
    assert (tmp_path / "moved" / "link" / "x" / "original").exists()
    assert "follow_links=True" in undo(log).left[0].reason
    assert len(undo(log, follow_links=True).undone) == 1
    assert tree(tmp_path / "library") == before


def test_a_link_to_a_folder_of_the_dataset_itself_is_inside(root: Path) -> None:
    write(root, "a")
    write(root, "real/b")
    (root / "link").symlink_to("real")
    assert len(planned(root, "delete", removal(root, "a", "link/b")).steps) == 1


def test_a_kept_image_behind_a_linked_folder_may_be_relied_on(linked: Path, tmp_path: Path) -> None:
    pair = removal(linked, "link/x/original", "a")
    report = act(planned(linked, "symlink", pair), str(tmp_path / "log"))
    assert len(report.done) == 1
    assert (linked / "a").readlink() == tmp_path / "library" / "x" / "original"


@pytest.mark.parametrize("side", ["copy", "kept"])
def test_a_folder_that_became_a_link_since_the_plan_is_not_followed(
    root: Path, tmp_path: Path, side: str
) -> None:
    write(root, "k/a")
    write(root, "c/b")
    made = planned(root, "delete", removal(root, "k/a", "c/b"), permanently=True)
    folder = root / ("c" if side == "copy" else "k")
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path)
    report = act(made, str(tmp_path / "log"))
    assert "behind a symbolic link by now" in report.skipped[0].reason
    after = tree(tmp_path)
    assert {path: after[path] for path in before} == before


def test_a_linked_folder_in_the_destination_does_not_lead_out_of_it(
    root: Path, tmp_path: Path
) -> None:
    write(root, "a")
    write(root, "x/b")
    (tmp_path / "moved").mkdir()
    (tmp_path / "elsewhere").mkdir()
    pair = removal(root, "a", "x/b")
    before_it_was_there = plan([pair], "move", str(root), str(tmp_path / "moved"))
    (tmp_path / "moved" / "x").symlink_to(tmp_path / "elsewhere")
    made = planned(root, "move", pair)
    assert not made.steps and "leads out of the destination" in made.refused[0].reason
    report = act(before_it_was_there, str(tmp_path / "log"))
    assert "would be behind a symbolic link" in report.skipped[0].reason
    assert (root / "x" / "b").exists() and not list((tmp_path / "elsewhere").iterdir())
