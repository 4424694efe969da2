"""The clips that drive each map most, to be heard: a piece of each around its peak, and its sonification.

They lie beside the tables of a run, which do not depend on them:

``sounds/LAYER/CHANNEL/rank-01-clip000123.wav``, ``rank-01-clip000123-sonification.wav``
    what ``top_activations`` gives of a clip and a map, as sound files;
``sounds/index.csv``
    a row a clip of a map: written last, so that where it is there it is whole;
``sounds/about.json``
    the run that they are of, and how they were made.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.audio import write_audio
from otoscope.causes import said
from otoscope.errors import InputError
from otoscope.files import make_folder, write_text
from otoscope.methods.slide import parts_along, pieces_of
from otoscope.methods.sonify import sounds_of_maps
from otoscope.methods.top_activations import around
from otoscope.optional import needs
from otoscope.results import to_numpy
from otoscope.runs.run import Run
from otoscope.sounds import usual_taps
from otoscope.subject import Subject
from otoscope.sweeps.known import record_of
from otoscope.sweeps.pieces import Piece, is_whole_index, top_pieces, write_index
from otoscope.sweeps.plan import Clip, Listed, length_of
from otoscope.sweeps.store import Store
from otoscope.sweeps.trial import tried
from otoscope.sweeps.work import read_clip

USUAL_SIZE = 1_000_000_000
"""Bytes that the sound files of a run may take, where nothing else is said."""

_METHOD = "activations"
_DURATION = 1.0  # s, as top_activations has it
_RULE: Literal["deconvnet"] = "deconvnet"
_HEADER, _SAMPLE = 44, 2  # bytes, in a WAV file of 16 bits
_FILES = 2  # of a clip of a map
_AT_ONCE = 1 << 24  # samples of sonifications that are in memory together

Progress = Callable[[int, int], None]
"""Called with how many clips are done, of how many."""


@dataclass(frozen=True)
class Sounded:
    """The sounds of a run that are there.

    Attributes
    ----------
    maps, dead : int
        Maps that have sounds, and maps that no clip drives, which have none.
    files, size : int
        Sound files that are there, and their bytes.
    written : int
        Files that were written now.
    missing : mapping of str to str
        Clips of which sounds could not be made, and why.
    """

    maps: int
    dead: int
    files: int
    size: int
    written: int
    missing: Mapping[str, str] = field(default_factory=dict)


class Sounding:
    """The sounds that a sweep is to have.

    Parameters
    ----------
    subject : Subject
    found : Listed
    store : Store
    mark : str
        The fingerprint of the run.
    shards : int
        Of the whole run.
    k : int
        Clips a map.
    size : int
        Bytes that all files may take.
    """

    def __init__(
        self, subject: Subject, found: Listed, store: Store, mark: str, *, shards: int, k: int, size: int
    ) -> None:
        for module in ("duckdb", "pandas"):
            needs(module, extra="sweep", purpose="finding the top clips of a sweep")
        self._subject, self._found, self._store = subject, found, store
        self._mark, self._shards, self._k, self._size = mark, shards, k, size
        self._folder = store.folder / "sounds"
        self._index = self._folder / "index.csv"

    @property
    def ready(self) -> bool:
        """Whether all shards are done."""
        return len(self._store.finished(self._mark)) == self._shards

    def check(self, methods: Mapping[str, Mapping[str, Any]]) -> None:
        """Find out with little work that sounds can be made, and that they take no more bytes than they may.

        Parameters
        ----------
        methods : mapping of str to mapping
            With their arguments.

        Raises
        ------
        InputError
            If no method says which clips drive a map, a layer cannot be heard, the files would take too many bytes, or
            those that are there are of another run.
        """
        if _METHOD not in methods:
            raise InputError(
                f"sounds are of the clips that drive maps, and {', '.join(methods)} does not say which those are: add "
                f"{_METHOD} to the methods"
            )
        self._check_folder()
        maps = tried(self._subject, self._found, "sonify", lambda wave, _: self._maps(wave, methods[_METHOD]))
        if self.ready:  # which clips they are is known
            pieces, _ = self._top
            maps = len({(piece.layer, piece.channel) for piece in pieces})
            self._check_size(sum(self._bytes(self._clip(piece.clip)) for piece in pieces), maps, "")
        else:
            self._check_size(maps * min(self._k, len(self._found)) * self._most_bytes(), maps, "up to ")

    def make(self, progress: Progress | None = None, *, alone: bool = True) -> Sounded:
        """Write the sounds that are not there.

        Parameters
        ----------
        progress : callable, optional
        alone : bool
            Whether no other process writes sounds of this run: what killed ones left behind is removed then.

        Raises
        ------
        InputError
            If they cannot be written.
        """
        pieces, dead = self._top
        make_folder(self._folder)
        if alone:
            for part in self._folder.glob("**/*.part"):
                part.unlink(missing_ok=True)
        about = {"fingerprint": self._mark, "duration": _DURATION, "rule": _RULE}
        write_text(self._folder / "about.json", json.dumps(about, indent=1) + "\n")
        written, missing = 0, dict[str, str]()
        if not is_whole_index(self._index, pieces) or not all(map(self._is_there, pieces)):
            starts = dict[Piece, float]()
            groups = [list(group) for _, group in groupby(pieces, attrgetter("clip"))]
            for done, group in enumerate(groups):
                if progress is not None:
                    progress(done, len(groups))
                left = [piece for piece in group if not self._is_there(piece)]
                found, why = self._of_clip(group, left)
                starts |= found
                written += _FILES * sum(piece in found for piece in left)
                missing |= {group[0].name: why} if why else {}
            write_index(self._index, pieces, starts)
            if progress is not None:
                progress(len(groups), len(groups))
        there = [piece for piece in pieces if self._is_there(piece)]
        size = sum((self._folder / name).stat().st_size for piece in there for name in piece.files)
        maps = len({(piece.layer, piece.channel) for piece in pieces})
        return Sounded(maps, dead, _FILES * len(there), size, written, missing)

    # -- Before it begins ---------------------------------------------------------------------------------

    def _check_folder(self) -> None:
        path = self._folder / "about.json"
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}): remove {self._folder}, and it is made again") from None
        if not isinstance(about, dict) or about.get("fingerprint") != self._mark:
            raise InputError(f"{self._folder} holds sounds of another run: remove it, and it is made again")

    def _maps(self, wave: xr.DataArray, arguments: Mapping[str, Any]) -> int:
        """How many maps there are; one of each layer is heard, so that an error is known now."""
        layers = record_of(_METHOD).function(self._subject, wave, **arguments)["layer"].values
        inputs = self._subject.inputs(wave)
        for layer in dict.fromkeys(layers.tolist()):
            self._sonified(inputs, layer, [0])
        return len(layers)

    def _check_size(self, size: int, maps: int, about: str) -> None:
        if size > self._size:
            raise InputError(
                f"the sounds of {maps} maps, {self._k} clips of each, take {about}{_said(size)}, and no more than "
                f"{_said(self._size)} are allowed: allow as much with --sounds-size {_said(size)}, ask for fewer clips "
                f"with --sounds, or sweep over fewer layers with --set {_METHOD}.layer=LAYER"
            )

    def _most_bytes(self) -> int:
        """Of the files of one clip of one map, at most."""
        seconds = self._found.seconds
        longest = float(seconds.max()) if np.isfinite(seconds).all() else math.nan
        return self._bytes(Clip(0, "", self._found.items[0], longest))

    def _bytes(self, clip: Clip) -> int:
        """Of the files of a clip of one map; where its length is not known, at most."""
        contract = self._subject.contract
        lengths = round(_DURATION * self._subject.sample_rate), length_of(clip, contract), contract.length
        samples = min(length for length in lengths if length is not None)
        return _FILES * (_HEADER + _SAMPLE * (contract.channels or 1) * samples)

    # -- What there is ------------------------------------------------------------------------------------

    @cached_property
    def _top(self) -> tuple[list[Piece], int]:
        return top_pieces(Run(self._store.folder), self._k)

    def _clip(self, number: int) -> Clip:
        return self._found.shard(number, 1).clips[0]

    def _is_there(self, piece: Piece) -> bool:
        return all((self._folder / name).exists() for name in piece.files)

    # -- What they sound like -----------------------------------------------------------------------------

    def _of_clip(self, pieces: Sequence[Piece], left: Sequence[Piece]) -> tuple[dict[Piece, float], str]:
        """Write the files that are left of the pieces of a clip.

        Returns
        -------
        dict of Piece to float
            Where in s they begin in it; of those whose files are there.
        str
            Why others are not.
        """
        channels, why = self._subject.contract.channels or 1, ""
        read = read_clip(self._clip(pieces[0].clip), self._subject.sample_rate, channels)
        if read.wave is None:
            return {}, "" if read.failure is None else read.failure.message
        starts = dict[Piece, float]()
        heard = self._heard(read.wave)
        for part, (first, inputs) in enumerate(heard, 1):
            later = (first + inputs.shape[-1]) / self._subject.sample_rate if part < len(heard) else math.inf
            own = [piece for piece in pieces if piece not in starts and not piece.peak_time >= later]
            found, reason = self._of_part(inputs, first, own, [piece for piece in left if piece in own])
            starts, why = starts | found, why or reason
        return {piece: start for piece, start in starts.items() if not math.isnan(start)}, why

    def _heard(self, wave: xr.DataArray) -> list[tuple[int, Tensor]]:
        """What the model hears of a clip, in parts where it takes one length, each with its first sample."""
        whole = self._subject.whole(wave)
        pieces = pieces_of(self._subject.network, whole)
        if pieces is None:
            return [(0, whole)]
        parts = torch.cat(parts_along(self._subject.network, pieces, whole))
        return list(zip(pieces.starts, parts.split(1), strict=True))

    def _of_part(
        self, inputs: Tensor, first: int, pieces: Sequence[Piece], left: Sequence[Piece]
    ) -> tuple[dict[Piece, float], str]:
        """As `_of_clip`, of a part of a clip from a sample on; NaN where the files are not there."""
        samples, why = to_numpy(inputs[0] if inputs.shape[1] > 1 else inputs[0, 0]), ""
        rate = self._subject.sample_rate
        starts = {piece: (first + self._around(piece, samples, first)[0]) / rate for piece in pieces}
        for layer, group in groupby(left, attrgetter("layer")):
            for chosen in _parts(list(group), max(1, _AT_ONCE // inputs.numel())):
                try:
                    sounds = self._sonified(inputs, layer, [piece.channel for piece in chosen])
                except Exception as error:  # of the user's model: other clips go on
                    why = said(error)
                    starts |= dict.fromkeys(chosen, math.nan)
                    continue
                for piece, sound in zip(chosen, sounds, strict=True):
                    self._write(piece, samples, sound, first)
        return starts, why

    def _sonified(self, inputs: Tensor, layer: str, channels: list[int]) -> np.ndarray[Any, Any]:
        """Of a sound the sonifications of maps, (channel, ..., time)."""
        found = sounds_of_maps(
            self._subject, inputs, layer=layer, channels=channels, rule=_RULE, time_axes=self._time_axes
        )
        sounds: np.ndarray[Any, Any] = found["sonification"].values[0]
        return sounds

    @cached_property
    def _time_axes(self) -> dict[str, int]:
        return usual_taps(self._subject)[1]

    def _around(self, piece: Piece, samples: np.ndarray[Any, Any], first: int) -> tuple[int, int]:
        rate = self._subject.sample_rate
        return around(piece.peak_time - first / rate, samples.shape[-1], rate, _DURATION)

    def _write(self, piece: Piece, samples: np.ndarray[Any, Any], sound: np.ndarray[Any, Any], first: int) -> None:
        begin, length = self._around(piece, samples, first)
        make_folder((self._folder / piece.file).parent)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a sound that a model gets louder than full scale is scaled to it
            for name, whole in zip(piece.files, (samples, sound), strict=True):
                write_audio(self._folder / name, whole[..., begin : begin + length], self._subject.sample_rate)


def _parts(pieces: Sequence[Piece], count: int) -> list[Sequence[Piece]]:
    return [pieces[first : first + count] for first in range(0, len(pieces), count)]


def _said(size: int) -> str:
    """Bytes, rounded up, as the command line takes them.

    Examples
    --------
    >>> _said(1_000_000_000), _said(2_401_000_001), _said(999)
    ('1GB', '2.41GB', '1kB')
    """
    power = 9 if size >= 10**9 else 6 if size >= 10**6 else 3
    units = {9: "GB", 6: "MB", 3: "kB"}
    return f"{math.ceil(size / 10 ** (power - 2)) / 100:.2f}".rstrip("0").rstrip(".") + units[power]
