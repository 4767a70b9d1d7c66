"""What was measured of a fusion: how many candidates by each descriptor it needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cbir.core.digests import digest
from cbir.core.json_values import DamageError, count, flag, number, plain_text, share
from cbir.search.ann.structure_folder import StructureFolder
from cbir.search.fusion.options import Fusion
from cbir.stores.model import Snapshot


@dataclass(frozen=True, slots=True)
class FusionTuning:
    """What was measured of a fusion.

    Attributes
    ----------
    label : str
    depth : int
        Candidates by each descriptor for the ten nearest.
    recall : float
        The share of the ten nearest that is found, in the sample.
    reached : bool
        Whether that is the wanted recall, or more.
    wanted : float
    queries : int
        Rows on which it was measured.
    """

    label: str
    depth: int
    recall: float
    reached: bool
    wanted: float
    queries: int

    @classmethod
    def kept(cls, folder: StructureFolder, name: str) -> FusionTuning | None:
        """Return what was kept of a fusion; None where nothing was, or it is damaged."""
        content = folder.read_fusion(name)
        try:
            return None if content is None else cls._of(content)
        except (DamageError, KeyError):
            return None

    @classmethod
    def _of(cls, content: dict[str, Any]) -> FusionTuning:
        return cls(
            plain_text(content["label"], "label"),
            max(1, count(content["depth"], "depth")),
            share(content["recall"], "recall"),
            flag(content["reached"], "reached"),
            number(content["wanted"], "wanted"),
            count(content["queries"], "queries"),
        )


def fusion_name(snapshot: Snapshot, aliases: Sequence[str], fusion: Fusion) -> str:
    """Return what identifies a fusion: descriptors with what they learned, and weights."""
    prints = [snapshot.manifest.entry(alias).fingerprint for alias in aliases]
    return digest(json.dumps([prints, fusion.weights, fusion.adaptive]).encode())
