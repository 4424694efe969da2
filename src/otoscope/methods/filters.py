"""What the filters of the first layer pass, before any sound is heard."""

from __future__ import annotations

import numpy as np
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.kernels import half_power_band, magnitude_response
from otoscope.dsp.response import centred_bank, cumulative_frequency_response
from otoscope.errors import InputError
from otoscope.probe.select import first_kernels
from otoscope.results import axis, sign, variable

_SOURCE = "Muckenhirn et al. 2019, eq. 1; filters sorted by centre frequency after Golik et al. 2015"


def filters(
    model: nn.Module, inputs: Tensor, *, sample_rate: float, layer: str | None = None, n_fft: int = 1024
) -> xr.Dataset:
    r"""Filters of a layer that reads the waveform, in time and in frequency.

    Parameters
    ----------
    model : nn.Module
        Any module whose first layer is a convolution of one channel.
    inputs : Tensor, (clip, ..., time)
        A waveform as the model takes it, to find the layer with.
    sample_rate : float
        In Hz.
    layer : str, optional
        The layer; the first convolution of the model by default.
    n_fft : int
        Length of the Fourier transform of the kernels; there are ``n_fft // 2 + 1`` frequencies.

    Returns
    -------
    Dataset
        `weight` (kernel, lag), the kernels in time, centred, with zeros around those narrower than the widest;
        `magnitude` (kernel, frequency), their responses; `centre_frequency` and `bandwidth` (kernel) in Hz, of
        the half-power band (NaN for a kernel of zeros); `order` (place), the numbers of the kernels from the
        lowest centre frequency to the highest, kernels of zeros last; `cumulative_response` (frequency), the cumulative
        frequency response of them all.

    Raises
    ------
    InputError
        If the layer does not read a waveform of one channel, or `n_fft` is shorter than a kernel.

    Notes
    -----
    .. math:: F_\mathrm{cum} = \sum_k F_k / \lVert F_k \rVert_2

    with :math:`F_k` the magnitude response of kernel k. Kernels are those that reach the convolution, also where they
    are computed on the way (SincNet, weight normalisation).

    Examples
    --------
    >>> import torch
    >>> model = nn.Conv1d(1, 8, 30, stride=10)
    >>> filters(model, torch.zeros(1, 1, 16_000), sample_rate=16_000).sizes
    Frozen({'kernel': 8, 'lag': 30, 'frequency': 513, 'place': 8})
    """
    kernels, _ = first_kernels(model, inputs, sample_rate, layer)
    bank, band = centred_bank(kernels), half_power_band(kernels, sample_rate).cpu().numpy()
    centre, width = band.mean(1), bank.shape[1]
    lags = (np.arange(width) - width // 2) / sample_rate
    cumulative = cumulative_frequency_response(kernels, n_fft)
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    result = xr.Dataset(
        {
            "weight": variable(["kernel", "lag"], bank, "weight"),
            "magnitude": variable(["kernel", "frequency"], magnitude_response(kernels, n_fft), "magnitude response"),
            "centre_frequency": variable(["kernel"], centre, "centre frequency", "Hz"),
            "bandwidth": variable(["kernel"], band[:, 1] - band[:, 0], "half-power bandwidth", "Hz"),
            "order": variable(["place"], np.argsort(centre, kind="stable"), "kernel, by centre frequency"),
            "cumulative_response": variable(["frequency"], cumulative, "cumulative frequency response"),
        },
        coords={
            "kernel": axis("kernel", np.arange(len(bank)), "kernel"),
            "lag": axis("lag", lags, "time", "s"),
            "frequency": axis("frequency", bins, "frequency", "Hz"),
        },
        attrs={"sample_rate": sample_rate},
    )
    return sign(result, "filters", _SOURCE, layer=layer, n_fft=n_fft)


def filters_before_after(before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    r"""The filters of one layer with two sets of weights, side by side.

    Parameters
    ----------
    before, after : Dataset
        From :func:`filters`, most often of the untrained and of the trained model.

    Returns
    -------
    Dataset
        The quantities of both along a first dimension `training` ("before", "after"), and `change` (kernel), how much
        the weights of each kernel changed, NaN for those that were zero.

    Raises
    ------
    InputError
        If the two are not of the same number of kernels, widths and frequencies.

    Notes
    -----
    .. math:: \mathrm{change}_k = \lVert f_k^{after} - f_k^{before} \rVert_2 / \lVert f_k^{before} \rVert_2

    Filters before and after training are Fig. 6 of SimpleNet.

    Examples
    --------
    >>> import torch
    >>> model = nn.Conv1d(1, 8, 30, stride=10)
    >>> before = filters(model, torch.zeros(1, 1, 16_000), sample_rate=16_000)
    >>> model.weight.data.mul_(1.5).shape
    torch.Size([8, 1, 30])
    >>> after = filters(model, torch.zeros(1, 1, 16_000), sample_rate=16_000)
    >>> filters_before_after(before, after).change.values.round(3)[:3]
    array([0.5, 0.5, 0.5], dtype=float32)
    """
    for dim in ("kernel", "lag", "frequency"):
        if before.sizes[dim] != after.sizes[dim] or not np.allclose(before[dim], after[dim]):
            raise InputError(
                f"the filters before and after are not of the same layer: they have {before.sizes[dim]} and "
                f"{after.sizes[dim]} values of {dim}"
            )
    result = xr.concat([before, after], "training", combine_attrs="drop_conflicts", join="override")
    result = result.assign_coords(training=["before", "after"])
    size = np.linalg.norm(before["weight"], axis=1)
    distance = np.linalg.norm(after["weight"].values - before["weight"].values, axis=1)
    change = np.divide(distance, size, out=np.full_like(size, np.nan), where=size > 0)
    result["change"] = variable(["kernel"], change, "change of the weights over their size")
    return sign(result, "filters_before_after", "after SimpleNet, Fig. 6")
