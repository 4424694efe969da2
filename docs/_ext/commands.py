"""The page of the command line: every command with its arguments and options, as the command line itself knows them."""

from __future__ import annotations

import re

from cyclopts.docs import generate_markdown_docs
from sphinx.application import Sphinx

from otoscope.cli import app as otoscope

PLACE = "<!-- every command -->"
ROLE = re.compile(r":\w+:`~?([^`]+)`")
LITERAL = re.compile("(?<!`)``(?!`)")
COMMON = re.compile(r"\*\*Common options\*\*:\n\n(?:\* .*\n)+")  # a table at the top of the page describes them


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    if PLACE in source[0]:
        source[0] = source[0].replace(PLACE, described())


def described() -> str:
    """All commands in Markdown, a section each."""
    text = generate_markdown_docs(
        otoscope, heading_level=2, no_root_title=True, generate_toc=False, exclude_commands=["--install-completion"]
    )
    text = text[text.index("## otoscope ") :]
    return LITERAL.sub("`", ROLE.sub(r"`\1`", COMMON.sub("", text)))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
