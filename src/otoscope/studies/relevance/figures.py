"""The figures of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.drawing import LINE_STYLES
from otoscope.plots.papers.panels import grid
from otoscope.plots.papers.relevance_formants import relevance_formants
from otoscope.plots.papers.relevance_pitch import relevance_pitch
from otoscope.plots.papers.relevance_signal import relevance_signal
from otoscope.studies.found import Found
from otoscope.studies.relevance.heard import GROUPS
from otoscope.studies.relevance.measured import SOUND
from otoscope.studies.relevance.measures import MEASURES
from otoscope.studies.relevance.trained import DIGITS, FREE, LARGE, PHONES, RANDOM, SHUFFLED, SPEAKERS, TRAINED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WEIGHTS = {SOUND: "the sounds", TRAINED: "trained", SHUFFLED: "shuffled labels", RANDOM: "random weights"}


def signal(found: Found) -> Figure:
    """Fig. 3: a piece of speech, its relevance signal for the speaker, and the autocorrelation of both."""
    pair = [_example(found, "example_speech", name) for name in ("relevance", "autocorrelation")]
    return relevance_signal(*pair, style=None)[0].figure  # type: ignore[no-any-return]


def pitch_of_phones(found: Found) -> Figure:
    """Fig. 4: a vowel, its relevance signal in the phone system, and the F0 of both."""
    return relevance_pitch(_example(found, "example_vowel", "men", PHONES), style=None)[0].figure  # type: ignore[no-any-return]


def pitch_of_speakers(found: Found) -> Figure:
    """Fig. 6: a piece of speech, its relevance signal in the speaker system, and the F0 of both."""
    return relevance_pitch(_example(found, "example_speech", "voice"), style=None)[0].figure  # type: ignore[no-any-return]


def spectra(found: Found) -> Figure:
    """Fig. 5: the vowel /ah/ of a man and a woman, and its relevance signals in the systems that are there."""
    there = [name for name in (PHONES, SPEAKERS) if found.rows("example_vowel", system=name)]
    results = {
        f"{group} /ah/": {name: _example(found, "example_vowel", group, name) for name in there} for group in GROUPS
    }
    return relevance_formants(results, style=None)[0, 0].figure  # type: ignore[no-any-return]


def controls(found: Found) -> Figure:
    """Table 2 over all twelve vowels with its controls: shares of right values, and what chance gives."""
    axes = grid(1, len(GROUPS), height=2.1, wide=True, sharey=True)[0]
    width = 0.8 / len(_WEIGHTS)
    for ax, group in zip(axes, GROUPS, strict=True):
        for number, (weights, label) in enumerate(_WEIGHTS.items()):
            places = np.arange(len(MEASURES)) + (number - (len(_WEIGHTS) - 1) / 2) * width
            runs = np.array([_shares(found, measure, weights, group) for measure in MEASURES])
            chance = np.array([_shares(found, f"{measure}_chance", weights, group) for measure in MEASURES])
            ax.bar(places, runs.mean(1), 0.9 * width, color=_SHADES[weights], label=label)
            for place, values, level in zip(places, runs, chance.mean(1), strict=True):
                if len(values) > 1:
                    ax.plot(np.full(len(values), place), values, ".", color="black", markersize=3)
                ax.hlines(level, place - width / 2, place + width / 2, color="#d62728", linewidth=1.5)
        ax.set(title=group, ylim=(0, 105))
        ax.set_xticks(range(len(MEASURES)), MEASURES)
    axes[0].set_ylabel("right (%)")
    axes[0].hlines([], 0, 1, color="#d62728", linewidth=1.5, label="by chance")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=7)
    return axes[0].figure  # type: ignore[no-any-return]


_SHADES = {SOUND: "#c8c8c8", TRAINED: "#51127c", SHUFFLED: "#b73779", RANDOM: "#fc8961"}


def emphasis(found: Found) -> Figure:
    """4.3: what relevance adds to the sound in bands, of both systems, and the F-ratio of speakers."""
    data = LARGE if found.rows("bands", data=LARGE) else FREE
    system = PHONES if found.rows("bands", data=data, system=PHONES) else DIGITS
    axes = grid(2, 1, height=3.2, heights=[2, 1], sharex=True)[:, 0]
    lines = ((SPEAKERS, TRAINED), (system, TRAINED), (SPEAKERS, RANDOM))
    for (name, weights), (colour, line) in zip(lines, LINE_STYLES, strict=False):
        curves = _emphasis(found, data, name, weights)
        if not len(curves):
            continue
        khz = _middles(found, data, name)
        mean, deviation = curves.mean(0), curves.std(0)
        label = name if weights == TRAINED else "random weights"
        axes[0].plot(khz, mean, line, color=colour, label=label)
        axes[0].fill_between(khz, mean - deviation, mean + deviation, color=colour, alpha=0.2, linewidth=0)
    axes[0].axhline(0, color="#888888", linewidth=0.6)
    axes[0].set_ylabel("relevance over sound (dB)")
    axes[0].legend(frameon=False, fontsize=7)
    first = found.distinct("bands", "seed", data=data, system=SPEAKERS, weights=TRAINED)[0]
    where = {"data": data, "system": SPEAKERS, "weights": TRAINED, "seed": first}
    columns = ("f_ratio", "f_ratio_ci_low", "f_ratio_ci_high", "f_ratio_chance")
    ratio, low, high, chance = (found.values("bands", column, **where) for column in columns)
    khz = _middles(found, data, SPEAKERS)
    axes[1].plot(khz, ratio, color="black")
    axes[1].fill_between(khz, low, high, color="black", alpha=0.2, linewidth=0)
    axes[1].axhline(chance[0], color="#d62728", linewidth=1)
    axes[1].set(xlabel="frequency (kHz)", ylabel="F-ratio", ylim=(0, None), xlim=(0, None))
    return axes[0].figure  # type: ignore[no-any-return]


def _shares(found: Found, column: str, weights: str, group: str) -> np.ndarray:
    """Of each run, in percent; of the sounds the one value."""
    data = LARGE if weights != SOUND and found.rows("vowels", data=LARGE) else FREE
    where = {"data": data, "system": PHONES, "weights": weights, "group": group}
    seeds = found.distinct("vowels", "seed", **where) or [None]
    runs = [found.values("vowels", column, seed=seed, **where) for seed in seeds]
    return np.array([100 * np.nanmean(one) if np.isfinite(one).any() else np.nan for one in runs])


def _emphasis(found: Found, data: str, system: str, weights: str) -> np.ndarray:
    """In dB, (run, band)."""
    where = {"data": data, "system": system, "weights": weights}
    curves = []
    for seed in found.distinct("bands", "seed", **where):
        relevance, sound = (found.values("bands", name, seed=seed, **where) for name in ("emphasis", "input_emphasis"))
        curves.append(20 * np.log10(relevance / sound))
    return np.array(curves)


def _middles(found: Found, data: str, system: str) -> np.ndarray:
    """The middle of each band, in kHz."""
    seed = found.distinct("bands", "seed", data=data, system=system)[0]
    where = {"data": data, "system": system, "seed": seed, "weights": TRAINED}
    low, high = (found.values("bands", edge, **where) for edge in ("low", "high"))
    middles: np.ndarray = (low + high) / 2000
    return middles


def _example(found: Found, table: str, name: str, system: str = SPEAKERS) -> xr.Dataset:
    """An example of a system, on the data of the paper where it is there."""
    kept = [one for one in found.tables[table] if one.rows[0]["system"] == system and name in one.results]
    return max(kept, key=lambda one: one.rows[0]["data"] == LARGE).result(name)
