"""What the panel offers beside a plain comparison: means, and to look again at what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cbir.descriptors.presets import PRESETS, Preset
from cbir.descriptors.row_kinds import FEATURES
from cbir.search.engine import Index
from cbir.search.stage_options import EXPANDING, NO_RERANKING, VERIFYING
from cbir.web.search_form import SearchForm

_RERANKINGS = {"k-reciprocal": "by shared neighbors", "diffusion": "by chains of neighbors"}

_NO = "no"
_AMONG = "among the best {}"
_BY = "by {}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a field.

    Attributes
    ----------
    value : str
        Empty: as usual.
    label : str
    chosen : bool
    """

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class StageField:
    """A stage of a search that can be chosen.

    Attributes
    ----------
    name, label, hint : str
    choices : tuple of Choice
    is_possible : bool
    """

    name: str
    label: str
    hint: str
    choices: tuple[Choice, ...]
    is_possible: bool = True

    @property
    def is_changed(self) -> bool:
        """Whether something else than usual is chosen."""
        return not self.choices[0].chosen


def stage_fields(index: Index, form: SearchForm) -> tuple[StageField, ...]:
    """Return the stages that a search can have, and what of them is chosen."""
    preset = PRESETS.get(form.preset or "")
    can_verify = has_local_features(index)
    averaged = index.snapshot.manifest.dba
    return (
        *([_averaging(averaged, form)] if averaged else []),
        StageField(
            "verify",
            "Look for the very thing",
            "What shows the same thing comes first: many details match, at places that fit."
            if can_verify
            else "Not by this index: it has no local features. They come with the descriptor asmk.",
            _choices(form.verify, _AMONG, *_verifications(preset)),
            can_verify or form.verify is not None,
        ),
        StageField(
            "rerank",
            "Rank the best again",
            "By how they are like each other: good where there are several images of a kind.",
            _choices(form.rerank, "{}", *_rerankings(preset)),
        ),
        StageField(
            "expand",
            "Search also by the best",
            "Finds more of the same, if the first results are right.",
            _choices(form.expand, _BY, _NO, {one: _BY.format(one) for one in (2, EXPANDING, 10)}),
        ),
    )


def _averaging(count: int, form: SearchForm) -> StageField:
    """Return the choice not to do what the index asks for."""
    return StageField(
        "dba",
        "Average with neighbors",
        "Compares means of each image and those most like it, not images themselves.",
        _choices(form.dba, "{}", f"with {count}, as the index says", {0: _NO}),
    )


def stage_chips(form: SearchForm) -> list[tuple[str, str]]:
    """Return the stages that an address asks for: which field, and in words."""
    chips = []
    if form.dba is not None:
        chips.append(("dba", "not averaged with neighbors"))
    if form.verify is not None:
        among = f"the very thing first, of the best {form.verify:,}"
        chips.append(("verify", among if form.verify else "not looked at for the very thing"))
    if form.rerank is not None:
        again = f"the best ranked again {_RERANKINGS.get(form.rerank, f'by {form.rerank}')}"
        chips.append(("rerank", "not ranked again" if form.rerank == NO_RERANKING else again))
    if form.expand is not None:
        chips.append(("expand", f"also by the best {form.expand:,}"))
    return chips


def without_idle_stages(fields: dict[str, str]) -> dict[str, str]:
    """Return the fields of a form without stages that are left out by themselves."""
    preset = PRESETS.get(fields.get("preset", ""))
    idle = {
        name
        for name, no, usual in (
            ("verify", "0", preset and preset.verify),
            ("rerank", NO_RERANKING, preset and preset.rerank),
        )
        if fields.get(name) == no and not usual
    }
    return {name: value for name, value in fields.items() if name not in idle}


def has_local_features(index: Index) -> bool:
    """Return whether results can be verified in a search."""
    return any(entry.row_kind == FEATURES for entry in index.snapshot.manifest.entries)


def _verifications(preset: Preset | None) -> tuple[str, dict[Any, str]]:
    """Return what is usual, and what else can be chosen."""
    others = {count: _AMONG.format(count) for count in (20, VERIFYING, 500)}
    if preset is None or not preset.verify:
        return _NO, others
    return f"as {preset.name} does", {0: _NO, **others}


def _rerankings(preset: Preset | None) -> tuple[str, dict[Any, str]]:
    if preset is None or not preset.rerank:
        return _NO, dict(_RERANKINGS)
    return f"as {preset.name} does", {NO_RERANKING: _NO, **_RERANKINGS}


def _choices(chosen: Any, words: str, usual: str, others: dict[Any, str]) -> tuple[Choice, ...]:
    """Return the usual choice and others; what was chosen by an address is one of them."""
    if chosen is not None and chosen not in others:
        others = {**others, chosen: _NO if chosen == 0 else words.format(chosen)}
    return (
        Choice("", usual, chosen is None),
        *(Choice(f"{value}", label, value == chosen) for value, label in others.items()),
    )
