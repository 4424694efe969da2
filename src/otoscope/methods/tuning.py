"""What maps answer to, by experiment: tones of every frequency, noise of every level and of every modulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.errors import InputError
from otoscope.heard import sines_to_each
from otoscope.methods.arguments import check_positive
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.tone_response import inside_the_sound, tones_of
from otoscope.probe import locate
from otoscope.probe.select import activity_of, by_clip
from otoscope.results import axis, variable
from otoscope.subject import Subject, silence
from otoscope.types import Progress

LEVELS = (-60.0, -54.0, -48.0, -42.0, -36.0, -30.0, -24.0, -18.0, -12.0)
"""Of noise, in dB of full scale."""

_AT_ONCE = 16  # sounds in a batch
_SILENT = 1e-9  # of the largest response of the layer, below which a map answers to nothing
_NOISES = 4  # pieces of noise over which modulations are averaged
_FEWEST_LEVELS = 3  # for a slope
_HALF_POWER = math.sqrt(0.5)
_SOUNDS = ("frequency", "level", "rate")


@method(
    source=f"measured with tones and noise; gains of modulation after {cite('viemeister1979')}",
    takes="model",
    rows=Rows(("channel",), ("best_frequency", "width", "exponent", "threshold", "best_rate", "best_modulation_gain")),
    main="frequency_response",
)
def tuning(
    subject: Subject,
    *,
    layer: str,
    bins_per_octave: int = 6,
    minimum_frequency: float = 50.0,
    levels: Sequence[float] = LEVELS,
    rates: Sequence[float] = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
    level: float = -24.0,
    depth: float = 1.0,
    duration: float = 2.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Tuning curves of every map of a layer over frequency, level and rate of modulation, by tones and noise.

    Parameters
    ----------
    layer : str
        The tap whose maps are measured, by its name or the end of it.
    bins_per_octave : int
        Tones from one octave to the next.
    minimum_frequency : float
        Of the lowest tone, in Hz; the highest is at half the sample rate.
    levels : sequence of float
        Root mean squares of white noise, in dB of full scale, two or more, at most 0.
    rates : sequence of float
        Rates in Hz at which the amplitude of white noise is modulated.
    level : float
        Of the tones and of the modulated noise, in dB of full scale, at most 0.
    depth : float
        Of the modulation, above 0 and up to 1.
    duration : float
        Length of the sounds in s, where the model takes any.
    seed : int
        Of the noise.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of sounds.

    Returns
    -------
    Dataset
        `frequency_response` (channel, frequency) and `level_response` (channel, level), root mean squares of what a
        sound adds to a map; `modulation_gain` (channel, rate), NaN at rates that the map is too slow for; and of each
        map `best_frequency` in Hz, `width` of its response at half power in octaves, `exponent`, how steeply its
        response grows with the level (1: in proportion, 0: not at all) from the `threshold` on, the lowest level in dB
        that it answers to, `best_rate` in Hz and `best_modulation_gain` there. NaN where a map answers to nothing.

    Raises
    ------
    InputError
        If there is no such tap, or a frequency, a level, a rate, the depth or the duration is not possible.

    Notes
    -----
    With :math:`h\{x\}` a map for the sound x, over elements whose receptive field lies within the sound (over all,
    where there are none), the response is :math:`\mathrm{rms}(h\{x\} - h\{0\})`; of tones over a sine and a cosine.
    The exponent is the slope of :math:`20 \lg` of the response to noise over its level in dB, over the levels to which
    there is a response, three or more (or both, of two). The gain of modulation
    compares what reaches a map of the modulation :math:`1 + m \sin 2 \pi r t` of noise n:

    .. math:: g(r) = \frac{2}{m} \left| \frac{E_r\{(1 + m \sin) n\}}{E_0\{(1 + m \sin) n\}} -
              \frac{E_r\{n\}}{E_0\{n\}} \right|, \quad E_r = \sum_t |h[t] - h_0[t]| e^{-2 \pi i r t}

    averaged over four pieces of noise, all of one level. A map that follows the amplitude of the sound in proportion
    has the gain 1 (Viemeister 1979 measured how far ears follow it). Rates above half the rate of the map's elements
    are NaN.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 30, stride=10), torch.nn.ReLU())
    >>> found = tuning(Subject(model, sample_rate=8000), layer="0", duration=0.5, bins_per_octave=1)
    >>> found.frequency_response.sizes, bool((abs(found.exponent - 1) < 0.01).all())
    (Frozen({'channel': 4, 'frequency': 7}), True)
    """
    rate = subject.sample_rate
    _check(levels, rates, level, depth, minimum_frequency, bins_per_octave)
    tones = tones_of(None, rate, minimum_frequency, bins_per_octave)
    inputs = silence(subject, duration)
    heard = _Heard(subject, inputs, layer)
    time = torch.arange(inputs.shape[-1], dtype=torch.float64) / rate
    noise = torch.randn(
        _NOISES, len(time), generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )  # the same noise for all levels and rates
    phase = 2 * math.pi * tones[:, None] * time
    modulated = torch.cat([noise, *(noise * (1 + depth * torch.sin(2 * math.pi * r * time)) for r in rates)])
    total = 2 * len(tones) + len(levels) + len(modulated)
    told = _Told(progress, total)
    at = 10 ** (level / 20)
    parts = [heard.sizes(at * math.sqrt(2) * wave, told) for wave in (phase.sin(), phase.cos())]
    by_frequency = torch.sqrt((parts[0] ** 2 + parts[1] ** 2) / 2).T.cpu().numpy()
    scales = 10 ** (torch.tensor(list(levels), dtype=torch.float64)[:, None] / 20)
    by_level = heard.sizes(scales * _unit(noise[:1]), told).T.cpu().numpy()
    gains = _gains(heard, at * _unit(modulated), list(rates), depth, told)
    silent = _SILENT * np.nanmax([by_frequency.max(), by_level.max(), 1e-300])
    mute = ~(np.isfinite(by_frequency).all(1) & (by_frequency.max(1) > silent))
    frequency = tones.numpy()
    best = np.where(mute, np.nan, frequency[by_frequency.argmax(1)])
    exponent, threshold = _exponent(by_level, np.array(levels, dtype=float), silent)
    rate_of, gain_of = _best_rate(gains, np.array(rates, dtype=float))
    result = xr.Dataset(
        {
            "frequency_response": variable(["channel", "frequency"], by_frequency, "response to tones"),
            "level_response": variable(["channel", "level"], by_level, "response to noise"),
            "modulation_gain": variable(["channel", "rate"], gains, "gain of the modulation of noise"),
            "best_frequency": variable(["channel"], best, "frequency of the largest response", "Hz"),
            "width": variable(
                ["channel"], np.where(mute, np.nan, _width(by_frequency, frequency)), "width at half power", "octave"
            ),
            "exponent": variable(["channel"], exponent, "growth with the level"),
            "threshold": variable(["channel"], threshold, "lowest level of a response", "dB"),
            "best_rate": variable(["channel"], rate_of, "rate of the largest gain", "Hz"),
            "best_modulation_gain": variable(["channel"], gain_of, "largest gain of modulation"),
        },
        coords={
            "channel": axis("channel", np.arange(len(by_frequency)), "map"),
            "frequency": axis("frequency", tones, "frequency of the tone", "Hz"),
            "level": axis("level", np.array(levels, dtype=float), "level of the noise", "dB"),
            "rate": axis("rate", np.array(rates, dtype=float), "rate of the modulation", "Hz"),
        },
        attrs={"layer": heard.tap.name, **sines_to_each(subject)},
    )
    return resolved(result, layer=heard.tap.name, duration=inputs.shape[-1] / rate)


