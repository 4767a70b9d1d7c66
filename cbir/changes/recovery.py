"""What became of a step that was broken off by an error, an interrupt or a kill; clear it up.

Only what has a temporary name of the step, and is by its contents what the step put there, is ever
removed, or what has the name of an addition that is not finished.
"""

from __future__ import annotations

import contextlib
import os
import stat

from cbir.changes.files import holds, is_prefix, remove_temporary, same_file
from cbir.changes.logged_steps import Intent, State
from cbir.changes.places import is_real
from cbir.core.atomic_files import sync_folder
from cbir.core.real_paths import real_path
from cbir.core.renaming import rename_new


def state_on_disk(intent: Intent) -> State:
    """Tell by looking at the files whether a step was done."""
    if intent.action == "add":
        return _state_of_addition(intent)
    if is_our_link(intent, intent.path):
        return "done"
    there = holds(intent.path, intent.digest)
    if intent.action == "move" and intent.target and holds(intent.target, intent.digest):
        return "both" if there else "done"
    if there:
        return "not done"
    if any(holds(aside, intent.digest) for aside in (intent.path_aside, intent.aside)):
        return "aside"
    gone = not os.path.lexists(intent.path)
    return "done" if intent.action == "delete" and gone else "unclear"


def recover(intent: Intent) -> State:
    """Bring a step that was broken off to one of its ends; return which, as the disk tells it.

    An image that is left only under a temporary name gets its old name back, unless something else
    has that by now.
    """
    if not is_real(intent.path) or not is_real(intent.aside):
        return state_on_disk(intent)
    if intent.action == "add":
        return _recover_addition(intent)
    _bring_back(intent)
    whole = _whole(intent)
    for aside in {intent.path_aside, intent.aside, intent.link_aside}:
        if whole is not None and (is_our_link(intent, aside) or is_prefix(aside, whole)):
            remove_temporary(aside)
    state = state_on_disk(intent)
    if state == "both" and _is_one_file_with_two_names(intent):
        remove_temporary(intent.target or "")
        sync_folder(os.path.dirname(intent.aside))
        state = state_on_disk(intent)
    if state == "not done":
        remove_folders(intent)
    return state


def _state_of_addition(intent: Intent) -> State:
    if not is_real(intent.path):
        return "unclear"  # what is there was not put there by the step
    aside = intent.new_aside
    if os.path.lexists(aside) and not same_file(aside, intent.path):
        return "not done"  # whatever is there is somebody else's
    if holds(intent.path, intent.digest):
        return "done"
    return "unclear" if os.path.lexists(intent.path) else "not done"


def _recover_addition(intent: Intent) -> State:
    """Remove what is left of an addition that was broken off, and the folders that it made.

    What is written so far has no contents by which to know it. Its name does: nothing else is ever
    called so, and no image is ever set aside under such a name.
    """
    state = state_on_disk(intent)
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.lstat(intent.new_aside).st_mode):
            remove_temporary(intent.new_aside)
    if state == "not done":
        remove_folders(intent)
    return state


def is_our_link(intent: Intent, path: str) -> bool:
    """Say whether there is, at `path`, the link that the step makes."""
    try:
        if intent.action == "hardlink":
            assert intent.kept is not None
            return same_file(path, intent.kept) and os.lstat(path).st_nlink > 1
        return intent.action == "symlink" and os.readlink(path) == intent.link
    except (OSError, ValueError):
        return False


def remove_link(intent: Intent) -> None:
    """Remove the link that the step made in the place of the copy, if it is there."""
    if is_our_link(intent, intent.path):
        os.unlink(intent.path)


def remove_folders(intent: Intent) -> None:
    """Remove the folders that the step made, if nothing is in them."""
    for folder in reversed(intent.made_folders):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _bring_back(intent: Intent) -> None:
    """Give the image a name again if it has only a temporary one."""
    if _whole(intent) is not None:
        return
    places = (intent.path_aside, intent.path), (intent.aside, intent.target or intent.path)
    for aside, place in places:
        if holds(aside, intent.digest):
            with contextlib.suppress(OSError):
                remove_link(intent)  # one that leads to other contents by now
                rename_new(aside, place)
            return
    if is_our_link(intent, intent.link_aside):
        with contextlib.suppress(OSError):
            rename_new(intent.link_aside, intent.path)


def _whole(intent: Intent) -> str | None:
    """Return a file that has the image's contents under a name that is not temporary."""
    paths = [intent.path]
    if intent.action == "symlink" and is_our_link(intent, intent.path):
        paths = [real_path(intent.path)]
    if intent.target is not None:
        paths.append(intent.target)
    return next((path for path in paths if holds(path, intent.digest)), None)


def _is_one_file_with_two_names(intent: Intent) -> bool:
    copy, target = intent.path, intent.target
    return target is not None and same_file(copy, target) and os.lstat(copy).st_nlink > 1
