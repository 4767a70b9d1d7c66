"""Sessions of onnxruntime: one for each network and process, made when it is first needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from cbir.core.optional_packages import optional_module

RUNTIME = "onnxruntime"
EXTRA = "cnn"
"""What installs it."""

_FATAL = 4
"""Of what it would print, which its errors say as well."""

_sessions: dict[str, Any] = {}
_lock = threading.Lock()
_left_behind: list[Any] = []
"""Of the process that this one was forked from: neither used nor closed, since what they hold of
its threads is not here."""


def session_of(key: str, model: Callable[[], bytes], needed_by: str) -> Any:
    """Return the session of a network, which any number of threads may use at once.

    Parameters
    ----------
    key : str
        Identifies the network.
    model : callable
        Returns its ONNX file, checked by :mod:`cbir.descriptors.neural.model_file` if it is not
        our own. Only called where there is no session yet.
    needed_by : str
        What it is for, in messages.

    Raises
    ------
    CbirError
        When onnxruntime is not there.
    Exception
        Of onnxruntime's own, when it refuses the file.
    """
    with _lock:
        session = _sessions.get(key)
        if session is None:
            runtime = optional_module(RUNTIME, needed_by, EXTRA)
            session = _sessions[key] = _opened(runtime, model())
    return session


def _opened(runtime: Any, model: bytes) -> Any:
    options = runtime.SessionOptions()
    # Images are described by threads of ours; and on more of its own, sums would be rounded
    # differently.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.load_model_format", "ONNX")  # as it was checked
    # Blocks that fit one shape of an image would be kept for each, and never be given back.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _left_behind.extend(_sessions.values())
    _sessions.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
