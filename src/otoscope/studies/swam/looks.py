"""What a first layer responds to: how localised, how alike for all speakers, where its kernels lie, and an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from otoscope.audio import load_audio
from otoscope.data.find import drawn, sound_of
from otoscope.data.item import speaker_of
from otoscope.data.items import DataSet, Item
from otoscope.dsp.similarity import correlation
from otoscope.dsp.wigner import analytic_signal
from otoscope.methods.filters import filters
from otoscope.methods.strs import strs
from otoscope.methods.wigner import wigner
from otoscope.studies.step import Outcome, Row, Work
from otoscope.studies.swam.networks import subject_of
from otoscope.subject import Subject

Array = np.ndarray
N_FFT, HOP = 256, 40
"""Of the STRS; the kernels of more than 256 samples raise the first."""
LEVEL, SMOOTHING = 0.7, 0.01
"""Of the contours of Fig. 4, and of the distributions that they are drawn in, as a share of both axes."""
NARROW, LOW = 500.0, 1000.0
"""In Hz: the height of a narrow contour at most, and where kernels of low frequencies end."""


def localisation_of(work: Work) -> Outcome:
    """Of each speaker the entropy of the STRS, mean of the clips, and the lowest correlation of the CRS with another's.

    Up to `highest` Hz. The mean CRS of a speaker is that of clips that each sum to 1.
    """
    subject, highest = subject_of(work), work.arguments["highest"]
    groups = by_speaker(work.sounds(), work.arguments["speakers"], work.arguments["clips"])
    means, entropies, counts = {}, {}, {}
    for number, (speaker, items) in enumerate(groups.items()):
        maps = [_share(_strs(subject, item), highest) for item in items]
        means[speaker] = np.mean([one.sum(1) for one in maps], 0)
        entropies[speaker], counts[speaker] = float(np.mean([entropy(one) for one in maps])), len(items)
        work.report("speakers", number + 1, len(groups))
    rows: list[Row] = []
    for speaker, mean in means.items():
        others = [correlation(mean, one) for name, one in means.items() if name != speaker]
        rows.append({
            "speaker": speaker, "clips": counts[speaker], "entropy": entropies[speaker],
            "lowest_correlation": min(others, default=None),
        })  # fmt: skip
    return Outcome(rows)


def by_speaker(found: DataSet, speakers: int, clips: int) -> dict[str, Sequence[Item]]:
    """So many sounds of each of the first speakers, evenly over the classes."""
    named: dict[str, list[Item]] = {}
    for item in found:
        fact = speaker_of(item.facts)
        named.setdefault(item.facts[fact] if fact else "", []).append(item)
    return {name: drawn(replace(found, items=named[name]), clips).items for name in sorted(named)[:speakers]}


def entropy(shares: Array) -> float:
    """Of shares that sum to 1, in bits.

    Examples
    --------
    >>> entropy(np.full((4, 4), 1 / 16))
    4.0
    """
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum()) + 0.0


def kernels_of(work: Work) -> Outcome:
    """How many kernels have one narrow contour, how many several, their extent in time and frequency, and evenness.

    `product` is the median over kernels of the product of their spreads in time and in frequency (at least 1 / (4 pi)),
    `evenness` the entropy of the cumulative response up to `highest` Hz over that of a flat one.
    """
    subject = subject_of(work)
    found = wigner(subject, n_fft=N_FFT, distributions=True)
    step = float(found.frequency[1] - found.frequency[0])
    height, pieces = np.array([contour(one, step) for one in found["distribution"].values]).T
    low = found["peak_frequency"].values < LOW
    narrow = (pieces == 1) & (height < NARROW)
    rate = float(subject.sample_rate)
    products = [spreads(kernel, rate) for kernel in found["kernels"].values if kernel.any()]
    cumulative = filters(subject)["cumulative_response"]
    response = cumulative.where(cumulative.frequency <= work.arguments["highest"], drop=True).values
    row: Row = {
        "kernels": len(low), "low": int(low.sum()), "narrow_low": int((narrow & low).sum()),
        "narrow_high": int((narrow & ~low).sum()), "fragmented": int((pieces > 1).sum()),
        "product": float(np.median([time * frequency for time, frequency in products])),
        "evenness": entropy(response / response.sum()) / float(np.log2(len(response))),
    }  # fmt: skip
    return Outcome([row])


def contour(distribution: Array, step: float) -> tuple[float, int]:
    """The height in frequency of what lies above the level, and of how many pieces it is.

    Parameters
    ----------
    distribution : ndarray, (frequency, time)
    step : float
        From one frequency to the next.

    Examples
    --------
    >>> plane = np.zeros((100, 100))
    >>> plane[20:30, 40:60] = plane[80:84, 10:14] = 1
    >>> contour(plane, 2.0)
    (124.0, 2)
    """
    from scipy.ndimage import gaussian_filter, label

    smooth = gaussian_filter(distribution, [SMOOTHING * size for size in distribution.shape], mode="constant")
    inside = smooth > LEVEL * smooth.max()
    rows = np.flatnonzero(inside.any(1))
    return (float((rows[-1] - rows[0] + 1) * step) if len(rows) else 0.0), int(label(inside)[1])


def spreads(kernel: Array, rate: float) -> tuple[float, float]:
    """Standard deviations of a kernel's energy in time (s) and frequency (Hz), those of its distribution's marginals.

    Parameters
    ----------
    kernel : ndarray, (tap,)
        Not zero.
    rate : float
        In Hz.

    Examples
    --------
    >>> time = np.arange(-200, 201) / 16000
    >>> found = spreads(np.exp(-((time / 0.002) ** 2)) * np.cos(2 * np.pi * 3000 * time), 16000)
    >>> bool(abs(found[0] * found[1] * 4 * np.pi - 1) < 0.01)
    True
    """
    signal = analytic_signal(torch.from_numpy(np.asarray(kernel, dtype=float))).numpy()
    spectrum = np.fft.fft(signal, 8 * len(signal))
    frequency = np.arange(len(spectrum)) * rate / len(spectrum)
    return _deviation(np.abs(signal) ** 2, np.arange(len(signal)) / rate), _deviation(np.abs(spectrum) ** 2, frequency)


def example_of(work: Work) -> Outcome:
    """One sound with its STRS, and the kernels of the first layer, to be drawn."""
    subject = subject_of(work)
    item = drawn(work.sounds(), work.arguments["clip"] + 1).items[-1]
    wave = _wave(subject, item)
    found = strs(subject, wave, n_fft=N_FFT, hop=2 * HOP)[["strs"]].astype("float32")
    found = found.sel(frequency=slice(0, work.arguments["highest"]))
    heard = xr.Dataset({"sound": wave.squeeze().astype("float32").rename(None)}, attrs={"method": "sound"})
    name = item.name.removeprefix(f"{work.data.path(work.step.inputs[0])}/")
    return Outcome([{"clip": name}], {"strs": found, "sound": heard, "kernels": kernels_to_draw(subject)})


def kernels_to_draw(subject: Subject) -> xr.Dataset:
    """The kernels of a first layer, aligned at their centres, with their widths."""
    found = wigner(subject, n_fft=1)
    kept = {"weight": (("kernel", "lag"), found["kernels"].values.astype("float32"))}
    widths = {"width": ("kernel", found["width"].values)}
    return xr.Dataset(kept, widths, {"method": "kernels", "sample_rate": subject.sample_rate})


# -- Parts ------------------------------------------------------------------------------------------------


def _wave(subject: Subject, item: Item) -> xr.DataArray:
    sound = sound_of(item, subject.sample_rate)
    return sound if isinstance(sound, xr.DataArray) else load_audio(sound, sample_rate=subject.sample_rate)


def _strs(subject: Subject, item: Item) -> xr.DataArray:
    return strs(subject, _wave(subject, item), n_fft=N_FFT, hop=HOP)["strs"]


def _share(found: xr.DataArray, highest: float) -> Array:
    """Over (frequency, time), up to so many Hz, with a sum of 1."""
    values = found.where(found.frequency <= highest, drop=True).transpose("frequency", "time").values.astype(float)
    return np.asarray(values / values.sum())


def _deviation(energy: Array, axis: Array) -> float:
    shares = energy / energy.sum()
    mean = (shares * axis).sum()
    return float(np.sqrt((shares * (axis - mean) ** 2).sum()))
