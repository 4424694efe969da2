"""The first look: built-in vowels, two bundled models that were trained on the same sounds for different tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope.audio import write_audio
from otoscope.citations import cite
from otoscope.comparison import compare
from otoscope.data.hillenbrand import DEVIATIONS, GROUPS
from otoscope.data.vowels import SYMBOLS, Vowel, mean_vowel, synthesise, vowel_clip
from otoscope.dsp.audible import audible
from otoscope.dsp.statistics import mean_interval
from otoscope.methods.relevance import relevance
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.models import load
from otoscope.report import write_results
from otoscope.results import axis, sign, variable
from otoscope.subject import Subject, signature

MODELS = ("vowel-name", "vowel-register")
SYMBOL, GROUP = "ah", "women"
RANDOM, SOUND = "random weights", "the sound itself"
PLACES = ("F0", "F1 or F2", "harmonics")

Progress = Callable[[str, int, int], None]


def run(folder: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Compare both models on one vowel, and on many.

    Parameters
    ----------
    folder : Path
        Gets the report, arrays, pictures and sounds.
    progress : callable, optional
        Called as ``progress(step, done, total)``.

    Returns
    -------
    dict
        `audio`, `f0` and `formants` (Hz) of the vowel; for each of `models` its class, where its relevance and its
        CRS peak (Hz), and the shares of its relevance at F0 and at F1 or F2; the number of all `vowels`, the `shares`
        in them by listener and place with their 95 % intervals, and the share of vowels in which the two models
        `differ` as their tasks do; the `report` and the `sound`.
    """
    clip = vowel_clip(SYMBOL, GROUP)
    f0, formants = float(clip.attrs["f0"]), [float(f) for f in np.ravel(clip.attrs["formants"])[:3]]
    marks = {"F0": f0} | {f"F{i}": formant for i, formant in enumerate(formants[:2], 1)}
    scopes = [Subject(name) for name in MODELS]
    result = compare(scopes, clip, marks=marks, progress=progress)
    shares = vowel_shares(scopes)
    write_results(folder, {"vowel_shares": shares, "compare": result})
    sound = folder / "vowel.wav"
    write_audio(sound, clip, clip.attrs["sample_rate"])
    return {
        "audio": clip.attrs["name"],
        "f0": f0,
        "formants": formants,
        "models": [_row(result.sel(model=name), f0, formants) for name in MODELS],
        "vowels": shares.sizes["vowel"],
        "shares": {
            str(one["listener"].item()): {
                place: [float(one[key].sel(place=place)) for key in ("mean_share", "ci_low", "ci_high")]
                for place in PLACES
            }
            for one in (shares.isel(listener=i) for i in range(shares.sizes["listener"]))
        },
        "differ": differing(shares),
        "report": str(folder / "report.html"),
        "sound": str(sound),
    }


def talkers() -> list[Vowel]:
    """Every vowel of men, women and children with their mean formants, in a low, a middle and a high voice of each.

    F0 is the mean of the group, and one standard deviation between talkers below and above it.
    """
    vowels = []
    for group in GROUPS:
        for symbol in SYMBOLS:
            middle = mean_vowel(symbol, group)
            deviation = DEVIATIONS[group][symbol][0]
            vowels += [mean_vowel(symbol, group, middle.f0 + step * deviation) for step in (-1, 0, 1)]
    return vowels


