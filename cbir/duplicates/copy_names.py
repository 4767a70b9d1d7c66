"""What file managers and programs add to the name of a file when they copy it.

===========================  ====================================================================
Mark                         Made by
===========================  ====================================================================
``a (1)``, ``a(1)``          Windows, macOS and KDE when a name is taken, browsers' downloads
``a - Copy``, ``a - Kopie``  Windows; ``a - Copy (2)`` carries two marks
``Copy of a``, ``Copie de a``  older Windows, cloud storage; ``Copy (2) of a`` too
``a copy``, ``a copy 2``     macOS, in the language of the desktop
``a (copy)``, ``a (Kopie 2)``  GNOME and others on Linux; ``a (another copy)``, ``a (3rd copy)``
``a_copy``, ``a-copy1``      programs
``a~``                       editors' backups
===========================  ====================================================================

A bare number at the end (``a-1``, ``a 2``) is none: cameras number their images like that. The
same marks in the names of folders count as well: ``photos - Copy/a.jpg`` is a copy's path.
"""

from __future__ import annotations

import os
import re
import unicodedata

_COPY = "|".join(
    [
        "copy", "kopie", "copie", "copia", "cópia", "còpia", "kopia", "kopi", "kopio",
        "kópia", "kopya", "másolat", "копия", "копія", "αντίγραφο", "αντιγραφή",
        "コピー", "のコピー", "副本", "的副本", "复件", "拷贝", "的拷贝", "복사본", "의 복사본",
    ]
)  # fmt: skip
"""The word in the languages of desktops, in lower case."""

_OF = "of|von|de|di|da|van|av|af|från|z|из|ze"

_MARKS = [
    re.compile(pattern)
    for pattern in (
        r"(?<=.)\s?\(\d{1,3}\)$",
        rf"(?<=.)[\s_–—-]+(?:{_COPY})[\s_-]*\d{{0,3}}$",
        rf"(?<=.)\s?\((?:another |\d+(?:st|nd|rd|th) )?(?:{_COPY})[\s_-]*\d{{0,3}}\)$",
        r"(?<=.)(?:のコピー|的副本|副本|的拷贝|复件|의 복사본)[\s_-]*\d{0,3}$",
        rf"^(?:{_COPY})\s*(?:\(\d{{1,3}}\)\s*)?(?:{_OF})\s+(?=.)",
        r"(?<=.)~$",
    )
]


def copy_marks(path: str) -> int:
    """Count the marks of copying in the names of a file and of its folders.

    Examples
    --------
    >>> copy_marks("photos/IMG_1.jpg"), copy_marks("photos/IMG_1 - Copy (2).jpg")
    (0, 2)
    >>> copy_marks("photos - Copy/IMG_1.jpg"), copy_marks("Copie de IMG_1.jpg")
    (1, 1)
    """
    folder, name = os.path.split(path)
    names = [os.path.splitext(name)[0], *folder.split(os.sep)]
    return sum(map(_marks, names))


def _marks(name: str) -> int:
    # macOS hands names over with their accents split off.
    name = unicodedata.normalize("NFC", name).lower()
    count = 0
    while shorter := next((cut for mark in _MARKS if (cut := mark.sub("", name)) != name), ""):
        name, count = shorter, count + 1
    return count
