"""What is fuzzed: a parser, valid bytes for it, and what must hold whatever it is given."""

from __future__ import annotations

import contextlib
import hashlib
import io
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

import numpy as np
import pandas  # noqa: F401 - stopped halfway by HangError, its import crashes the next one
from hypothesis import strategies as st
from numpy.typing import NDArray

from cbir.core import stderr_capture
from cbir.core.errors import CbirError
from tests.fuzz.mutations import damaged

FOUND = Path(__file__).parent / "found"
"""Inputs that once broke a parser, in a folder for each target; they are tried every time."""

PATIENCE = 20.0
"""Seconds of computing for one input; what takes longer hangs."""


class Target(ABC):
    """A parser of foreign bytes.

    Parameters
    ----------
    folder : Path
        A scratch folder of its own.
    """

    name: ClassVar[str]
    tokens: ClassVar[tuple[bytes, ...]] = ()
    """What the mutations may put anywhere."""
    examples: ClassVar[int] = 25
    """How many inputs a test tries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    @abstractmethod
    def seeds(self) -> list[bytes]:
        """Valid bytes, made by the program itself."""

    @abstractmethod
    def parse(self, data: bytes) -> None:
        """Give `data` to the parser, and check what must hold of what it returns.

        Raises
        ------
        CbirError
            When the parser refuses the data. Anything else is a defect.
        """

    def inputs(self) -> st.SearchStrategy[bytes]:
        """Return the strategy that makes inputs."""
        return damaged(self.seeds, self.tokens)

    def accepts(self, data: bytes) -> bool:
        """Parse `data` within the time that it may take; say whether it was not refused."""
        try:
            with within(PATIENCE), stderr_capture.capture():
                self.parse(data)
        except CbirError as error:
            assert str(error).strip(), "an error says what is wrong"
            return False
        return True

    @property
    def found(self) -> list[bytes]:
        """Inputs that once broke it."""
        return [path.read_bytes() for path in sorted((FOUND / self.name).glob("*"))]


class HangError(BaseException):
    """One input takes too long; no ``except Exception`` catches it."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise :class:`HangError` in the block when it takes longer, where the system can."""
    if not hasattr(signal, "setitimer"):  # not on Windows
        yield
        return

    def ring(_: int, __: FrameType | None) -> None:
        raise HangError(f"no end after {seconds:g} seconds")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def digest(data: bytes) -> str:
    """Return a short name for `data`."""
    return hashlib.sha256(data).hexdigest()[:12]


def as_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of an ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
