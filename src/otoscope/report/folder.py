"""`otoscope inspect`: run every method on one sound and write report, arrays, sounds and summary as one folder."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope._version import __version__
from otoscope.errors import InputError
from otoscope.methods.relevance import RELEVANCE_RULES
from otoscope.probe import Tap, Trace
from otoscope.report.inspection import inspection_report
from otoscope.report.summary import geometry_rows, relevance_summary, sonification_rows, taps_table
from otoscope.results import save

if TYPE_CHECKING:
    from otoscope.scope import Scope

Progress = Callable[[str, int, int], None]

_MOST_FRAMES = 2000
_STEPS = ("taps", "relevance", "response spectra", "sonification", "geometry", "writing")


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
        _tell(progress, "writing")
        page = inspection_report(results, clip, taps_table(trace), _facts(scope), notes=notes)
        (temporary / "report.html").write_text(page, encoding="utf-8")
        files = [path.name for path in _write_arrays(temporary, _flat(results)) + _write_sounds(temporary, results)]
        summary = _summary(scope, clip, results, trace, notes, sorted([*files, "report.html"]))
        (temporary / "summary.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n")
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
    page = inspection_report(results, clip, taps_table(trace), _facts(scope), notes=notes)
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(page, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def gather(
    scope: Scope,
    wave: Any,
    *,
    target: Any = None,
    layers: Sequence[str] | None = None,
    rule: str = "guided",
    top: int = 3,
    progress: Progress | None = None,
) -> tuple[xr.DataArray, dict[str, Any], Trace, list[str]]:
    """Run every method on one sound.

    Returns
    -------
    clip : DataArray
    results : dict
        By method; "relevance" by rule and "sonify" by layer. A method that does not apply is absent.
    trace : Trace
    notes : list of str
        Why a method is absent, and what else a reader should know.
    """
    clip = scope.clip(wave)
    if clip.ndim != 1:
        raise InputError("inspect takes one clip at a time")
    if rule not in RELEVANCE_RULES:
        raise InputError(f"unknown rule {rule!r}; the rules are {', '.join(RELEVANCE_RULES)}")
    if top < 1:
        raise InputError(f"top has to be 1 or more, not {top}")
    notes = _notes(scope, clip)
    results: dict[str, Any] = {}
    _tell(progress, "taps")
    trace = scope.taps(wave)
    chosen = [trace.resolve(layer) for layer in layers] if layers else block_ends(trace)
    _tell(progress, "relevance")
    with _noted(notes, "Relevance", always=target is not None):
        rules = dict.fromkeys((rule, "gradient"))
        results["relevance"] = {name: scope.relevance(wave, target, name) for name in rules}
    _tell(progress, "response spectra")
    with _noted(notes, "The response spectra"):
        results["crs"] = scope.crs(wave)
        results["strs"] = scope.strs(wave, hop=_hop_for_pictures(scope, wave, trace))
    _tell(progress, "sonification")
    with _noted(notes, "The sonifications", always=bool(layers)):
        results["sonify"] = {name: scope.sonify(wave, name, top=top) for name in chosen}
    _tell(progress, "geometry")
    with _noted(notes, "The geometry"):
        results["geometry"] = scope.geometry()
    return clip, results, trace, notes


def block_ends(trace: Trace, count: int = 3) -> list[str]:
    """The last tap with a time axis of each block, that is before the next convolution; `count` of them."""
    ends: list[Tap] = []
    previous: Tap | None = None
    for tap in trace.values():
        if tap.kind == "convolution" and previous is not None and previous.kind != "convolution":
            ends.append(previous)
        if tap.time_axis is not None and tap.channels > 1:
            previous = tap
    if previous is not None and (not ends or previous.name != ends[-1].name):
        ends.append(previous)
    picks = np.linspace(0, len(ends) - 1, min(count, len(ends))).round().astype(int)
    return [ends[i].name for i in picks]


def write_results(folder: str | Path, results: dict[str, Any]) -> list[Path]:
    """Write arrays (netCDF), pictures (PNG) and sounds (wav) of results into a folder.

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
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; choose another") from None
    _check_writable(folder)
    written = _write_arrays(folder, results)
    for name, result in results.items():
        path = folder / f"{_file_name(name)}.png"
        _draw(result, path)
        written.append(path)
        if name.startswith(("relevance", "sonification")):
            written += result.otoscope.write_audio(folder / f"{_file_name(name)}.wav")
    return written


def _draw(result: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    axes = result.otoscope.plot()
    figure = np.ravel(axes)[0].figure
    figure.savefig(path, dpi=200, bbox_inches="tight")
    plt.close(figure)


def _notes(scope: Scope, clip: xr.DataArray) -> list[str]:
    notes = []
    if getattr(scope.model, "weights_source", "unknown") is None:
        notes.append("The weights are random: the pictures show the architecture, not what a training taught it.")
    length = scope.input_length
    if length and clip.size < length:
        notes.append(f"The model takes {length} samples: the sound was {scope.padding} to that length.")
    elif length and clip.size > length:
        notes.append(f"The model takes {length} samples: the sound was cut to that length.")
    return notes


@contextmanager
def _noted(notes: list[str], what: str, always: bool = False) -> Iterator[None]:
    """Turn the reason why a method does not apply into a note, unless the user asked for it by an option."""
    try:
        yield
    except InputError as error:
        if always:
            raise
        notes.append(f"{what}: not shown, since {error}")


def _hop_for_pictures(scope: Scope, wave: Any, trace: Trace) -> int:
    """A multiple of the stride that gives no more frames than a picture can show."""
    stride = max(trace.first_layer().taps[0].stride)
    frames = scope.inputs(wave).shape[-1] / stride
    return stride * max(1, math.ceil(frames / _MOST_FRAMES))


def _facts(scope: Scope) -> dict[str, object]:
    model = scope.model
    parameters = sum(p.numel() for p in model.parameters())
    facts: dict[str, object] = {
        "model": scope.name,
        "parameters": f"{parameters:,}",
        "weights": getattr(model, "weights_source", None) and Path(str(model.weights_source)).name,
        "weights sha256": scope.digest,
        "outputs": ", ".join(scope.classes) if scope.classes else None,
        "otoscope": __version__,
    }
    return {name: fact for name, fact in facts.items() if fact}


def _summary(
    scope: Scope, clip: xr.DataArray, results: dict[str, Any], trace: Trace, notes: list[str], files: list[str]
) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "model": scope.name,
        "model_sha256": scope.digest,
        "audio": clip.attrs.get("name", ""),
        "audio_sha256": clip.attrs.get("sha256", ""),
        "sample_rate": scope.sample_rate,
        "duration": clip.size / scope.sample_rate,
        "otoscope_version": __version__,
        "notes": notes,
        "files": files,
        "taps": taps_table(trace),
    }
    if "relevance" in results:
        by_rule = {rule: relevance_summary(one) for rule, one in results["relevance"].items()}
        first = next(iter(by_rule.values()))
        summary |= {"target": first["target"], "logit": first["logit"], "relevance": by_rule}
    if "crs" in results:
        summary["crs_peak_frequency"] = float(results["crs"].frequency[int(results["crs"].values.argmax())])
    if "sonify" in results:
        summary["sonifications"] = {name: sonification_rows(one) for name, one in results["sonify"].items()}
    if "geometry" in results:
        summary["geometry"] = geometry_rows(results["geometry"])
    return _finite(summary)


def _finite(value: Any) -> Any:
    """JSON knows no NaN: it becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


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


def _tell(progress: Progress | None, step: str) -> None:
    if progress:
        progress(step, _STEPS.index(step), len(_STEPS))


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
