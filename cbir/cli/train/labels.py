"""Learning from labels, and what ``cbir train --from`` prints of it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from cbir.cli.output import write_text
from cbir.cli.progress import TerminalProgress
from cbir.cli.wording import command_of
from cbir.core.amounts import counted
from cbir.core.command_words import quoted
from cbir.core.errors import UsageError, printable
from cbir.core.messages import Call
from cbir.descriptors.encoders.projection import Projection
from cbir.descriptors.registry import NamedDescriptor, is_alias
from cbir.evaluation.ground_truth import column_truth, read_ground_truth
from cbir.learning.fusion_weights import LearnedWeights, learn_weights
from cbir.learning.judging import Judgment
from cbir.learning.projection import LearnedProjection, learn_projection
from cbir.search.engine import Index, open_index

_SHOWN = {"precision@10": "P@10", "map": "mAP"}
_HELD_OUT = {"images": "new images", "classes": "new classes"}
_VERDICTS = {True: "helps", False: "harms", None: "does not help"}


def train_on_labels(
    index_path: str,
    descriptors: tuple[str, ...],
    output: str | None,
    learn: str | None,
    dimension: int | None,
    truth: str | None,
    key: str | None,
    label: str | None,
    table: str | None,
    format_: str | None,
    workers: int | None,
    quiet: bool,
) -> None:
    """Learn a projection or weights, and print how good they are."""
    if len(descriptors) > 1:
        raise UsageError(
            f"--descriptor {descriptors[0]} and --descriptor {descriptors[1]}: --from learns one"
            " thing at a time; join aliases by +"
        )
    (descriptor,) = descriptors
    if learn == "weights" and output is not None:
        raise UsageError("--learn weights prints weights and writes no file; leave out --output")
    if learn != "weights" and output is None:
        raise UsageError("name the file to write with --output FILE")
    if learn == "weights" and dimension is not None:
        raise UsageError("--dimension is for a projection, not for weights; leave it out")
    index = open_index(index_path)
    with TerminalProgress(quiet) as listener:
        if truth is None and label is not None and key is None and table is None:
            classes = column_truth(index, label, listener)
        else:
            classes = read_ground_truth(
                truth or "folders",
                index.paths,
                key=key,
                label=label,
                table=table,
                listener=listener,
            )
        learned: LearnedProjection | LearnedWeights
        if output is None:
            learned = learn_weights(index, descriptor, classes, workers=workers, listener=listener)
        else:
            learned = learn_projection(
                index,
                descriptor,
                classes,
                output,
                dimension=dimension or Projection.dimension,
                workers=workers,
                listener=listener,
            )
    if format_ == "json":
        write_text(json.dumps(learned.to_dict(), ensure_ascii=False, allow_nan=False, indent=1))
    else:
        write_text("\n".join(_lines(learned.judgments)))
    for note in [*_verdicts(learned.judgments), *_uses(learned, index_path, index)]:
        listener.note(note)


def _lines(judgments: Sequence[Judgment]) -> Iterator[str]:
    """Yield the lines of a table."""
    rows = [["held out", "queries", "measure", "before", "after", "difference", "95 % interval"]]
    for judgment in judgments:
        for measure, shown in _SHOWN.items():
            one = judgment.comparisons[measure]
            found = one.difference
            rows.append(
                [
                    _HELD_OUT[judgment.held_out],
                    f"{judgment.queries:,}",
                    shown,
                    *(_number(value, ".3f") for value in (one.before, one.after)),
                    _number(found.mean, "+.3f"),
                    f"{_number(found.low, '+.3f')} to {_number(found.high, '+.3f')}",
                ]
            )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [
            cell.ljust(width) if column in (0, 2) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(padded).rstrip()


def _number(value: float, form: str) -> str:
    return "–" if np.isnan(value) else format(value, form)


def _verdicts(judgments: Sequence[Judgment]) -> Iterator[str]:
    """Say plainly what helps and what does not."""
    for judgment in judgments:
        found = judgment.comparisons["map"]
        yield (
            f"It {_VERDICTS[judgment.helps]} on {_HELD_OUT[judgment.held_out]}: mAP"
            f" {_number(found.after, '.3f')}, without it {_number(found.before, '.3f')}"
        )
    if not any(judgment.held_out == "classes" for judgment in judgments):
        yield "It was not judged on new classes: there are too few"


def _uses(
    learned: LearnedProjection | LearnedWeights, index_path: str, index: Index
) -> Iterator[str]:
    """Say what was learned from, and how to use it."""
    labels = f"{counted(learned.images, 'image')} of {counted(learned.classes, 'class')}"
    if isinstance(learned, LearnedWeights):
        weights = ",".join(f"{alias}={weight:g}" for alias, weight in learned.weights.items())
        yield f"Weights for {learned.fusion}, learned from {labels}"
        yield f"To use them: search --descriptor {quoted(learned.fusion)} --weights {weights}"
        return
    named = NamedDescriptor(learned.descriptor.name, learned.descriptor)
    yield f"{printable(learned.path)}: a model for {named.spec}, learned from {labels}"
    use = Call(
        "index",
        dataset=index.shown(""),
        index=index_path,
        descriptors=_proposed_spec(learned, index.descriptors),
        vocabulary=learned.path,
    )
    yield f"To use it: {command_of(use)}"


def _proposed_spec(learned: LearnedProjection, taken: Collection[str]) -> str:
    """Return how to name the descriptor for an index: as its file is called, where that may be."""
    name, dimension = learned.descriptor.name, learned.descriptor.dimension
    alias = os.path.splitext(os.path.basename(learned.path))[0]
    head = f"{alias}={name}" if is_alias(alias) and alias not in {name, *taken} else name
    return head if dimension == Projection.dimension else f"{head}:dimension={dimension}"
