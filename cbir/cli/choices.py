"""Options that take one of several names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from cbir.core.suggestions import did_you_mean
from cbir.search.metrics import METRICS, OTHER_NAMES, usual_name


class Choice(click.Choice[str]):
    """A choice that says which name may have been meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the choice; the message about a wrong one ends with the nearest."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            question = did_you_mean(str(value), self.understood)
            message = f"{error.message.removesuffix('.')}{question or '.'}"
            raise click.BadParameter(message, ctx, param) from None

    @property
    def understood(self) -> Iterable[str]:
        """All that may be typed."""
        return self.choices


class MetricChoice(Choice):
    """The name of a metric, or another one that it goes by."""

    def __init__(self) -> None:
        super().__init__(list(METRICS))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the metric's usual name."""
        return super().convert(usual_name(str(value)), param, ctx)

    @property
    def understood(self) -> Iterable[str]:
        """The usual names and the others."""
        return [*METRICS, *OTHER_NAMES]
