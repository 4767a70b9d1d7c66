"""Compile a loop, and keep its machine code.

A program of its own: ``python -m cbir.core.machine_code_compiler MODULE FUNCTION FILE HOW TYPE …``;
see :mod:`cbir.core.machine_code`, which runs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cbir.core.atomic_files import written_aside
from cbir.core.machine_code import framed, runner
from cbir.core.private_folders import make_folder


def main(module: str, name: str, path: str, how: str, *arguments: str) -> None:
    """Compile a function of a module for arguments of some types, and keep it at a path.

    How: ``exact`` or ``fast``.
    """
    if hasattr(os, "nice"):
        os.nice(10)  # somebody else is at work
    function: Callable[..., None] = getattr(import_module(module), name)
    symbol, code = compiled(function, arguments, how == "exact")
    if not _is_called_rightly():
        raise SystemExit("this version of numba calls functions in another way")
    make_folder(Path(path).parent)
    with written_aside(path, durable=False) as file:
        os.chmod(file.fileno(), 0o600)  # what others may write to is not loaded
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


def _is_called_rightly() -> bool:
    """Try a function whose answer is known, with arguments of all kinds."""
    arguments = ("uint8*", "int64", "float32", "float64", "float32*")
    values, out = np.arange(4, dtype=np.uint8), np.zeros(4, np.float32)
    runner(*compiled(_scaled, arguments, is_exact=True), arguments)(values, 4, 0.5, 2.0, out)
    return out.tolist() == [2, 2.5, 3, 3.5]


def _scaled(values, count, factor, added, out):  # type: ignore[no-untyped-def]
    for i in range(count):
        out[i] = values[i] * factor + added


if __name__ == "__main__":
    main(*sys.argv[1:])
