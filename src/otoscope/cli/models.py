"""The models that are known by name."""

from __future__ import annotations

from otoscope.cli.common import Json
from otoscope.cli.console import print_json, print_table
from otoscope.models import available


def models(*, json: Json = False) -> None:
    """List the models that are known by name."""
    if json:
        print_json({"models": available()})
        return
    rows = [{"name": name, "about": about} for name, about in available().items()]
    print_table("models", rows, {"name": "name", "about": "description"})
