"""What a trained network is like beside its own initial weights: first layer, relevance, maps by depth, folding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope.audio import load_audio
from otoscope.data.find import drawn, sound_of
from otoscope.methods.activations import activations
from otoscope.methods.aliasing import aliasing
from otoscope.methods.aliasing_map import aliasing_map
from otoscope.methods.coherence import coherence
from otoscope.methods.crs import crs
from otoscope.methods.filters import filters
from otoscope.methods.geometry import geometry, layer_atoms
from otoscope.methods.relevance import relevance
from otoscope.methods.voice import voice
from otoscope.models import load
from otoscope.models.checkpoints import read_config
from otoscope.studies.step import Outcome, Row, Work
from otoscope.subject import Subject

TRAINED, INITIAL = "trained", "initial"
"""Of the column `weights`; the initial ones are those that this very training began with."""
LOWEST, HIGHEST_OF_SPEECH = 50.0, 2000.0
"""In Hz: between them lies the median frequency of a CRS that a claim is about."""
BANDS = ((100, 800), (500, 1500), (2000, 3500))
"""In Hz, whose shares of the CRS claims are about."""
EDGES = tuple(float(edge) for edge in np.geomspace(100, 3800, 22).round())
"""In Hz, of the bands in which relevances are compared."""
SAME_F0 = 0.05
"""Relative difference up to which two F0 are the same."""
SILENT = 1e-3
"""Of the deviation of the liveliest map of a layer: a map that never reaches it is dead."""


def response_of(work: Work) -> Outcome:
    """The first layer's response to sounds, and the kernels of every layer."""
    rows: list[Row] = []
    spectra = {}
    subjects = _subjects(work)
    start = {str(name): atoms for name, atoms in _kernels(subjects[INITIAL])}
    for weights, subject in subjects.items():
        found = [crs(subject, wave)["crs"] for wave in _sounds(work, subject)]
        frequency = found[0].frequency.values
        values = np.stack([one.values.ravel() for one in found])
        shares = {f"share_{low}_{high}": _mean_share(values, frequency, low, high) for low, high in BANDS}
        response = filters(subject)["cumulative_response"]
        low = float(response.where(response.frequency < 1000, 0).sum() / response.sum())
        median = float(np.mean([_median(one, frequency) for one in values]))
        rows.append({"weights": weights, "layer": 0, "median_frequency": median, "low_share": low, **shares})
        shape = geometry(subject)
        for number, (name, atoms) in enumerate(_kernels(subject)):
            rows.append({
                "weights": weights,
                "layer": number + 1,
                "name": name,
                "mu_avg": float(shape["mu_avg"][number]),
                "change": float((atoms - start[name]).norm() / start[name].norm()),
            })  # fmt: skip
        spectra[weights] = (values / values.sum(1, keepdims=True)).mean(0)
    drawn_spectra = xr.DataArray(
        np.stack(list(spectra.values())),
        {"weights": list(spectra), "frequency": frequency},
        ("weights", "frequency"),
    )
    return Outcome(rows, {"crs": drawn_spectra.astype(np.float32).to_dataset(name="crs").assign_attrs(method="crs")})


def relevance_of(work: Work) -> Outcome:
    """Whether F0 and envelope of a sound are those of its relevance, beside those of other sounds."""
    rows: list[Row] = []
    bands = []
    subjects = _subjects(work)
    for weights, subject in subjects.items():
        sounds = _sounds(work, subject)
        found = [voice(subject, wave, maximum=min(5500.0, subject.sample_rate / 2)) for wave in sounds]
        f0 = np.array([one["median_f0"].values.ravel() for one in found])  # (clip, sound and relevance)
        spectra = np.stack([_levels(one) for one in found])
        hits, chance = matched(same_f0(f0[:, 0], f0[:, 1]), np.isfinite(f0[:, 0]))
        alike, unlike = matched(correlations(spectra[:, 0], spectra[:, 1]))
        rows.append({
            "weights": weights,
            "f0_hits": hits,
            "f0_chance": chance,
            "envelope": alike,
            "envelope_chance": unlike,
            "voiced": int(np.isfinite(f0[:, 0]).sum()),
        })  # fmt: skip
        bands.append([_in_bands(subject, wave) for wave in sounds])
        work.report("weights", len(rows), len(subjects))
    edges = np.array(EDGES)
    shares = xr.DataArray(
        np.array(bands, dtype=np.float32),
        {"weights": list(subjects), "band": np.sqrt(edges[1:] * edges[:-1])},
        ("weights", "clip", "band"),
    )
    return Outcome(rows, {"bands": shares.to_dataset(name="share").assign_attrs(method="relevance")})


