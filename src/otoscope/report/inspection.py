"""The report of `otoscope inspect`: everything that was found about one sound in one model, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from otoscope.report.gather import reason_for
from otoscope.report.html import render
from otoscope.report.sections import make_sections
from otoscope.report.sections.sound import sound
from otoscope.report.sections.taps import taps as taps_section


def inspection_report(
    results: Mapping[str, Any],
    clip: xr.DataArray,
    taps: Sequence[Mapping[str, Any]],
    facts: Mapping[str, object],
    *,
    notes: Sequence[str] = (),
    failed: dict[str, Exception] | None = None,
) -> str:
    """Lay out the results of one sound in one model as one HTML page.

    Parameters
    ----------
    results : mapping of str
        By method; "relevance" may be several as a list or by label,
        "sonify" by layer. What is absent has no section.
    clip : xarray.DataArray, dims (time,) or (channel, time)
        The sound at the sample rate of the model, which is in its attributes.
    taps : sequence of mappings
        With name, channels, kernel, stride, dilation, hop and receptive_field (samples) of each tap; kind and
        whole too, if known.
    facts : mapping of str to object
        About the model and the audio, listed at the top. Those about the audio that the clip knows are added.
    notes : sequence of str
        Remarks to the reader, such as why a section is absent.
    failed : dict, optional
        Gets the errors of sections that cannot be made, by method; a note says so in their place. Without it the first
        of them is raised.

    Returns
    -------
    str
        The page.

    Raises
    ------
    InputError
        If a result is not of the shape that its picture needs.

    Examples
    --------
    >>> import numpy as np
    >>> clip = xr.DataArray(
    ...     np.sin(np.arange(4000) / 5), dims="time", attrs={"sample_rate": 8000, "name": "a.wav"})
    >>> page = inspection_report({}, clip, [], {"model": "ear"})
    >>> "What ear hears in a.wav" in page
    True
    """
    sections = [sound(clip), *make_sections(results, failed)]
    if taps:
        sections.append(taps_section(taps, float(clip.attrs["sample_rate"])))
    notes = [*notes, *(f"Not drawn: {method}, since {reason_for(error)}" for method, error in (failed or {}).items())]
    title = f"What {facts.get('model', 'the model')} hears in {clip.attrs.get('name', 'a sound')}"
    return render(title, sections, {**facts, **_clip_facts(clip, facts)}, notes=notes)


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


def _clip_facts(clip: xr.DataArray, known: Mapping[str, object]) -> dict[str, object]:
    rate, samples = int(clip.attrs["sample_rate"]), clip.sizes["time"]
    facts: dict[str, object] = {
        "audio": clip.attrs.get("name"),
        "duration": f"{samples / rate:.3f} s ({samples} samples)",
        "channels": clip.sizes.get("channel"),
        "sample rate": f"{rate} Hz",
        "audio changes": clip.attrs.get("note"),
        "audio sha256": clip.attrs.get("sha256"),
    }
    return {name: fact for name, fact in facts.items() if fact and name not in known}
