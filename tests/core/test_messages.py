"""Messages say the same in words of the API and in others."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import cbir
from cbir.core.errors import BrokenIndexError, CbirError, UsageError, cause_of
from cbir.core.messages import Call, Message, Parameter

REBUILD = Call("index", dataset="data", index="my index.csv", rebuild=True)


def _shouted(named: Parameter | Call) -> str:
    return (named.name if isinstance(named, Parameter) else named.function).upper()


def test_a_message_is_text_in_words_of_the_api() -> None:
    message = Message("give ", Parameter("index"), ", or call ", REBUILD)
    assert message == "give index, or call cbir.index('data', 'my index.csv', rebuild=True)"
    assert message.worded(_shouted) == "give INDEX, or call INDEX"


def test_messages_and_errors_within_are_said_anew() -> None:
    error = BrokenIndexError("it is broken; ", REBUILD)
    outer = CbirError("not now: ", Message("first ", Parameter("wait", True)), "; then ", error)
    call = "cbir.index('data', 'my index.csv', rebuild=True)"
    assert str(outer) == f"not now: first wait=True; then it is broken; {call}"
    assert outer.message.worded(_shouted) == "not now: first WAIT; then it is broken; INDEX"


def test_a_message_and_an_error_survive_pickling() -> None:
    message = Message("give ", Parameter("index"))
    copy = pickle.loads(pickle.dumps(message))
    assert copy == message and copy.parts == message.parts
    error = CbirError(message, ", or ", REBUILD)
    assert pickle.loads(pickle.dumps(error)).message.parts == error.message.parts


def test_a_value_that_the_reader_knows_is_left_open() -> None:
    call = Call("index", dataset=..., index="index.csv", descriptors=...)
    assert str(call) == "cbir.index(dataset, 'index.csv', descriptors=...)"


def test_an_error_without_a_message_is_empty() -> None:
    assert str(CbirError()) == "" and CbirError().message.parts == ()


PACKAGE = Path(cbir.__file__).parent
WORDS = {PACKAGE / name for name in ("core/command_words.py", "web/wording.py", "web/openapi.py")}
"""By which the command line and the page name options."""

OF_OTHER_PROGRAMS = {("reports/fonts.py", "--format")}


def _options_in(path: Path) -> set[tuple[str, str]]:
    """Return the options that constants and docstrings of a module name."""
    tree, name = ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(PACKAGE))
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    found = (re.findall(r"(?<![\w-])--[a-z][\w-]*", text) for text in texts if type(text) is str)
    return {(name, option) for options in found for option in options}


def test_only_the_command_line_speaks_of_options() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "cli"]
    named = {found for path in paths if path not in WORDS for found in _options_in(path)}
    assert named <= OF_OTHER_PROGRAMS


class _SpeechlessError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_error_is_shown_whatever_it_was_made_of() -> None:
    assert str(CbirError(OSError("full"))) == "full" and str(CbirError(3)) == "3"
    assert str(UsageError("a: ", Path("b"))) == "a: b"
    assert cause_of(_SpeechlessError()) == "_SpeechlessError: it cannot say why"
