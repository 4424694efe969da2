"""Equations as MathML, which browsers draw by themselves: no script, no network."""

from __future__ import annotations

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
BY_HAND = re.compile(r"\\[Bb]igg?(?![A-Za-z])")  # sizes of fences, which MathML finds by itself


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_mathml(node, block=False))
    raise nodes.SkipNode


def display(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{_mathml(node, block=True)}</div>\n')
    raise nodes.SkipNode


def _mathml(node: nodes.Element, block: bool) -> str:
    try:
        return str(tex2mathml(BY_HAND.sub("", node.astext()), as_block=block))
    except MathError as error:
        logger.warning("%s: %s", error, node.astext(), location=node)
        return f"<code>{node.astext()}</code>"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
