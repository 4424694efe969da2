"""The page of results of single methods, as commands with ``--out`` write it."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from otoscope.report.html import render
from otoscope.report.sections import make_sections


def results_page(results: Mapping[str, xr.Dataset]) -> str:
    """Lay out results, whatever made them, as one HTML page.

    Parameters
    ----------
    results : mapping of str
        Each with its method, model and audio in its attributes, as a :class:`otoscope.Scope` returns them. A method
        without a section of its own is left out.

    Returns
    -------
    str
        The page.
    """
    of = [result.attrs for result in results.values()]
    facts = {key: ", ".join(dict.fromkeys(str(a[key]) for a in of if a.get(key))) for key in ("model", "audio")}
    short = [fact for fact in facts.values() if 0 < len(fact) <= 60]  # a data set may say much of itself
    about = " on ".join(short)
    sections = [part for one in results.values() for part in make_sections({one.attrs.get("method", ""): one})]
    notes = list(dict.fromkeys(str(a["note"]) for a in of if a.get("note")))
    return render(about or "Results", sections, {key: fact for key, fact in facts.items() if fact}, notes=notes)