class _Told(NamedTuple):
    """Who is told how many sounds are done, of how many."""

    progress: Progress | None
    total: int


class _Heard:
    """The maps of a layer for sounds, less what they are for silence."""

    def __init__(self, subject: Subject, inputs: Tensor, layer: str) -> None:
        self._subject, self._like, self._done = subject, inputs, 0
        self.tap, value = locate(subject.network, inputs, subject.sample_rate, layer, subject.time_axes)
        at_rest = by_clip(value, self.tap)
        self._floor = at_rest.where(at_rest.isfinite(), 0)
        self.inside = inside_the_sound(self.tap, at_rest.shape, inputs.shape[-1])
        self._at_once = _AT_ONCE if self.tap.clip_axis is not None and subject.network.apart else 1

    def maps(self, waves: Tensor, told: _Told) -> list[Tensor]:
        """What sounds (clip, time) add to the maps, in batches (clip, channel, ..., time)."""
        found = []
        for part in waves.split(self._at_once):
            given = self._subject.contract.fit(part.to(self._like))[:, None]
            _, value = locate(
                self._subject.network, given, self._subject.sample_rate, self.tap.name, self._subject.time_axes
            )
            added = by_clip(value, self.tap) - self._floor
            found.append(added if self.inside is None else added[..., self.inside])
            self._done += len(part)
            if told.progress:
                told.progress(self._done, told.total)
        return found

    def sizes(self, waves: Tensor, told: _Told) -> Tensor:
        """Root mean squares of what sounds add to each map, (clip, channel)."""
        return torch.cat([activity_of(part).double() for part in self.maps(waves, told)])

    def times(self) -> Tensor | None:
        """When the elements of the maps are, in s; None where they have no axis of time."""
        if self.tap.time_axis is None:
            return None
        times = self.tap.times()
        return times if self.inside is None else times[self.inside]


