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

from otoscope.app.reasons import reason_for
from otoscope.citations import cite
from otoscope.dsp.audible import LOWEST_AUDIBLE, peak_frequency
from otoscope.dsp.bands import band_energy, band_sums, octave_bands
from otoscope.dsp.cross_spectra import Frames, unitary_spectrogram
from otoscope.dsp.similarity import cosine, overlap, rank_correlation
from otoscope.errors import InputError
from otoscope.heard import fit_note, repeated, untrained
from otoscope.methods.crs import crs
from otoscope.methods.filters import filters
from otoscope.methods.geometry import MEASURES, geometry
from otoscope.methods.relevance import in_one_channel, relevance
from otoscope.methods.relevance_rules import Form, RelevanceRule, option_values, rule_record
from otoscope.methods.relevance_spectra import Relevance
from otoscope.methods.sonify import sonify
from otoscope.methods.strs import strs
from otoscope.methods.targets import Question, as_given
from otoscope.probe import Rule, rule_name
from otoscope.probe.first import first_layer, named_bank
from otoscope.probe.room import memory_budget, tidy
from otoscope.report.gather import Progress
from otoscope.results import as_json, axis, sign, variable
from otoscope.subject import Subject, check_taken, hears_channels, signature
from otoscope.types import Against, Excerpt, Span, Target, Wave

Array = np.ndarray[Any, Any]

_SOURCES = {
    "relevance": "relevance: " + cite("relevance", "section 3.2"),
    "strs": "response spectra and geometry: " + cite("swam", "eq. 1 and 2 and section 2.2"),
    "sonification": "sonification: " + cite("sonification", "section 5.2"),
}
"""Of the parts of a comparison, by their variables."""
_OF: dict[Form, str] = {
    "product": ", of the magnitudes of all bands",
    "gradient": "'s energy",
    "weighted sound": "'s energy",
}
_N_FFT = 1024
_MOST_FRAMES = 1000  # of the response spectra of the recording
_MOST_FRAMES_HEARD = 3000  # of all that a model takes, which may be the recording many times over


