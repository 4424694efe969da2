"""Sounds that can be played where no server is: the sound itself is in the HTML of its player."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from otoscope.errors import InputError
from otoscope.markup import note as remark

LONGEST_SOUND = 60.0
"""Longest sound in s that a player holds; of a longer one it holds the beginning, and says so."""


@dataclass(frozen=True)
class Player:
    """A sound that can be played.

    Attributes
    ----------
    label : str
        What is heard.
    samples : numpy.ndarray, shape (time,) or (channel, time)
        Full scale = 1. A peak above 1 is scaled down to 1, and the label says so.
    sample_rate : int
        In Hz.
    """

    label: str
    samples: np.ndarray
    sample_rate: int


class Players:
    """Players below each other, in notebooks: their sounds keep their levels, so that they can be compared by ear.

    Parameters
    ----------
    players : sequence of Player
    note : str
        What is to be said below them, such as how many were left out.
    """

    def __init__(self, players: Sequence[Player], note: str = "") -> None:
        self.players = tuple(players)
        self.note = note

    def __repr__(self) -> str:
        names = ", ".join(player.label for player in self.players)
        return f"<{len(self.players)} {'player' if len(self.players) == 1 else 'players'}: {names}>"

    def _repr_html_(self) -> str:
        loudest = max((_peak(player) for player in self.players), default=1.0)
        parts = [f'<figure style="margin: 0.5em 0">{audio(player, loudest)}</figure>' for player in self.players]
        return "".join(parts) + (remark(self.note) if self.note else "")


def audio(player: Player, loudest: float = 0.0) -> str:
    """A player with its label.

    Parameters
    ----------
    player : Player
    loudest : float
        The peak of the loudest of the sounds that keep their levels beside each other: all are scaled by what it needs.

    Returns
    -------
    str
        The label as a caption, and an ``audio`` element with the sound in it.

    Raises
    ------
    InputError
        If the sound is empty, not finite or of another shape.
    """
    peak = max(_peak(player), loudest)
    samples, label = np.asarray(player.samples, dtype=float), player.label
    longest = round(LONGEST_SOUND * player.sample_rate)
    if samples.shape[-1] > longest:
        label += f" (the first {LONGEST_SOUND:g} s of {samples.shape[-1] / player.sample_rate:.4g} s)"
        samples = samples[..., :longest]
    if peak > 1:
        label += f" (scaled down by {20 * np.log10(peak):.1f} dB to fit full scale)"
        samples = samples / peak
    content, kind = encode_sound(samples, player.sample_rate)
    source, name = f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}", escape(label)
    return f'<figcaption>{name}</figcaption><audio controls aria-label="{name}" src="{source}"></audio>'


def _peak(player: Player) -> float:
    """The largest magnitude of what is heard."""
    samples = np.asarray(player.samples, dtype=float)
    if samples.ndim not in (1, 2) or samples.size == 0 or not np.isfinite(samples).all():
        raise InputError(
            f"the sound {player.label!r} cannot be played: it must be finite, not empty and of shape "
            f"(time,) or (channel, time); it has shape {samples.shape}."
        )
    return float(np.abs(samples[..., : round(LONGEST_SOUND * player.sample_rate)]).max())


def encode_sound(samples: np.ndarray, sample_rate: int) -> tuple[bytes, str]:
    """Samples as the bytes of a 16-bit FLAC or WAV file, whichever is smaller, and its media type.

    Parameters
    ----------
    samples : numpy.ndarray, shape (time,) or (channel, time)
        From -1 to 1.
    sample_rate : int
        In Hz.

    Returns
    -------
    tuple of bytes and str
        ``audio/flac`` or ``audio/wav``; every current browser plays both.

    Examples
    --------
    >>> encode_sound(np.zeros(8000), 8000)[1]
    'audio/flac'
    """
    import soundfile

    # Rounded here, so that both formats hold the very same integers.
    integers = np.clip(np.round(samples.T * 32768), -32768, 32767).astype(np.int16)
    coded = []
    for container in ("FLAC", "WAV"):
        buffer = io.BytesIO()
        soundfile.write(buffer, integers, sample_rate, format=container, subtype="PCM_16")
        coded.append((buffer.getvalue(), f"audio/{container.lower()}"))
    return min(coded, key=lambda one: len(one[0]))
