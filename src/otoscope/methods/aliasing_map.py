"""Aliasing over input frequency: where the steps that drop samples put which frequency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.aliasing import Energies, folded_frequency, spectrum_in_cells
from otoscope.errors import InputError
from otoscope.heard import sines_to_each
from otoscope.methods.aliasing import energies_of, real_maps, share_of, skipped_steps, step_coordinates, steps_of
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.stretch import stretch_of
from otoscope.probe import Tap
from otoscope.probe.decimation import watch_steps
from otoscope.probe.select import by_clip
from otoscope.results import axis, variable
from otoscope.subject import Subject, silence
from otoscope.types import Progress

_COLUMNS = ("op", "stride", "rate_before", "nyquist", "largest_share", "largest_share_frequency", "skipped")


@method(
    source=cite("simplenet", "section 2.2.3 and Fig. 3"),
    takes="model",
    rows=Rows(("step",), _COLUMNS),
    main="magnitude",
)
def aliasing_map(
    subject: Subject,
    *,
    duration: float = 0.5,
    frequencies: int | Sequence[float] = 151,
    amplitude: float = 0.5,
    cells: int = 48,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Which output frequencies each input frequency reaches at every downsampling step: a sweep of sines.

    Parameters
    ----------
    duration : float
        Of each sine in s; longer where the model was trained on longer sounds, where what comes before its last step
        takes longer ones only, and where that step needs more for eight values. Of a model that takes one length, at
        most that. The one that was used is among the result's arguments.
    frequencies : int or sequence of float
        How many sines between 0 and half the sample rate, or their frequencies in Hz. A prime number keeps
        their distance from being a multiple of the rates in the model.
    amplitude : float
        Of the sines, full scale = 1.
    cells : int
        Into how many cells the frequencies of a step's result are put.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of sines.

    Returns
    -------
    Dataset
        `magnitude` (step, input_frequency, output), the spectrum of the step's result without its mean, summed in
        power over channels, its largest value 1; `output_frequency` (step, output) in Hz, `output` itself being
        a fraction of half the rate after the step; `folded_share` (step, input_frequency), as in
        :func:`otoscope.methods.aliasing.aliasing`; `folded_frequency` (step, input_frequency), where theory puts the
        sine in Hz; `gain` (step, input_frequency), root mean square of the result, without its mean, over that of the
        sine; `largest_share` (step) that is folded of any sine, and `largest_share_frequency` (step), of which, in Hz;
        `skipped` and the coordinates of a step as in :func:`otoscope.methods.aliasing.aliasing`.

    Raises
    ------
    InputError
        If the model has no downsampling step, a frequency is not between 0 and half the sample rate, or the duration
        is not from two samples to an hour.

    Notes
    -----
    Sampling at the rate r puts a frequency at :math:`|f - r \lfloor f / r \rceil|`. A linear model sends a sine nowhere
    else; activations and max pooling make harmonics of it, which are folded in the same way. `folded_share`
    is what this step folds of what reaches it: what an earlier step folded is not counted again.

    Examples
    --------
    >>> subject = Subject(torch.nn.Conv1d(1, 1, 1, stride=4), sample_rate=8000)
    >>> result = aliasing_map(subject, frequencies=[300.0, 3300.0])
    >>> result.folded_frequency.values[0], result.folded_share.values[0].round(2)
    (array([300., 700.]), array([0., 1.]))
    """
    sample_rate = subject.sample_rate
    if cells < 1:
        raise InputError(f"cells has to be 1 or more, not {cells}")
    if not 0 < amplitude < math.inf:
        raise InputError(f"amplitude has to be positive, not {amplitude}")
    if not 2 / sample_rate <= duration <= 3600:
        raise InputError(f"duration has to be from two samples to an hour, not {duration} s")
    length = subject.contract.length
    inputs = silence(subject, duration)
    steps, skipped = steps_of(subject, inputs)
    if length is not None:
        inputs = stretch_of(subject, inputs, steps, round(duration * sample_rate))
    sweep = _sweep(frequencies, sample_rate)
    spectra, gain, shares = _play(subject, inputs, steps, sweep / sample_rate, amplitude, cells, progress)
    largest = spectra.max(-1, keepdims=True)
    magnitude = np.sqrt(np.divide(spectra, largest, out=np.zeros_like(spectra), where=largest > 0))
    theory = [folded_frequency(torch.as_tensor(sweep), tap.rate).numpy() for tap in steps]
    fractions = (np.arange(cells) + 0.5) / cells
    nyquist = np.array([tap.rate / 2 for tap in steps])
    known = np.nan_to_num(shares, nan=-1.0)
    over_input = ["step", "input_frequency"]
    result = xr.Dataset(
        {
            "magnitude": variable([*over_input, "output"], magnitude, "magnitude over that of the largest"),
            "folded_share": variable(over_input, shares, "share of energy above the new limit"),
            "folded_frequency": variable(over_input, np.stack(theory), "frequency after folding in theory", "Hz"),
            "gain": variable(over_input, gain, "root mean square over that of the sine"),
            "largest_share": variable(["step"], np.where(known.max(1) < 0, np.nan, known.max(1)), "largest share"),
            "largest_share_frequency": variable(["step"], sweep[known.argmax(1)], "input frequency of it", "Hz"),
            "skipped": skipped_steps(skipped),
        },
        coords=step_coordinates(steps)
        | {
            "input_frequency": axis("input_frequency", sweep, "input frequency", "Hz"),
            "output": axis("output", fractions, "output frequency over the new limit"),
            "output_frequency": variable(["step", "output"], np.outer(nyquist, fractions), "output frequency", "Hz"),
        },
    )
    return resolved(result.assign_attrs(sines_to_each(subject)), duration=inputs.shape[-1] / sample_rate)


def _play(
    subject: Subject,
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
    shorter = subject.contract.length not in (None, len(samples))
    fit = subject.contract.normalise if shorter else subject.contract.fit
    for n, frequency in enumerate(sweep):

        def look(tap: Tap, before: Tensor, after: Tensor, n: int = n) -> None:
            step, maps = place[tap.name], real_maps(by_clip(after, tap))
            shares[step, n] = share_of(Energies(*(energy.sum() for energy in energies_of(tap, before))))
            moving = maps.var(-1, correction=0).mean()
            # Else a sine was folded onto 0 Hz, and the rest is rounding.
            if moving > 1e-12 * before.abs().square().mean():
                spectra[step, n] = spectrum_in_cells(maps, cells).flatten(0, -2).sum(0).cpu()
            gain[step, n] = float(moving.sqrt()) / (amplitude * 0.5**0.5)

        sine = amplitude * torch.sin(2 * math.pi * frequency * samples)
        watch_steps(subject.network, fit(sine).to(inputs).expand(inputs.shape), steps, look)
        if progress:
            progress(n + 1, len(sweep))
    return spectra, gain, shares


def _sweep(frequencies: int | Sequence[float], sample_rate: float) -> np.ndarray:
    if isinstance(frequencies, int):
        if frequencies < 1:
            raise InputError(f"frequencies has to be 1 or more, not {frequencies}")
        return (np.arange(frequencies) + 0.5) / frequencies * sample_rate / 2
    sweep = np.asarray(frequencies, dtype=float)
    if sweep.ndim != 1 or not sweep.size or not ((sweep > 0) & (sweep < sample_rate / 2)).all():
        raise InputError(f"frequencies have to lie between 0 and {sample_rate / 2:g} Hz, half the sample rate")
    return sweep
