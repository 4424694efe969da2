"""Several models, tasks or checkpoints on the same sound, side by side on shared axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope.audio import load_audio
from otoscope.citations import cite
from otoscope.dsp.audible import LOWEST_AUDIBLE, peak_frequency
from otoscope.dsp.bands import band_energy, octave_bands
from otoscope.dsp.similarity import cosine, overlap, rank_correlation
from otoscope.dsp.spectra import short_time_spectrum, spectral_relevance
from otoscope.errors import InputError
from otoscope.methods.attribution import option_values
from otoscope.methods.geometry import MEASURES
from otoscope.methods.relevance import Target, check_rule
from otoscope.probe import Rule, rule_name
from otoscope.results import axis, sign, variable
from otoscope.scope import Scope, Wave

Progress = Callable[[str, int, int], None]

_SOURCE = (
    f"relevance: {cite('relevance', 'section 3.2')}; response spectra and geometry: "
    f"{cite('swam', 'eq. 1 and 2 and section 2.2')}; sonification: {cite('sonification', 'section 5.2')}"
)
_N_FFT = 1024
_MOST_FRAMES = 1000  # of the response spectra of the recording
_MOST_FRAMES_HEARD = 3000  # of all that a model takes, which may be the recording many times over


def compare(
    scopes: Mapping[str, Scope] | Sequence[Scope],
    wave: Wave | str | Path,
    *,
    target: Any = None,
    rule: str | Rule = "guided",
    layer: Any = None,
    marks: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> xr.Dataset:
    r"""What several models, or one model at several checkpoints, hear in the same sound.

    Parameters
    ----------
    scopes : mapping of str to Scope, or sequence of Scope
        Two or more, by the names that they get in the result; of a sequence the names of the models, numbered where
        they are the same.
    wave : path or wave, (time,)
        A path is read at the rate of every model. A wave is at the one rate of them all.
    target : int, str or callable, optional
        The output to explain, see :func:`otoscope.methods.relevance`: one for all, a list with one for each, or a
        mapping from names. By default the likeliest class of each model.
    rule : str or callable
        Of the relevance.
    layer : str, optional
        A tap whose whole layer is sonified: one for all, a list with one for each, or a mapping from names.
    marks : mapping of str to float, optional
        Frequencies in Hz that pictures mark, by name: ``{"F0": 120.0, "F1": 730.0}``.
    progress : callable, optional
        Called as ``progress(step, done, total)``.
    **options
        Of the rule, see :func:`otoscope.methods.relevance`.

    Returns
    -------
    Dataset over model
        Relevance of each sample of the recording, up to the frequency that all models take: `signal` (model, time),
        `spectrum` (model, frequency), `spectrogram` (model, frame_frequency, frame_time), with `input` (time),
        `input_spectrogram`, `target` and `logit`; `share` (model, band) and `input_share` (band), shares of energy in
        third-octave bands from 50 Hz up, and `input_overlap`, how far the two agree; `relevance_peak` in Hz; `beyond`,
        the share of energy above the shared range.

        First layer: `strs` (model, response_frequency, response_time), `crs` and `cumulative_response` (model,
        response_frequency), and `crs_peak` in Hz.

        For each pair, (model, other): `spectrum_cosine`, `band_overlap`, `band_rank_correlation`, `crs_cosine`.

        Of each model: `rate`, `parameters`, `frame_rate` and `receptive_field` of the last tap with a time
        axis, `weights_sha256`; the measures of :func:`otoscope.methods.geometry` (model, layer), NaN where a model has
        no layer of that name. With `layer` also `sonification` (model, time); with `marks` `mark_frequency` (mark).

        What does not apply to one of the models is absent, and the attribute ``notes`` says why.

    Raises
    ------
    InputError
        If there are fewer than two scopes, the wave is no single clip or not at the rate of all models, or one of them
        does not take it; if a rule, target or layer that was asked for does not exist, a mark is no positive frequency,
        or nothing can be compared.

    Notes
    -----
    Where a model takes more samples than the recording has, so that it is repeated or filled up by a linear map R,
    the relevance of the recording is :math:`R^T f` with the relevance f of what the model took, by the chain rule:
    repetitions add up, and what is filled in or cut away counts for nothing. Models of different rates meet in the
    same way: with U the band-limited interpolation from the lowest rate, :math:`U^T f` is the relevance of the
    samples at that rate.

    With p and q the shares of energy in bands, the overlap is :math:`\sum_i \min(p_i, q_i)`. The cosine is that of the
    magnitude spectra from 50 Hz up. Weights have no scale in common: compare heights within a model, shapes between
    models.

    Examples
    --------
    >>> import otoscope
    >>> from otoscope.data.vowels import vowel_clip
    >>> scopes = [otoscope.Scope(otoscope.load(name)) for name in ("vowel-name", "vowel-register")]
    >>> result = otoscope.compare(scopes, vowel_clip("ah", "women", duration=0.25))
    >>> result.target.values.tolist(), result.relevance_peak.round().values.tolist()
    (['ah', 'mid'], [1488.0, 212.0])
    """
    check_rule(rule)
    option_values(rule, options)
    ears = _ears(scopes, wave, target, layer)
    marked = _marked(marks or {})
    recording = min(ears, key=lambda ear: ear.scope.sample_rate).clip
    asked_for = {"relevance": any(ear.target is not None for ear in ears), "sonification": True}
    parts: dict[str, Callable[[list[_Ear], xr.DataArray], xr.Dataset]] = {
        "numbers": _numbers,
        "relevance": partial(_relevance, rule=rule, options=options),
        "response spectra": _first_layer,
        "geometry": _geometry,
    }
    if layer is not None:
        parts["sonification"] = _sonification
    found, notes = [], _taken_otherwise(ears)
    for number, (name, part) in enumerate(parts.items()):
        if progress:
            progress(name, number, len(parts))
        try:
            found.append(part(ears, recording))
        except InputError as error:
            if asked_for.get(name):
                raise
            notes.append(f"{name.capitalize()}: not compared, since {error}")
    result = xr.merge(found, compat="no_conflicts", join="exact", combine_attrs="override")
    if not {"signal", "strs"} & result.keys():
        raise InputError("these models cannot be compared. " + "; ".join(notes))
    result = result.merge(_pairs(result))
    if marked:
        result = result.assign_coords(mark=list(marked))
        result["mark_frequency"] = variable(["mark"], list(marked.values()), "marked frequency", "Hz")
    result.attrs = {
        "model": ", ".join(ear.name for ear in ears),
        "model_sha256": ", ".join(ear.scope.digest for ear in ears),
        "audio": recording.attrs.get("name", ""),
        "audio_sha256": recording.attrs.get("sha256", ""),
        "sample_rate": recording.attrs["sample_rate"],
        "rule": rule_name(rule),
        "notes": "\n".join(notes),
    }
    return sign(result, "compare", _SOURCE, target=target, rule=rule_name(rule), layer=layer, marks=marks, **options)


def _marked(marks: Mapping[str, float]) -> dict[str, float]:
    for name, hertz in marks.items():
        if not name or not 0 < hertz < math.inf:
            raise InputError(f"a mark is a name and a positive frequency in Hz, not {name!r} and {hertz}")
    return dict(marks)


# -- Who hears what ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ear:
    """A model, the recording at its rate, and what is asked of it."""

    name: str
    scope: Scope
    clip: xr.DataArray
    target: Target | None
    layer: str | None


def _ears(scopes: Mapping[str, Scope] | Sequence[Scope], wave: Any, target: Any, layer: Any) -> list[_Ear]:
    named = dict(scopes) if isinstance(scopes, Mapping) else _numbered(list(scopes))
    if len(named) < 2:
        raise InputError(f"compare takes two scopes or more, not {len(named)}")
    targets, layers = _each("target", target, list(named)), _each("layer", layer, list(named))
    rates = sorted({scope.sample_rate for scope in named.values()})
    if isinstance(wave, (str, Path)):
        clips = {rate: load_audio(wave, sample_rate=rate) for rate in rates}
    elif len(rates) > 1:
        listed = ", ".join(str(rate) for rate in rates)
        raise InputError(f"the models take {listed} Hz: give the path of a sound file, which is read at each rate")
    else:
        clips = {rates[0]: next(iter(named.values())).clip(wave)}
    if clips[rates[0]].ndim != 1:
        raise InputError("compare takes one clip at a time")
    for scope in named.values():
        scope.inputs(clips[scope.sample_rate])  # which says where a model does not take the sound
    return [
        _Ear(str(name), scope, clips[scope.sample_rate], targets[name], layers[name]) for name, scope in named.items()
    ]


def _numbered(scopes: list[Scope]) -> dict[str, Scope]:
    """Scopes by the names of their models; those of one name are told apart by their place among the others."""
    names = [scope.name for scope in scopes]
    again = [name if names.count(name) == 1 else f"{name} {1 + names[:i].count(name)}" for i, name in enumerate(names)]
    return dict(zip(again, scopes, strict=True))


def _each(what: str, value: Any, names: list[str]) -> dict[str, Any]:
    """One value for each name, of a single one, a list or a mapping."""
    if isinstance(value, Mapping):
        unknown = [str(name) for name in value if name not in names]
        if unknown:
            raise InputError(f"{what} was given for {', '.join(unknown)}; the models are {', '.join(names)}")
        return {name: value.get(name) for name in names}
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise InputError(f"{len(value)} values of {what} were given for {len(names)} models")
        return dict(zip(names, value, strict=True))
    return dict.fromkeys(names, value)


def _taken_otherwise(ears: list[_Ear]) -> list[str]:
    """What a reader should know of models that do not take the recording as it is."""
    changes = dict.fromkeys(ear.clip.attrs.get("note") for ear in ears)
    notes = [f"The recording: {change}." for change in changes if change]
    for name, scope, clip in ((ear.name, ear.scope, ear.clip) for ear in ears):
        length = scope.input_length
        if length and length != clip.size:
            how = f"is {scope.padding}" if length > clip.size else "is cut"
            notes.append(f"{name} takes {length / scope.sample_rate:.3g} s, to which the recording {how}.")
        if getattr(scope.model, "weights_source", "unknown") is None:
            notes.append(f"The weights of {name} are random: what it hears is what its architecture hears.")
    rates = {ear.scope.sample_rate for ear in ears}
    if len(rates) > 1:
        notes.append(f"The models take different sample rates; compared is what lies below {min(rates) / 2:g} Hz.")
    return notes


# -- Parts of the result, each over all models ------------------------------------------------------------


def _numbers(ears: list[_Ear], recording: xr.DataArray) -> xr.Dataset:
    rows: dict[str, list[Any]] = {"rate": [], "parameters": [], "frame_rate": [], "receptive_field": [], "sha": []}
    for ear in ears:
        in_time = [tap for tap in ear.scope.taps(ear.clip).values() if tap.time_axis is not None and tap.hop == tap.hop]
        rows["rate"].append(ear.scope.sample_rate)
        rows["parameters"].append(sum(p.numel() for p in ear.scope.model.parameters()))
        rows["frame_rate"].append(in_time[-1].rate if in_time else math.nan)
        rows["receptive_field"].append(in_time[-1].receptive_field_seconds if in_time else math.nan)
        rows["sha"].append(ear.scope.digest)
    return xr.Dataset(
        {
            "rate": variable(["model"], rows["rate"], "sample rate of the model", "Hz"),
            "parameters": variable(["model"], rows["parameters"], "number of parameters"),
            "frame_rate": variable(["model"], rows["frame_rate"], "rate of the last tap with a time axis", "Hz"),
            "receptive_field": variable(
                ["model"], np.asarray(rows["receptive_field"], float), "receptive field of the last such tap", "s"
            ),
            "weights_sha256": variable(["model"], rows["sha"], "hash of the weights"),
        },
        coords={"model": axis("model", [ear.name for ear in ears], "model")},
    )


def _relevance(ears: list[_Ear], recording: xr.DataArray, rule: str | Rule, options: dict[str, Any]) -> xr.Dataset:
    rate, size = recording.attrs["sample_rate"], recording.size
    lowest = max(LOWEST_AUDIBLE, 5 * rate / size)  # a band narrower than a bin of the spectrum would stay empty
    centres, edges = octave_bands(lowest, rate / 2)
    bins = np.arange(size // 2 + 1) * rate / size
    signals, logits, targets, beyond = [], [], [], []
    for ear in ears:
        try:
            found = ear.scope.relevance(ear.clip, ear.target, rule, **options)
        except InputError as error:
            raise InputError(f"{ear.name}: {error}") from None
        whole = _onto_recording(found.signal.values, ear.clip.size, ear.scope.padding == "repeated")
        signals.append(_limited(whole, size))
        logits.append(float(found.logit))
        targets.append(found.attrs["target"])
        beyond.append(_share_beyond(whole, ear.scope.sample_rate, rate / 2))
    signal, sound = torch.from_numpy(np.stack(signals)), torch.from_numpy(recording.values)
    spectrum, input_spectrum = spectral_relevance(signal).abs().numpy(), np.abs(np.fft.rfft(recording.values))
    frames, frame_frequency, frame_time = short_time_spectrum(signal, rate)
    input_frames, _, _ = short_time_spectrum(sound, rate)
    in_frames = ["frame_frequency", "frame_time"]
    result = xr.Dataset(
        {
            "signal": variable(["model", "time"], signal.float(), "relevance"),
            "input": variable(["time"], sound, "input"),
            "spectrum": variable(["model", "frequency"], spectrum, "magnitude of the relevance spectrum"),
            "spectrogram": variable(["model", *in_frames], frames.float(), "short-time magnitude of the relevance"),
            "input_spectrogram": variable(in_frames, input_frames, "short-time magnitude of the input"),
            "share": variable(["model", "band"], _shares(spectrum, bins, edges), "share of the relevance's energy"),
            "input_share": variable(["band"], _shares(input_spectrum, bins, edges), "share of the input's energy"),
            "beyond": variable(["model"], beyond, "share of the relevance's energy above the shared range"),
            "logit": variable(["model"], logits, "output that was carried back"),
            "target": variable(["model"], targets, "class whose output was carried back"),
        },
        coords={
            "time": axis("time", np.arange(size) / rate, "time", "s"),
            "frequency": axis("frequency", bins, "frequency", "Hz"),
            "frame_frequency": axis("frame_frequency", frame_frequency, "frequency", "Hz"),
            "frame_time": axis("frame_time", frame_time, "time", "s"),
            "band": axis("band", centres, "centre of a third-octave band", "Hz"),
            "band_low": axis("band", edges[:-1], "lower edge of the band", "Hz"),
            "band_high": axis("band", edges[1:], "upper edge of the band", "Hz"),
        },
    )
    alike = [overlap(one, result["input_share"]) for one in result["share"]]
    result["input_overlap"] = variable(["model"], alike, "energy of the relevance in the same bands as the input's")
    peaks = [peak_frequency(one) for one in result["spectrum"]]
    result["relevance_peak"] = variable(["model"], peaks, "frequency of the largest relevance", "Hz")
    return result


def _first_layer(ears: list[_Ear], recording: xr.DataArray) -> xr.Dataset:
    rate, hop = recording.attrs["sample_rate"], _hop(ears, recording)
    grid = np.fft.rfftfreq(_N_FFT, 1 / rate)
    spectra: dict[str, list[np.ndarray]] = {"strs": [], "crs": [], "cumulative_response": []}
    for ear in ears:
        # The same steps in Hz and in s at every rate, to a sample.
        n_fft, own_hop = (round(n * ear.scope.sample_rate / rate) for n in (_N_FFT, hop))
        strs = ear.scope.strs(ear.clip, n_fft=n_fft, hop=own_hop)
        heard = _of_length(strs.values, -(-recording.size // hop))
        frequency = strs.frequency.values
        cumulative = ear.scope.filters(n_fft=n_fft)["cumulative_response"]
        spectra["strs"].append(_on_grid(heard, frequency, grid))
        spectra["crs"].append(_on_grid(ear.scope.crs(ear.clip, n_fft=n_fft).values, frequency, grid))
        spectra["cumulative_response"].append(_on_grid(cumulative.values, frequency, grid))
    times = np.arange(spectra["strs"][0].shape[-1]) * hop / rate
    over = ["model", "response_frequency"]
    result = xr.Dataset(
        {
            "strs": variable([*over, "response_time"], np.stack(spectra["strs"]), "short-time response spectra"),
            "crs": variable(over, np.stack(spectra["crs"]), "cumulative response spectrum"),
            "cumulative_response": variable(
                over, np.stack(spectra["cumulative_response"]), "cumulative frequency response"
            ),
        },
        coords={
            "response_frequency": axis("response_frequency", grid, "frequency", "Hz"),
            "response_time": axis("response_time", times, "time", "s"),
        },
    )
    peaks = [peak_frequency(one.rename(response_frequency="frequency")) for one in result["crs"]]
    result["crs_peak"] = variable(["model"], peaks, "frequency of the largest CRS", "Hz")
    return result


def _geometry(ears: list[_Ear], recording: xr.DataArray) -> xr.Dataset:
    measured = [ear.scope.geometry() for ear in ears]
    layers = list(dict.fromkeys(str(layer) for one in measured for layer in one["layer"].values))
    measured = [one.reindex(layer=layers) for one in measured]
    return xr.Dataset(
        {
            name: variable(["model", "layer"], np.stack([one[name].values for one in measured]), meaning, units)
            for name, meaning, units in MEASURES
        },
        coords={"layer": axis("layer", layers, "layer")},
    )


def _sonification(ears: list[_Ear], recording: xr.DataArray) -> xr.Dataset:
    rate, size = recording.attrs["sample_rate"], recording.size
    missing = [ear.name for ear in ears if ear.layer is None]
    if missing:
        raise InputError(f"no layer to sonify was given for {', '.join(missing)}: give one for each model")
    sounds, layers = [], []
    for ear in ears:
        assert ear.layer is not None
        found = ear.scope.sonify(ear.clip, ear.layer, "layer")
        sound = _of_length(found.values[0], ear.clip.size)
        sounds.append(_limited(sound, size) * (size / sound.size))
        layers.append(found.attrs["layer"])
    return xr.Dataset(
        {
            "sonification": xr.Variable(
                ("model", "time"),
                np.stack(sounds).astype(np.float32),
                {"long_name": "sonification of a whole layer", "units": "1", "sample_rate": rate},
            ),
            "sonified_layer": variable(["model"], layers, "layer that was sonified"),
        },
        coords={"time": axis("time", np.arange(size) / rate, "time", "s")},
    )


def _pairs(result: xr.Dataset) -> xr.Dataset:
    """One number a pair of models."""
    measures: dict[str, tuple[Callable[..., float], np.ndarray, str]] = {}
    if "signal" in result:
        audible = result["spectrum"].values[:, result["frequency"].values >= LOWEST_AUDIBLE]
        shares = result["share"].values
        measures["spectrum_cosine"] = cosine, audible, "cosine of the relevance spectra"
        measures["band_overlap"] = overlap, shares, "energy of the relevance in the same bands"
        measures["band_rank_correlation"] = rank_correlation, shares, "rank correlation of the relevance in bands"
    if "crs" in result:
        measures["crs_cosine"] = cosine, result["crs"].values, "cosine of the cumulative response spectra"
    pairs = {
        name: variable(["model", "other"], [[measure(a, b) for b in values] for a in values], meaning)
        for name, (measure, values, meaning) in measures.items()
    }
    return xr.Dataset(pairs, coords={"other": axis("other", result["model"].values, "model")})


# -- Onto the recording, and onto shared axes -------------------------------------------------------------


def _onto_recording(relevance: np.ndarray, size: int, repeated: bool) -> np.ndarray:
    """Relevance of the samples of a recording, from that of the samples that the model took."""
    if repeated and relevance.size > size:
        return _of_length(relevance, -(-relevance.size // size) * size).reshape(-1, size).sum(0)
    return _of_length(relevance, size)


def _of_length(values: np.ndarray, size: int) -> np.ndarray:
    """Cut to a size along the last axis, or filled up to it with zeros."""
    missing = size - values.shape[-1]
    return values[..., :size] if missing <= 0 else np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)])


def _limited(relevance: np.ndarray, size: int) -> np.ndarray:
    """Relevance of fewer samples, which together are the same recording with its high frequencies left out.

    The adjoint of interpolation by zeros in the spectrum.
    """
    if relevance.size == size:
        return relevance.astype(np.float64)
    return np.fft.irfft(np.fft.rfft(relevance)[: size // 2 + 1], size)


def _share_beyond(relevance: np.ndarray, rate: float, limit: float) -> float:
    """Share of the energy above a frequency in Hz, of all that can be heard."""
    energy = np.abs(np.fft.rfft(relevance)) ** 2
    frequency = np.fft.rfftfreq(relevance.size, 1 / rate)
    total = energy[frequency >= LOWEST_AUDIBLE].sum()
    return float(energy[frequency > limit].sum() / total) if total else math.nan


def _shares(spectrum: np.ndarray, frequency: np.ndarray, edges: np.ndarray) -> np.ndarray:
    energy = band_energy(spectrum, frequency, edges)
    total = energy.sum(-1, keepdims=True)
    return np.divide(energy, total, out=np.zeros_like(energy), where=total > 0)


def _hop(ears: list[_Ear], recording: xr.DataArray) -> int:
    """Samples of the recording from one response spectrum to the next: enough for a picture, and no more."""
    longest = max(ear.scope.inputs(ear.clip).shape[-1] / ear.scope.sample_rate for ear in ears)
    most = longest * recording.attrs["sample_rate"] / _MOST_FRAMES_HEARD
    return max(math.ceil(recording.size / _MOST_FRAMES), math.ceil(most))


def _on_grid(values: np.ndarray, frequency: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Values over frequency, their first axis, read off at other frequencies."""
    place = np.interp(grid, frequency, np.arange(frequency.size))
    below = np.minimum(place.astype(int), frequency.size - 2)
    part = (place - below).reshape(-1, *[1] * (values.ndim - 1))
    return (values[below] * (1 - part) + values[below + 1] * part).astype(np.float32)
