"""`otoscope inspect`: run every method on one sound and write report, arrays, sounds and summary as one folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.errors import InputError
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
        Made anew, or replaced when it holds an earlier inspection; written whole or not at all.
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
        What is in ``summary.json``: facts, the main numbers, and the names of the files. The folder also
        holds ``report.html``, the arrays as netCDF and the sounds as wav.

    Raises
    ------
    InputError
        If the sound, target or a layer is unfit, or the folder cannot be written.
    """
    with _made_whole(Path(folder)) as temporary:
        clip, results, trace, notes = gather(
            scope, wave, target=target, layers=layers, rule=rule, top=top, progress=progress
        )
        tell(progress, "writing")
        page = inspection_report(results, clip, taps_table(trace), model_facts(scope), notes=notes)
        (temporary / "report.html").write_text(page, encoding="utf-8")
        files = [path.name for path in _write_arrays(temporary, _flat(results)) + _write_sounds(temporary, results)]
        summary = inspection_summary(scope, clip, results, trace, notes, sorted([*files, "report.html"]))
        (temporary / "summary.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return summary


def write_report(scope: Scope, wave: Any, path: str | Path, **options: Any) -> Path:
    """Write one HTML file with everything that a scope shows of one sound.

    The options are those of :func:`inspect`.

    Returns
    -------
    Path
        The file.
    """
    path = Path(path)
    _check_writable(path.parent)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file")
    clip, results, trace, notes = gather(scope, wave, **options)
    page = inspection_report(results, clip, taps_table(trace), model_facts(scope), notes=notes)
    _replace(path, page)
    return path


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
    folder = _made(Path(folder))
    written = _write_arrays(folder, results)
    page = folder / "report.html"
    _replace(page, results_page(results))
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
    path = _made(Path(folder)) / f"{name}.json"
    _replace(path, json.dumps(finite(content), indent=1, allow_nan=False) + "\n")
    return path


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; choose another") from None
    _check_writable(folder)
    return folder


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _draw(result: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    axes = result.otoscope.plot()
    figure = np.ravel(axes)[0].figure
    temporary = path.with_name(f".{path.name}.part")  # so that the picture is written whole or not at all
    try:
        figure.savefig(temporary, dpi=200, bbox_inches="tight", format="png")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
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


def _check_writable(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"the folder {folder} does not exist; make it or choose another")
    if not os.access(folder, os.W_OK):
        raise InputError(f"cannot write into {folder}; choose a folder that can be written")


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder` when all went well, and vanishes when not."""
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not _is_inspection(folder))):
        raise InputError(
            f"{folder} exists and is not, or not only, an earlier inspection; choose a new or empty folder"
        )
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; choose a folder that can be written") from None
    try:
        yield temporary
        temporary.chmod(0o755)
        if folder.exists():
            earlier = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
            folder.rename(earlier / folder.name)
            temporary.rename(folder)
            shutil.rmtree(earlier)
        else:
            temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise


def _is_inspection(folder: Path) -> bool:
    """Whether a folder holds an inspection and nothing else, so that nothing is lost with it."""
    try:
        files = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["files"]
        return {path.name for path in folder.iterdir()} <= {"summary.json", *files}
    except (OSError, ValueError, KeyError, TypeError):
        return False
