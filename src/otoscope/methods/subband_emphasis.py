"""Where in frequency the relevance of a model's answers lies, beside where the classes of the data differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import pad

from otoscope.citations import cite
from otoscope.dsp.audible import LOWEST_AUDIBLE
from otoscope.dsp.bands import octave_bands
from otoscope.dsp.cross_spectra import cross_spectrum
from otoscope.dsp.effect import bootstrap_interval, bootstrap_weights, chance_level, f_ratio
from otoscope.dsp.similarity import rank_correlation
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.heard import joined_note
from otoscope.methods.arguments import check_seed
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.no_relevance import NoRelevance, left_out
from otoscope.methods.relevance import in_one_channel, relevance_of
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Question, as_given
from otoscope.probe import Rule, rule_name
from otoscope.results import axis, variable
from otoscope.sounds import Clip, batched, needs_classes, sounds_of
from otoscope.subject import Subject
from otoscope.types import Against, Data, Progress, Span, Target

Array = npt.NDArray[Any]
Bands = Literal["mel", "third_octave", "linear"]

_BATCH = 8
_COLUMNS = (
    "band_low", "band_high", "emphasis", "ci_low", "ci_high", "input_emphasis", "f_ratio", "f_ratio_ci_low",
    "f_ratio_ci_high", "f_ratio_chance", "correlation", "correlation_ci_low", "correlation_ci_high",
    "input_correlation",
)  # fmt: skip


@method(
    source=cite("relevance", "section 4.3"),
    takes="data",
    rows=Rows(("band",), _COLUMNS),
    main="emphasis",
    clips=Rows(("band",), ("clip_emphasis", "clip_input_emphasis")),
    alone={"by_class": False},
)
def subband_emphasis(
    subject: Subject,
    data: Data,
    *,
    bands: Bands = "mel",
    n_bands: int = 24,
    minimum_frequency: float = LOWEST_AUDIBLE,
    maximum_frequency: float | None = None,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    by_class: bool = True,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Relevance in sub-bands of frequency, beside the F-ratio of the classes in the same bands.

    Parameters
    ----------
    data : data set or sequence of (wave, label)
        Sounds with a class each; the classes need not be those of the model, whose own answers are explained.
    bands : {"mel", "third_octave", "linear"}
        Scale on which the bands are equally wide.
    n_bands : int
        Number of bands; of third-octaves there are as many as fit.
    minimum_frequency : float
        Where the first band begins, in Hz.
    maximum_frequency : float, optional
        Where the last band ends, in Hz; half the sample rate by default. Give half the rate of the recordings where
        that is less.
    target : int, str, sequence of them or callable, optional
        The output that is explained, as for the relevance; the likeliest class of each clip by default.
    at : float or two floats, optional
        The moment or span of the output that is meant, in s, as for the relevance.
    against : int, str or wave, optional
        Another class, or for "similarity" another sound, as for the relevance.
    target_band : two floats, optional
        Of the energy of the output, in Hz, as for the relevance.
    rule : str or callable
        Of the relevance, see :func:`otoscope.methods.relevance.relevance`.
    by_class : bool
        Set the F-ratio of the classes beside it; without it sounds need no classes.
    resamples : int
        Draws of the bootstrap over clips.
    seed : int
        Of the bootstrap.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips.

    Returns
    -------
    Dataset
        Over `band` (its centre in Hz, with `band_low` and `band_high`): `emphasis`, the mean over clips of the
        magnitude of the relevance in the band over that in all bands, with 95 % bounds `ci_low` and `ci_high`;
        `input_emphasis`, the same of the sound itself; `f_ratio` of the classes, with bounds `f_ratio_ci_low` and
        `f_ratio_ci_high`, and `f_ratio_chance`, which the largest of all bands exceeds in 5 % of data sets whose
        classes do not differ. `correlation`, the rank correlation of `emphasis` and `f_ratio` over bands, with its
        bounds, and `input_correlation`, that of `input_emphasis` and `f_ratio`. `clip_emphasis` and
        `clip_input_emphasis` (clip, band). Without `by_class` nothing of F-ratios.

    Raises
    ------
    InputError
        If clips have no classes, there are fewer than two classes, a band is empty, or as
        :func:`otoscope.methods.relevance.relevance`.

    Notes
    -----
    With :math:`G_i(f)` the magnitude of the spectrum of the relevance of clip i for its likeliest class (by a rule
    whose relevance is the sound times a gradient, of the relevance of each frequency, their cross-spectrum), and
    :math:`\overline{G_i}(b)` its mean over the frequencies of band b,

    .. math:: \mathrm{emphasis}(b) = \frac{1}{N} \sum_i \overline{G_i}(b) \Big/ \frac{1}{B} \sum_{b'} \overline{G_i}(b')

    so that 1 is as much as in the mean band, whatever the widths of the bands and the level of the clip. The F-ratio
    is that of the level of the clips in the band in dB (mean power, without the silence that fills them up), see
    :func:`otoscope.dsp.effect.f_ratio`.
    Section 4.3 sets what relevance signals emphasise beside F-ratios that others measured. That both go together does
    not show that the model uses what separates the classes: relevance follows the spectrum of the sound to some
    degree whatever the model has learnt, so compare `correlation` with `input_correlation`.

    Bounds of `emphasis` are Student's over clips, the others those of a bootstrap over clips, see
    :func:`otoscope.dsp.effect.bootstrap_interval`. F-ratios are above 0 by chance, the more so the fewer clips a class
    has: `f_ratio_chance` is found by shuffling the classes.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> noises = [(torch.randn(2000), "ab"[n % 2]) for n in range(6)]
    >>> subband_emphasis(Subject(model, sample_rate=8000), noises, n_bands=6, resamples=20).emphasis.sizes
    Frozen({'band': 6})
    """
    if resamples < 1:
        raise InputError(f"resamples has to be 1 or more, not {resamples}")
    check_seed(seed)
    rate = subject.sample_rate
    centres, edges = band_limits(bands, n_bands, minimum_frequency, maximum_frequency or rate / 2, rate)
    sounds, question = sounds_of(subject, data), Question(target, at, against, target_band)
    names: list[str] = []
    labels: list[str | None] = []
    without: list[str] = []
    seen, nothing = 0, None
    summed: str | None = None  # what is said of sounds of several channels
    levels, emphases, of_inputs = [], [], []
    for clips, inputs in batched(sounds, _BATCH):
        for clip in clips:
            if by_class and clip.label is None:
                raise InputError(
                    f"{clip.name} has no class: give a data set with classes, or pairs of a sound and its label"
                )
        seen += len(clips)
        try:
            clips, found = _with_relevance(subject, clips, inputs, question, rule, without)
            found = in_one_channel(found)
        except NoRelevance as error:
            nothing = error
            continue
        finally:
            if progress:
                progress(seen, len(sounds))
        summed = summed or found.attrs.get("note")
        names += [clip.name for clip in clips]
        labels += [clip.label for clip in clips]
        lengths = np.array([[clip.samples] for clip in clips])
        power = in_bands(np.square(spectrum_of(found["input"].values, rate, edges)), rate, edges) / lengths
        with np.errstate(divide="ignore"):
            levels.append(10 * np.log10(np.maximum(power, np.finfo(np.float32).tiny)))
        emphases.append(_relative(in_bands(relevance_spectra(found, rate, edges), rate, edges)))
        of_inputs.append(_relative(in_bands(spectrum_of(found["input"].values, rate, edges), rate, edges)))
    if nothing and not names:
        raise nothing
    if not names:
        raise InputError("there are no sounds")
    classes = sorted({str(label) for label in labels if label is not None})
    if by_class and len(classes) < 2:
        raise InputError(needs_classes(classes))
    emphasis, of_input = np.concatenate(emphases), np.concatenate(of_inputs)
    result = _emphasis(emphasis, of_input)
    if by_class:
        numbers = np.array([classes.index(str(label)) for label in labels])
        result = result.merge(
            _labelled(_Measured(np.concatenate(levels), emphasis, of_input, numbers), resamples, seed)
        )
    result = result.assign_coords(
        band=axis("band", centres, "centre of the band", "Hz"),
        band_low=axis("band", edges[:-1], "lower edge of the band", "Hz"),
        band_high=axis("band", edges[1:], "upper edge of the band", "Hz"),
        clip=names,
        label=("clip", [label or "" for label in labels]),
    )
    result.attrs.update(
        rule=rule_name(rule), classes=", ".join(classes), **joined_note(left_out(without, seen), summed)
    )
    return resolved(result, n_bands=len(centres), maximum_frequency=float(edges[-1]), **as_given(question, subject))