def compare(
    scopes: Mapping[str, Subject] | Sequence[Subject],
    wave: Wave,
    *,
    target: Target | Sequence[Target | None] | Mapping[str, Target] | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    rule_options: Mapping[str, Any] | None = None,
    layer: str | Sequence[str | None] | Mapping[str, str] | None = None,
    marks: Mapping[str, float] | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""What several models, or one model at several checkpoints, hear in the same sound.

    Parameters
    ----------
    scopes : mapping of str to Scope, or sequence of them
        Two or more, by the names that they get in the result; of a sequence the names of the models, numbered where
        they are the same.
    wave : path or wave, (time,)
        A path is read at the rate of every model. A wave is at the one rate of them all.
    target : int, str or callable, optional
        The output to explain, see :func:`otoscope.methods.relevance.relevance`: one for all, a list with one for each,
        or a mapping from names. By default the likeliest class of each model.
    at, against, target_band : optional
        What of it, for all models, see :func:`otoscope.methods.relevance.relevance`.
    rule : str or callable
        Of the relevance.
    rule_options : mapping of str, optional
        Of the rule, such as ``{"steps": 100}``, see :func:`otoscope.methods.relevance.relevance`.
    layer : str, optional
        A tap whose whole layer is sonified: one for all, a list with one for each, or a mapping from names. Where it is
        a bank of kernels on one signal, the response spectra are of it, too.
    marks : mapping of str to float, optional
        Frequencies in Hz that pictures mark, by name: ``{"F0": 120.0, "F1": 730.0}``.
    memory : int, optional
        Bytes of memory that may be used, half of what is free by default: what the way back through a model needs
        beyond them is kept in temporary files.
    progress : callable, optional
        Called as ``progress(step, done, total)``.

    Returns
    -------
    Dataset over model
        Relevance of each sample of the recording, up to the frequency that all models take: `relevance` (model, time),
        `relevance_spectrum` (model, frequency), `relevance_spectrogram` (model, frame_frequency, frame_time), with
        `input` (time), `input_spectrogram`, `target` (class), `logit` (or `score` with `score_kind`), `probability`,
        `runner_up` and `runner_up_probability`; `share` (model, band) and `input_share`
        (band), shares of energy in third-octave bands from 50 Hz up, and `input_overlap`, how far the two agree;
        `relevance_peak` in Hz; `beyond`, the share of energy above the shared range. By a rule whose relevance is the
        sound times a gradient (the attribute `form` is "product") all three are signed, and so is `share`, of
        the sum of the magnitudes of all bands; overlaps are those of what is positive.

        First layer: `strs` (model, response_frequency, response_time), `crs` and `cumulative_response` (model,
        response_frequency), and `crs_peak` in Hz.

        For each pair, (model, other): `spectrum_cosine`, `band_overlap`, `band_rank_correlation`, `crs_cosine`.

        Of each model: `rate`, `parameters`, `frame_rate` and `receptive_field` of the last tap with a time axis,
        `weights_sha256`; the measures of :func:`otoscope.methods.geometry.geometry` (model, layer), NaN where a model
        has no layer of that name. With `layer` also `sonification` (model, time); with `marks` `mark_frequency` (mark).

        What does not apply to one of the models, or fails, is absent; the attributes ``notes`` and ``missing`` (JSON)
        name it and say why.

    Raises
    ------
    InputError
        If there are fewer than two scopes, the wave is not a single clip or not at the rate of all models, or one of
        them does not take it; if a rule, target or layer that was asked for does not exist, a mark is not a positive
        frequency, or nothing can be compared.

    Notes
    -----
    Where a model takes more samples than the recording has, so that it is repeated or filled up by a linear map R,
    the relevance of the recording is :math:`R^T f` with the relevance f of what the model took, by the chain rule:
    repetitions add up, and what is filled in or cut away counts for nothing. Models of different rates meet in the
    same way: with U the band-limited interpolation from the lowest rate, :math:`U^T f` is the relevance of the
    samples at that rate.

    Of a product of sound and gradient, the gradient is carried back so, and what the model heard is brought to the
    shared rate: their product is the relevance of the recording, whose sums agree.

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
    options = dict(rule_options or {})
    option_values(rule, options)
    compared = _compared(scopes, wave, target, layer)
    marked = _marked(marks or {})
    recording = _mono(min(compared, key=lambda one: one.subject.sample_rate).clip)
    question = {"at": at, "against": against, "target_band": target_band}
    asked = any(value is not None for value in (*question.values(), *(one.target for one in compared)))
    required = {"relevance": asked, "sonification": True}
    parts: dict[str, Callable[[list[_Compared], xr.DataArray], xr.Dataset]] = {
        "numbers": _numbers,
        "relevance": partial(_relevance, rule=rule, options=options | question),
        "response spectra": _first_layer,
        "geometry": _geometry,
    }
    if layer is not None:
        parts["sonification"] = _sonification
    found, notes, missing = [], _notes(compared), {}
    for number, (name, part) in enumerate(parts.items()):
        if progress:
            progress(name, number, len(parts))
        try:
            with memory_budget(memory):
                tidy()
                found.append(part(compared, recording))
        except Exception as error:
            if required.get(name) and isinstance(error, InputError):
                raise
            missing[name] = reason_for(error)
            notes.append(f"Not compared: {name}, since {missing[name]}")
    result = xr.merge(found, compat="no_conflicts", join="exact", combine_attrs="override")
    if not {"relevance", "strs"} & result.keys():
        raise InputError("these models cannot be compared. " + "; ".join(notes))
    result = result.merge(_pairs(result))
    if marked:
        result = result.assign_coords(mark=list(marked))
        result["mark_frequency"] = variable(["mark"], list(marked.values()), "marked frequency", "Hz")
    first = next(name for name in ("relevance", "strs") if name in result)
    result = result[[first, *(name for name in result.data_vars if name != first)]]
    result.attrs = {
        "sample_rate": recording.attrs["sample_rate"],
        "rule": rule_name(rule),
        "form": rule_record(rule).form,
        "notes": "\n".join(notes),
        "missing": as_json(missing),
    }
    signed = as_given(Question(compared[0].target, at, against, target_band), compared[0].subject)
    arguments = {
        **question,
        **signed,
        "target": target,
        "rule": rule,
        "rule_options": options,
        "layer": layer,
        "marks": marks,
    }
    return sign(
        result,
        "compare",
        "; ".join(source for name, source in _SOURCES.items() if name in result),
        arguments,
        model=", ".join(one.name for one in compared),
        model_sha256=", ".join(one.subject.digest for one in compared),
        subject={one.name: signature(one.subject) for one in compared},
        audio=recording.attrs.get("name", ""),
        audio_sha256=recording.attrs.get("sha256", ""),
    )


def _marked(marks: Mapping[str, float]) -> dict[str, float]:
    for name, hertz in marks.items():
        if not name or not 0 < hertz < math.inf:
            raise InputError(f"a mark is a name and a positive frequency in Hz, not {name!r} and {hertz}")
    return dict(marks)


# -- The models and the recording -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Compared:
    """A model, the recording at its rate, and what is asked of it."""

    name: str
    subject: Subject
    clip: xr.DataArray
    target: Target | None
    layer: str | None


def _compared(scopes: Mapping[str, Subject] | Sequence[Subject], wave: Any, target: Any, layer: Any) -> list[_Compared]:
    named = dict(scopes) if isinstance(scopes, Mapping) else _numbered(list(scopes))
    if len(named) < 2:
        raise InputError(f"compare takes two scopes or more, not {len(named)}")
    targets, layers = _each("target", target, list(named)), _each("layer", layer, list(named))
    rates = sorted({scope.sample_rate for scope in named.values()})
    in_memory = not isinstance(wave, (str, Path, Excerpt))
    if in_memory and len(rates) > 1:
        listed = ", ".join(str(rate) for rate in rates)
        raise InputError(f"the models take {listed} Hz: give the path of a sound file, which is read at each rate")
    clips = _clips(named, wave, in_memory)
    for name, scope in named.items():
        if "clip" in clips[name].dims:
            raise InputError("compare takes one clip at a time")
        check_taken(scope, scope.inputs(clips[name]), str(clips[name].attrs["name"]))
    return [_Compared(str(name), scope, clips[name], targets[name], layers[name]) for name, scope in named.items()]


def _clips(named: Mapping[str, Subject], wave: Any, in_memory: bool) -> dict[str, xr.DataArray]:
    """The recording as each model hears it: at its rate, with its channels; those of a kind share an array."""
    read: dict[tuple[int, bool], xr.DataArray] = {}
    clips = {}
    for name, scope in named.items():
        kind = scope.sample_rate, in_memory or hears_channels(scope, wave)
        if kind not in read or in_memory:
            read[kind] = scope.clip(wave)
        clips[name] = read[kind]
    return clips


def _numbered(scopes: list[Subject]) -> dict[str, Subject]:
    """Scopes by the names of their models; those of one name are numbered."""
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


def _notes(compared: list[_Compared]) -> list[str]:
    """What a reader should know of models that do not take the recording as it is."""
    changes = dict.fromkeys(one.clip.attrs.get("note") for one in compared)
    notes = [f"The recording: {change}." for change in changes if change]
    for name, subject, clip in ((one.name, one.subject, one.clip) for one in compared):
        notes += filter(None, (fit_note(subject, clip, name, slides=True), untrained(subject, name)))
        if "channel" in clip.dims:
            count = clip.sizes["channel"]
            notes.append(f"{name} hears the {count} channels apart: its relevance is the sum over them.")
        elif repeated(subject):
            notes.append(f"The recording is {repeated(subject)}.")
    rates = {one.subject.sample_rate for one in compared}
    if len(rates) > 1:
        notes.append(f"The models take different sample rates; compared is what lies below {min(rates) / 2:g} Hz.")
    return notes


# -- Parts of the result, each over all models ------------------------------------------------------------


def _mono(clip: xr.DataArray) -> xr.DataArray:
    """The mean of the channels of a recording, which is what models of different channels have in common."""
    return clip.mean("channel", keep_attrs=True) if "channel" in clip.dims else clip


def _numbers(compared: list[_Compared], recording: xr.DataArray) -> xr.Dataset:
    rows: dict[str, list[Any]] = {"rate": [], "parameters": [], "frame_rate": [], "receptive_field": [], "sha": []}
    for one in compared:
        in_time = [
            tap for tap in one.subject.taps(one.clip).values() if tap.time_axis is not None and tap.hop == tap.hop
        ]
        rows["rate"].append(one.subject.sample_rate)
        rows["parameters"].append(sum(p.numel() for p in one.subject.model.parameters()))
        rows["frame_rate"].append(in_time[-1].rate if in_time else math.nan)
        rows["receptive_field"].append(in_time[-1].receptive_field_seconds if in_time else math.nan)
        rows["sha"].append(one.subject.digest)
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
        coords={"model": axis("model", [one.name for one in compared], "model")},
    )


