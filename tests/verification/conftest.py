"""As the commands do: one thread for OpenCV and BLAS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cbir.core.threads import one_thread_each


@pytest.fixture(autouse=True, scope="module")
def _one_thread_each() -> Iterator[None]:
    """Spare the waiting of threads for work that is over at once."""
    with one_thread_each():
        yield