def _with_relevance(
    subject: Subject, clips: list[Clip], inputs: Tensor, question: Question, rule: RelevanceRule | Rule, out: list[str]
) -> tuple[list[Clip], xr.Dataset]:
    """The clips that have a relevance, and that; the names of the others are put `out`."""
    try:
        return clips, relevance_of(subject, inputs, question, rule=rule)
    except NoRelevance as error:
        out += [clips[n].name for n in error.clips]
        kept = [n for n in range(len(clips)) if n not in error.clips]
        if not kept:
            raise
        if isinstance(question.target, list) and len(question.target) == len(clips):  # one for each clip
            question = replace(question, target=[question.target[n] for n in kept])
        return [clips[n] for n in kept], relevance_of(subject, inputs[kept], question, rule=rule)


def band_limits(bands: Bands, n_bands: int, lowest: float, highest: float, sample_rate: float) -> tuple[Array, Array]:
    """Centres (band,) and edges (band + 1,) in Hz.

    Raises
    ------
    InputError
        If there is no band, or the limits are out of range.

    Examples
    --------
    >>> band_limits("linear", 2, 0.0, 4000.0, 8000)[1].tolist()
    [0.0, 2000.0, 4000.0]
    """
    if not 0 <= lowest < highest <= sample_rate / 2:
        raise InputError(
            f"minimum_frequency has to lie below maximum_frequency, and that at most at half the sample rate "
            f"({sample_rate / 2:g} Hz); got {lowest:g} and {highest:g} Hz"
        )
    if bands == "third_octave":
        return octave_bands(max(lowest, 1.0), highest)
    if n_bands < 2:
        raise InputError(f"n_bands has to be 2 or more, not {n_bands}")
    scales: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
        "linear": (lambda f: f, lambda m: m),
        # mel(f) = 2595 log10(1 + f / 700) (O'Shaughnessy 1987)
        "mel": (lambda f: 2595 * np.log10(1 + f / 700), lambda m: 700 * (10 ** (m / 2595) - 1)),
    }
    if bands not in scales:
        raise InputError(f"bands has to be 'mel', 'third_octave' or 'linear', not {bands!r}")
    there, back = scales[bands]
    steps = np.linspace(there(lowest), there(highest), 2 * n_bands + 1)
    places = np.asarray(back(steps))
    places[0], places[-1] = lowest, highest
    return places[1::2], places[::2]


