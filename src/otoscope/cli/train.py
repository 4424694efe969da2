"""Train a model from a recipe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.cli.common import (
    AsJson,
    app,
    err_console,
    facts_table,
    folder_option,
    make_table,
    out_console,
    print_json,
    progress_bar,
)

_LIST = {"name": "recipe", "about": "trains"}


def _list(asked: bool) -> None:
    if asked:
        from otoscope.training.recipe import available

        out_console.print(make_table("", [{"name": n, "about": a} for n, a in available().items()], _LIST))
        raise typer.Exit


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A name that --list shows, or a YAML file.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Keys of the recipe to change, such as learn.epochs=3."),
    ] = None,
    out: Annotated[Path | None, folder_option("Folder for the model, its card, metrics and checkpoints.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the interrupted training in --out.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build the model and make one step on synthetic sounds; write nothing.")
    ] = False,
    as_json: AsJson = False,
    _: Annotated[
        bool, typer.Option("--list", callback=_list, is_eager=True, help="List the recipes that come with Otoscope.")
    ] = False,
) -> None:
    """Train a model from a recipe, into a folder that every other command opens."""
    from otoscope.errors import InputError
    from otoscope.training.recipe import read_recipe

    wanted = read_recipe(recipe, changes or [])
    if dry_run:
        from otoscope.training import run

        _show("one step on synthetic sounds", run.dry_run(wanted), as_json)
        return
    if out is None:
        raise InputError("give --out, the folder for the trained model, or --dry-run")
    from otoscope.training import run
    from otoscope.training.folder import is_rank_zero

    try:
        with progress_bar("training") as report:
            metrics = run.train(wanted, out, resume=resume, report=report)
    except KeyboardInterrupt:
        # A worker that was just starting would report its incomplete state.
        sys.unraisablehook = lambda _: None
        err_console.print(f"interrupted; the same command with --resume continues in {out}", markup=False)
        raise typer.Exit(130) from None
    if is_rank_zero():
        _show(wanted.about, metrics, as_json)
        err_console.print(str(out), markup=False)


def _show(title: str, metrics: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(metrics)
        return
    rows: dict[str, Any] = {"what": title}
    for name, value in metrics.items():
        if name in ("folds", "clips") or name.endswith("_interval"):
            continue
        interval = metrics.get(f"{name}_interval")
        rows[name] = value if interval is None else f"{value:.4g} (95 %: {interval[0]:.4g} to {interval[1]:.4g})"
    rows |= {f"{part} clips": count for part, count in metrics.get("clips", {}).items()}
    out_console.print(facts_table(rows))
