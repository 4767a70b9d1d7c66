"""Wrong tokens are told of, and who tries many fills no log."""

from __future__ import annotations

import asyncio

import pytest

from cbir.web.security.failed_logins import FailedLogins


def test_many_failures_make_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    async def attempts() -> None:
        failed = FailedLogins(pause=0.05)
        for number in range(1000):
            failed.note(f"10.0.0.{number % 5}\n")
        while len(caplog.messages) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        failed.note("::1")

    asyncio.run(attempts())
    assert caplog.messages == [
        r"1 login failed by a wrong token from 10.0.0.0\n",
        r"999 logins failed by a wrong token, the last from 10.0.0.4\n",
        "1 login failed by a wrong token from ::1",
    ]
