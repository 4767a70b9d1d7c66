"""Groups of duplicates for JSON: the numbers of the command line, and addresses."""

from __future__ import annotations

from typing import Any

from cbir.duplicates.documents import group_document
from cbir.duplicates.model import Duplicate, Group, ImageRecord
from cbir.search.results import path_fields
from cbir.web.addresses import image_url, thumbnail_url
from cbir.web.duplicate_searches import FoundGroups
from cbir.web.thumbnails import Size


def groups_document(found: FoundGroups, offset: int, limit: int) -> dict[str, Any]:
    """Return some of the groups that were found."""
    form = found.form
    return {
        "generation": found.generation,
        "level": form.level,
        "threshold": form.threshold,
        "keep": form.keep,
        "images": len(found.collection.records),
        "total": len(found.groups),
        "offset": offset,
        "groups": [_group(group) for group in found.groups[offset : offset + limit]],
    }


def _group(group: Group) -> dict[str, Any]:
    document = group_document(group)
    kinds = {
        "duplicates": [one for one in group.duplicates if one.removable],
        "references": [one for one in group.duplicates if one.record.reference],
        "shows_more": [one for one in group.duplicates if one.stays],
    }
    for name, copies in kinds.items():
        if name in document:
            document[name] = [
                {**told, **_copy(one)} for told, one in zip(document[name], copies, strict=True)
            ]
    return {**document, "keep_image": {**path_fields("path", group.keep.path), **_file(group.keep)}}


def _copy(duplicate: Duplicate) -> dict[str, Any]:
    match = duplicate.match
    return {
        **_file(duplicate.record),
        "transform": None if match.transform is None else match.transform.tolist(),
        "mirrored": match.mirrored,
    }


def _file(record: ImageRecord) -> dict[str, Any]:
    return {
        "bytes": record.bytes,
        "mtime": record.mtime,
        "width": record.width,
        "height": record.height,
        "image": image_url(record.path),
        "thumbnail": thumbnail_url(record, Size.GRID),
    }
