"""Aliasing: which energy a model folds when it drops samples, on a sound and over input frequency."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.aliasing import Energies, band_energies, folded_frequency, spectrum_in_cells
from otoscope.errors import InputError
from otoscope.probe import Tap, trace
from otoscope.probe.decimation import downsampling_steps, time_stride, watch_steps
from otoscope.probe.select import by_clip
from otoscope.results import axis, sign, variable

_SOURCE = (
    "How do deep convolutional neural networks learn from raw audio waveforms? (SimpleNet), section 2.2.3 and figure 3"
)
Progress = Callable[[int, int], None]


def aliasing(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    time_axes: Mapping[str, int] | None = None,
) -> xr.Dataset:
    r"""Share of energy that each downsampling step folds into the frequencies that it keeps.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.

    Returns
    -------
    Dataset
        `share` (clip, step), 0 to 1, of the energy without the mean; `share_with_mean` (clip, step), of all of it;
        `channel_share` (clip, step, channel), the first for each channel, NaN where a step has fewer. Coordinates of a
        step: `op`, `stride`, `rate_before`, `rate_after` and `nyquist` (the new limit), in Hz. What is silent has
        no share: NaN. The attribute `skipped` names taps that shorten a sound in another way.

    Raises
    ------
    InputError
        If no convolution or pooling of the model has a stride along time.

    Notes
    -----
    With y the result that the step would have at stride 1 and s its stride,

    .. math:: \mathrm{share} = \frac{\sum_{f > r / 2 s} |Y(f)|^2}{\sum_{f > 0} |Y(f)|^2}

    where r is the rate before the step, and the sums go over all channels. Max pooling is seen so as the largest value
    of every window at stride 1, then decimated. The step returns every s-th value, in which all of this energy lies
    below the new limit. The mean is left out because it is never folded: rectified maps have
    a large one, next to which everything else looks small. Slices with a step (``x[..., ::2]``) are not seen.

    Examples
    --------
    Of white noise, what keeps one sample of four folds three quarters:

    >>> model = nn.Conv1d(1, 1, 1, stride=4)
    >>> result = aliasing(model, torch.randn(1, 1, 16_000), sample_rate=16_000)
    >>> abs(float(result.share[0, 0]) - 0.75) < 0.03, float(result.nyquist[0])
    (True, 2000.0)
    """
    steps, skipped = _steps(model, inputs, sample_rate, time_axes)
    shares, with_means = np.full((2, len(inputs), len(steps)), np.nan)
    channels = np.full((len(inputs), len(steps), max(tap.channels for tap in steps)), np.nan)
    place = {tap.name: i for i, tap in enumerate(steps)}
    for clip, one in enumerate(inputs.split(1)):

        def look(tap: Tap, before: Tensor, after: Tensor, clip: int = clip) -> None:
            energies = _energies(tap, before)
            step, sums = place[tap.name], Energies(*(energy.sum() for energy in energies))
            shares[clip, step] = _share(sums)
            with_means[clip, step] = sums.above / sum(sums)
            channels[clip, step, : tap.channels] = _share(energies)

        watch_steps(model, one, steps, look)
    result = xr.Dataset(
        {
            "share": variable(["clip", "step"], shares, "share of energy above the new limit"),
            "share_with_mean": variable(["clip", "step"], with_means, "share of energy, the mean included"),
            "channel_share": variable(["clip", "step", "channel"], channels, "share of energy of each channel"),
        },
        coords=_coordinates(steps) | {"channel": axis("channel", np.arange(channels.shape[-1]), "channel")},
        attrs={"sample_rate": sample_rate, "skipped": _told(skipped)},
    )
    return sign(result, "aliasing", _SOURCE)


def aliasing_map(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    frequencies: int | Sequence[float] = 151,
    amplitude: float = 0.5,
    cells: int = 48,
    time_axes: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Which output frequencies each input frequency reaches at every downsampling step: a sweep of sines.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        A waveform as the model takes it, of which only the shape counts: the sines have its length.
    sample_rate : float
        In Hz.
    frequencies : int or sequence of float
        How many sines between 0 and half the sample rate, or their frequencies in Hz. A prime number keeps
        their distance from being a multiple of the rates in the model.
    amplitude : float
        Of the sines, full scale = 1.
    cells : int
        Into how many cells the frequencies of a step's result are put.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of sines.

    Returns
    -------
    Dataset
        `magnitude` (step, input_frequency, output), the spectrum of the step's result without its mean, summed in
        power over channels, its largest value 1; `output_frequency` (step, output) in Hz, `output` itself being
        a fraction of half the rate after the step; `folded_share` (step, input_frequency), as in
        :func:`aliasing`; `folded_frequency` (step, input_frequency), where theory puts the
        sine in Hz; `gain` (step, input_frequency), root mean square of the result, without its mean, over that of the
        sine. The coordinates of a step are those of :func:`aliasing`.

    Raises
    ------
    InputError
        If the model has no downsampling step, or a frequency is not between 0 and half the sample rate.

    Notes
    -----
    Sampling at the rate r puts a frequency at :math:`|f - r \lfloor f / r \rceil|`. A linear model sends a sine nowhere
    else; activations and max pooling make harmonics of it, which are folded in the same way. `folded_share`
    is what this step folds of what reaches it: what an earlier step folded is not counted again.

    Examples
    --------
    >>> model = nn.Conv1d(1, 1, 1, stride=4)
    >>> result = aliasing_map(model, torch.zeros(1, 1, 8000), sample_rate=8000, frequencies=[300.0, 3300.0])
    >>> result.folded_frequency.values[0], result.folded_share.values[0].round(2)
    (array([300., 700.]), array([0., 1.]))
    """
    if cells < 1:
        raise InputError(f"cells has to be 1 or more, not {cells}")
    if not 0 < amplitude < math.inf:
        raise InputError(f"amplitude has to be positive, not {amplitude}")
    steps, skipped = _steps(model, inputs, sample_rate, time_axes)
    sweep = _sweep(frequencies, sample_rate)
    spectra, gain, shares = _play(model, inputs[:1], steps, sweep / sample_rate, amplitude, cells, progress)
    largest = spectra.max(-1, keepdims=True)
    magnitude = np.sqrt(np.divide(spectra, largest, out=np.zeros_like(spectra), where=largest > 0))
    theory = [folded_frequency(torch.as_tensor(sweep), tap.rate).numpy() for tap in steps]
    fractions = (np.arange(cells) + 0.5) / cells
    nyquist = np.array([tap.rate / 2 for tap in steps])
    over_input = ["step", "input_frequency"]
    result = xr.Dataset(
        {
            "magnitude": variable([*over_input, "output"], magnitude, "magnitude over that of the largest"),
            "folded_share": variable(over_input, shares, "share of energy above the new limit"),
            "folded_frequency": variable(over_input, np.stack(theory), "frequency after folding in theory", "Hz"),
            "gain": variable(over_input, gain, "root mean square over that of the sine"),
        },
        coords=_coordinates(steps)
        | {
            "input_frequency": axis("input_frequency", sweep, "input frequency", "Hz"),
            "output": axis("output", fractions, "output frequency over the new limit"),
            "output_frequency": variable(["step", "output"], np.outer(nyquist, fractions), "output frequency", "Hz"),
        },
        attrs={"sample_rate": sample_rate, "skipped": _told(skipped)},
    )
    return sign(result, "aliasing_map", _SOURCE, frequencies=frequencies, amplitude=amplitude, cells=cells)


