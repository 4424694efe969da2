"""A relevance over time, over frequency, over both and in bands, with its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.dsp.audible import peak_frequency
from otoscope.dsp.bands import band_sums
from otoscope.dsp.cross_spectra import (
    Frames,
    counts,
    cross_spectrogram,
    cross_spectrum,
    unitary_spectrogram,
    unitary_spectrum,
)
from otoscope.dsp.shares import cancels, shares_of
from otoscope.dsp.spectra import spectral_relevance
from otoscope.methods.relevance_rules import Form
from otoscope.results import axis, variable

SUMS = ("relevance_sum", "negative_share")
IN_BANDS = ("sub_band_low", "sub_band_high", "summed_relevance", "relevance_energy", "relevance_share")


@dataclass(frozen=True)
class Relevance:
    """A relevance in each of its domains.

    Attributes
    ----------
    form : {"product", "gradient", "weighted sound"}
        Of the rule.
    carried : Tensor, (..., time)
        The gradient, or the weighted sound.
    sound : Tensor, (..., time)
    """

    form: Form
    carried: Tensor
    sound: Tensor

    @property
    def adds_up(self) -> bool:
        """Whether its sums over samples, over frequencies and over cells agree."""
        return self.form == "product"

    @property
    def of_samples(self) -> Tensor:
        return self.carried * self.sound if self.adds_up else self.carried

    def of_frequencies(self) -> Tensor:
        """Its cross-spectrum (..., frequency), float64; magnitudes where it does not add up."""
        return cross_spectrum(self.sound, self.carried) if self.adds_up else unitary_spectrum(self.carried)

    def of_cells(self, frames: Frames) -> Tensor:
        """The same in frames, (..., frame_frequency, frame_time)."""
        if self.adds_up:
            return cross_spectrogram(self.sound, self.carried, frames)
        return unitary_spectrogram(self.carried, frames)


def labelled(relevance: Relevance, sample_rate: float, frames: Frames, edges: np.ndarray) -> xr.Dataset:
    """A relevance (clip, channel, time) or (clip, time) in each of its domains; a single channel has no axis.

    Parameters
    ----------
    relevance : Relevance
    sample_rate : float
        In Hz.
    frames : Frames
    edges : ndarray, (band + 1,)
        Of the bands in which it is summed, in Hz.
    """
    carried, sound = (one.detach().cpu() for one in (relevance.carried, relevance.sound))
    if carried.ndim == 2:
        carried, sound = carried[:, None], sound[:, None]
    of, where = ["clip", "channel"], {"channel": axis("channel", np.arange(carried.shape[1]), "channel of the sound")}
    if carried.shape[1] == 1:
        carried, sound, of, where = carried[:, 0], sound[:, 0], ["clip"], {}
    relevance = Relevance(relevance.form, carried, sound)
    samples, dtype = carried.shape[-1], carried.dtype
    signal, spectrum, cells = relevance.of_samples, relevance.of_frequencies(), relevance.of_cells(frames)
    g = spectral_relevance(carried)
    in_frames = [*of, "frame_frequency", "frame_time"]
    what = "relevance" if relevance.adds_up else "one-sided magnitude of the relevance"
    result = xr.Dataset(
        {
            "relevance": variable([*of, "time"], signal, "relevance"),
            "input": variable([*of, "time"], sound, "input"),
            "relevance_spectrum": variable([*of, "frequency"], spectrum.to(dtype), f"{what} over frequency"),
            "relevance_spectrogram": variable(in_frames, cells.to(dtype), f"{what} over time and frequency"),
            "input_spectrogram": variable(
                in_frames, unitary_spectrogram(sound, frames).to(dtype), "short-time magnitude of the input"
            ),
            "g": variable([*of, "frequency"], g.abs(), "magnitude of the inverse DFT of the gradient"),
            "g_phase": variable([*of, "frequency"], g.angle(), "phase of the inverse DFT of the gradient", "rad"),
        },
        coords={
            "time": axis("time", np.arange(samples) / sample_rate, "time", "s"),
            "frequency": axis("frequency", np.arange(samples // 2 + 1) * sample_rate / samples, "frequency", "Hz"),
            "frame_frequency": axis("frame_frequency", frames.frequencies(sample_rate), "frequency", "Hz"),
            "frame_time": axis("frame_time", frames.times(samples, sample_rate), "time", "s"),
            **where,
        },
        attrs={"form": relevance.form},
    )
    if relevance.adds_up:
        result["gradient"] = variable([*of, "time"], carried, "gradient, which times the input is the relevance")
        result = result.assign(_sums(of, signal, spectrum, cells))
    result = result.assign(_peaks(of, result))
    return result if relevance.form == "weighted sound" else in_bands(result, of, spectrum, edges)


def in_bands(result: xr.Dataset, of: list[str], spectrum: Tensor, edges: np.ndarray) -> xr.Dataset:
    """A relevance with what of it lies in bands: sums where it adds up, and else energies.

    Shares are NaN where a sum is 0 up to rounding.
    """
    frequency = result["frequency"].values
    if result.attrs["form"] == "product":
        parts, name, meaning = spectrum, "summed_relevance", "sum of the relevance in the band"
    else:
        parts = spectrum.square() * counts(result.sizes["time"])
        name, meaning = "relevance_energy", "energy of the relevance in the band"
    sums, whole = band_sums(parts.numpy(), frequency, edges), parts.numpy().sum(-1, keepdims=True)
    magnitudes = abs(result["relevance"].astype(np.float64)).values.sum(-1, keepdims=True)
    shares = shares_of(sums, whole, magnitudes if name == "summed_relevance" else None)
    low, high = edges[:-1], edges[1:]
    middle = np.where(low > 0, np.sqrt(low * high), high / 2).round(2)  # by which rows of a sweep are found
    return result.assign(
        {
            name: variable([*of, "sub_band"], sums, meaning),
            "relevance_share": variable([*of, "sub_band"], shares, "the same as a share of the whole"),
        }
    ).assign_coords(
        sub_band=axis("sub_band", middle, "geometric middle of the band", "Hz"),
        sub_band_low=axis("sub_band", low, "lower edge of the band", "Hz"),
        sub_band_high=axis("sub_band", high, "upper edge of the band", "Hz"),
    )


def _sums(of: list[str], signal: Tensor, spectrum: Tensor, cells: Tensor) -> dict[str, xr.Variable]:
    """What a relevance that adds up sums to, and how much of it is negative, by samples, frequencies and cells."""
    domains = {
        "negative_share": (signal, "samples"),
        "negative_share_spectrum": (spectrum, "frequencies"),
        "negative_share_spectrogram": (cells.flatten(-2), "cells of time and frequency"),
    }
    sums = {"relevance_sum": variable(of, spectrum.sum(-1), "sum of the relevance")}
    return sums | {
        name: variable(of, negative_share(values), f"negative part of the relevance, of the magnitudes of all {what}")
        for name, (values, what) in domains.items()
    }


def no_shares(result: xr.Dataset) -> str | None:
    """What a relevance says that sums to 0 up to rounding, and so has no shares; None of any other."""
    if "relevance_sum" not in result:
        return None
    magnitudes = abs(result["relevance"].astype(np.float64)).values.sum(-1)
    nothing = cancels(result["relevance_sum"].values, magnitudes)
    if not nothing.any():
        return None
    of = "" if nothing.all() else " of some clips or channels"
    return (
        f"the relevance{of} sums to 0, so that it has no shares: the model does not hear the level of the sound, which "
        "it normalises; read summed_relevance"
    )


def negative_share(values: Tensor) -> Tensor:
    """The sum of what is negative along the last axis, over that of all magnitudes; NaN where all are zero.

    Examples
    --------
    >>> negative_share(torch.tensor([3.0, -1.0]))
    tensor(0.2500, dtype=torch.float64)
    """
    values = values.to(torch.float64)
    return -values.clamp(max=0).sum(-1) / values.abs().sum(-1)


def _peaks(of: list[str], result: xr.Dataset) -> dict[str, xr.Variable]:
    """Where the magnitudes of the relevance are largest in time, and in frequency from 50 Hz up."""
    loudest = abs(result["relevance"]).values.argmax(-1)
    spectra = abs(result["relevance_spectrum"])
    peaks = np.reshape([peak_frequency(spectra[place]) for place in np.ndindex(loudest.shape)], loudest.shape)
    return {
        "peak_time": variable(of, result["time"].values[loudest], "time of the largest relevance", "s"),
        "peak_frequency": variable(of, peaks, "frequency of the largest relevance", "Hz"),
    }
