"""Sound files by a pattern, such as ``clips/*/*.wav``, or one by its name."""

from __future__ import annotations

import glob
from pathlib import Path

from otoscope.data.items import CONVERT, SUFFIXES, UNREADABLE_SUFFIXES, DataSet, Item, Request, Source
from otoscope.data.problems import UNREADABLE, Problems
from otoscope.data.tree import classed
from otoscope.errors import InputError


def is_sound(path: Path) -> bool:
    """Whether a path is a file with the suffix of a sound that can be read."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def is_pattern(text: str) -> bool:
    """Whether a text has a character that a pattern has and is not the name of something that is there."""
    return glob.has_magic(text) and not Path(text).exists()


def matches(pattern: str) -> list[Path]:
    """What a pattern finds, in order; ``**`` stands for any folders; brackets may be in names of folders."""
    folder, rest = _divided(Path(pattern))
    return sorted(folder / name for name in glob.glob(str(rest), root_dir=folder, recursive=True))


def _read(request: Request) -> DataSet:
    place = request.folder
    if is_sound(place) and request.task:
        raise InputError(f"{place} is one sound without a class, so it has no labels of {request.task!r}")
    if is_sound(place):
        return DataSet((Item(place, ()),), ())
    found = matches(str(place)) if is_pattern(str(place)) else []
    sounds = [path for path in found if is_sound(path)]
    problems = Problems()
    for path in found:
        if path.suffix.lower() in UNREADABLE_SUFFIXES:
            problems.add(UNREADABLE, str(path), CONVERT)
    if not sounds:
        if place.is_file():
            raise InputError(f"{place} is not a sound file that can be read")
        raise InputError(f"there is no sound file {place}" + (f": {problems.said}" if problems else ""))
    fixed, _ = _divided(place)
    return classed({path.relative_to(fixed).as_posix(): path for path in sounds}, request.task, place, problems)


def _divided(pattern: Path) -> tuple[Path, Path]:
    """The folder above the first part of a pattern that does not name a folder, and the rest."""
    folder, *parts = (Path(), *pattern.parts)
    while len(parts) > 1 and (not glob.has_magic(parts[0]) or (folder / parts[0]).is_dir()):
        folder /= parts.pop(0)
    return folder, Path(*parts)


SOURCE = Source(
    name="files",
    about="sound files by a pattern such as 'clips/*/*.wav', or one by its name",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
