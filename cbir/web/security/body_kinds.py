"""What kind of body a route takes; whatever is not named here is small."""

from __future__ import annotations

from enum import Enum

from cbir.web.security.answers import API, is_below
from cbir.web.security.authentication import LOGIN


class BodyKind(Enum):
    """What a body is for."""

    IMAGES = "images"
    """Image files: as large as uploads may be."""

    FIELDS = "fields"
    """A form or a document."""

    TOKEN = "token"
    """The form of somebody who is not let in yet."""


_FORMS_WITH_IMAGES = ("/search", "/add", f"{API}/search", f"{API}/explanation")
_IMAGE_FILES = f"{API}/images"


def body_kind(method: str, path: str) -> BodyKind:
    """Return what kind of body the route of a request takes.

    Examples
    --------
    >>> body_kind("POST", "/api/search").value, body_kind("POST", "/api/duplicates/plan").value
    ('images', 'fields')
    >>> body_kind("POST", "/api/explanation").value, body_kind("POST", "/api/jobs").value
    ('images', 'fields')
    >>> body_kind("PUT", "/api/images/cats/new.jpg").value, body_kind("POST", "/login").value
    ('images', 'token')
    """
    if path == LOGIN:
        return BodyKind.TOKEN
    if method == "PUT" and is_below(path, _IMAGE_FILES):
        return BodyKind.IMAGES
    if method == "POST" and path in _FORMS_WITH_IMAGES:
        return BodyKind.IMAGES
    return BodyKind.FIELDS
