"""The files that vocabularies and models are kept in."""

from __future__ import annotations

import os

from cbir.core.atomic_files import write_arrays
from cbir.core.errors import CbirError, printable
from cbir.core.messages import Message, Parameter
from cbir.core.npz import load_arrays
from cbir.core.overwriting import Output
from cbir.descriptors.state import TRAINED, State, origin_of, with_origin
from cbir.descriptors.trained import TrainedDescriptor


def check_model_file(descriptor: TrainedDescriptor, path: str) -> None:
    """Find out before the long work whether the file can be written, and may be.

    Raises
    ------
    CbirError
        When something else is in the way, or the folder cannot be written to.
    """
    _output(descriptor, TRAINED).check(path)
    folder = os.path.dirname(os.path.abspath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CbirError(
            f"{printable(folder)}: cannot write to this folder; choose another with ",
            Parameter("output"),
        )


def write_model(descriptor: TrainedDescriptor, state: State, path: str, origin: str) -> int:
    """Write what a descriptor learned to the file `path`, and return its bytes.

    Parameters
    ----------
    descriptor : TrainedDescriptor
    state : State
    path : str
    origin : str
        :data:`~cbir.descriptors.state.TRAINED` or :data:`~cbir.descriptors.state.SHIPPED`.

    Raises
    ------
    CbirError
        When the file cannot be written, or is there and has another origin.
    """
    with _output(descriptor, origin).written(path) as file:
        write_arrays(file, with_origin(state, origin))
    return os.path.getsize(path)


def _output(descriptor: TrainedDescriptor, origin: str) -> Output:
    def is_ours(path: str) -> bool:
        try:
            return origin_of(load_arrays(path)) == origin
        except ValueError:
            return False

    remedy = Message("choose another name with ", Parameter("output"))
    return Output(f"the {descriptor.state_name}", remedy, is_ours)
