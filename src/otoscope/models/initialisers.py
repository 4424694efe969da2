"""Initialisation of first-layer filters as a bank of band-passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import nn

from otoscope.dsp.kernels import bandpass_bank, even_bank, mel_bank
from otoscope.errors import InputError

Bands: TypeAlias = "str | Sequence[Sequence[float]]"

_BANKS = {"even": even_bank, "mel": mel_bank}


def start_from_bands(convolution: nn.Conv1d, bands: Bands, sample_rate: float) -> None:
    """Initialise the kernels of a convolution on the waveform as band-pass filters.

    Parameters
    ----------
    convolution : torch.nn.Conv1d
        With one input channel; changed in place, its bias, if any, set to 0.
    bands : {"even", "mel"} or sequence of pairs
        Equal bands from 0 to half the sample rate, bands equal on the mel scale, or the lower and upper edge
        of each filter's band in Hz, one pair a filter.
    sample_rate : float
        Of the waveform, in Hz.

    Raises
    ------
    InputError
        If the convolution has more than one input channel, or its filters cannot have these bands.

    Notes
    -----
    SimpleNet, section 3: the initialisation contains what is known of the task, and training adapts the filters. The
    kernels are those of :func:`otoscope.dsp.kernels.bandpass_bank`.

    Examples
    --------
    >>> from otoscope.dsp.kernels import centre_frequency
    >>> convolution = nn.Conv1d(1, 2, 101)
    >>> start_from_bands(convolution, [(500, 1500), (2000, 3000)], sample_rate=16_000)
    >>> centre_frequency(convolution.weight.detach()[:, 0], 16_000).round(decimals=-1)
    tensor([1000., 2500.])
    """
    filters, channels, width = convolution.weight.shape
    if channels != 1:
        raise InputError(f"only a convolution with one input channel can start from bands, and this one has {channels}")
    if isinstance(bands, str):
        if bands not in _BANKS:
            raise InputError(f"bands must be {', '.join(_BANKS)} or pairs of edges in Hz, not {bands!r}")
        kernels = _BANKS[bands](filters, width, sample_rate)
    elif len(bands) != filters:
        raise InputError(f"there are {len(bands)} bands for {filters} filters: give one pair of edges for each filter")
    else:
        kernels = bandpass_bank(bands, width, sample_rate)
    with torch.no_grad():
        convolution.weight.copy_(kernels[:, None])
        if convolution.bias is not None:
            convolution.bias.zero_()
