"""Loops that are compiled for a test, once for all."""

from __future__ import annotations

from functools import cache

from cbir.core.machine_code import AwaitedLoop, Loop, Run


@cache
def compiled(loop: AwaitedLoop | Loop | None) -> Run:
    """Compile a loop, and return what runs it."""
    plain = loop._loop if isinstance(loop, AwaitedLoop) else loop
    assert plain is not None
    plain.compile()
    run = plain.ready()
    assert run is not None
    return run
