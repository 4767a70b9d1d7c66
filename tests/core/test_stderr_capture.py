"""What C code prints is caught, and told to the right action."""

from __future__ import annotations

import os
import sys

import pytest

from cbir.core import stderr_capture


def test_what_is_printed_is_caught_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    with stderr_capture.capture():
        os.write(2, b"libpng warning: before\n")
        before = stderr_capture.captured_size()
        assert (
            stderr_capture.output_of(lambda: os.write(2, b"noise\nmore\nnoise\n"))
            == "noise (and 1 further remark)"
        )
        assert stderr_capture.captured_size() == before + 17
        assert stderr_capture.output_of(lambda: None) == ""
    assert capfd.readouterr().err == ""


def test_python_keeps_its_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with stderr_capture.capture():
        print("hello", file=sys.stderr)
        os.write(2, b"noise\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "hello\nnoise\nafter\n"


def test_catching_can_be_nested(capfd: pytest.CaptureFixture[str]) -> None:
    with stderr_capture.capture():
        with stderr_capture.capture():
            pass
        assert stderr_capture.output_of(lambda: os.write(2, b"inner\n")) == "inner"
    assert capfd.readouterr().err == ""


def test_in_somebodys_program_nothing_is_caught(capfd: pytest.CaptureFixture[str]) -> None:
    stderr_capture.enable(False)
    with stderr_capture.capture():
        os.write(2, b"mine\n")
    assert capfd.readouterr().err == "mine\n"


def test_without_catching_nothing_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    assert stderr_capture.output_of(lambda: os.write(2, b"loud\n")) == ""
    assert stderr_capture.captured_size() == 0
    assert capfd.readouterr().err == "loud\n"


def test_what_a_plug_in_prints_comes_out_and_what_decoders_print_does_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    decoders = (
        b"Corrupt JPEG data: 5 extraneous bytes before marker 0xd9\n",
        b"libpng warning: iCCP: known incorrect sRGB profile\n",
        b"[ WARN:0@0.012] global loadsave.cpp:275 findDecoder\n",
    )
    with stderr_capture.capture():
        for line in decoders:
            os.write(2, line)
            os.write(2, b"from a plug-in\n")
        stderr_capture.output_of(lambda: os.write(2, b"a decoder that nobody knows\n"))
        os.write(2, b"without an end")
    assert capfd.readouterr().err == 3 * "from a plug-in\n" + "without an end"


def test_what_was_printed_comes_out_when_the_work_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), stderr_capture.capture():
        os.write(2, b"the reason\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "the reason\n"
