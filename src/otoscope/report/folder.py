"""Results on disk: the folder of `otoscope inspect`, a report as one file, and what ``--out`` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.app import accessor as accessor  # results get `.otoscope`
from otoscope.app.found import Found
from otoscope.app.single_file import page_html
from otoscope.app.sound_page import sound_page
from otoscope.files import make_folder, whole_file, whole_folder, write_summary, write_text
from otoscope.methods.catalogue import suggesting
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.plots.saved import save_figure
from otoscope.plots.style import StyleName
from otoscope.report.gather import Progress, gather
from otoscope.report.results_page import results_page
from otoscope.report.summary import inspection_summary
from otoscope.results import save
from otoscope.subject import Subject
from otoscope.tables import finite
from otoscope.types import Against, Segments, Span, Target, Wave

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@suggesting
def inspect(
    subject: Subject,
    wave: Wave,
    folder: str | Path,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    layer: str | Sequence[str] | None = None,
    rule: RelevanceRule = "guided",
    segments: Segments | None = None,
    tier: str | None = None,
    n_maps: int = 6,
    control: bool = True,
    memory: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a folder with everything that can be seen of one sound.

    Parameters
    ----------
    wave : wave, (time,)
        A sound file, or samples at the rate of the model.
    folder : str or Path
        New or empty, or that of an earlier inspection, which is replaced; written whole or not at all.
    target, at, against, target_band : optional
        The output to explain, as of :func:`otoscope.methods.relevance.relevance`; the likeliest class by default.
    layer : str or sequence of str, optional
        Taps to sonify; by default the ends of three blocks from first to last. The first of them that reads one
        signal stands for the first layer, too.
    rule : str
        Of the relevance. The plain gradient is always shown beside it.
    segments, tier : optional
        Words, phones or events with their times, over which the relevance is summed, as in
        :func:`otoscope.methods.relevance.relevance`.
    n_maps : int
        How many maps of each layer are sonified, the most active ones.
    control : bool
        Whether tests say beside the relevance whether it may be believed, see
        :func:`otoscope.trust.control.control` and :func:`otoscope.trust.taken_away.taken_away`.
    memory : int, optional
        Bytes of memory that may be used, half of what is free by default: what the way back through the model needs
        beyond them is kept in temporary files.
    progress : callable, optional
        Called as ``progress(step, done, total)``.

    Returns
    -------
    dict
        What is in ``summary.json``: facts, the tables of the results, under ``missing`` what could not be made and
        why, and the names of the files. The folder also holds ``report.html``, the arrays as netCDF and the sounds as
        wav.

    Raises
    ------
    InputError
        If the sound, target or a layer is unfit, or the folder cannot be written.
    """
    with whole_folder(folder, "inspect") as part:
        options: dict[str, Any] = {"target": target, "at": at, "against": against, "target_band": target_band}
        options |= {
            "layer": layer,
            "rule": rule,
            "segments": segments,
            "tier": tier,
            "n_maps": n_maps,
            "control": control,
            "memory": memory,
        }
        found = gather(subject, wave, progress=progress, **options)
        write_text(part / "report.html", _page(found))
        for name, result in found.by_file().items():
            save(result, part / f"{_file_name(name)}.nc")
            if result.otoscope.has_sound:
                result.otoscope.write_audio(part / f"{_file_name(name)}.wav")
        return write_summary(part, "inspect", inspection_summary(subject, found))


@suggesting
def write_report(
    subject: Subject,
    wave: Wave,
    path: str | Path,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    layer: str | Sequence[str] | None = None,
    rule: RelevanceRule = "guided",
    segments: Segments | None = None,
    tier: str | None = None,
    n_maps: int = 6,
    control: bool = True,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write one HTML file with everything that can be seen of one sound.

    Parameters
    ----------
    wave : wave, (time,)
        A sound file, or samples at the rate of the model.
    path : str or Path
        The file; written whole or not at all.
    target, at, against, target_band, layer, rule, segments, tier, n_maps, control, memory, progress
        As in :func:`inspect`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the sound, target or a layer is unfit, or the file cannot be written.
    """
    with whole_file(path) as part:
        options: dict[str, Any] = {"target": target, "at": at, "against": against, "target_band": target_band}
        options |= {
            "layer": layer,
            "rule": rule,
            "segments": segments,
            "tier": tier,
            "n_maps": n_maps,
            "control": control,
            "memory": memory,
        }
        found = gather(subject, wave, progress=progress, **options)
        part.write_text(_page(found), encoding="utf-8")
    return Path(path)


def write_results(
    folder: str | Path, results: Mapping[str, xr.Dataset], *, style: StyleName | None = None
) -> list[Path]:
    """Write arrays (netCDF), pictures (PNG or PDF), sounds (wav) and a page (report.html) of results into a folder.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing; files of the same names are replaced.
    results : mapping of str to Dataset
        By the name that the files get.
    style : {"screen", "paper"}, optional
        Of the pictures, as of :func:`write_picture`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    written = write_arrays(folder, results, style=style)
    page = Path(folder) / "report.html"
    write_text(page, results_page(results))
    return [*written, page]


def write_arrays(
    folder: str | Path, results: Mapping[str, xr.Dataset], *, style: StyleName | None = None
) -> list[Path]:
    """What :func:`write_results` writes, but for the page."""
    folder = make_folder(folder)
    written = []
    for name, result in results.items():
        stem = folder / _file_name(name)
        save(result, stem.with_name(f"{stem.name}.nc"))
        written.append(stem.with_name(f"{stem.name}.nc"))
        if plots.picture(str(result.attrs.get("method", ""))) is not None:
            written.append(write_picture(result, stem, style=style))
        if result.otoscope.has_sound:
            written += result.otoscope.write_audio(stem.with_name(f"{stem.name}.wav"))
    return written


def write_numbers(folder: str | Path, name: str, content: Mapping[str, Any]) -> Path:
    """Write numbers as ``name.json`` into a folder, which is made where it is missing.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    path = make_folder(folder) / f"{name}.json"
    write_text(path, json.dumps(finite(content), indent=1, allow_nan=False) + "\n")
    return path


def _page(found: Found) -> str:
    page = sound_page({"a": found})
    return page_html(page.manifest, page.parts)


def write_picture(result: xr.Dataset, stem: Path, *, style: StyleName | None = None) -> Path:
    """Write the picture of a result: as PNG, or for print as PDF with embedded fonts, as wide as a column or a page.

    Parameters
    ----------
    result : Dataset
    stem : Path
        The file without its suffix.
    style : {"screen", "paper"}, optional
        As of :func:`otoscope.plots.styled`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If there is no picture of such a result, or the file cannot be written.
    """
    import matplotlib.pyplot as plt

    figure: Figure = np.ravel(result.otoscope.plot(style=style))[0].figure
    try:
        if style == "paper":
            return save_figure(figure, stem.with_name(f"{stem.name}.pdf"))
        return save_figure(figure, stem.with_name(f"{stem.name}.png"), dpi=200, bbox_inches="tight")
    finally:
        plt.close(figure)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)
