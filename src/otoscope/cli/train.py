"""Train a model from a recipe."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import CycloptsError, Parameter

from otoscope.cli.common import Flag, Folder, Json
from otoscope.cli.console import begin, err_console, facts_table, out_console, print_json, print_table, progress_bar
from otoscope.errors import InputError

try:
    from otoscope.training.recipe import available, read_recipe
except ModuleNotFoundError as error:
    raise InputError(f"training needs {error.name}: pip install otoscope[train]") from None


def train(
    recipe: Annotated[str | None, Parameter(name="RECIPE", help="A name that --list shows, or a YAML file.")] = None,
    /,
    *changes: Annotated[str, Parameter(name="KEY=VALUE", help="Keys of the recipe to change, such as learn.epochs=3.")],
    out: Annotated[Folder | None, Parameter(help="Folder for the model, its card, metrics and checkpoints.")] = None,
    resume: Annotated[Flag, Parameter(help="Resume the training in --out where it was interrupted.")] = False,
    dry_run: Annotated[
        Flag, Parameter(help="Build everything and make one step on synthetic sounds; nothing is written.")
    ] = False,
    list_recipes: Annotated[Flag, Parameter(name="--list", help="List the recipes that come with Otoscope.")] = False,
    json: Json = False,
) -> None:
    """Train a model from a recipe, into a folder that every other command can open."""
    if list_recipes:
        _list(json)
        return
    if recipe is None:
        raise CycloptsError(msg="give RECIPE, a name that --list shows or a YAML file")
    begin()
    wanted = read_recipe(recipe, list(changes))
    from otoscope.training import run  # Lightning takes seconds to import, which a wrong recipe need not cost
    from otoscope.training.folder import is_rank_zero

    if dry_run:
        _show("one step on synthetic sounds", run.dry_run(wanted), json)
        return
    if out is None:
        raise InputError("give --out, the folder for the trained model, or --dry-run")
    try:
        with progress_bar("training") as report:
            metrics = run.train(wanted, out, resume=resume, report=report)
    except KeyboardInterrupt:
        # A worker that was just starting complains of its half-made state when it is cleared away.
        sys.unraisablehook = lambda _: None
        err_console.print(f"stopped; the same command with --resume continues in {out}", markup=False)
        raise SystemExit(130) from None
    if is_rank_zero():
        _show(wanted.about, metrics, json)
        err_console.print(str(out), markup=False)


def _list(json: bool) -> None:
    if json:
        print_json({"recipes": available()})
    else:
        rows = [{"name": name, "about": about} for name, about in available().items()]
        print_table("recipes", rows, {"name": "recipe", "about": "trains"}, most=len(rows))


def _show(title: str, metrics: dict[str, Any], json: bool) -> None:
    if json:
        print_json(metrics)
        return
    rows: dict[str, Any] = {"what": title}
    for name, value in metrics.items():
        if name in ("folds", "seeds", "clips") or name.endswith(("_interval", "_deviation")):
            continue
        rows[name] = value
        deviation, interval = metrics.get(f"{name}_deviation"), metrics.get(f"{name}_interval")
        if interval is not None:
            spread = "" if deviation is None else f" ± {deviation:.2g}"
            rows[name] = f"{value:.4g}{spread} (95 %: {interval[0]:.4g} to {interval[1]:.4g})"
    rows |= {f"{part} clips": count for part, count in metrics.get("clips", {}).items()}
    out_console.print(facts_table(rows))
