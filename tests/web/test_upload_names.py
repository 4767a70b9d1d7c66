"""Names of uploaded files, whatever these are called."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.images.discovery import IMAGE_EXTENSIONS
from cbir.web.upload_names import free_path, safe_name

NAMES = st.text(max_size=400) | st.builds(
    "{}{}".format, st.text(max_size=400), st.sampled_from(sorted(IMAGE_EXTENSIONS))
)


@given(NAMES)
def test_any_name_becomes_one_that_any_system_takes(name: str) -> None:
    safe = safe_name(name)
    assert safe and len(os.fsencode(safe)) <= 255
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f]', safe)
    assert not safe.startswith(".") and safe == safe.strip()
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.jpg", "cat.jpg"),
        ("Änne.JPG", "Änne.JPG"),
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\Users\\me\\cat.jpg", "cat.jpg"),
        (".jpg", "jpg"),
        ("a\u202egpj.jpg", "agpj.jpg"),
        ("a\r\nb.jpg", "ab.jpg"),
        ("nul.png", "_nul.png"),
        ("COM1", "_COM1"),
        ("trailing. ", "trailing"),
        ("", "image"),
        ("x" * 300 + ".jpg", "x" * 196 + ".jpg"),
    ],
)
def test_known_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_numbers_are_tried_until_one_is_free() -> None:
    taken = {"a.jpg", *(f"a ({number}).jpg" for number in range(2, 9))}
    assert free_path("a.jpg", taken.__contains__) == "a (9).jpg"