def _explained(found: Sequence[xr.Dataset]) -> dict[str, xr.Variable]:
    """What of the output of each model is explained, and how sure the model is of it."""
    logits = all("logit" in one for one in found)
    values = [float(one["logit" if "logit" in one else "score"]) for one in found]
    kinds = {} if logits else {"score_kind": [one.attrs["score_kind"] for one in found]}
    sure: dict[str, list[Any]] = {
        name: [one[name].item() if name in one else missing for one in found]
        for name, missing in (("probability", math.nan), ("runner_up", ""), ("runner_up_probability", math.nan))
        if any(name in one for one in found)
    }
    named = {"logit" if logits else "score": values, **kinds, "target": [one.attrs["target"] for one in found], **sure}
    meanings = {
        "logit": "output that was carried back",
        "score": "output that was carried back",
        "score_kind": "what it is",
        "target": "class whose output was carried back",
        "probability": "probability of it",
        "runner_up": "likeliest other class",
        "runner_up_probability": "its probability",
    }
    return {name: variable(["model"], value, meanings[name]) for name, value in named.items()}


def _relevance(
    compared: list[_Compared], recording: xr.DataArray, rule: RelevanceRule | Rule, options: dict[str, Any]
) -> xr.Dataset:
    rate, size = recording.attrs["sample_rate"], recording.size
    lowest = max(LOWEST_AUDIBLE, 5 * rate / size)  # a band narrower than a bin of the spectrum would stay empty
    centres, edges = octave_bands(lowest, rate / 2)
    bins = np.arange(size // 2 + 1) * rate / size
    form, frames = rule_record(rule).form, Frames.of(0.025, 0.010, rate)
    carried, heard, explained, beyond = [], [], [], []
    for one in compared:
        try:
            found = relevance(one.subject, one.clip, target=one.target, rule=rule, **options)
        except InputError as error:
            raise InputError(f"{one.name}: {error}") from None
        found = in_one_channel(found)
        size_heard, repeats = one.clip.sizes["time"], one.subject.contract.padding == "repeat"
        gradient = found["gradient" if form == "product" else "relevance"].values
        whole, sound = _onto_recording(gradient, size_heard, repeats), _of_length(found.input.values, size_heard)
        carried.append(_limited(whole, size))
        heard.append(_limited(sound, size) * (size / size_heard))
        explained.append(found.drop_dims("time"))
        beyond.append(_share_beyond(_relevance_of(form, whole, sound), one.subject.sample_rate, rate / 2))
    of_models = _relevance_of(form, np.stack(carried), np.stack(heard))
    spectrum, input_spectrum = of_models.of_frequencies().numpy(), np.abs(np.fft.rfft(recording.values))
    what = "relevance" if of_models.adds_up else "magnitude of the relevance"
    in_frames = ["frame_frequency", "frame_time"]
    shares = _signed_shares if of_models.adds_up else _shares
    result = xr.Dataset(
        {
            "relevance": variable(["model", "time"], of_models.of_samples.float(), "relevance"),
            "input": variable(["time"], recording.values, "input"),
            "relevance_spectrum": variable(["model", "frequency"], spectrum, f"{what} over frequency"),
            "relevance_spectrogram": variable(
                ["model", *in_frames], of_models.of_cells(frames).float(), f"{what} over time and frequency"
            ),
            "input_spectrogram": variable(
                in_frames,
                unitary_spectrogram(torch.from_numpy(recording.values), frames).float(),
                "short-time magnitude of the input",
            ),
            "share": variable(["model", "band"], shares(spectrum, bins, edges), f"share of the relevance{_OF[form]}"),
            "input_share": variable(["band"], _shares(input_spectrum, bins, edges), "share of the input's energy"),
            "beyond": variable(["model"], beyond, f"share of the relevance{_OF[form]} above the shared range"),
            **_explained(explained),
        },
        coords={
            "time": axis("time", np.arange(size) / rate, "time", "s"),
            "frequency": axis("frequency", bins, "frequency", "Hz"),
            "frame_frequency": axis("frame_frequency", frames.frequencies(rate), "frequency", "Hz"),
            "frame_time": axis("frame_time", frames.times(size, rate), "time", "s"),
            "band": axis("band", centres, "centre of a third-octave band", "Hz"),
            "band_low": axis("band", edges[:-1], "lower edge of the band", "Hz"),
            "band_high": axis("band", edges[1:], "upper edge of the band", "Hz"),
        },
    )
    alike = [overlap(_positive(one), result["input_share"]) for one in result["share"].values]
    result["input_overlap"] = variable(["model"], alike, "energy of the relevance in the same bands as the input's")
    peaks = [peak_frequency(abs(one)) for one in result["relevance_spectrum"]]
    result["relevance_peak"] = variable(["model"], peaks, "frequency of the largest relevance", "Hz")
    return result


def _first_layer(compared: list[_Compared], recording: xr.DataArray) -> xr.Dataset:
    rate, hop = recording.attrs["sample_rate"], _hop(compared, recording)
    grid = np.fft.rfftfreq(_N_FFT, 1 / rate)
    spectra: dict[str, list[Array]] = {"strs": [], "crs": [], "cumulative_response": []}
    times = np.arange(-(-recording.size // hop)) * hop / rate
    for one in compared:
        inputs, own_rate = one.subject.inputs(one.clip), one.subject.sample_rate
        bank = named_bank(one.subject.taps(one.clip), [one.layer] if one.layer else [])
        own = first_layer(one.subject.network, inputs, own_rate, bank)
        # The same steps in Hz and in s at every rate, to a value of what the layer reads.
        n_fft, own_hop = (max(1, round(n * own.rate / rate)) for n in (_N_FFT, hop))
        options: dict[str, Any] = {"layer": own.layer, "n_fft": n_fft}
        found = strs(one.subject, one.clip, hop=own_hop, **options)["strs"]
        frequency = found.frequency.values
        cumulative = filters(one.subject, **options)["cumulative_response"]
        spectra["strs"].append(_on_grid(_at_times(found, times, own_hop / own.rate), frequency, grid))
        spectra["crs"].append(_on_grid(crs(one.subject, one.clip, **options)["crs"].values, frequency, grid))
        spectra["cumulative_response"].append(_on_grid(cumulative.values, frequency, grid))
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


def _geometry(compared: list[_Compared], recording: xr.DataArray) -> xr.Dataset:
    measured = [geometry(one.subject) for one in compared]
    layers = list(dict.fromkeys(str(layer) for one in measured for layer in one["layer"].values))
    measured = [one.reindex(layer=layers) for one in measured]
    return xr.Dataset(
        {
            name: variable(["model", "layer"], np.stack([one[name].values for one in measured]), meaning, units)
            for name, meaning, units in MEASURES
        },
        coords={"layer": axis("layer", layers, "layer")},
    )


def _sonification(compared: list[_Compared], recording: xr.DataArray) -> xr.Dataset:
    rate, size = recording.attrs["sample_rate"], recording.size
    missing = [one.name for one in compared if one.layer is None]
    if missing:
        raise InputError(f"no layer to sonify was given for {', '.join(missing)}: give one for each model")
    sounds, layers = [], []
    for one in compared:
        assert one.layer is not None
        found = sonify(one.subject, one.clip, layer=one.layer, channels="layer")
        carried = found["sonification"].isel(channel=0)
        heard = carried.mean("input_channel") if "input_channel" in carried.dims else carried
        sound = _of_length(heard.values, one.clip.sizes["time"])
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
    measures: dict[str, tuple[Callable[..., float], Array, str]] = {}
    if "relevance" in result:
        audible = result["relevance_spectrum"].values[:, result["frequency"].values >= LOWEST_AUDIBLE]
        shares = result["share"].values
        measures["spectrum_cosine"] = cosine, audible, "cosine of the relevance spectra"
        measures["band_overlap"] = overlap, _positive(shares), "share of the relevance in the same bands"
        measures["band_rank_correlation"] = rank_correlation, shares, "rank correlation of the relevance in bands"
    if "crs" in result:
        measures["crs_cosine"] = cosine, result["crs"].values, "cosine of the cumulative response spectra"
    pairs = {
        name: variable(["model", "other"], [[measure(a, b) for b in values] for a in values], meaning)
        for name, (measure, values, meaning) in measures.items()
    }
    return xr.Dataset(pairs, coords={"other": axis("other", result["model"].values, "model")})


# -- Onto the recording, and onto shared axes -------------------------------------------------------------


def _onto_recording(relevance: Array, size: int, repeated: bool) -> Array:
    """Relevance of the samples of a recording, from that of the samples that the model took."""
    if repeated and relevance.size > size:
        relevance = _of_length(relevance, -(-relevance.size // size) * size).reshape(-1, size).sum(0)
    return _of_length(relevance, size)


def _of_length(values: Array, size: int) -> Array:
    """Cut to a size along the last axis, or filled up to it with zeros."""
    missing = size - values.shape[-1]
    return values[..., :size] if missing <= 0 else np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)])


def _limited(relevance: Array, size: int) -> Array:
    """Relevance of fewer samples, which together are the same recording with its high frequencies left out.

    The adjoint of interpolation by zeros in the spectrum.
    """
    if relevance.size == size:
        return relevance.astype(np.float64)
    return np.fft.irfft(np.fft.rfft(relevance)[: size // 2 + 1], size)


def _relevance_of(form: Form, carried: Array, sound: Array) -> Relevance:
    return Relevance(form, torch.from_numpy(carried), torch.from_numpy(sound))


def _share_beyond(relevance: Relevance, rate: float, limit: float) -> float:
    """Share of the energy above a frequency in Hz, of all that can be heard; of magnitudes where it is signed."""
    spectrum = relevance.of_frequencies().numpy()
    parts = np.abs(spectrum) if relevance.adds_up else np.square(spectrum)
    frequency = np.fft.rfftfreq(relevance.sound.shape[-1], 1 / rate)
    total = parts[frequency >= LOWEST_AUDIBLE].sum()
    return float(parts[frequency > limit].sum() / total) if total else math.nan


def _shares(spectrum: Array, frequency: Array, edges: Array) -> Array:
    return _over_magnitudes(band_energy(spectrum, frequency, edges))


def _signed_shares(spectrum: Array, frequency: Array, edges: Array) -> Array:
    return _over_magnitudes(band_sums(spectrum, frequency, edges))


def _over_magnitudes(sums: Array) -> Array:
    """Each over the sum of the magnitudes of all along the last axis; zeros where there is nothing."""
    total = np.abs(sums).sum(-1, keepdims=True)
    shares: Array = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    return shares


def _positive(shares: Array) -> Array:
    """What speaks for the output: overlaps are those of distributions."""
    return np.maximum(shares, 0)


def _hop(compared: list[_Compared], recording: xr.DataArray) -> int:
    """Samples of the recording from one response spectrum to the next: enough for a picture, and no more."""
    longest = max(one.subject.inputs(one.clip).shape[-1] / one.subject.sample_rate for one in compared)
    most: float = longest * recording.attrs["sample_rate"] / _MOST_FRAMES_HEARD
    return max(math.ceil(recording.size / _MOST_FRAMES), math.ceil(most))


def _at_times(found: xr.DataArray, times: Array, step: float) -> Array:
    """Frames `step` seconds apart, read off at the nearest of them, zero where there is none."""
    place = np.rint((times - float(found["time"][0])) / step).astype(int)
    inside = place < found.sizes["time"]
    frames: Array = found.values[:, np.clip(place, 0, found.sizes["time"] - 1)] * inside.astype(found.dtype)
    return frames


def _on_grid(values: Array, frequency: Array, grid: Array) -> Array:
    """Values over frequency, their first axis, read off at other frequencies; zero above all of them."""
    place = np.interp(grid, frequency, np.arange(frequency.size))
    below = np.minimum(place.astype(int), frequency.size - 2)
    part = (place - below).reshape(-1, *[1] * (values.ndim - 1))
    values = values[below] * (1 - part) + values[below + 1] * part
    values[grid > frequency[-1] * (1 + 1e-9)] = 0
    return values.astype(np.float32)
