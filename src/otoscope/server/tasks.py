"""What the programs of a server are told to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.server.ask import Ask, Change
from otoscope.server.examples import Example
from otoscope.server.given import Given


@dataclass(frozen=True)
class Decode:
    """A file that was sent, to be kept as samples.

    Attributes
    ----------
    path : Path
    name : str
        What its sender calls it.
    out : Path
        A WAV file of 32-bit numbers, of the rate and the channels of the file.
    """

    path: Path
    name: str
    out: Path


@dataclass(frozen=True)
class Alter:
    """A sound to be changed, kept as another."""

    path: Path
    name: str
    change: Change
    out: Path


@dataclass(frozen=True)
class Synthesise:
    """A built-in sound to be made."""

    example: Example
    out: Path


@dataclass(frozen=True)
class Begin:
    """What the program of a model is told first.

    Attributes
    ----------
    first : str
        The id of its model.
    given : mapping of str to Given
        All models of the server, by id, for comparisons.
    threads : int
        That a task may use.
    """

    first: str
    given: Mapping[str, Given]
    threads: int = 1


@dataclass(frozen=True)
class Heard:
    """A sound as the server keeps it.

    Attributes
    ----------
    id : str
    path : Path
    attrs : dict
        Facts of the file that was sent, which a result names.
    """

    id: str
    path: Path
    attrs: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """A question about a sound, asked by a job."""

    ask: Ask
    sound: Heard
    job: str


def by_name(text: str, task: Decode | Alter | Synthesise | Task) -> str:
    """What is said of a task, with the name of its sound wherever the place is said at which the server keeps it.

    Examples
    --------
    >>> task = Decode(Path("/tmp/otoscope-serve-1/Xk2.sent"), "horn.wav", Path("/tmp/otoscope-serve-1/Xk2.wav"))
    >>> by_name("/tmp/otoscope-serve-1/Xk2.sent is too short", task)
    'horn.wav is too short'
    """
    if isinstance(task, Task):
        places, name = [task.sound.path], str(task.sound.attrs["name"])
    elif isinstance(task, Synthesise):
        places, name = [task.out], task.example.name
    else:
        places, name = [task.path, task.out], task.name
    for place in places:
        text = text.replace(str(place), name)
    return text
