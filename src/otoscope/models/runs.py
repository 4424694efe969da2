"""The checkpoints of a training run, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from otoscope.errors import InputError

_SUFFIXES = frozenset([".safetensors", ".pt", ".pth", ".bin", ".ckpt"])


def checkpoint_files(places: str | Path | Sequence[str | Path]) -> list[tuple[int | str, Path]]:
    """Find the weights files of a run, labelled by step.

    Parameters
    ----------
    places : str or Path, or a sequence of them
        Weights files, or folders of them; a subfolder with a single weights file, such as
        ``checkpoint-500/model.safetensors``, counts as one file with the name of the subfolder.

    Returns
    -------
    list of (label, Path)
        The label is the number after ``step`` in the name, or else the last number in it, by which files are
        sorted. If a name has no number, or two have the same, all labels are names, in the order given (by name in a
        folder).

    Raises
    ------
    InputError
        If there is no such file, or none in a folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("epoch=1-step=90.ckpt", "epoch=0-step=5.ckpt"):
    ...     (folder / name).touch()
    >>> [(step, path.name) for step, path in checkpoint_files(folder)]
    [(5, 'epoch=0-step=5.ckpt'), (90, 'epoch=1-step=90.ckpt')]
    """
    given = [places] if isinstance(places, (str, Path)) else list(places)
    named = [found for place in given for found in _named(Path(place))]
    if not named:
        raise InputError("no checkpoint was given: give weights files or a folder of them")
    steps = [_step(name) for name, _ in named]
    if None in steps or len(set(steps)) < len(steps):
        return [(name, path) for name, path in named]
    return sorted(((int(step), path) for step, (_, path) in zip(steps, named, strict=True) if step is not None))


def _named(place: Path) -> list[tuple[str, Path]]:
    """Weights files, and the names that contain their steps."""
    if not place.is_dir():
        if not place.is_file():
            raise InputError(f"there is no checkpoint {place}")
        return [(place.stem, place)]
    found = [(path.stem, path) for path in _weights_in(place)]
    for folder in sorted(path for path in place.iterdir() if path.is_dir()):
        inside = _weights_in(folder)
        if len(inside) == 1:
            found.append((folder.name, inside[0]))
    if not found:
        raise InputError(f"no weights file ({', '.join(sorted(_SUFFIXES))}) is in the folder {place}")
    return found


def _weights_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())


def _step(name: str) -> int | None:
    after_step = re.search(r"step\D?(\d+)", name, re.IGNORECASE)
    numbers = re.findall(r"\d+", name)
    return int(after_step[1]) if after_step else int(numbers[-1]) if numbers else None
