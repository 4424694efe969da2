"""`otoscope inspect`: run every method on one sound and write report, arrays, sounds and summary as one folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.files import make_folder, whole_file, whole_folder, write_summary, write_text
from otoscope.report.gather import Progress, gather, tell
from otoscope.report.inspection import inspection_report, results_page
from otoscope.report.summary import finite, inspection_summary, model_facts, taps_table
from otoscope.results import save

if TYPE_CHECKING:
    from otoscope.scope import Scope


def inspect(
    scope: Scope,
    wave: Any,
    folder: str | Path,
    *,
    target: Any = None,
    layers: Sequence[str] | None = None,
    rule: str = "guided",
    top: int = 3,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a folder with everything that a scope shows of one sound.

    Parameters
    ----------
    scope : Scope
    wave : wave, (time,)
        See :class:`otoscope.Scope`.
    folder : str or Path
        Made where it is missing; replaced where it is empty or holds an earlier inspection and nothing else; written
        whole or not at all.
    target : int, str or callable, optional
        The output to explain; the likeliest class by default.
    layers : sequence of str, optional
        Taps to sonify; by default the ends of three blocks from first to last.
    rule : str
        Of the relevance. The plain gradient is always shown beside it.
    top : int
        How many maps of each layer are sonified.
    progress : callable, optional
        Called as ``progress(step, done, total)``.

    Returns
    -------
    dict
        What is in ``summary.json``: facts, the main numbers, and under ``otoscope_manifest`` the names of the files.
        The folder also holds ``report.html``, the arrays as netCDF and the sounds as wav.

    Raises
    ------
    InputError
        If the sound, target or a layer is unfit, or the folder cannot be written.
    """
    with whole_folder(folder) as part:
        clip, results, trace, notes = gather(
            scope, wave, target=target, layers=layers, rule=rule, top=top, progress=progress
        )
        tell(progress, "writing")
        page = inspection_report(results, clip, taps_table(trace), model_facts(scope), notes=notes)
        write_text(part / "report.html", page)
        _write_arrays(part, _flat(results))
        _write_sounds(part, results)
        return write_summary(part, inspection_summary(scope, clip, results, trace, notes))


def write_report(scope: Scope, wave: Any, path: str | Path, **options: Any) -> Path:
    """Write one HTML file with everything that a scope shows of one sound.

    The options are those of :func:`inspect`.

    Returns
    -------
    Path
        The file.
    """
    with whole_file(path) as part:
        clip, results, trace, notes = gather(scope, wave, **options)
        page = inspection_report(results, clip, taps_table(trace), model_facts(scope), notes=notes)
        part.write_text(page, encoding="utf-8")
    return Path(path)


def write_results(folder: str | Path, results: dict[str, Any]) -> list[Path]:
    """Write arrays (netCDF), pictures (PNG), sounds (wav) and a page (report.html) of results into a folder.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing; files of the same names are replaced.
    results : dict of str to DataArray or Dataset
        By the name that the files get.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    folder = make_folder(folder)
    written = _write_arrays(folder, results)
    page = folder / "report.html"
    write_text(page, results_page(results))
    for name, result in results.items():
        path = folder / f"{_file_name(name)}.png"
        _draw(result, path)
        written.append(path)
        compared = result.attrs.get("method") == "compare" and "signal" in result
        if compared or name.startswith(("relevance", "sonification", "top_sounds", "residual_sound")):
            written += result.otoscope.write_audio(folder / f"{_file_name(name)}.wav")
    return [*written, page]


def write_numbers(folder: str | Path, name: str, content: dict[str, Any]) -> Path:
    """Write numbers as ``name.json`` into a folder, which is made where it is missing.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    path = make_folder(folder) / f"{name}.json"
    write_text(path, json.dumps(finite(content), indent=1, allow_nan=False) + "\n")
    return path


def _draw(result: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    axes = result.otoscope.plot()
    figure = np.ravel(axes)[0].figure
    try:
        with whole_file(path) as part:
            figure.savefig(part, dpi=200, bbox_inches="tight", format="png")
    finally:
        plt.close(figure)


def _flat(results: dict[str, Any]) -> dict[str, Any]:
    """Every array by the name of its file."""
    flat = {name: result for name, result in results.items() if not isinstance(result, dict)}
    flat |= {f"relevance_{rule}": one for rule, one in results.get("relevance", {}).items()}
    return flat | {f"sonification_{layer}": one for layer, one in results.get("sonify", {}).items()}


def _write_arrays(folder: Path, results: dict[str, Any]) -> list[Path]:
    paths = []
    for name, result in results.items():
        paths.append(folder / f"{_file_name(name)}.nc")
        save(result, paths[-1])
    return paths


def _write_sounds(folder: Path, results: dict[str, Any]) -> list[Path]:
    paths = []
    for name, result in _flat(results).items():
        if name.startswith(("relevance", "sonification")):
            paths += result.otoscope.write_audio(folder / f"{_file_name(name)}.wav")
    return paths


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)
