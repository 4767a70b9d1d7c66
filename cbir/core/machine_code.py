"""Loops over numbers as machine code, which is kept for the user and loaded without numba.

To import numba takes longer than to search a hundred thousand images, and to compile a loop takes
longer still. So a process of its own compiles a loop once a machine, by numba; what LLVM makes of
it is kept in the user's cache folder, and all later programs load that by llvmlite alone, in a
twentieth of a second. Nobody waits: until it is there, and wherever anything about it is wrong,
numpy serves.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cbir.core.private_folders import is_ours
from cbir.core.regular_files import open_regular
from cbir.core.version import __version__

if TYPE_CHECKING:  # few programs compile
    import subprocess

_MAGIC = b"cbir loop 1\n"
"""What a file begins with; behind it the SHA-256 of the rest: a symbol, a NUL, an object file."""

_SUM = hashlib.sha256().digest_size
_MOST_BYTES = 1 << 20
_PATIENCE = 120.0
"""Seconds that compiling may take."""

Run = Callable[..., None]
"""Runs a loop on arrays, bytes and numbers; it checks nothing."""

_CTYPES = {"int64": ctypes.c_int64, "float32": ctypes.c_float, "float64": ctypes.c_double}

_linking = threading.Lock()
"""Held while a loop is loaded, and by who forks: the child could not go on with half of it."""

_UNUSED = ctypes.c_void_p()
"""Where a result and an exception would go, which no loop has."""

_begun: set[str] = set()


@dataclass(frozen=True)
class Loop:
    """A function that writes numbers, and returns nothing.

    Attributes
    ----------
    function : callable
        At the top level of its module; what it uses beside numpy are its module's constants.
    arguments : tuple of str
        The types of its arguments: ``int64``, ``float32``, ``float64``, and with a ``*`` arrays of
        one dimension without gaps, such as ``uint8*``; what it writes comes last.
    is_exact : bool
        It gives the very numbers that numpy gives: what is added up is not reordered.
    is_short : bool
        It takes some microseconds: to release the GIL would take longer.
    """

    function: Callable[..., None]
    arguments: tuple[str, ...]
    is_exact: bool = False
    is_short: bool = False

    def ready(self) -> Run | None:
        """Return what runs it, or None where it was not compiled yet."""
        if not self.path.exists():
            return None
        with _linking:
            return _loaded(self)

    def compile(self) -> None:
        """Compile it in a process of its own, and wait; failing to is no harm."""
        from subprocess import TimeoutExpired

        process = self._started()
        if process is not None:
            try:
                process.wait(_PATIENCE)
            except TimeoutExpired:
                process.kill()
                process.wait()

    def compile_meanwhile(self) -> None:
        """Begin to compile it in a process of its own, at most once."""
        key = str(self.path)
        if key not in _begun:
            _begun.add(key)
            process = self._started()
            if process is not None:
                threading.Thread(target=process.wait, name="cbir-compile", daemon=True).start()

    @property
    def path(self) -> Path:
        """Where its machine code is kept."""
        return _folder() / f"{self.function.__name__}-{self._key}.loop"

    @cached_property
    def _key(self) -> str:
        """Identify what goes into the machine code: source, types, compiler and processor."""
        code, known = self.function.__code__, self.function.__globals__
        constants = [known.get(name) for name in code.co_names if name != "np"]
        told = repr([code.co_consts, code.co_names, constants, astuple(self)[1:], __version__])
        parts = [code.co_code, told.encode(), *_compiler_and_processor()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]

    def _started(self) -> subprocess.Popen[bytes] | None:
        if not re.match("python", os.path.basename(sys.executable or "")):
            return None  # embedded in another program, which cannot be run as Python
        import subprocess

        package = importlib.util.find_spec("cbir")
        assert package is not None
        assert package.submodule_search_locations is not None
        root = str(Path(package.submodule_search_locations[0]).parent)
        paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-m", "cbir.core.machine_code_compiler"]
        command += [self.function.__module__, self.function.__name__, str(self.path)]
        command += ["exact" if self.is_exact else "fast", *self.arguments]
        try:
            return subprocess.Popen(
                command,
                env={**os.environ, "PYTHONPATH": paths},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C ends the search, not this
            )
        except OSError:
            return None


class AwaitedLoop:
    """A loop that is worth loading, and worth compiling, only after some work without it.

    Any number of threads may use it at once.

    Parameters
    ----------
    loop : Loop
    worth_loading : int
        How much work takes longer without it than to load it: a twentieth of a second.
    worth_compiling : int
        How much work is worth a process of its own that takes two seconds.
    """

    def __init__(self, loop: Loop, worth_loading: int, worth_compiling: int) -> None:
        self._loop = loop
        self._worth_loading, self._worth_compiling = worth_loading, worth_compiling
        self._done = 0
        self._run: Run | None = None

    def after(self, work: int) -> Run | None:
        """Return what runs the loop, or None while it is not worth it, or not compiled yet.

        Parameters
        ----------
        work : int
            How much is done now, by whatever means.
        """
        if self._run is None:
            self._done += work
            if self._done > self._worth_loading:
                self._run = self._loop.ready()
                if self._run is None and self._done > self._worth_compiling:
                    self._loop.compile_meanwhile()
        return self._run


def framed(symbol: str, code: bytes) -> bytes:
    """Return the content of a file that keeps an object file and the symbol of its function."""
    body = symbol.encode() + b"\0" + code
    return _MAGIC + hashlib.sha256(body).digest() + body


def runner(symbol: str, code: bytes, arguments: tuple[str, ...], is_short: bool = False) -> Run:
    """Link an object file, and return what runs its function.

    Parameters
    ----------
    symbol : str
        Of the function.
    code : bytes
        The object file.
    arguments, is_short
        As :class:`Loop` has them.

    Raises
    ------
    RuntimeError
        When it cannot be linked.
    """
    import llvmlite.binding as llvm

    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    types: list[Any] = [ctypes.c_void_p if one.endswith("*") else _CTYPES[one] for one in arguments]
    # So numba's functions are called: two pointers come first, for a result and an exception.
    make = ctypes.PYFUNCTYPE if is_short else ctypes.CFUNCTYPE
    prototype = make(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *types)
    function = prototype(engine.get_function_address(symbol))

    unused = ctypes.addressof(_UNUSED)

    def run(*values: Any) -> None:
        function(unused, unused, *map(_as_argument, values))

    run.engine = engine  # type: ignore[attr-defined] # the code lives as long as it does
    return run


def _as_argument(value: Any) -> Any:
    """Return where the numbers of an array lie; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    try:
        # In a quarter of the time of the array's own way.
        return ctypes.addressof(ctypes.c_char.from_buffer(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # it is for reading only, or empty
        return value.ctypes.data


@cache
def _loaded(loop: Loop) -> Run | None:
    """Return what runs a loop that was compiled, or None if what is kept of it is damaged."""
    try:
        data = _read_ours(loop.path)
        body = data[len(_MAGIC) + _SUM :]
        if data[: len(_MAGIC) + _SUM] != _MAGIC + hashlib.sha256(body).digest():
            raise ValueError("damaged")
        symbol, _, code = body.partition(b"\0")
        return runner(symbol.decode(), code, loop.arguments, loop.is_short)
    except (OSError, ValueError, RuntimeError, ImportError):
        with contextlib.suppress(OSError):
            loop.path.unlink()  # so that it is made again
        return None


def _read_ours(path: Path) -> bytes:
    """Read machine code that nobody else may have written, as in a folder that many share.

    Raises
    ------
    OSError
        When somebody may.
    """
    with open_regular(str(path)) as file:
        # Of the file that is open: another may be in its place meanwhile.
        if not is_ours(os.fstat(file.fileno())) or os.path.islink(path):
            raise OSError("others may write to it")
        return file.read(_MOST_BYTES)


@cache
def _compiler_and_processor() -> list[bytes]:
    import llvmlite
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    return [one.encode() for one in (llvmlite.__version__, llvm.get_host_cpu_name(), features)]


def _engine() -> Any:
    """Return what links an object file; it owns the target machine, which no other may use."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


def _folder() -> Path:
    """Beside what numba keeps itself, for loops that only it can run."""
    import platformdirs

    told = os.environ.get("NUMBA_CACHE_DIR")
    return Path(told or os.path.join(platformdirs.user_cache_dir("cbir"), "numba"))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_linking.acquire, after_in_parent=_linking.release, after_in_child=_linking.release
    )
