"""Where in time and frequency the energy of every kernel of the first layer lies."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.response import centred_bank
from otoscope.dsp.wigner import wigner_ville
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.probe.first import first_layer
from otoscope.results import axis, variable
from otoscope.subject import Subject, silence

_FEWEST_FREQUENCIES, _MOST_FREQUENCIES = 256, 1024
_MOST_TIMES = 1024  # unless kernels are so short that each half sample can be kept
_MOST_STEPS = 2**31  # products of samples and values to transform: some ten seconds of a processor
_AT_ONCE = 8  # kernels; only the total is kept of their distributions
_MOST_VALUES = 2**29


@method(
    source=cite("swam", "section 3.3, Fig. 4"),
    takes="model",
    rows=Rows(("kernel",), ("width", "peak_frequency", "peak_time", "peak")),
    main="energy",
)
def wigner(
    subject: Subject,
    *,
    layer: str | None = None,
    n_fft: int | None = None,
    n_kernels: int | None = None,
    distributions: bool = False,
) -> xr.Dataset:
    r"""Wigner-Ville distribution of the kernels of a layer that reads the waveform.

    Parameters
    ----------
    layer : str, optional
        The layer; by default the first that is a bank of kernels on something still a waveform.
    n_fft : int, optional
        Number of frequencies; by default as many as the widest kernel has samples, from 256 to 1024. With fewer than
        the widest kernel has the distribution is smoothed over frequency.
    n_kernels : int, optional
        Most kernels that are measured, spread evenly over their frequencies; by default as many as can be measured in
        about ten seconds, which leaves out none but of very large banks of very wide kernels.
    distributions : bool
        Whether to keep the distribution of every kernel too, which takes much more room than all else (80 kernels of
        300 samples: 58 MB). The picture does not need it.

    Returns
    -------
    Dataset
        `energy` (frequency, time), the sum of the distributions of all kernels; `peak_frequency` (Hz) and `peak_time`
        (s) (kernel), where each kernel has most energy, NaN where it is zero; `peak` (kernel), the largest value of
        its distribution; `kernels` (kernel, sample), aligned at their centres, from which the picture draws its
        contours; `width` (kernel) in samples; with `distributions` also `distribution` (kernel, frequency, time).
        Times are from the centre of the kernels, sample ``width // 2`` of each, every half sample; of kernels of more
        than 512 samples, means over several half samples, so that there are no more than 1024 times.

    Raises
    ------
    InputError
        If there is no such layer, its kernels are of several channels, or a number is below 1.

    Notes
    -----
    The distribution is that of the analytic signal of each kernel as it is, not scaled to unit energy; see
    :func:`otoscope.dsp.wigner.wigner_ville`. Peaks are those of its two marginals, the energy over frequency and that
    over time, in which the interference of two components cancels; its largest value may be just that. Kernels of
    several widths are aligned at their centres by zeros.

    Examples
    --------
    >>> subject = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=16_000)
    >>> wigner(subject).energy.sizes
    Frozen({'frequency': 256, 'time': 59})
    """
    first = first_layer(subject.network, silence(subject), subject.sample_rate, layer)
    bank = centred_bank(first.kernels)
    samples = bank.shape[1]
    n_fft = min(max(samples, _FEWEST_FREQUENCIES), _MOST_FREQUENCIES) if n_fft is None else n_fft
    if n_fft < 1:
        raise InputError(f"n_fft has to be 1 or more, not {n_fft}")
    step = 1 if 2 * samples <= _MOST_TIMES else -(-(2 * samples - 1) // _MOST_TIMES)
    n_times = -(-(2 * samples - 1) // step)
    steps = (2 * samples - 1) * min(samples, n_fft) + 2 * n_times * n_fft
    affordable = max(1, _MOST_STEPS // steps)
    numbers = _spread(bank, min(len(bank), affordable) if n_kernels is None else n_kernels)
    bank, count = bank[numbers], len(numbers)
    if distributions and count * n_fft * n_times > _MOST_VALUES:
        raise InputError(
            f"the distributions of {count} kernels of {samples} samples would take "
            f"{count * n_fft * n_times * 4 / 2**30:.0f} GiB: leave out distributions, or give a smaller n_fft"
        )
    energy, largest, places, kept = bank.new_zeros(()), [], [], []
    for start in range(0, count, _AT_ONCE):
        found = wigner_ville(bank[start : start + _AT_ONCE], n_fft, step)
        energy = energy + found.sum(0)
        largest.append(found.flatten(1).amax(1))
        # Not the place of the largest value, which of two components is the interference midway between them.
        places.append(torch.stack([found.sum(2).argmax(1), found.sum(1).argmax(1)]))
        if distributions:
            kept.append(found)
    peak, (row, column) = torch.cat(largest).cpu().numpy(), torch.cat(places, 1).cpu().numpy()
    frequencies = np.arange(n_fft) * first.rate / (2 * n_fft)
    times = ((np.arange(n_times) * step + (step - 1) / 2) / 2 - samples // 2) / first.rate
    widths = np.array([kernel.shape[1] for kernel in first.kernels for _ in kernel])
    silent = ~bank.any(1).cpu().numpy()
    in_plane = ["frequency", "time"]
    result = xr.Dataset(
        {
            "energy": variable(in_plane, energy, "Wigner-Ville energy of all kernels"),
            "peak": variable(["kernel"], peak, "peak of the distribution"),
            "peak_frequency": variable(
                ["kernel"], np.where(silent, np.nan, frequencies[row]), "frequency of most energy", "Hz"
            ),
            "peak_time": variable(["kernel"], np.where(silent, np.nan, times[column]), "time of most energy", "s"),
            "kernels": variable(["kernel", "sample"], bank, "kernels, aligned at their centres"),
        },
        coords={
            "frequency": axis("frequency", frequencies, first.frequency, "Hz"),
            "time": axis("time", times, "time from the centre of the kernels", "s"),
            "kernel": numbers,
            "width": variable(["kernel"], widths[numbers], "width", "samples"),
        },
        attrs={"reads": first.reads, "step": step, "kernels_of_the_layer": len(widths)},
    )
    if distributions:
        result["distribution"] = variable(["kernel", *in_plane], torch.cat(kept), "Wigner-Ville distribution")
    return resolved(result, layer=first.layer, n_fft=n_fft, n_kernels=count)


def _spread(bank: Tensor, most: int) -> np.ndarray:
    """The numbers of at most so many kernels, from the lowest to the highest frequency of their largest response."""
    if most < 1:
        raise InputError(f"n_kernels has to be 1 or more, not {most}")
    if most >= len(bank):
        return np.arange(len(bank))
    order = torch.fft.rfft(bank).abs().argmax(1).argsort(stable=True).cpu().numpy()
    picks = np.linspace(0, len(order) - 1, most).round().astype(int)
    return np.asarray(np.sort(order[picks]))
