"""Loops compiled by numba, which are kept for the user from one run to the next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numba
import platformdirs


class _Cache:
    """What numba keeps of one function; nothing that is wrong with it is more than a miss.

    Files may be damaged, or the disk full: then the function is compiled, and kept if that goes.
    """

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        try:
            return self._kept.load_overload(signature, context)
        except Exception:
            with suppress(Exception):
                self._kept.flush()
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        with suppress(Exception):
            self._kept.save_overload(signature, compiled)


@contextmanager
def _cached_for_user() -> Iterator[None]:
    """Let numba keep what it compiles in the user's cache folder, unless it is told another one.

    Beside the modules, what it keeps would outlast them: pip removes but what it installed.
    """
    config: Any = numba.config  # its names are made when it is imported
    told = config.CACHE_DIR
    config.CACHE_DIR = told or os.path.join(platformdirs.user_cache_dir("cbir"), "numba")
    try:
        yield
    finally:
        config.CACHE_DIR = told


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    try:
        with _cached_for_user():
            dispatcher: Any = numba.njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # numba finds no folder that it can write its cache to
        return numba.njit(nogil=True, **options)(function)
    dispatcher._cache = _Cache(dispatcher._cache)
    return dispatcher


compiled = partial(_compiled, fastmath=True)
"""Compile a function of numbers; it releases the GIL, and may reorder what is added up."""

compiled_exactly = partial(_compiled, error_model="numpy")
"""Compile a function of numbers; it releases the GIL, and takes the steps that numpy takes."""


def is_cached(kernel: Any) -> bool:
    """Say whether a function of a module ``kernels`` was compiled before on this machine."""
    folder = kernel.stats.cache_path
    return folder is not None and any(Path(folder).glob(f"kernels.{kernel.__name__}-*.nbi"))
