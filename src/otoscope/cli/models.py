"""The models that are known by name."""

from __future__ import annotations

from otoscope.cli.common import AsJson, app, make_table, out_console, print_json


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the models that are known by name."""
    from otoscope.models import available

    if as_json:
        print_json({"models": available()})
    else:
        rows = [{"name": name, "about": about} for name, about in available().items()]
        out_console.print(make_table("models", rows, {"name": "name", "about": "what it is"}))