def depth_of(work: Work) -> Outcome:
    """Of each layer the coherence of sound and sonification, and the share of maps that are dead or active."""
    rows: list[Row] = []
    for weights, subject in _subjects(work).items():
        sounds = _sounds(work, subject)
        shared = coherence(subject, sounds)
        names = [str(name) for name in shared["layer"].values]
        found = [activations(subject, wave, layer=names) for wave in sounds]
        layer = found[0]["layer"].values
        squares = np.stack([_of(one, "rms") ** 2 - _of(one, "mean_activation") ** 2 for one in found])
        moving = np.sqrt(np.maximum(squares, 0))
        for number, name in enumerate(names):
            dead, active = dead_and_active(moving[:, layer == name])
            rows.append({
                "weights": weights,
                "layer": number + 1,
                "name": name,
                "coherence": float(shared["coherence"][number]),
                "dead": dead,
                "active": active,
            })  # fmt: skip
    return Outcome(rows)


def folding_of(work: Work) -> Outcome:
    """Of each step that drops the rate the share of energy that it folds, of sounds, and its gain for sines."""
    rows: list[Row] = []
    for weights, subject in _subjects(work).items():
        found = [aliasing(subject, wave) for wave in _sounds(work, subject)]
        sines = aliasing_map(subject, frequencies=23, duration=0.4)
        gain = np.sqrt(np.mean(sines["gain"].values ** 2, axis=1))
        folded = np.sqrt(np.nanmean(sines["gain"].values ** 2 * sines["folded_share"].values, axis=1))
        shares = np.stack([_of(one, "share") for one in found])
        for number, name in enumerate(found[0]["step"].values):
            rows.append({
                "weights": weights,
                "step": number + 1,
                "name": str(name),
                "operation": str(found[0]["op"].values[number]),
                "stride": int(found[0]["stride"].values[number]),
                "share": float(np.nanmean(shares[:, number])),
                "gain": float(gain[number]),
                "folded_gain": float(folded[number]),
            })  # fmt: skip
    return Outcome(rows)


# -- Numbers ----------------------------------------------------------------------------------------------


def same_f0(of_sounds: np.ndarray, of_relevances: np.ndarray) -> np.ndarray:
    """Which F0 (sound, relevance) lie within :data:`SAME_F0` of each other; a missing one is the same as none.

    Examples
    --------
    >>> same_f0(np.array([100.0, 200.0]), np.array([103.0, np.nan])).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    with np.errstate(invalid="ignore"):
        near: np.ndarray = np.abs(of_relevances[None] / of_sounds[:, None] - 1) <= SAME_F0
    found: np.ndarray = near.astype(float)
    return found


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of each row of one with each row of the other, (row, row)."""

    def scaled(rows: np.ndarray) -> np.ndarray:
        rows = rows - rows.mean(1, keepdims=True)
        unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
        return unit

    found: np.ndarray = scaled(first) @ scaled(second).T
    return found


def matched(pairs: np.ndarray, counted: np.ndarray | None = None) -> tuple[float, float]:
    """The mean of what belongs together, on the diagonal, and of what does not, which is what chance would give.

    Parameters
    ----------
    pairs : ndarray, (sound, relevance)
    counted : ndarray of bool, (sound,), optional
        Sounds that count, with their relevances.

    Returns
    -------
    matched, chance : float

    Examples
    --------
    >>> matched(np.array([[1.0, 0.5], [0.0, 0.5]]))
    (0.75, 0.25)
    """
    if counted is not None:
        pairs = pairs[np.ix_(counted, counted)]
    if len(pairs) < 2:
        return float("nan"), float("nan")
    others = ~np.eye(len(pairs), dtype=bool)
    return float(np.diag(pairs).mean()), float(pairs[others].mean())


