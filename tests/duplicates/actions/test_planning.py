"""What is planned, and what is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.duplicates.actions import Plan, Removal, plan
from cbir.duplicates.loss import Loss
from tests.duplicates.actions.helpers import planned, removal, write


def reasons(made: Plan) -> list[str]:
    assert not made.steps
    return [told.reason for told in made.refused]


def test_lines_tell_what_will_happen(root: Path) -> None:
    for name in ("a/c.jpg", "a/b.jpg", "new\nline.jpg"):
        write(root, name)
    pair = removal(root, "a/c.jpg", "a/b.jpg")
    moved = root.parent / "moved"
    assert planned(root, "move", pair).lines() == [
        f"move  a/b.jpg -> {moved}/a/b.jpg   (copy of a/c.jpg, exact)"
    ]
    assert planned(root, "hardlink", pair).lines() == [
        "hardlink  a/b.jpg   (link to a/c.jpg, exact)"
    ]
    assert planned(root, "delete", pair, permanently=True).lines() == [
        "delete for good  a/b.jpg   (copy of a/c.jpg, exact)"
    ]
    odd = planned(root, "delete", removal(root, "a/c.jpg", "new\nline.jpg"))
    assert odd.lines() == ["delete  new\\nline.jpg   (copy of a/c.jpg, exact)"]
    assert odd.size == 4


def test_steps_are_sorted_and_a_copy_is_planned_once(root: Path) -> None:
    for name in "abc":
        write(root, name)
    pairs = removal(root, "a", "c"), removal(root, "a", "b"), removal(root, "a", "./b")
    made = planned(root, "delete", *pairs)
    assert [os.path.basename(step.copy) for step in made.steps] == ["b", "c"]
    assert [told.reason for told in made.refused] == ["it is in the plan already"]


def test_a_hard_link_to_the_kept_image_is_not_a_copy(root: Path) -> None:
    os.link(write(root, "a"), root / "b")
    made = planned(root, "delete", removal(root, "a", "b"))
    assert reasons(made) == ["it is one file with a: nothing to free"]
    assert made.lines() == ["skip  b   (it is one file with a: nothing to free)"]


def test_a_file_in_a_linked_folder_that_is_the_kept_image_is_not_a_copy(root: Path) -> None:
    write(root, "real/a")
    (root / "link").symlink_to("real")
    made = planned(root, "delete", removal(root, "real/a", "link/a"))
    assert reasons(made) == ["it is one file with real/a: nothing to free"]


def test_the_file_behind_a_kept_image_that_is_a_link_stays(root: Path) -> None:
    write(root, "real")
    write(root, "other")
    (root / "link").symlink_to("real")
    assert "nothing to free" in reasons(planned(root, "delete", removal(root, "link", "real")))[0]
    with pytest.raises(CbirError, match="to be kept for another copy"):
        planned(root, "delete", removal(root, "link", "other"), removal(root, "other", "real"))


def test_a_symbolic_link_is_not_acted_through(root: Path) -> None:
    write(root, "a")
    write(root, "b")
    (root / "link").symlink_to("b")
    assert "symbolic link" in reasons(planned(root, "delete", removal(root, "a", "link")))[0]


def test_a_kept_image_that_is_to_go_spoils_the_plan(root: Path) -> None:
    for name in "abc":
        write(root, name)
    with pytest.raises(CbirError, match="b: it is to be removed, as a copy of a, and to be kept"):
        planned(root, "delete", removal(root, "a", "b"), removal(root, "b", "c"))


def test_another_name_of_a_kept_image_stays(root: Path) -> None:
    for name in "abc":
        write(root, name)
    os.link(root / "b", root / "b2")
    made = planned(root, "delete", removal(root, "a", "b2"), removal(root, "b", "c"))
    assert [step.removal.copy for step in made.steps] == ["c"]
    assert made.refused[0].reason.endswith("which is kept")


def test_one_file_with_two_names_that_both_are_copies_stays(root: Path) -> None:
    for name in "ab":
        write(root, name)
    os.link(root / "b", root / "b2")
    made = planned(root, "delete", removal(root, "a", "b"), removal(root, "a", "b2"))
    assert len(reasons(made)) == 2 and "(hard links): nothing to free" in reasons(made)[0]


def test_links_are_made_for_the_same_bytes_only(root: Path) -> None:
    write(root, "a")
    write(root, "b", b"other")
    for action in ("hardlink", "symlink"):
        made = planned(root, action, removal(root, "a", "b", "near"))  # type: ignore[arg-type]
        assert reasons(made)[0].endswith("a link would lose them; move it instead")


def test_a_copy_that_shows_more_than_the_kept_image_stays(root: Path) -> None:
    for name in "abc":
        write(root, name, name.encode())
    pages, crop = Loss("frames", "2 further frames"), Loss("area", "57 % of it")
    more = replace(removal(root, "a", "b", "near"), losses=(pages, crop))
    made = planned(root, "delete", more, removal(root, "a", "c", "near"))
    assert made.lines() == [
        "delete  c   (copy of a, near)",
        "skip  b   (it shows what a does not: frames: 2 further frames; area: 57 % of it;"
        " let it go with allow_loss=('frames', 'area'))",
    ]
    made = planned(root, "delete", more, allow_loss={"frames"})
    assert reasons(made)[0].endswith("allow_loss='area'")
    made = planned(root, "delete", more, allow_loss={"frames", "area"})
    assert made.lines() == [
        "delete  b   (copy of a, near; to be lost: frames: 2 further frames; area: 57 % of it)"
    ]


def test_one_that_stays_may_be_kept_for_others(root: Path) -> None:
    for name in "abc":
        write(root, name, name.encode())
    more = replace(removal(root, "a", "b"), losses=(Loss("frames", "2 further frames"),))
    made = planned(root, "delete", more, removal(root, "b", "c"))
    assert [step.removal.copy for step in made.steps] == ["c"] and len(made.refused) == 1


def test_what_is_missing_or_elsewhere_stays(root: Path) -> None:
    write(root, "a")
    outside = write(root.parent, "outside")
    (root / "folder").mkdir()
    nothing = bytes(32)
    made = planned(
        root,
        "move",
        Removal("a", "gone", nothing, nothing, "exact"),
        Removal("gone", "a", nothing, nothing, "exact"),
        Removal("a", "folder", nothing, nothing, "exact"),
        Removal("a", "nul\0", nothing, nothing, "exact"),
        Removal("a", str(outside), nothing, nothing, "exact"),
    )
    assert len(reasons(made)) == 5


def test_absolute_paths_and_a_linked_root_are_understood(root: Path, tmp_path: Path) -> None:
    write(root, "a")
    write(root, "x/b")
    (tmp_path / "link").symlink_to(root)
    pair = removal(root, str(root / "a"), str(root / "x" / "b"))
    made = plan([pair], "move", str(tmp_path / "link"), str(tmp_path / "out"))
    assert [step.target for step in made.steps] == [str(tmp_path / "out" / "x" / "b")]


def test_the_destination_is_not_where_the_next_scan_looks(root: Path, tmp_path: Path) -> None:
    write(root, "file")
    (tmp_path / "link").symlink_to(root / "inside")
    for place in (root, root / "inside", tmp_path / "link", root / "file"):
        with pytest.raises(CbirError, match=r"inside of the dataset|no folder"):
            plan([], "move", str(root), str(place))
    for place in (root / ".copies", root / ".x" / "y", tmp_path, tmp_path / "photos2"):
        plan([], "move", str(root), str(place))


def test_what_is_hidden_is_left_alone(root: Path) -> None:
    """No index has it, and an undo makes no hidden file, whatever its log says."""
    for name in ("a", ".b", ".x/c", "x/d"):
        write(root, name)
    (root / "link").symlink_to(".x")
    removals = [removal(root, "a", name) for name in (".b", ".x/c", "link/c", "x/d")]
    made = planned(root, "move", *removals, follow_links=True)
    assert [step.removal.copy for step in made.steps] == ["x/d"]
    assert all("hidden is left alone" in told.reason for told in made.refused)


def test_options_that_do_not_go_together(root: Path) -> None:
    with pytest.raises(UsageError):
        plan([], "move", str(root))
    with pytest.raises(UsageError):
        plan([], "delete", str(root), "destination")
    with pytest.raises(UsageError):
        plan([], "hardlink", str(root), permanently=True)
    with pytest.raises(CbirError, match="dataset is no folder"):
        plan([], "delete", str(root / "missing"))