def relevance_spectra(found: xr.Dataset, sample_rate: float, edges: Array) -> Array:
    """Magnitudes (clip, frequency) of a relevance (clip, time) over frequency, as :func:`spectrum_of`."""
    if found.attrs["form"] != "product":
        return spectrum_of(found["relevance"].values, sample_rate, edges)
    gradient, sound = (torch.from_numpy(found[name].values) for name in ("gradient", "input"))
    more = _size_of_transform(gradient.shape[-1], sample_rate, edges) - gradient.shape[-1]
    spectra: Array = np.abs(cross_spectrum(pad(sound, (0, more)), pad(gradient, (0, more))).numpy())
    return spectra


def spectrum_of(signals: Array, sample_rate: float, edges: Array) -> Array:
    """Magnitude spectra (clip, frequency) of signals (clip, time), fine enough for every band to have a frequency."""
    return np.abs(np.fft.rfft(signals, _size_of_transform(signals.shape[-1], sample_rate, edges)))


def _size_of_transform(samples: int, sample_rate: float, edges: Array) -> int:
    narrowest = float(np.diff(edges).min())
    return max(samples, int(np.ceil(2 * sample_rate / narrowest)))


def in_bands(spectra: Array, sample_rate: float, edges: Array) -> Array:
    """Mean of spectra (..., frequency), from 0 Hz to half the sample rate, over the frequencies of each band."""
    frequency = np.linspace(0, sample_rate / 2, spectra.shape[-1])
    band = np.searchsorted(edges, frequency, side="right") - 1
    band[frequency == edges[-1]] = len(edges) - 2
    inside = (band >= 0) & (band < len(edges) - 1)
    member = np.zeros((len(frequency), len(edges) - 1))
    member[inside, band[inside]] = 1
    return np.asarray(spectra @ (member / member.sum(0)))


