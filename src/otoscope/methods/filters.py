"""What the filters of the first layer pass, before any sound is heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.audio import file_digest
from otoscope.citations import cite
from otoscope.dsp.kernels import half_power_band, magnitude_response
from otoscope.dsp.response import centred_bank, cumulative_frequency_response
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.models.checkpoints import fit_weights, read_weights
from otoscope.probe.first import FirstLayer, at_least, first_layer
from otoscope.probe.state import kept
from otoscope.results import axis, variable
from otoscope.subject import Subject, silence

_SOURCE = f"{cite('relevance', 'eq. 1')}; filters sorted by centre frequency after {cite('golik2015')}"


@method(
    source=_SOURCE,
    takes="model",
    rows=Rows(("training", "kernel"), ("centre_frequency", "bandwidth", "change")),
    main="magnitude",
)
def filters(
    subject: Subject, *, layer: str | None = None, n_fft: int = 1024, before: str | Path | None = None
) -> xr.Dataset:
    r"""Filters of a layer that reads the waveform: their bands, and what they pass together.

    Parameters
    ----------
    layer : str, optional
        The layer; by default the first that is a bank of kernels on something still a waveform.
    n_fft : int
        Length of the Fourier transform of the kernels; there are ``n_fft // 2 + 1`` frequencies. It is raised
        to a power of two where a kernel is longer.
    before : str or Path, optional
        Weights of an earlier state of the model, such as that before training, to show beside those that it has:
        ``.safetensors``, or ``.pt``, ``.pth``, ``.bin``, ``.ckpt`` with a state dict.

    Returns
    -------
    Dataset
        `magnitude` (kernel, frequency), the magnitude responses of the kernels; `weight` (kernel, lag), the kernels in
        time, with zeros around those narrower than the widest; `centre_frequency` and `bandwidth` (kernel) in
        Hz, of the half-power band (NaN for a kernel of zeros); `cumulative_response` (frequency), the cumulative
        frequency response of them all. `order` (place) holds the numbers of the kernels from the lowest centre
        frequency to the highest, kernels of zeros last.

        With `before`, all of these have a first dimension `training` ("before", "after"), and there is `change`
        (kernel), how much the weights of each kernel changed, NaN for those that were zero.

    Raises
    ------
    InputError
        If there is no such layer, its kernels are of several channels, or the weights of `before` cannot be read or do
        not fit the model.

    Notes
    -----
    .. math:: F_\mathrm{cum} = \sum_k F_k / \lVert F_k \rVert_2

    with :math:`F_k` the magnitude response of kernel k. Kernels are those that reach the convolution, also where they
    are computed on the way (SincNet, weight normalisation). Lags are from the middle of a kernel, sample
    ``width // 2``, which for an even width is half a sample after its centre of symmetry.

    .. math:: \mathrm{change}_k = \lVert f_k^{after} - f_k^{before} \rVert_2 / \lVert f_k^{before} \rVert_2

    Filters before and after training are Fig. 6 of SimpleNet.

    Examples
    --------
    >>> import torch
    >>> subject = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=16_000)
    >>> filters(subject).sizes
    Frozen({'kernel': 8, 'frequency': 513, 'lag': 30, 'place': 8})
    """
    after = first_layer(subject.network, silence(subject), subject.sample_rate, layer)
    n_fft = at_least(n_fft, after.kernels)
    result = _measured(after, n_fft)
    if before is not None:
        result = _side_by_side(_measured(_earlier(subject, before, after.layer), n_fft), result)
        result.attrs["source"] = f"{_SOURCE}; before and after training as in {cite('simplenet', 'Fig. 6')}"
    read = None if before is None else {str(before): file_digest(before)}
    return resolved(result, layer=after.layer, n_fft=n_fft, before=read)


def _measured(first: FirstLayer, n_fft: int) -> xr.Dataset:
    bank, band = centred_bank(first.kernels), half_power_band(first.kernels, first.rate).cpu().numpy()
    centre, width = band.mean(1), bank.shape[1]
    order = np.argsort(centre, kind="stable")
    cumulative = cumulative_frequency_response(first.kernels, n_fft)
    return xr.Dataset(
        {
            "magnitude": variable(
                ["kernel", "frequency"], magnitude_response(first.kernels, n_fft), "magnitude response"
            ),
            "weight": variable(["kernel", "lag"], bank, "weight"),
            "centre_frequency": variable(["kernel"], centre, "centre frequency", "Hz"),
            "bandwidth": variable(["kernel"], band[:, 1] - band[:, 0], "half-power bandwidth", "Hz"),
            "order": variable(["place"], order, "kernel, by centre frequency"),
            "cumulative_response": variable(["frequency"], cumulative, "cumulative frequency response"),
        },
        coords={
            "kernel": axis("kernel", np.arange(len(bank)), "kernel"),
            "lag": axis("lag", (np.arange(width) - width // 2) / first.rate, "time", "s"),
            "frequency": axis("frequency", np.fft.rfftfreq(n_fft, 1 / first.rate), first.frequency, "Hz"),
        },
        attrs={"reads": first.reads},
    )


def _earlier(subject: Subject, weights: str | Path, layer: str) -> FirstLayer:
    """The kernels of the model with other weights; its own stay as they are."""
    with subject.lock, kept(subject.model, weights=True):
        fit_weights(subject.model, read_weights(weights), weights)
        return first_layer(subject.network, silence(subject), subject.sample_rate, layer)


def _side_by_side(before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    result = xr.concat([before, after], "training", join="override", combine_attrs="override")
    result = result.assign_coords(training=["before", "after"])
    size = np.linalg.norm(before["weight"], axis=1)
    distance = np.linalg.norm(after["weight"].values - before["weight"].values, axis=1)
    change = np.divide(distance, size, out=np.full_like(size, np.nan), where=size > 0)
    result["change"] = variable(["kernel"], change, "change of the weights over their size")
    return result
