"""The figures of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from otoscope.methods.wigner import wigner
from otoscope.models.swam import ParallelConv1d
from otoscope.plots.drawing import LINE_STYLES
from otoscope.plots.papers.class_spectra import class_spectra
from otoscope.plots.papers.kernel_panels import kernel_panels
from otoscope.plots.papers.panels import grid
from otoscope.plots.papers.response_panels import response_panels
from otoscope.plots.papers.skip_coherence import skip_coherence
from otoscope.studies.found import Found
from otoscope.studies.store import Kept
from otoscope.studies.swam.looks import LEVEL, N_FFT, SMOOTHING
from otoscope.studies.swam.spoofing import INCEPTION, RESNET
from otoscope.studies.swam.trained import FREE, FRONT_ENDS, HIGHEST, LARGE, SPEAKERS, WORDS
from otoscope.studies.swam.voices import GENUINE, GROUPS, MADE
from otoscope.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = {"subsegmental": "sub-segmental", "segmental": "segmental", "multiresolution": "multi-resolution"}
KERNELS = 24
"""Of a front-end that are drawn in Fig. 4, spread over their frequencies."""


def cumulative(found: Found) -> Figure:
    """CRS of the trained networks of both tasks and of random ones, front-ends in columns."""
    axes = grid(1, 3, height=1.9, wide=True, sharex=True)[0]
    data = FREE if found.rows("response", data=FREE) else LARGE
    highest = HIGHEST[data]
    for ax, front_end in zip(axes, FRONT_ENDS, strict=True):
        for (label, where), (colour, line) in zip(_LINES.items(), LINE_STYLES[1:], strict=False):
            spectra = _spectra(found, front_end, data=data, **where)
            if not spectra:
                continue
            frequency, values = spectra[0][0], np.stack([one for _, one in spectra])
            mean, deviation = 1000 * values.mean(0), 1000 * values.std(0)
            shown = frequency <= highest
            khz = frequency[shown] / 1000
            ax.plot(khz, mean[shown], line, color=colour, label=label)
            ax.fill_between(
                khz, (mean - deviation)[shown], (mean + deviation)[shown], color=colour, alpha=0.2, linewidth=0
            )
        ax.set(title=front_end, xlabel="frequency (kHz)", xlim=(0, highest / 1000), ylim=(0, None))
    axes[0].set_ylabel("CRS (‰ of its sum)")
    axes[0].legend(frameon=False, fontsize=7)
    return axes[0].figure  # type: ignore[no-any-return]


_LINES: dict[str, dict[str, str]] = {
    "words": {"task": "words", "weights": "trained"},
    "speakers": {"task": "speakers", "weights": "trained"},
    "random": {"task": "words", "weights": "random"},
}


def _spectra(found: Found, front_end: str, **where: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The mean CRS of each run, with its frequencies."""
    asked = {"front_end": front_end, **where}
    return [
        (one["frequency"].values, one["crs"].values)
        for kept in found.tables.get("response", ())
        if "crs" in kept.results and all(kept.rows[0][key] == value for key, value in asked.items())
        for one in [kept.result("crs")]
    ]


# -- The figures of the paper -----------------------------------------------------------------------------


def words_panels(found: Found) -> Figure:
    """Fig. 1: waveform, STRS and CRS of a word in networks of words."""
    return _panels(found, WORDS)


def speakers_panels(found: Found) -> Figure:
    """Fig. 2: the same in networks of speakers."""
    return _panels(found, SPEAKERS)


def _panels(found: Found, task: str) -> Figure:
    data = LARGE if found.rows("example", data=LARGE, task=task) else FREE
    shown = {
        NAMES[front_end]: kept
        for front_end in FRONT_ENDS
        for kept in _kept(found, "example", data=data, task=task, front_end=front_end)[:1]
    }
    sound = next(iter(shown.values())).result("sound")["sound"]
    axes = response_panels(
        {name: kept.result("strs") for name, kept in shown.items()}, sound, dynamic_range=40, highest=HIGHEST[data]
    )
    return _figure(axes)


def made_speech(found: Found) -> Figure:
    """Fig. 3: the CRS of genuine and made speech, with the spread over clips, networks in columns."""
    data = LARGE if found.rows("spoofing_crs", data=LARGE) else FREE
    models: dict[str, dict[str, xr.Dataset]] = {}
    for network in (RESNET, INCEPTION):
        for group in GROUPS:
            for kept in _kept(found, "spoofing_crs", data=data, network=network, group=group):
                if MADE in kept.results:
                    classes = models.setdefault(network, {GENUINE: kept.result(GENUINE)})
                    classes[group.replace("_", " + ")] = kept.result(MADE)
    return _figure(class_spectra(models, highest=HIGHEST[data]))


def kernels_in_plane(found: Found) -> Figure:
    """Fig. 4: contours of the kernels of three front-ends of words, and of the published InceptionNet."""
    data = LARGE if found.rows("example", data=LARGE, task=WORDS) else FREE
    results = {}
    for kept in _kept(found, "published_kernels")[:1]:
        results[INCEPTION] = _distribution(kept.result("kernels"))
    for front_end in FRONT_ENDS:
        for kept in _kept(found, "example", data=data, task=WORDS, front_end=front_end)[:1]:
            results[NAMES[front_end]] = _distribution(kept.result("kernels"))
    return _figure(kernel_panels(results, level=LEVEL, smoothing=SMOOTHING))


def _distribution(kept: xr.Dataset) -> xr.Dataset:
    """Of kernels that were kept, aligned at their centres, in a layer made of them."""
    bank, widths = torch.from_numpy(kept["weight"].values.copy()), kept["width"].values
    middle = bank.shape[1] // 2
    layer = ParallelConv1d(1, {int(width): int((widths == width).sum()) for width in np.unique(widths)})
    for width, branch in zip(np.unique(widths), layer.branches.values(), strict=True):
        first = middle - int(width) // 2
        branch.weight.data.copy_(bank[widths == width][:, None, first : first + int(width)])  # type: ignore[operator]
    rate = int(kept.attrs["sample_rate"])
    return wigner(Subject(layer.eval(), sample_rate=rate), n_fft=N_FFT, n_kernels=min(KERNELS, len(bank)))


def residual_layers(found: Found) -> Figure:
    """Fig. 5: mu and mu_avg of the layers of the residual network, mean of the runs."""
    data = LARGE if found.rows("residual", data=LARGE, weights="trained") else FREE
    names = found.distinct("residual", "layer", data=data, weights="trained")
    values = {
        name: (
            "layer",
            [found.values("residual", name, data=data, weights="trained", layer=one).mean() for one in names],
        )
        for name in ("mu", "mu_avg", "skip")
    }
    return skip_coherence(xr.Dataset(values, {"layer": names})).figure  # type: ignore[return-value]


def _kept(found: Found, table: str, **where: str) -> list[Kept]:
    """What is kept of steps whose rows have these values."""
    return [
        kept
        for kept in found.tables.get(table, ())
        if kept.rows and kept.results and all(kept.rows[0].get(key) == value for key, value in where.items())
    ]


def _figure(axes: np.ndarray) -> Figure:
    return axes.ravel()[0].figure  # type: ignore[no-any-return]
