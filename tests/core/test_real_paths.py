"""Where a path leads is told also while links on it are replaced."""

from __future__ import annotations

import os
from pathlib import Path

from cbir.core.real_paths import UnsteadyPathError, real_path
from tests.core.test_confined_files import swapped


def test_links_that_are_swapped_cause_no_other_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / ".link").symlink_to(tmp_path / "b")
    expected = {str(tmp_path / "a/x"), str(tmp_path / "b/x")}
    with swapped(tmp_path / "a", tmp_path / ".link"):
        for _ in range(3000):
            try:
                assert real_path(str(tmp_path / "a/x")) in expected
            except UnsteadyPathError:
                continue


def test_it_is_the_path_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("no/../such")
    for path in ("link/x", "link", "..", ""):
        whole = os.path.join(tmp_path, path)
        assert real_path(whole) == os.path.realpath(whole)
