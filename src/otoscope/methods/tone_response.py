"""Which frequencies excite the maps of any layer: a sweep of sines, since deeper layers have no kernel to transform."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.response import log_frequencies
from otoscope.errors import InputError
from otoscope.heard import sines_to_each
from otoscope.methods.arguments import check_positive
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.probe import Tap, locate
from otoscope.probe.select import activity_of, by_clip
from otoscope.results import axis, variable
from otoscope.subject import Subject, silence
from otoscope.types import Progress

_AT_ONCE = 16  # sines in a batch


@method(
    source=f"measured with sines; of a linear first layer the magnitude responses of {cite('relevance', 'eq. 1')}",
    takes="model",
    rows=Rows(("channel",), ("best_frequency", "best_gain", "silence")),
    main="gain",
)
def tone_response(
    subject: Subject,
    *,
    layer: str,
    frequencies: Sequence[float] | None = None,
    bins_per_octave: int = 12,
    minimum_frequency: float = 50.0,
    amplitude: float = 0.5,
    duration: float = 1.0,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""How strongly every map of a layer answers to sines of every frequency.

    Parameters
    ----------
    layer : str
        The tap whose maps are measured, by its name or the end of it.
    frequencies : sequence of float, optional
        Frequencies of the sines in Hz, from 0 to half the sample rate; a geometric series by default.
    bins_per_octave : int
        Frequencies of that series from one octave to the next.
    minimum_frequency : float
        Where that series begins, in Hz; it ends at half the sample rate.
    amplitude : float
        Amplitude of the sines; full scale is 1. The answer of a network that is not linear depends on it.
    duration : float
        Length of the sines in s, where the model takes any.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of frequencies.

    Returns
    -------
    Dataset
        `gain` (channel, frequency); `best_frequency` (channel), that of the largest gain in Hz, NaN for a map
        that answers to none, and `best_gain` (channel) there; `silence` (channel), the root mean square of what is
        there without sound.

    Raises
    ------
    InputError
        If there is no such tap, or a frequency, the amplitude or the duration is not possible.

    Notes
    -----
    .. math:: g_c(f) = \frac{\mathrm{rms}\,(h_c\{a \sin\} - h_c\{0\},\; h_c\{a \cos\} - h_c\{0\})}{a / \sqrt{2}}

    over all elements of map :math:`h_c` whose receptive field lies within the sound (over all, where there are
    none). Sine and cosine together make the measure independent of phase, so that it is exactly
    :math:`|F_c(f)|` for a linear first layer, at any stride. Where the answer to silence is not finite, as of
    a model that divides its input by its deviation, nothing is subtracted.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 30, stride=10), torch.nn.ReLU(), torch.nn.Conv1d(4, 6, 3))
    >>> tone_response(Subject(model, sample_rate=8000), layer="2", duration=0.25).gain.sizes
    Frozen({'channel': 6, 'frequency': 76})
    """
    rate = subject.sample_rate
    check_positive(minimum_frequency=minimum_frequency, amplitude=amplitude)
    sweep = tones_of(frequencies, rate, minimum_frequency, bins_per_octave)
    inputs = silence(subject, duration)
    tap, value = locate(subject.network, inputs, rate, layer, subject.time_axes)
    at_rest = by_clip(value, tap)
    floor = at_rest.where(at_rest.isfinite(), 0)
    inside = inside_the_sound(tap, at_rest.shape, inputs.shape[-1])
    time = torch.arange(inputs.shape[-1], dtype=torch.float64, device=inputs.device) / rate
    at_once = _AT_ONCE if tap.clip_axis is not None and subject.network.apart else 1
    gains = []
    for start in range(0, len(sweep), at_once):
        phase = 2 * math.pi * sweep[start : start + at_once, None].to(time.device) * time
        rms = []
        for wave in (phase.sin(), phase.cos()):
            tones = subject.contract.fit((amplitude * wave).to(inputs))[:, None]
            _, value = locate(subject.network, tones, rate, tap.name, subject.time_axes)
            answer = by_clip(value, tap) - floor
            rms.append(activity_of(answer if inside is None else answer[..., inside]))
        gains.append(torch.hypot(*rms) / amplitude)  # over a / sqrt(2), and the mean over two phases
        if progress:
            progress(min(start + at_once, len(sweep)), len(sweep))
    gain = torch.cat(gains).T.double().cpu().numpy()
    result = xr.Dataset(
        {
            "gain": variable(["channel", "frequency"], gain, "root mean square over that of the sine"),
            "best_frequency": variable(["channel"], _best(gain, sweep.numpy()), "frequency of the largest gain", "Hz"),
            "best_gain": variable(["channel"], gain.max(1), "largest gain"),
            "silence": variable(["channel"], activity_of(at_rest)[0], "root mean square without sound"),
        },
        coords={
            "channel": axis("channel", np.arange(len(gain)), "map"),
            "frequency": axis("frequency", sweep, "frequency of the sine", "Hz"),
        },
        attrs={"layer": tap.name, **sines_to_each(subject)},
    )
    return resolved(result, layer=tap.name, duration=inputs.shape[-1] / rate)


def tones_of(
    frequencies: Sequence[float] | None, sample_rate: float, minimum_frequency: float, bins_per_octave: int
) -> Tensor:
    if frequencies is None:
        return log_frequencies(sample_rate, minimum_frequency, bins_per_octave)
    sweep = torch.from_numpy(np.array(frequencies, dtype=float))
    if sweep.ndim != 1 or not len(sweep) or not bool(((sweep >= 0) & (sweep <= sample_rate / 2)).all()):
        raise InputError(f"frequencies have to lie between 0 and {sample_rate / 2:g} Hz, half the sample rate")
    return sweep


def inside_the_sound(tap: Tap, shape: torch.Size, samples: int) -> Tensor | None:
    """The elements of the time axis that see nothing beyond the ends of the sound; None for all."""
    if tap.time_axis is None or len(shape) < 3:
        return None
    centres, half = tap.times() * tap.sample_rate, ((tap.receptive_field or 1) - 1) / 2
    inside = ((centres - half > -0.5) & (centres + half < samples - 0.5)).nonzero()[:, 0]
    return inside if len(inside) else None


def _best(gain: np.ndarray, sweep: np.ndarray) -> np.ndarray:
    return np.where(gain.max(1) > 0, sweep[gain.argmax(1)], math.nan)
