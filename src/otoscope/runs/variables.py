"""What the numbers of a sweep are: quantities, shares of clips, or the names of something."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from otoscope.errors import InputError
from otoscope.methods.catalogue import METHODS, Rows
from otoscope.methods.listing import listing
from otoscope.runs.run import Run


def shares(run: Run) -> set[tuple[str, str]]:
    """The variables, with their methods, of which a mean is a share of clips."""
    return {(name, variable) for name, said in _said(run).items() for variable in said.shares}


def names(run: Run) -> set[tuple[str, str]]:
    """The variables, with their methods, that name a class or a map by its number: a mean of them says nothing."""
    return {(name, variable) for name, said in _said(run).items() for variable in said.names}


def without_names(run: Run) -> str:
    """What a question in SQL asks of rows so that none of them is such a name."""
    told = [f"(rows.method = '{method}' AND rows.variable = '{variable}')" for method, variable in sorted(names(run))]
    return f"NOT ({' OR '.join(told)})" if told else "true"


def check_quantity(run: Run, variable: str | None) -> None:
    """Raise an InputError where a variable that is asked for is such a name; it says how to count it."""
    methods = [method for method, name in sorted(names(run)) if name == variable]
    if methods:
        raise InputError(
            f"{variable} of {methods[0]} is the number of a class, a map or a clip, of which a mean says nothing: "
            f"count it, as in otoscope sql RUN \"SELECT value, count(*) FROM rows WHERE variable = '{variable}' "
            'GROUP BY value"'
        )


def without_rows(run: Run, chosen: Mapping[str, Any]) -> InputError:
    """What is said where no row is as was asked, with what there is."""
    asked = ", ".join(f"{name} {one}" for name, one in chosen.items() if one is not None) or "numbers"
    there = f"its methods are {', '.join(run.info['methods'])}"
    if chosen.get("variable") is not None:
        known = run.sql("SELECT DISTINCT variable FROM rows WHERE value IS NOT NULL ORDER BY variable")["variable"]
        there += f", and its variables {', '.join(known)}"
    return InputError(f"{run.folder} holds no rows of {asked}; {there}")


def _said(run: Run) -> dict[str, Rows]:
    """What is said of each clip, by the methods of a run."""
    found = {}
    for name in listing().keys() & run.info["methods"].keys():
        import_module(listing()[name].module)
        found[name] = METHODS[name].clips or METHODS[name].rows
    return found
