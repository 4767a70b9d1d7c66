"""Names that file managers give to copies."""

from __future__ import annotations

import unicodedata

import pytest

from cbir.duplicates.copy_names import copy_marks


@pytest.mark.parametrize(
    "name",
    [
        "IMG_1 (1).jpg", "IMG_1(1).jpg", "IMG_1 (12).jpg", "IMG_1 copy.jpg", "IMG_1 copy 2.jpg",
        "IMG_1 - Copy.jpg", "IMG_1 - Kopie.jpg", "IMG_1 – Copie.jpg", "IMG_1 - Copia.jpg",
        "IMG_1 - Cópia.jpg", "IMG_1 Kopie 3.jpg", "IMG_1 (copy).jpg", "IMG_1 (Kopie).jpg",
        "IMG_1 (another copy).jpg", "IMG_1 (3rd copy).jpg", "IMG_1 (copy 2).jpg",
        "Copy of IMG_1.jpg", "Copy (2) of IMG_1.jpg", "Kopie von IMG_1.jpg", "Copie de IMG_1.jpg",
        "Copia de IMG_1.jpg", "Copia di IMG_1.jpg", "Kopi af IMG_1.jpg", "Kopia av IMG_1.jpg",
        "IMG_1_copy.jpg", "IMG_1-copy1.jpg", "IMG_1_kopie.jpg", "IMG_1~.jpg",
        "IMG_1 - コピー.jpg", "IMG_1のコピー.jpg", "IMG_1 副本.jpg", "IMG_1 — копия.jpg",
    ],
)  # fmt: skip
def test_each_mark_of_copying_is_seen(name: str) -> None:
    assert copy_marks(f"photos/{name}") == 1
    # As macOS writes accents.
    assert copy_marks(unicodedata.normalize("NFD", name)) == 1


@pytest.mark.parametrize(
    "name",
    ["IMG_1.jpg", "cat-1.jpg", "cat 2.jpg", "copy.jpg", "(1).jpg", "copyright.jpg", "~.jpg",
     "Kopie.jpg", "photocopy.jpg", "copy shop.jpg", "2019 (2019).jpg", "", "a/b/.jpg"],
)  # fmt: skip
def test_other_names_have_none(name: str) -> None:
    assert copy_marks(name) == 0


def test_marks_add_up_in_names_and_folders() -> None:
    assert copy_marks("a - Copy (2).jpg") == 2
    assert copy_marks("Copy of Copy of a copy.jpg") == 3
    assert copy_marks("photos (1)/summer - Kopie/a.jpg") == 2