class _Measured:
    """Levels in dB and emphases (clip, band) of clips, and the numbers of their classes."""

    def __init__(self, levels: Array, emphases: Array, of_inputs: Array, numbers: Array) -> None:
        self.levels, self.emphases, self.of_inputs, self.numbers = levels, emphases, of_inputs, numbers

    def ratio(self, weights: Array | None = None) -> Array:
        return f_ratio(self.levels, self.numbers, weights)

    def correlation(self, weights: Array | None = None, *, of_input: bool = False) -> float:
        values = self.of_inputs if of_input else self.emphases
        return rank_correlation(np.average(values, axis=0, weights=weights), self.ratio(weights))


def _emphasis(of_relevance: Array, of_input: Array) -> xr.Dataset:
    """Means over clips, and each of them, of (clip, band)."""
    mean, low, high = mean_interval(of_relevance)
    return xr.Dataset(
        {
            "emphasis": variable(["band"], mean, "relevance over that of the mean band"),
            "ci_low": variable(["band"], low, "lower 95 % bound"),
            "ci_high": variable(["band"], high, "upper 95 % bound"),
            "input_emphasis": variable(["band"], of_input.mean(0), "input over that of the mean band"),
            "clip_emphasis": variable(["clip", "band"], of_relevance, "emphasis of one clip"),
            "clip_input_emphasis": variable(["clip", "band"], of_input, "that of the input"),
        }
    )


def _labelled(measured: _Measured, resamples: int, seed: int) -> xr.Dataset:
    draws = bootstrap_weights(len(measured.numbers), resamples, seed)
    draws = draws[[len(np.unique(measured.numbers[weights > 0])) > 1 for weights in draws]]
    ratios = np.stack([measured.ratio(weights) for weights in draws])
    ratio_low, ratio_high = bootstrap_interval(measured.ratio(), ratios, ratio=True)
    chance = chance_level(f_ratio, measured.levels, measured.numbers, resamples, seed)
    correlations = [measured.correlation(weights) for weights in draws]
    correlation_low, correlation_high = np.clip(bootstrap_interval(measured.correlation(), correlations), -1, 1)
    bound = "{} 95 % bound"
    return xr.Dataset(
        {
            "f_ratio": variable(["band"], measured.ratio(), "F-ratio of the classes"),
            "f_ratio_ci_low": variable(["band"], ratio_low, bound.format("lower")),
            "f_ratio_ci_high": variable(["band"], ratio_high, bound.format("upper")),
            "f_ratio_chance": variable([], chance, "largest F-ratio by chance"),
            "correlation": variable([], measured.correlation(), "rank correlation of emphasis and F-ratio"),
            "correlation_ci_low": variable([], correlation_low, bound.format("lower")),
            "correlation_ci_high": variable([], correlation_high, bound.format("upper")),
            "input_correlation": variable(
                [], measured.correlation(of_input=True), "rank correlation of the input's emphasis and F-ratio"
            ),
        }
    )


def _relative(values: Array) -> Array:
    """Over their mean over bands; silence is 1 everywhere."""
    mean = values.mean(-1, keepdims=True)
    relative: Array = np.divide(values, mean, out=np.ones_like(values), where=mean > 0)
    return relative