def dead_and_active(moving: np.ndarray) -> tuple[float, float]:
    """The share of maps that no clip moves, and of those that a clip moves, mean over clips.

    Parameters
    ----------
    moving : ndarray, (clip, map)
        How much a map moves about its mean over the time of a clip.

    Returns
    -------
    dead, active : float
        A clip moves a map by more than a tenth of what it moves the liveliest map of the layer.

    Examples
    --------
    >>> dead_and_active(np.array([[1.0, 0.0, 0.5, 0.01], [2.0, 0.0, 0.0, 0.0]]))
    (0.25, 0.375)
    """
    largest = moving.max()
    if not largest > 0:
        return 1.0, 0.0
    dead = (moving <= SILENT * largest).all(0).mean()
    each = moving.max(1, keepdims=True)
    active = ((moving > 0.1 * each) & (each > 0)).mean()
    return float(dead), float(active)


# -- Parts ------------------------------------------------------------------------------------------------


def _subjects(work: Work) -> dict[str, Subject]:
    """The trained network, and the same with the weights that its training began with."""
    from otoscope.training.recipe import ModelSection
    from otoscope.training.start import random_model

    folder = work.model()
    given = work.step.needs[0].arguments
    classes = read_config(folder)["contract"]["classes"]
    section = ModelSection.model_validate(given["content"]["model"])
    initial: Any = random_model(section, classes, given["seed"])
    return {TRAINED: Subject(load(str(folder))), INITIAL: Subject(initial.eval())}


def _sounds(work: Work, subject: Subject) -> list[xr.DataArray]:
    """Clips of the step, evenly over the classes."""
    items = drawn(work.sounds(), work.arguments["clips"]).items
    rate = subject.sample_rate
    return [load_audio(sound_of(item, rate), sample_rate=rate) for item in items]


def _kernels(subject: Subject) -> Sequence[tuple[str, torch.Tensor]]:
    return [(layer.name, layer_atoms(layer).detach()) for layer in subject.taps().layers]


def _levels(found: xr.Dataset) -> np.ndarray:
    """The LP spectra of sound and relevance below 4 kHz in dB, (signal, frequency)."""
    spectrum = found["lp_spectrum"]
    spectrum = spectrum.where(spectrum.frequency <= 4000, drop=True).transpose("signal", ..., "frequency")
    levels: np.ndarray = 20 * np.log10(spectrum.values.reshape(2, -1) + 1e-12)
    return levels


def _in_bands(subject: Subject, wave: xr.DataArray) -> np.ndarray:
    """Energy of the relevance in each band, as a share of all bands."""
    found = relevance(subject, wave, bands=list(EDGES))["relevance_energy"].values.ravel()[: len(EDGES) - 1]
    shares: np.ndarray = found / max(float(found.sum()), 1e-30)
    return shares


def _of(found: xr.Dataset, name: str) -> np.ndarray:
    return np.asarray(found[name].values).ravel()


def _mean_share(values: np.ndarray, frequency: np.ndarray, low: float, high: float) -> float:
    """Of the sum from :data:`LOWEST` to 4 kHz, mean over clips."""
    inside = (frequency >= low) & (frequency < high)
    heard = (frequency >= LOWEST) & (frequency <= 4000)
    return float((values[:, inside].sum(1) / values[:, heard].sum(1)).mean())


def _median(values: np.ndarray, frequency: np.ndarray) -> float:
    """The frequency below which half of the CRS of the range of speech lies."""
    inside = (frequency >= LOWEST) & (frequency < HIGHEST_OF_SPEECH)
    total = np.cumsum(values[inside])
    return float(frequency[inside][int(np.searchsorted(total, total[-1] / 2))])
