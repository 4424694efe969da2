"""Where in time and frequency the energy of every kernel of the first layer lies."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from otoscope.citations import cite
from otoscope.dsp.response import centred_bank
from otoscope.dsp.wigner import wigner_ville
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.probe.select import first_kernels
from otoscope.results import axis, variable
from otoscope.subject import Subject, silence

_FEWEST_FREQUENCIES = 256
_AT_ONCE = 8  # kernels; only the total is kept of their distributions
_MOST_VALUES = 2**29


@method(
    source=cite("swam", "section 3.3, Fig. 4"),
    takes="model",
    rows=Rows(("kernel",), ("width", "peak_frequency", "peak_time", "peak")),
    main="energy",
)
def wigner(
    subject: Subject, *, layer: str | None = None, n_fft: int | None = None, distributions: bool = False
) -> xr.Dataset:
    r"""Wigner-Ville distribution of the kernels of a layer that reads the waveform.

    Parameters
    ----------
    layer : str, optional
        The layer; the first convolution of the model by default.
    n_fft : int, optional
        Number of frequencies, at least the widest kernel; by default that, and 256 or more.
    distributions : bool
        Whether to keep the distribution of every kernel too, which takes much more room than all else (80 kernels of
        300 samples: 58 MB). The picture does not need it.

    Returns
    -------
    Dataset
        `energy` (frequency, time), the sum of the distributions of all kernels; `peak_frequency` (Hz), `peak_time`
        (s) and `peak` (kernel) of the distribution of each kernel, NaN where a kernel is zero; `kernels` (kernel,
        sample), aligned at their centres, from which the picture draws its contours; `width` (kernel) in samples; with
        `distributions` also `distribution` (kernel, frequency, time). Times are from the centre of the kernels,
        sample ``width // 2`` of each, every half sample.

    Raises
    ------
    InputError
        If the layer does not read a waveform of one channel, or `n_fft` is smaller than a kernel is wide.

    Notes
    -----
    The distribution is that of the analytic signal of each kernel as it is, not scaled to unit energy; see
    :func:`otoscope.dsp.wigner.wigner_ville`. Kernels of several widths are aligned at their centres by zeros.

    Examples
    --------
    >>> subject = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=16_000)
    >>> wigner(subject).energy.sizes
    Frozen({'frequency': 256, 'time': 59})
    """
    sample_rate = subject.sample_rate
    first = first_kernels(subject.network, silence(subject), sample_rate, layer)
    bank = centred_bank(first.kernels)
    count, samples = bank.shape
    n_fft = max(samples, _FEWEST_FREQUENCIES) if n_fft is None else n_fft
    if distributions and count * n_fft * 2 * samples > _MOST_VALUES:
        raise InputError(
            f"the distributions of {count} kernels of {samples} samples would take "
            f"{count * n_fft * 2 * samples * 4 / 2**30:.0f} GiB: leave out distributions, or give a smaller n_fft"
        )
    energy, largest, place, kept = bank.new_zeros(()), [], [], []
    for start in range(0, count, _AT_ONCE):
        found = wigner_ville(bank[start : start + _AT_ONCE], n_fft)
        energy = energy + found.sum(0)
        highest = found.flatten(1).max(1)
        largest.append(highest.values)
        place.append(highest.indices)
        if distributions:
            kept.append(found)
    peak, index = torch.cat(largest).cpu().numpy(), torch.cat(place).cpu().numpy()
    frequencies = np.arange(n_fft) * sample_rate / (2 * n_fft)
    times = (np.arange(2 * samples - 1) / 2 - samples // 2) / sample_rate
    row, column = np.unravel_index(index, energy.shape)
    silent = ~bank.any(1).cpu().numpy()
    in_plane = ["frequency", "time"]
    result = xr.Dataset(
        {
            "energy": variable(in_plane, energy, "Wigner-Ville energy of all kernels"),
            "peak": variable(["kernel"], peak, "peak of the distribution"),
            "peak_frequency": variable(
                ["kernel"], np.where(silent, np.nan, frequencies[row]), "frequency of the peak", "Hz"
            ),
            "peak_time": variable(["kernel"], np.where(silent, np.nan, times[column]), "time of the peak", "s"),
            "kernels": variable(["kernel", "sample"], bank, "kernels, aligned at their centres"),
        },
        coords={
            "frequency": axis("frequency", frequencies, "frequency", "Hz"),
            "time": axis("time", times, "time from the centre of the kernels", "s"),
            "kernel": np.arange(count),
            "width": variable(
                ["kernel"], [kernel.shape[1] for kernel in first.kernels for _ in kernel], "width", "samples"
            ),
        },
    )
    if distributions:
        result["distribution"] = variable(["kernel", *in_plane], torch.cat(kept), "Wigner-Ville distribution")
    return resolved(result, layer=first.layer, n_fft=n_fft)
