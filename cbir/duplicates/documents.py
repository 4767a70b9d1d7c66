"""Groups of duplicates, and the copies of queries, as documents for JSON."""

from __future__ import annotations

from typing import Any

from cbir.duplicates.model import Duplicate, Group, QueryCopies
from cbir.search.results import path_fields


def group_document(group: Group) -> dict[str, Any]:
    """Return a group; what stays is not in the list of those that programs may remove."""
    references = [duplicate_document(one) for one in group.duplicates if one.record.reference]
    more = [duplicate_document(one) for one in group.duplicates if one.stays]
    return {
        "group": group.number,
        **path_fields("keep", group.keep.path),
        **({"keep_metadata": dict(group.keep.metadata)} if group.keep.metadata else {}),
        "duplicates": [duplicate_document(one) for one in group.duplicates if one.removable],
        **({"references": references} if references else {}),
        **({"shows_more": more} if more else {}),
        "max_distance": group.max_distance,
    }


def copies_document(copies: QueryCopies) -> dict[str, Any]:
    """Return the copies of a query."""
    matches = [
        {
            **duplicate_document(one),
            **({"reference": True} if one.record.reference else {}),
            **({"shows_more": True} if one.stays else {}),
        }
        for one in copies.copies
    ]
    return {**path_fields("query", copies.query), "matches": matches}


def duplicate_document(duplicate: Duplicate) -> dict[str, Any]:
    """Return a copy, and why it is one."""
    losses = [{"loss": loss.kind, "detail": loss.detail} for loss in duplicate.losses]
    return {
        **path_fields("path", duplicate.record.path),
        "distance": duplicate.match.distance,
        "level": duplicate.match.level,
        "evidence": duplicate.match.evidence,
        **({"losses": losses} if losses else {}),
        **({"metadata": dict(duplicate.record.metadata)} if duplicate.record.metadata else {}),
    }
