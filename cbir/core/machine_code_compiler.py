"""Compile a loop, check what came out, and keep it.

A program of its own: ``python -m cbir.core.machine_code_compiler MODULE FUNCTION FILE HOW TYPE …``;
see :mod:`cbir.core.machine_code`, which runs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from cbir.core.atomic_files import written_aside
from cbir.core.machine_code import framed, runner

_ROWS, _WIDTH = 3, 40
"""Of what is tried: more numbers than a processor takes at once."""


def main(module: str, name: str, path: str, how: str, *arguments: str) -> None:
    """Compile a function of a module for arguments of some types, and keep it at a path.

    How: ``exact`` or ``fast``.
    """
    if hasattr(os, "nice"):
        os.nice(10)  # somebody else is at work
    function: Callable[..., None] = getattr(import_module(module), name)
    symbol, code = compiled(function, arguments, how == "exact")
    if not _is_right(function, symbol, code, arguments):
        raise SystemExit(f"{name}: the machine code gives other numbers")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with written_aside(path, durable=False) as file:
        file.write(framed(symbol, code))


def compiled(
    function: Callable[..., None], arguments: tuple[str, ...], is_exact: bool
) -> tuple[str, bytes]:
    """Return the symbol of a compiled function, and an object file that has it.

    Parameters
    ----------
    function, arguments, is_exact
        As :class:`cbir.core.machine_code.Loop` has them.
    """
    import llvmlite.binding as llvm
    import numba

    types: Any = numba.types

    def type_of(argument: str) -> Any:
        plain = getattr(types, argument.rstrip("*"))
        return types.CPointer(plain) if argument.endswith("*") else plain

    signature = types.void(*map(type_of, arguments))
    # Without what only Python would call, nothing of the code needs numba when it is linked.
    options: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    dispatcher: Any = numba.njit(fastmath=not is_exact, error_model="numpy", **options)(function)
    dispatcher.compile(signature)
    symbol = dispatcher.overloads[signature.args].fndesc.llvm_func_name
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="small",
    )
    module = llvm.parse_assembly(dispatcher.inspect_llvm(signature.args))
    return symbol, machine.emit_object(module)


def _is_right(
    function: Callable[..., None], symbol: str, code: bytes, arguments: tuple[str, ...]
) -> bool:
    """Run it beside Python on a few numbers."""
    rng, sizes = np.random.default_rng(0), iter([_ROWS, _WIDTH, 1])
    given: list[Any] = []
    for argument in arguments:
        if argument.endswith("*"):
            given.append(rng.integers(0, 99, _ROWS * _WIDTH).astype(argument.rstrip("*")))
        else:
            given.append(next(sizes) if argument == "int64" else np.float32(1.5))
    expected, found = given[-1].copy(), given[-1].copy()
    with np.errstate(over="ignore"):
        function(*given[:-1], expected)
    runner(symbol, code, arguments)(*given[:-1], found)
    return bool(np.allclose(expected, found, rtol=1e-4))


if __name__ == "__main__":
    main(*sys.argv[1:])
