"""Precision-recall curves of an evaluation, drawn with matplotlib."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cbir.core.amounts import counted
from cbir.core.errors import printable
from cbir.core.messages import Message, Parameter
from cbir.core.optional_packages import optional_module
from cbir.core.overwriting import Output
from cbir.evaluation.model import RECALLS, Evaluation
from cbir.images.encoded_image import software_of
from cbir.images.header import PLOT_MARKER, exif_naming

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PARAMETER = Parameter("plot")
_CREATOR = "cbir evaluate"
"""Who made a plot, as SVG and PDF say it; PNG says it as our other images do."""

_MARKS = {
    ".svg": f"<dc:title>{_CREATOR}</dc:title>".encode(),
    ".pdf": f"/Creator ({_CREATOR})".encode(),
}

_SIZE = (8.0, 5.5)
"""Inches."""

_DPI = 150
_STYLES = ("-", "--", "-.", ":")
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Told apart by people who see few colors (M. Okabe, K. Ito, "Color universal design", 2008). Seven
colors and four kinds of lines give 28 curves before one comes again."""


def write_plot(path: str, evaluation: Evaluation) -> None:
    """Write the mean interpolated precision of each run at recall 0 to 1.

    Parameters
    ----------
    path : str
        The file; its extension says the format: .png, .svg or .pdf. The same evaluation gives the
        same bytes.
    evaluation : Evaluation
        Its runs are drawn in their order.

    Raises
    ------
    UsageError
        When the extension is of no known format.
    CbirError
        When matplotlib is missing, or the file cannot be written, or is there and is no plot of
        ours.
    """
    check_plot(path)
    import matplotlib

    extension = _extension(path)
    # What would else differ from run to run: names inside of an SVG, dates.
    options: dict[str, Any] = {"metadata": {"Creator": _CREATOR, "CreationDate": None}}
    if extension == ".svg":
        options["metadata"] = {"Creator": _CREATOR, "Date": None}
    elif extension == ".png":
        options = {"dpi": _DPI, "pil_kwargs": {"exif": exif_naming(PLOT_MARKER)}}
    with (
        warnings.catch_warnings(),
        matplotlib.rc_context({"svg.hashsalt": _CREATOR, "svg.fonttype": "none"}),
        PLOT.written(path) as file,
    ):
        # A name in letters that the font lacks is drawn as boxes; SVG has it right anyway.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        draw(evaluation).savefig(file, format=extension[1:], **options)


def check_plot(path: str, in_use: Iterable[str | None] = ()) -> None:
    """Make sure, before the work, that :func:`write_plot` will not refuse `path`.

    Raises
    ------
    UsageError
        When the extension is of no known format.
    CbirError
        When matplotlib or the folder is missing, or the file is there and is no plot of ours.
    """
    PLOT.check(path, in_use)
    optional_module("matplotlib", _PARAMETER, "plot")


def draw(evaluation: Evaluation) -> Figure:
    """Draw the curves.

    Returns
    -------
    matplotlib.figure.Figure
        Of no window; made without the state that pyplot keeps.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    for place, run in enumerate(evaluation.runs):
        axes.plot(
            RECALLS,
            run.curve,
            color=_COLORS[place % len(_COLORS)],
            linestyle=_STYLES[place // len(_COLORS) % len(_STYLES)],
            linewidth=1.8,
            label=_plain(f"{run.title}: mAP {run.mean('map'):.3f}"),
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    name = printable(os.path.basename(os.path.abspath(evaluation.dataset)))
    axes.set_title(_plain(f"{name}: {counted(evaluation.queries, 'query')}"))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small")
    return figure


def _plain(text: str) -> str:
    """Keep matplotlib from taking what stands between two dollar signs for a formula."""
    return text.replace("$", r"\$")


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _is_ours(path: str) -> bool:
    if _extension(path) == ".png":
        return software_of(path) == PLOT_MARKER
    with open(path, "rb") as file:
        return _MARKS[_extension(path)] in file.read()


PLOT = Output("the plot", Message("name another with ", _PARAMETER), _is_ours, (".png", *_MARKS))
