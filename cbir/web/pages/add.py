"""``/add``: add images to the dataset, from a form or by dropping them on the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response, UploadFile

from cbir.core.errors import CbirError, UnreadableImageError, UsageError, printable
from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.dataset_changes import Changed, add_images, check_image, check_path
from cbir.web.rendering import render
from cbir.web.service import Service, ServiceState
from cbir.web.upload_names import free_path, safe_name
from cbir.web.wording import told

router = APIRouter(include_in_schema=False, route_class=ChangingRoute)

_LONGEST = 1000
"""Characters of a folder's path."""


@dataclass(slots=True)
class Uploads:
    """What became of uploaded files.

    Attributes
    ----------
    added : list of (str, str)
        The names that files had, and their paths in the dataset.
    refused : list of (str, str)
        Names, and why these were not added.
    changed : Changed or None
    """

    added: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    changed: Changed | None = None


@router.get("/add")
async def form(service: Service, request: Request, folder: str = "") -> Response:
    """Show the form."""
    if not service.settings.allow_changes:
        raise HTTPException(403, "this server does not allow changes; start it so that it does")
    return render(request, "add", folder=folder[:_LONGEST], uploads=None)


@router.post("/add", dependencies=[ChangesAllowed])
async def add(
    service: Service,
    request: Request,
    images: list[UploadFile],
    folder: Annotated[str, Form(max_length=_LONGEST)] = "",
) -> Response:
    """Add images, and say what became of each."""
    files = [(one.filename or "", await one.read()) for one in images]
    given = [(name, data) for name, data in files if name or data]
    uploads = await service.pool.run(_add, service, folder, given)
    status = 200 if uploads.added or not uploads.refused else 422
    return render(request, "add", status, folder=folder, uploads=uploads)


def _add(service: ServiceState, folder: str, files: Sequence[tuple[str, bytes]]) -> Uploads:
    uploads, root = Uploads(), service.index.root
    below = [part for part in folder.replace("\\", "/").split("/") if part]
    chosen = dict[str, bytes]()
    for name, data in files:

        def is_taken(path: str, data: bytes = data) -> bool:
            return path in chosen or _holds_other(os.path.join(root, path), data)

        try:
            path = "/".join([*below, safe_name(name)])
            check_path(path)
            check_image(service, data)
        except UnreadableImageError as error:
            uploads.refused.append((printable(name), error.reason))
        except UsageError as error:
            uploads.refused.append((printable(name), told(error)))
        else:
            path = free_path(path, is_taken)
            chosen[path] = data
            uploads.added.append((printable(name), path))
    if chosen:
        try:
            uploads.changed = add_images(service, list(chosen.items()))
        except CbirError as error:
            uploads.refused += [(name, told(error)) for name, _ in uploads.added]
            uploads.added.clear()
    return uploads


def _holds_other(path: str, data: bytes) -> bool:
    """Say whether something else than these bytes is at a path."""
    if not os.path.lexists(path):
        return False
    try:
        if os.path.islink(path) or os.path.getsize(path) != len(data):
            return True
        with open(path, "rb") as file:
            return file.read() != data
    except OSError:
        return True
