"""Changes of a sound that ask a model what it hears: a silent gap, a band filtered out, a voice at another pitch.

All take signals (..., time) of real numbers, as a tensor, an array or what `load_audio` returns, and return tensors of
the same shape, type and device.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.errors import InputError
from otoscope.optional import needs

GAP_EDGE = 0.005
"""Length of the edges of a silent gap, in s."""
BAND_EDGE = 40.0
"""Width of the edges of a band that is filtered out, in Hz."""
_FINE = 48_000.0  # Hz, about which a voice is moved


def silent_gap(
    signal: Tensor | np.ndarray | xr.DataArray,
    sample_rate: float,
    start: float,
    stop: float,
    *,
    edge: float = GAP_EDGE,
    keep_level: bool = False,
) -> Tensor:
    r"""A signal that is silent from one moment to another.

    Parameters
    ----------
    signal : Tensor, ndarray or DataArray, (..., time)
    sample_rate : float
        In Hz.
    start, stop : float
        In s. Either may lie outside of the signal.
    edge : float
        Length of the raised-cosine edges in s, in whose middle start and stop are; 0 for none.
    keep_level : bool
        Whether the rest is raised to the root mean square of the whole.

    Returns
    -------
    Tensor, (..., time)

    Raises
    ------
    InputError
        If the signal is empty or not real, the numbers are not finite or do not rise, or nothing of the signal lies
        between them.

    Examples
    --------
    >>> silent_gap(torch.ones(8), 1000, 0.003, 0.006, edge=0.002)
    tensor([1.0000, 1.0000, 1.0000, 0.5000, 0.0000, 0.0000, 0.5000, 1.0000])
    """
    signal = _samples(signal)
    _check(signal, sample_rate, start, stop, edge, "s")
    _check_within(start, stop, edge, signal.shape[-1] / sample_rate, "s")
    times = torch.arange(signal.shape[-1], dtype=torch.float64) / sample_rate
    changed = signal * _outside(times, start, stop, edge).to(signal)
    return at_level_of(changed, signal) if keep_level else changed


def band_stop(
    signal: Tensor | np.ndarray | xr.DataArray,
    sample_rate: float,
    low: float,
    high: float,
    *,
    edge: float = BAND_EDGE,
    keep_level: bool = False,
) -> Tensor:
    """A signal without a band of frequencies.

    Parameters
    ----------
    signal : Tensor, ndarray or DataArray, (..., time)
    sample_rate : float
        In Hz.
    low, high : float
        In Hz. Low may lie below 0, and high above half the rate.
    edge : float
        Width of the raised-cosine edges in Hz, in whose middle low and high are; 0 for none.
    keep_level : bool
        Whether the rest is raised to the root mean square of the whole.

    Returns
    -------
    Tensor, (..., time)

    Raises
    ------
    InputError
        If the signal is empty or not real, the numbers are not finite or do not rise, or nothing of the signal lies
        between them.

    Notes
    -----
    By the DFT of the signal with as many zeros behind it, so that what rings at its end does not come back at its
    beginning.

    Examples
    --------
    >>> time = torch.arange(1000) / 1000
    >>> both = torch.sin(2 * torch.pi * 100 * time) + torch.sin(2 * torch.pi * 300 * time)
    >>> left = band_stop(both, 1000, 250, 350)
    >>> round((left - torch.sin(2 * torch.pi * 100 * time))[200:800].abs().max().item(), 2)
    0.0
    """
    signal = _samples(signal)
    _check(signal, sample_rate, low, high, edge, "Hz")
    _check_within(low, high, edge, sample_rate / 2, "Hz")
    samples = signal.shape[-1]
    spectrum = torch.fft.rfft(signal.double(), 2 * samples)
    frequencies = torch.fft.rfftfreq(2 * samples, 1 / sample_rate, dtype=torch.float64)
    changed = torch.fft.irfft(spectrum * _outside(frequencies, low, high, edge).to(spectrum.device), 2 * samples)
    changed = changed[..., :samples].to(signal)
    return at_level_of(changed, signal) if keep_level else changed


def scaled_f0(
    signal: Tensor | np.ndarray | xr.DataArray,
    sample_rate: float,
    factor: float,
    *,
    floor: float = 75.0,
    ceiling: float = 600.0,
) -> Tensor:
    """A voice at another pitch, with its formants, duration and level kept.

    Parameters
    ----------
    signal : Tensor, ndarray or DataArray, (..., time)
    sample_rate : float
        In Hz.
    factor : float
        By which the fundamental frequency is multiplied, from 0.25 to 4.
    floor, ceiling : float
        Range in which the fundamental frequency is looked for, in Hz.

    Returns
    -------
    Tensor, (..., time)
        Of the root mean square of the signal; silence where that is silent.

    Raises
    ------
    InputError
        If parselmouth is not installed (``pip install otoscope[voice]``), the signal is not finite or is shorter than
        three periods of the floor, no voice is found in it, or the factor or the range is impossible.

    Notes
    -----
    Pitch-synchronous overlap-add, by Praat (E. Moulines, F. Charpentier, "Pitch-synchronous waveform processing
    techniques for text-to-speech synthesis using diphones", Speech Communication 9, 453-467, 1990).

    Examples
    --------
    >>> from otoscope.dsp.voice import pitch
    >>> time = np.arange(8000) / 16000
    >>> voice = torch.from_numpy(sum(np.cos(2 * np.pi * 125 * k * time) / k for k in range(1, 20)))
    >>> f0, _ = pitch(scaled_f0(voice, 16000, 1.5), 16000)
    >>> bool(abs(np.nanmedian(f0) - 187.5) < 2)
    True
    """
    signal = _samples(signal)
    if not 0.25 <= factor <= 4:
        raise InputError(f"the factor of F0 has to be from 0.25 to 4, not {factor!r}")
    if not 0 < floor < ceiling <= sample_rate / 2:
        raise InputError(
            f"F0 cannot be looked for from {floor:g} to {ceiling:g} Hz: the range has to rise and end at or below half "
            f"the sample rate of {sample_rate:g} Hz"
        )
    _check(signal, sample_rate, 0.0, 1.0, 0.0, "s")
    samples = signal.shape[-1]
    if samples / sample_rate <= 3 / floor:
        raise InputError(
            f"a sound of {samples / sample_rate:.4g} s is too short for an F0 floor of {floor:g} Hz, which needs more "
            f"than {3 / floor:.3g} s: give a longer sound or a higher floor"
        )
    flat = signal.detach().double().cpu().reshape(-1, samples).numpy()
    moved = [_moved(one, sample_rate, factor, floor, ceiling) for one in flat]
    return at_level_of(torch.from_numpy(np.stack(moved)).reshape(signal.shape).to(signal), signal)


def at_level_of(signal: Tensor, other: Tensor) -> Tensor:
    """A signal (..., time) at the root mean square of another one; silence stays silence.

    Examples
    --------
    >>> at_level_of(torch.tensor([1.0, -1.0]), torch.tensor([3.0, 3.0]))
    tensor([ 3., -3.])
    """
    level, wanted = (one.double().square().mean(-1, keepdim=True).sqrt() for one in (signal, other))
    return signal * torch.where(level > 0, wanted / level, 1.0).to(signal)


def _outside(places: Tensor, low: float, high: float, edge: float) -> Tensor:
    """The gain at each place: 0 inside of a range, 1 outside, with raised-cosine edges."""
    distance = torch.maximum(low - places, places - high)
    share = (distance / edge + 0.5).clamp(0, 1) if edge else (distance > 0).to(places.dtype)
    return 0.5 - 0.5 * (torch.pi * share).cos()


def _samples(signal: Tensor | np.ndarray | xr.DataArray) -> Tensor:
    """The samples of a sound, also of one that was read by `load_audio`, as a tensor."""
    if isinstance(signal, Tensor):
        return signal
    try:
        return torch.from_numpy(np.ascontiguousarray(signal))
    except TypeError:
        raise InputError(
            f"signal has to be a tensor, an array or what load_audio returns, not {type(signal).__name__}"
        ) from None


def _check_within(low: float, high: float, edge: float, most: float, unit: str) -> None:
    """Refuse to take away what lies outside of a sound, which would change nothing."""
    if high + edge / 2 <= 0 or low - edge / 2 >= most:
        raise InputError(
            f"from {low:g} to {high:g} {unit} there is nothing of the sound, which goes from 0 to {most:.5g} {unit}: "
            "choose a part of it"
        )


def _check(signal: Tensor, sample_rate: float, low: float, high: float, edge: float, unit: str) -> None:
    if signal.ndim == 0 or not signal.shape[-1] or not signal.is_floating_point():
        raise InputError(
            f"signal must hold real samples in its last dimension, got {signal.dtype} of shape {tuple(signal.shape)}"
        )
    if not 0 < sample_rate < float("inf"):
        raise InputError(f"sample_rate must be a positive number of Hz, got {sample_rate!r}")
    if not -float("inf") < low < high < float("inf") or not 0 <= edge < float("inf"):
        raise InputError(
            f"what is taken away has to be from one number of {unit} to a larger one, with edges of 0 or more; got "
            f"{low!r} to {high!r} with edges of {edge!r}"
        )


def _moved(samples: np.ndarray, sample_rate: float, factor: float, floor: float, ceiling: float) -> np.ndarray:
    """Samples (time,) with another F0; the level is that of Praat's overlap-add."""
    parselmouth = needs("parselmouth", extra="voice", purpose="a voice at another pitch, by Praat,")
    if not np.isfinite(samples).all():
        raise InputError("the signal has to be of finite samples")
    peak = np.abs(samples).max()
    if peak == 0:
        return samples
    call = needs("parselmouth.praat", extra="voice").call
    # Periods are laid on whole samples: at a low rate that would make them unequal.
    fine = sample_rate * max(1, round(_FINE / sample_rate))
    sound = parselmouth.Sound(samples / peak, sample_rate).resample(fine, 50)
    voice = call(sound, "To Manipulation", 0.01, floor, ceiling)
    tier = call(voice, "Extract pitch tier")
    if call(tier, "Get number of points") == 0:
        raise InputError(
            f"no voice was found from {floor:g} to {ceiling:g} Hz, so that there is no pitch to move: give a sound "
            "with a voice, or another range"
        )
    call(tier, "Multiply frequencies", sound.xmin, sound.xmax, factor)
    call([tier, voice], "Replace pitch tier")
    resynthesis = call(voice, "Get resynthesis (overlap-add)").resample(sample_rate, 50)
    found = np.asarray(resynthesis.values[0], dtype=float)
    moved: np.ndarray = np.pad(found, (0, max(0, samples.size - found.size)))[: samples.size] * peak
    return moved