def _check(
    levels: Sequence[float],
    rates: Sequence[float],
    level: float,
    depth: float,
    minimum_frequency: float,
    bins_per_octave: int,
) -> None:
    check_positive(minimum_frequency=minimum_frequency, bins_per_octave=bins_per_octave)
    if len(levels) < 2 or not np.isfinite(levels).all() or len(set(levels)) < len(levels):
        raise InputError(f"levels have to be two or more different numbers of dB, not {list(levels)}")
    if not (math.isfinite(level) and level <= 0) or max(levels) > 0:
        wrong = level if max(levels) <= 0 else max(levels)
        raise InputError(f"a level has to be a number of dB of full scale, 0 or less, not {wrong}")
    if not len(rates) or not all(0 < one < math.inf for one in rates):
        raise InputError(f"rates of modulation have to be above 0 Hz, not {list(rates)}")
    if not 0 < depth <= 1:
        raise InputError(f"depth of modulation has to be above 0 and at most 1, not {depth}")


def _unit(waves: Tensor) -> Tensor:
    """Sounds of a root mean square of 1."""
    return waves / waves.square().mean(-1, keepdim=True).sqrt()


def _gains(heard: _Heard, waves: Tensor, rates: list[float], depth: float, told: _Told) -> np.ndarray:
    """How much of the modulation of noise reaches each map, (channel, rate)."""
    followed = torch.cat([_envelope(part) for part in heard.maps(waves, told)])  # (noise and each rate, channel, time)
    times, fastest = heard.times(), 0.0
    if times is not None and len(times) > 1 and followed.shape[-1] == len(times):
        fastest = 0.5 / float((times[1:] - times[:-1]).abs().max())
    plain, found = followed[:_NOISES], []
    for place, rate in enumerate(rates, start=1):
        if times is None or rate > fastest or rate * float(times[-1] - times[0]) < 1:
            found.append(np.full(followed.shape[1], np.nan))
            continue
        turning = torch.exp(-2j * math.pi * rate * times.to(followed.device).double())
        changed = followed[place * _NOISES : (place + 1) * _NOISES]
        parts = [_at(one, turning) for one in (changed, plain)]
        found.append(2 / depth * (parts[0] - parts[1]).mean(0).abs().cpu().numpy())
    return np.stack(found, 1)


def _envelope(maps: Tensor) -> Tensor:
    """How large maps (clip, channel, ..., time) are at each time, (clip, channel, time)."""
    sizes = maps.abs().double()
    return sizes.flatten(2, -2).mean(2) if sizes.ndim > 3 else sizes if sizes.ndim == 3 else sizes[..., None]


def _at(envelope: Tensor, turning: Tensor) -> Tensor:
    """The share of an envelope that turns with a rate, complex (clip, channel)."""
    mean = envelope.mean(-1, keepdim=True)
    share = ((envelope - mean) * turning).mean(-1) / mean[..., 0].clamp(min=1e-300)
    return share.where(mean[..., 0] > 0, torch.nan)


def _width(response: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Octaves between the frequencies around the largest response at which it falls to half of its power."""
    found = np.empty(len(response))
    octaves = np.log2(frequency)
    for channel, one in enumerate(response):
        peak, least = int(one.argmax()), _HALF_POWER * one.max()
        ends = []
        for step in (-1, 1):
            place = peak
            while 0 <= place + step < len(one) and one[place + step] >= least:
                place += step
            beyond = place + step
            if 0 <= beyond < len(one) and one[place] > one[beyond]:
                share = (one[place] - least) / (one[place] - one[beyond])
                ends.append(octaves[place] + share * (octaves[beyond] - octaves[place]))
            else:
                ends.append(octaves[place])
        found[channel] = ends[1] - ends[0]
    return found


def _exponent(response: np.ndarray, levels: np.ndarray, silent: float) -> tuple[np.ndarray, np.ndarray]:
    """The slope of responses in dB over levels in dB, where there are any, and the lowest such level, (channel,)."""
    exponent, threshold = (np.full(len(response), np.nan) for _ in range(2))
    for channel, one in enumerate(response):
        answers = np.isfinite(one) & (one > silent)
        if answers.any():
            threshold[channel] = levels[answers].min()
        if answers.sum() >= min(_FEWEST_LEVELS, len(levels)):
            at = levels[answers] - levels[answers].mean()
            exponent[channel] = (at * 20 * np.log10(one[answers])).sum() / np.square(at).sum()
    return exponent, threshold


def _best_rate(gains: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.where(np.isfinite(gains), gains, -np.inf)
    best = known.max(1)
    there = np.isfinite(best)
    return np.where(there, rates[known.argmax(1)], np.nan), np.where(there, best, np.nan)
