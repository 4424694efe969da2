"""The types that signatures share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from torch import Tensor

from otoscope.embedded import Embedded


@dataclass(frozen=True)
class Excerpt:
    """A part of a sound file, which can be given wherever a path can.

    Attributes
    ----------
    path : str, path or Embedded
    start, duration : float
        Where the part begins and how long it is, in s; to the end of the file by default.
    channel : int, optional
        The one channel that is heard, from 0; by default all, of which a model that takes one channel gets the mean.

    Examples
    --------
    >>> Excerpt("clip.wav", start=2.0, channel=1).start
    2.0
    """

    path: str | os.PathLike[str] | Embedded
    start: float = 0.0
    duration: float | None = None
    channel: int | None = None


Wave = xr.DataArray | np.ndarray | Tensor | str | Path | Excerpt
"""A sound: the path of a file or a part of it, what :func:`otoscope.load_audio` returns, or samples (time,) or (clip,
time) at the sample rate of the model; of a model that takes several channels (time,), (channel, time) or (clip,
channel, time)."""

Data = str | Path | Iterable[Any]
"""Many sounds: ``name@split:path``, a folder, a pattern, a table, archives or a sound file (see
:func:`otoscope.data.find.find_data`); what :mod:`otoscope.data` reads; or waves, each alone or as a pair with its
label."""

Target = int | str | Sequence[int | str] | Callable[[Tensor], Tensor]
"""What of an output is explained: a class by number or name, or one for each clip; "energy", "similarity"; a function
from the output to one number a clip, or its place, ``file.py:function``. See :mod:`otoscope.methods.targets`."""

Against = int | str | Path | xr.DataArray | np.ndarray | Tensor
"""What a target is compared with: another class, or a sound."""

Span = float | Sequence[float]
"""A moment in s, or the start and the stop of a span."""

Segments = str | Path | Mapping[str, Iterable[tuple[float, float, str]]] | Iterable[tuple[float, float, str]]
"""Words, phones or events of a sound with their times: a TextGrid, a CTM file, a table or a folder of them, or (start,
stop, label) with times in s, of one sound or by the names of sounds. See :mod:`otoscope.data.segments`."""

Progress = Callable[[int, int], None]
"""Called with how much is done, and of how much; a total of 0 is not known."""

Padding = Literal["zeros", "repeat"]
"""What follows a sound that is shorter than the model takes: silence, or the sound again and again."""
