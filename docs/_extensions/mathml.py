"""Formulas as MathML, which browsers draw by themselves: no script, from a network or at all."""

from __future__ import annotations

import re

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def _visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_mathml(node))
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(_mathml(node, as_block=True))
    raise nodes.SkipNode


def _mathml(node: nodes.Element, as_block: bool = False) -> str:
    # docutils takes all the digits of \frac12 for the numerator.
    text = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", node.astext())
    return latex2mathml.tex2mathml(text, as_block=as_block)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the renderer."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True}
