"""What `otoscope compare --out` writes: the arrays, sounds and picture of a comparison, and a page of its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from otoscope.app.found import Found
from otoscope.app.pairs import pair_entries
from otoscope.app.reasons import reason_for
from otoscope.app.single_file import page_html
from otoscope.app.sound_page import sound_page
from otoscope.files import write_text
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Question
from otoscope.plots.style import StyleName
from otoscope.report.folder import write_arrays
from otoscope.report.gather import Progress, gather
from otoscope.report.likeness import Asked, likeness
from otoscope.subject import Subject
from otoscope.types import Against, Span, Target, Wave

_NOT_OF_PAIRS = ("autocorrelation", "voice", "frame_response", "f_vowel", "data_flow")


def write_comparison(
    folder: str | Path,
    subjects: Sequence[Subject],
    wave: Wave,
    result: xr.Dataset,
    *,
    target: Sequence[Target | None] | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule = "guided",
    layer: Sequence[str | None] | None = None,
    memory: int | None = None,
    style: StyleName | None = None,
    progress: Progress | None = None,
) -> tuple[list[Path], dict[str, str]]:
    """Write a comparison, and a page on which its models stand beside each other.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing; files of the same names are replaced.
    subjects : sequence of Subject
        In the order of the comparison.
    wave : wave
        The sound that was compared on.
    result : Dataset
        What :func:`otoscope.compare` returned.
    target, at, against, target_band, rule, layer, memory
        As they were given to it.
    style : {"screen", "paper"}, optional
        Of the picture, as of :func:`otoscope.plots.styled`.
    progress : callable, optional
        Called as ``progress(step, done, total)``.

    Returns
    -------
    list of Path
        What was written.
    dict of str to str
        What could not be made for the page, by its name, and why.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    names = [str(name) for name in result["model"].values]
    asked: dict[str, Any] = {"at": at, "against": against, "target_band": target_band, "rule": rule, "memory": memory}
    founds: dict[str, Found] = {}
    for number, (name, subject) in enumerate(zip(names, subjects, strict=True)):
        if progress:
            progress(name, number, len(names))
        one_layer = None if layer is None else layer[number]
        one_target = None if target is None else target[number]
        found = gather(subject, wave, target=one_target, layer=one_layer, without=_NOT_OF_PAIRS, **asked)
        found.marks = _marks(result)
        found.notes += [note for note in str(result.attrs["notes"]).splitlines() if note not in found.notes]
        assert found.model is not None
        found.model = replace(found.model, name=name)
        founds[f"m{number + 1}"] = found
    asked_of = [
        Asked(subject, found.clip, Question(one, at, against, target_band))
        for subject, found, one in zip(subjects, founds.values(), target or [None] * len(names), strict=True)
    ]
    missing: dict[str, str] = {}
    alike = {}
    try:
        alike = likeness(asked_of, rule)
    except Exception as error:
        missing["likeness of the maps"] = reason_for(error)
    written = write_arrays(folder, {"compare": result}, style=style)
    page = sound_page(founds, pair_entries(result, founds, alike))
    path = Path(folder) / "report.html"
    write_text(path, page_html(page.manifest, page.parts))
    for name, found in zip(names, founds.values(), strict=True):
        missing |= {f"{name}: {what}": why for what, why in found.missing.items()}
    return [*written, path], missing


def _marks(result: xr.Dataset) -> dict[str, float]:
    if "mark_frequency" not in result:
        return {}
    return dict(zip(map(str, result["mark"].values), result["mark_frequency"].values.tolist(), strict=True))
