"""The token lets in, and nothing else does; the change token is another one."""

from __future__ import annotations

import asyncio

from cbir.web.security.tokens import Tokens

TOKEN = b"correct-horse-battery"
WRONG = [
    "",
    "correct-horse-batter",
    "correct-horse-battery ",
    "correct-horse-batteryy",
    "Correct-horse-battery",
    "\u00e9" * 21,
    "\udc80",
    "x" * 100_000,
]


def test_wrong_tokens() -> None:
    tokens = Tokens(TOKEN)
    assert tokens.is_token(TOKEN) and tokens.is_token(TOKEN.decode())
    for wrong in WRONG:
        assert not tokens.is_token(wrong)
        assert not tokens.is_session(wrong)
        assert not tokens.may_change(wrong)


def test_no_secret_does_for_another() -> None:
    tokens = Tokens(TOKEN)
    assert not tokens.is_token(tokens.session) and not tokens.is_token(tokens.change_token)
    assert not tokens.is_session(TOKEN) and not tokens.is_session(tokens.change_token)
    assert not tokens.may_change(TOKEN) and not tokens.may_change(tokens.session)


def test_secrets_are_those_of_one_start() -> None:
    first, second = Tokens(TOKEN), Tokens(TOKEN)
    assert first.change_token != second.change_token and first.session != second.session
    assert len(first.change_token) >= 43
    assert not second.is_session(first.session)


def test_without_a_token_none_is_right() -> None:
    tokens = Tokens(None)
    assert not tokens.needed
    assert not tokens.is_token("") and not tokens.is_bearer(b"Bearer ")
    assert tokens.may_change(tokens.change_token)


def test_the_cookie() -> None:
    tokens = Tokens(TOKEN, "cbir_8000")
    cookie = f"cbir_8000={tokens.session}"
    assert tokens.session_cookie("http") == f"{cookie}; HttpOnly; SameSite=Strict; Path=/"
    assert tokens.session_cookie("https").endswith("; Secure")
    for header in (cookie, f"a=b; {cookie}", f"cbir_8000=old; {cookie}; c=d", f"a;;{cookie};"):
        assert tokens.has_session(header.encode())
    for header in ("", "a=b", f"x{cookie}", f"{cookie}x", f"cbir={tokens.session}", tokens.session):
        assert not tokens.has_session(header.encode())


def test_wrong_tokens_wait_in_one_line_of_limited_length() -> None:
    async def attempts() -> list[bool]:
        tokens = Tokens(TOKEN)
        waiting = [asyncio.create_task(tokens.pause()) for _ in range(200)]
        done, still = await asyncio.wait(waiting, timeout=0.6)
        for task in still:
            task.cancel()
        await asyncio.gather(*still, return_exceptions=True)
        # Those who went away hold no place.
        assert await tokens.pause()
        return [task.result() for task in done]

    results = asyncio.run(attempts())
    assert results.count(False) == 168 and 1 <= results.count(True) < 32