def _steps(
    model: nn.Module, inputs: Tensor, sample_rate: float, time_axes: Mapping[str, int] | None
) -> tuple[list[Tap], dict[str, str]]:
    steps, skipped = downsampling_steps(trace(model, inputs, sample_rate, time_axes))
    if not steps:
        beside = f" ({_told(skipped)})" if skipped else ""
        raise InputError(
            f"no convolution or pooling of this model has a stride along time{beside}, so there is nothing to fold: "
            "look at a model with strided layers"
        )
    return steps, skipped


def _play(
    model: nn.Module,
    inputs: Tensor,
    steps: Sequence[Tap],
    sweep: np.ndarray,
    amplitude: float,
    cells: int,
    progress: Progress | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What every step makes of sines (in cycles a sample): spectra (step, sine, cell), gain and share (step, sine)."""
    size = (len(steps), len(sweep))
    spectra, gain, shares = np.zeros((*size, cells)), np.zeros(size), np.full(size, np.nan)
    samples = torch.arange(inputs.shape[-1], dtype=torch.float64, device=inputs.device)
    place = {tap.name: i for i, tap in enumerate(steps)}
    for n, frequency in enumerate(sweep):

        def look(tap: Tap, before: Tensor, after: Tensor, n: int = n) -> None:
            step, maps = place[tap.name], _real(by_clip(after, tap))
            shares[step, n] = _share(Energies(*(energy.sum() for energy in _energies(tap, before))))
            moving = maps.var(-1, correction=0).mean()
            # Else a sine was folded onto 0 Hz, and the rest is rounding.
            if moving > 1e-12 * before.abs().square().mean():
                spectra[step, n] = spectrum_in_cells(maps, cells).flatten(0, -2).sum(0).cpu()
            gain[step, n] = float(moving.sqrt()) / (amplitude * 0.5**0.5)

        sine = amplitude * torch.sin(2 * math.pi * frequency * samples)
        watch_steps(model, sine.to(inputs).expand(inputs.shape), steps, look)
        if progress:
            progress(n + 1, len(sweep))
    return spectra, gain, shares


def _told(skipped: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in skipped.items()) or "nothing"


def _energies(tap: Tap, before: Tensor) -> Energies:
    """Of every channel of one clip, on either side of the new limit."""
    rows = _real(by_clip(before, tap)).transpose(0, 1).flatten(1, -2)  # (channel, all else, time)
    return Energies(*(energy.double().sum(-1).cpu() for energy in band_energies(rows, 0.5 / time_stride(tap))))


def _real(maps: Tensor) -> Tensor:
    """(clip, channel, ..., time) of a precision that has a Fourier transform, complex maps as two maps of each."""
    if maps.is_complex():
        maps = torch.stack([maps.real, maps.imag], 2)
    return maps.to(torch.promote_types(maps.dtype, torch.float32))


def _share(energies: Energies) -> np.ndarray:
    """Of the energy without the mean; NaN where nothing but rounding moves about the mean."""
    moving = energies.below + energies.above
    return torch.where(moving > 1e-12 * energies.mean, energies.above / moving, math.nan).numpy()


def _sweep(frequencies: int | Sequence[float], sample_rate: float) -> np.ndarray:
    if isinstance(frequencies, int):
        if frequencies < 1:
            raise InputError(f"frequencies has to be 1 or more, not {frequencies}")
        return (np.arange(frequencies) + 0.5) / frequencies * sample_rate / 2
    sweep = np.asarray(frequencies, dtype=float)
    if sweep.ndim != 1 or not sweep.size or not ((sweep > 0) & (sweep < sample_rate / 2)).all():
        raise InputError(f"frequencies have to lie between 0 and {sample_rate / 2:g} Hz, half the sample rate")
    return sweep


def _coordinates(steps: Sequence[Tap]) -> dict[str, xr.Variable]:
    strides = np.array([time_stride(tap) for tap in steps])
    rates = np.array([tap.rate for tap in steps])
    return {
        "step": axis("step", [tap.name for tap in steps], "tap that downsamples"),
        "op": axis("step", [tap.op for tap in steps], "operation"),
        "stride": axis("step", strides, "stride along time"),
        "rate_before": axis("step", rates * strides, "rate before the step", "Hz"),
        "rate_after": axis("step", rates, "rate after the step", "Hz"),
        "nyquist": axis("step", rates / 2, "half the rate after the step", "Hz"),
    }
