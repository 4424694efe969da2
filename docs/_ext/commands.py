"""The page of the command line: every command with its arguments and options, as the command line itself knows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from sphinx.application import Sphinx

from otoscope.cli import app as otoscope

PLACE = "<!-- commands -->"


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    if PLACE in source[0]:
        commands = typer.main.get_command(otoscope).commands
        described = [_section(f"otoscope {name}", command) for name, command in commands.items()]
        source[0] = source[0].replace(PLACE, "\n\n".join(described))


def _section(name: str, command: Any) -> str:
    """In Markdown."""
    parameters = [one for one in command.params if one.name != "help"]
    listed = "\n".join(f"- `{_label(one)}`: {_meaning(one)}" for one in parameters if one.help)
    synopsis = " ".join([name, *_synopsis(parameters)])
    return f"## `{name}`\n\n{command.help}\n\n```text\n{synopsis}\n```\n\n{listed}"


def _synopsis(parameters: list[Any]) -> Iterator[str]:
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    options = [one for one in parameters if one not in arguments]
    yield from (_label(one) for one in arguments)
    yield from (f"{_label(one)} ..." for one in options if one.required)
    if any(not one.required for one in options):
        yield "[options]"


def _label(parameter: Any) -> str:
    return parameter.metavar if parameter.param_type_name == "argument" else parameter.opts[0]


def _meaning(parameter: Any) -> str:
    if parameter.param_type_name == "argument" or parameter.is_flag or parameter.default in (None, ()):
        return parameter.help
    return f"{parameter.help} Default: `{parameter.default}`."


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