def vowel_shares(
    scopes: list[Subject], vowels: list[Vowel] | None = None, rule: RelevanceRule = "guided"
) -> xr.Dataset:
    """Where the relevance of models lies in vowels whose F0 and formants are known.

    Parameters
    ----------
    scopes : list of Subject
        Of models at one sample rate.
    vowels : list of Vowel, optional
        Those of :func:`talkers` by default.
    rule : str
        Of the relevance.

    Returns
    -------
    Dataset
        `share` (listener, vowel, place) of the energy of the relevance spectrum from 50 Hz up; `mean_share`, its mean
        over vowels, and the 95 % interval from `ci_low` to `ci_high`, (listener, place). Listeners are the models, the
        architecture of the first with random weights, and for comparison the sound itself. Places: "F0",
        within half of F0; "F1 or F2", within 10 % of one of them, or half of F0 where that is more; "harmonics",
        nearer to a multiple of F0 than to the middle between two.

    Examples
    --------
    >>> result = vowel_shares([Subject("vowel-register")], [mean_vowel("ah", "men"), mean_vowel("eh", "men")])
    >>> result["mean_share"].sel(place="F0").round(1).to_series().to_dict()
    {'vowel-register': 0.6, 'random weights': 0.0, 'the sound itself': 0.0}
    """
    vowels = talkers() if vowels is None else vowels
    rate = scopes[0].sample_rate
    waves = np.stack([synthesise(vowel, rate, 0.25) for vowel in vowels])
    found = [relevance(scope, waves, rule=rule)["relevance_spectrum"] for scope in (*scopes, _untrained(scopes[0]))]
    found.append(found[0].copy(data=np.abs(np.fft.rfft(waves))))
    shares = np.array([[_places(one, vowel) for one, vowel in zip(each, vowels, strict=True)] for each in found])
    mean, low, high = mean_interval(shares.swapaxes(0, 1))
    over = ["listener", "place"]
    result = xr.Dataset(
        {
            "share": variable(["listener", "vowel", "place"], shares, "share of the energy"),
            "mean_share": variable(over, mean, "mean over vowels"),
            "ci_low": variable(over, low, "lower end of the 95 % interval of the mean"),
            "ci_high": variable(over, high, "upper end of the 95 % interval of the mean"),
        },
        coords={
            "listener": axis("listener", [*(scope.name for scope in scopes), RANDOM, SOUND], "listener"),
            "place": axis("place", list(PLACES), "place in the spectrum"),
            "symbol": axis("vowel", [vowel.symbol for vowel in vowels], "vowel"),
            "group": axis("vowel", [vowel.group for vowel in vowels], "group of talkers"),
            "f0": axis("vowel", [vowel.f0 for vowel in vowels], "fundamental frequency", "Hz"),
            "f1": axis("vowel", [vowel.formants[0] for vowel in vowels], "first formant", "Hz"),
            "f2": axis("vowel", [vowel.formants[1] for vowel in vowels], "second formant", "Hz"),
        },
    )
    return sign(
        result,
        "vowel_shares",
        "relevance: " + cite("relevance", "section 3.2"),
        {"rule": rule},
        model=", ".join(scope.name for scope in scopes),
        model_sha256=", ".join(scope.digest for scope in scopes),
        subject={scope.name: signature(scope) for scope in scopes},
        audio=f"{len(vowels)} synthesised vowels",
    )


def differing(shares: xr.Dataset) -> dict[str, float]:
    """Share of vowels in which the models differ as their tasks do: more at F0 for one, at F1 or F2 for the other."""
    name, register = (shares["share"].sel(listener=model) for model in MODELS)
    more = {"F0": register > name, "F1 or F2": name > register}
    return {place: float(holds.sel(place=place).mean()) for place, holds in more.items()}


def share(spectrum: xr.DataArray, frequencies: list[float], f0: float) -> float:
    """Share of the energy that lies within 10 % of frequencies in Hz, or half of `f0` where that is more.

    At a high F0 the harmonics are further apart than a formant is wide, so that there is none nearer to it.
    """
    f = spectrum.frequency.values
    near = [np.abs(f - frequency) <= max(0.1 * frequency, f0 / 2) for frequency in frequencies]
    return _share(spectrum, np.any(near, axis=0))


def share_at_harmonics(spectrum: xr.DataArray, f0: float) -> float:
    """Share of the energy that lies nearer to a multiple of `f0` than to the middle between two of them."""
    periods = spectrum.frequency.values / f0
    nearest = np.maximum(np.round(periods), 1)
    return _share(spectrum, np.abs(periods - nearest) <= 0.25)


def nearest(frequency: float, f0: float, formants: list[float]) -> str:
    """The name of the nearest of F0 and the formants."""
    known = {"F0": f0} | {f"F{i}": formant for i, formant in enumerate(formants, 1)}
    return min(known, key=lambda name: abs(known[name] - frequency))


def _share(spectrum: xr.DataArray, where: np.ndarray) -> float:
    energy = audible(spectrum) ** 2
    return float(energy[where].sum() / energy.sum())


def _places(spectrum: xr.DataArray, vowel: Vowel) -> tuple[float, float, float]:
    at_f0 = share(spectrum, [vowel.f0], vowel.f0)
    return at_f0, share(spectrum, list(vowel.formants[:2]), vowel.f0), share_at_harmonics(spectrum, vowel.f0)


def _row(one: xr.Dataset, f0: float, formants: list[float]) -> dict[str, Any]:
    peak = float(one["relevance_peak"])
    return {
        "model": str(one["model"].item()),
        "class": str(one["target"].item()),
        "relevance_peak": peak,
        "nearest_to": nearest(peak, f0, formants),
        "share_at_f0": share(one["relevance_spectrum"], [f0], f0),
        "share_at_f1_or_f2": share(one["relevance_spectrum"], formants[:2], f0),
        "crs_peak": float(one["crs_peak"]),
    }


def _untrained(scope: Subject) -> Subject:
    """The architecture of a bundled model with random weights, the same ones every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Subject(load("vowelnet", classes=scope.classes), scope.sample_rate, name=RANDOM)
