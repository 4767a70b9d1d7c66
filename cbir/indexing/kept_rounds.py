"""The rounds of a training, kept in a file beside its output until it is done."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.atomic_files import write_arrays
from cbir.core.errors import printable
from cbir.core.messages import Message, Parameter
from cbir.core.npz import arrays_in
from cbir.core.overwriting import Output
from cbir.core.progress import ProgressListener
from cbir.core.regular_files import open_regular, read_regular
from cbir.descriptors.resumable import ResumableDescriptor, Rounds

_MARK = b"cbir rounds of a training, 1\n"
"""What the file begins with; behind it the SHA-256 of the rest, an ``.npz``."""

_SUM = hashlib.sha256().digest_size

_MOST_BYTES = 1 << 26


class KeptRounds(Rounds):
    """Keeps rounds in a file.

    A file of another training, or a damaged one, counts as none and is replaced. A file that is
    none of ours is never touched.

    Parameters
    ----------
    output : str
        Where the result is to go.
    descriptor : ResumableDescriptor
        What is trained.
    samples : sequence of ndarray
        What it is trained on.
    listener : ProgressListener
        Told when an earlier run is continued, or cannot be.
    """

    def __init__(
        self,
        output: str,
        descriptor: ResumableDescriptor,
        samples: Sequence[NDArray[Any]],
        listener: ProgressListener,
    ) -> None:
        self._path = rounds_path(output)
        self._training = _digest(descriptor, samples)
        self._listener = listener

    def last(self) -> tuple[int, NDArray[np.uint8]] | None:
        """Return how many rounds an earlier run did and their words; None: there was none."""
        try:
            arrays = _read(self._path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._listener.warn(
                f"{printable(self._path)}: what an interrupted training left cannot be used:"
                f" {error}; it begins again"
            )
            return None
        if arrays["training"].tobytes() != self._training:
            return None
        done = int(arrays["done"])
        self._listener.note(f"Continuing an interrupted training after round {done}")
        return done, arrays["words"]

    def keep(self, done: int, words: NDArray[np.uint8]) -> None:
        """Write the words that `done` rounds gave.

        Raises
        ------
        CbirError
            When the file cannot be written.
        """
        data = io.BytesIO()
        training = np.frombuffer(self._training, np.uint8)
        write_arrays(data, {"done": np.array(done), "words": words, "training": training})
        content = data.getvalue()
        with _OUTPUT.written(self._path) as file:
            file.write(_MARK + hashlib.sha256(content).digest() + content)

    def remove(self) -> None:
        """Remove the file, if it is one of ours; failing to is no harm."""
        with contextlib.suppress(OSError):
            if _is_ours(self._path):
                os.unlink(self._path)


def rounds_path(output: str) -> str:
    """Return where the rounds of the training of `output` are kept."""
    return f"{output}.rounds"


def check_rounds_file(output: str) -> None:
    """Find out before the long work whether rounds can be kept beside `output`.

    Raises
    ------
    CbirError
        When something else is in the way.
    """
    _OUTPUT.check(rounds_path(output))


def _read(path: str) -> dict[str, NDArray[Any]]:
    data = read_regular(path, _MOST_BYTES)
    content = data[len(_MARK) + _SUM :]
    if data[: len(_MARK) + _SUM] != _MARK + hashlib.sha256(content).digest():
        raise ValueError("it is damaged")
    arrays = arrays_in(content)
    if arrays.keys() != {"done", "training", "words"}:
        raise ValueError("it holds something else")
    done, words = arrays["done"], arrays["words"]
    if done.shape or done.dtype.kind not in "iu" or words.ndim != 2 or words.dtype != np.uint8:
        raise ValueError("it holds something else")
    return arrays


def _is_ours(path: str) -> bool:
    with open_regular(path) as file:
        return bool(file.read(len(_MARK)) == _MARK)


_OUTPUT = Output(
    "what is kept of an unfinished training",
    Message("move it away, or choose another name with ", Parameter("output")),
    _is_ours,
)


def _digest(descriptor: ResumableDescriptor, samples: Sequence[NDArray[Any]]) -> bytes:
    """Return what tells this training from others: of the descriptor and of all samples."""
    sha256 = hashlib.sha256(f"{descriptor.name} {descriptor.fingerprint}\n".encode())
    for sample in samples:
        sha256.update(f"{sample.dtype.str} {sample.shape}\n".encode())
        sha256.update(np.ascontiguousarray(sample).data)
    return sha256.digest()
