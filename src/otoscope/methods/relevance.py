"""Which part of the sound drove an output: relevance signals and their spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.bands import third_octaves
from otoscope.dsp.cross_spectra import Frames
from otoscope.heard import joined_note
from otoscope.methods.attribution import band_edges
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.completeness import completeness, incomplete
from otoscope.methods.propagations import First
from otoscope.methods.relevance_rules import SOURCE, RelevanceRule, option_values, rule_record
from otoscope.methods.relevance_segments import OF_LABELS, OF_SEGMENTS, in_segments
from otoscope.methods.relevance_spectra import IN_BANDS, SUMS, labelled, no_shares
from otoscope.methods.segment_axes import SEGMENT, place_segments
from otoscope.methods.sharing import shared
from otoscope.methods.targets import Question, as_signed
from otoscope.methods.way_back import WayBack
from otoscope.probe import Rule, rule_name
from otoscope.subject import Subject
from otoscope.types import Against, Segments, Span, Target, Wave

_COLUMNS = (
    "class_name", "logit", "score", "score_kind", "probability", "runner_up", "runner_up_probability", "margin",
    "baseline_logit", "completeness_gap", "absorbed", *SUMS, "peak_time", "peak_frequency",
)  # fmt: skip
_OF_BANDS = ("band_low", "band_high", "band_relevance")


@method(
    source=SOURCE,
    takes="wave",
    explains=True,
    slides=True,
    clipwise=True,
    rows=Rows(
        ("channel", "band"),
        (*_COLUMNS, *_OF_BANDS),
        beside=(
            Rows(("channel", "sub_band"), IN_BANDS),
            Rows(("channel", "segment_label"), OF_LABELS),
            Rows(("channel", "segment"), (*SEGMENT, *OF_SEGMENTS)),
        ),
    ),
)
def relevance(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    window: float = 0.025,
    hop: float = 0.010,
    steps: int | None = None,
    samples: int | None = None,
    noise: float | None = None,
    seed: int | None = None,
    occlusion_window: float | None = None,
    occlusion_hop: float | None = None,
    epsilon: float | None = None,
    gamma: float | None = None,
    first: First | None = None,
    layer: str | None = None,
    masks: int | None = None,
    cell: float | None = None,
    keep: float | None = None,
    bands: int | Sequence[float] | None = None,
    batch_size: int | None = None,
    segments: Segments | None = None,
    tier: str | None = None,
) -> xr.Dataset:
    r"""Relevance of every sample for one output, in time and in frequency.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model. Of a model that takes several channels also (channel, time)
        or (clip, channel, time).
    target : int, str, sequence of them or callable, optional
        The class by number or name, or one for each clip; the likeliest class of each clip by default. "energy" of an
        output that is a waveform ("energy:1" of one of several), or "similarity" of the outputs for this sound and
        another. Or (in Python) a function from the output to one number for each clip; its place,
        ``file.py:function`` or ``package.module:function``, names it as well. Logits are taken before a softmax or
        sigmoid.
    at : float or two floats, optional
        The moment of the output that is meant, or the start and the stop of a span, in s; all of it by default, as a
        mean over time.
    against : int, str or wave, optional
        Another class, whose logit is taken off that of the target; for "similarity" the other sound.
    target_band : two floats, optional
        Lowest and highest frequency of the energy of the output, in Hz; all by default.
    rule : str or callable
        What activations pass back: "guided", "gradient" or "deconvnet", see :mod:`otoscope.probe.rules`, or (in
        Python) a function of your own; "gradient_x_input", the gradient times the input; what carries relevance
        through every operation, see :mod:`otoscope.probe.propagation`: "lrp_epsilon", "lrp_gamma", "lrp_zplus",
        "lrp_alpha2beta1", "attnlrp" or "deeplift"; "gradcam", in time alone, see :mod:`otoscope.methods.camera`;
        "rise" and "freqrise", by random masks, see :mod:`otoscope.methods.masking`; or what Captum computes
        (``pip install otoscope[attribution]``), see :mod:`otoscope.methods.attribution`: "integrated_gradients",
        "smoothgrad", "occlusion" (of windows in time) or "frequency_occlusion".
    window : float
        Length of the frames of the short-time spectra, in s.
    hop : float
        From one frame of the short-time spectra to the next, in s.
    steps : int, optional
        Points of the quadrature of integrated gradients; 50 by default.
    samples : int, optional
        Noisy copies of the sound that SmoothGrad takes; 32 by default.
    noise : float, optional
        Standard deviation of the noise of SmoothGrad, as a share of the root mean square of the clip; 0.1 by default.
    seed : int, optional
        Of the noise of SmoothGrad; 0 by default.
    occlusion_window : float, optional
        Length of what occlusion silences at a time, in s; 0.05 by default.
    occlusion_hop : float, optional
        From one window of occlusion to the next, in s; half of the window by default.
    epsilon : float, optional
        Of the rule "lrp_epsilon", relative to the root mean square of what a linear map gives; 0.1 by default.
    gamma : float, optional
        Of the rule "lrp_gamma", by how much contributions of the sign of their sum count more; 0.25 by default.
    first : {"epsilon", "rule"}, optional
        By what the LRP rules pass the layers that read the waveform: by the gradient, all but undamped, or by the rule
        itself; "epsilon" by default.
    layer : str, optional
        The layer that Grad-CAM looks at; the last convolution by default.
    masks : int, optional
        Random masks of "rise" and "freqrise"; 500 by default.
    cell : float, optional
        From one point of such a mask to the next, in s; 0.05 by default.
    keep : float, optional
        Probability of such a point to be kept; 0.5 by default.
    bands : int or sequence of float, optional
        Number of bands on the mel scale, or their edges in Hz: those that frequency occlusion takes out, 24 by default,
        or in which the relevance by another rule but occlusion is summed, third-octaves by default.
    batch_size : int, optional
        Waveforms in one pass of the model, of the rules that Captum computes; 8 by default.
    segments : path, mapping or sequence, optional
        Words, phones or events with their times: a TextGrid, a CTM file, a table with the columns start, stop and
        label, or a folder of such files, named as the sounds. In Python also a list of (start, stop, label).
    tier : str, optional
        Which tier of a TextGrid, or channel of a CTM file, the segments are.

    Returns
    -------
    Dataset
        `relevance` (clip, time), `relevance_spectrum` (clip, frequency) and `relevance_spectrogram` (clip,
        frame_frequency, frame_time), in one of three forms, which the attribute `form` names.

        "product", of "gradient_x_input" and "integrated_gradients": the sound times a gradient. All three are signed
        and sum to the same `relevance_sum` (clip); `summed_relevance` (clip, sub_band) and `relevance_share` of it are
        the sums in bands, from `sub_band_low` to `sub_band_high` in Hz; shares are NaN where the sum is below 1e-5 of
        that of the magnitudes, and so is rounding. `negative_share`, `negative_share_spectrum` and
        `negative_share_spectrogram` (clip) say how much of the magnitudes is negative, in each of the three; `gradient`
        (clip, time) is what the sound is multiplied by.

        "gradient", of "gradient", "guided", "deconvnet", "smoothgrad" and functions of your own: a gradient, and the
        magnitudes of its unitary DFT and short-time Fourier transform, whose squares sum to its energy where all
        frequencies but 0 and half the rate count twice;
        `relevance_energy` (clip, sub_band) and `relevance_share` of it lie in bands.

        "weighted sound", of the occlusions: the sound, or its bands, each weighted by what the output loses without it,
        `time_relevance` (clip, time) or `band_relevance` (clip, band), in all channels together. It is a signal to
        listen to: its spectra are magnitudes of the same transforms of it, those of a sound, and nothing is summed.

        With segments also what lies in each, over `segment` (with `segment_name`, `segment_start` and `segment_stop`
        in s), and in all of a label, over `segment_label`, of which the last is "(outside)", so that labels sum to the
        whole: of a product the sum, `segment_relevance` and `label_relevance`; of a gradient the energy,
        `segment_energy` and `label_energy`; and `segment_share` and `label_share` of it. Of occlusion the mean loss,
        `segment_loss` and `label_loss`, which has no share. Beside them the shares of the energy of the input,
        `segment_input_share` and `label_input_share`, and of time, `segment_time_share` and `label_time_share`. Of a
        sound that is repeated to the length of the model, copies count with their segments.

        `g` and `g_phase` (clip, frequency) are magnitude and phase of the derivative by the Fourier coefficients of the
        input (of a weighted sound: of the same transform of it); `input` and `input_spectrogram` are for comparison;
        `logit`, `target` and `class_name` (clip) of the output that is explained, with its `probability`, and the
        likeliest other class, `runner_up`, with `runner_up_probability`, and the `margin`, by how much its logit is
        above the best other one; what is not a logit is called `score`, and `score_kind` says what it is; the attribute
        `score_note` says how it was had. `peak_time` in s and `peak_frequency` in Hz (clip), where the magnitudes of
        the relevance and of its spectrum from 50 Hz up are largest. Of integrated gradients also `baseline_logit`
        (clip), the output for silence, and `completeness_gap` (clip), the output less this and less the sum of the
        relevance over all channels, which is 0 but for the error of the quadrature. Where the model heard several
        channels, all that is of the relevance has the axis `channel` behind `clip`, and sums are those of each.

    Raises
    ------
    InputError
        If the target does not exist or the output has no class axis; if the rule or an option of it is unknown or
        unfit, or the rule does not use it; if the hop is longer than the window; if Captum is needed and not installed;
        if the output or the relevance is not finite, or the relevance is zero everywhere; if segments overlap, are
        empty or reversed, or end after the sound, or the rule says nothing of time.

    Notes
    -----
    With :math:`f[n] = \partial y^c / \partial x_n`, the derivative by the Fourier coefficients of the input is
    :math:`g = \mathrm{DFT}^{-1}\{f\}` (eq. 4).

    Of a product :math:`R[n] = x[n]\, q[n]`, the relevance of a frequency is the real part of the cross-spectrum of
    both, :math:`R_k = c_k \operatorname{Re}(X_k \overline{Q_k})` with their unitary DFTs, and that of a cell of time
    and frequency the same in frames, see :mod:`otoscope.dsp.cross_spectra`. So it lies only where the sound has energy,
    and :math:`\sum_n R[n] = \sum_k R_k = \sum_{mk} R_{mk}` (Parseval). It is what a linear transform before the model
    gives whose coefficients are explained (Vielhaben et al. 2024).

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> relevance(Subject(model, sample_rate=16_000), torch.randn(16_000), target=1).relevance.sizes
    Frozen({'time': 16000})
    """
    given = {
        "steps": steps, "samples": samples, "noise": noise, "seed": seed, "occlusion_window": occlusion_window,
        "occlusion_hop": occlusion_hop, "epsilon": epsilon, "gamma": gamma, "first": first, "layer": layer,
        "masks": masks, "cell": cell, "keep": keep, "bands": bands, "batch_size": batch_size,
    }  # fmt: skip
    summed = bands if rule_record(rule).form != "weighted sound" else None
    if summed is not None:
        given["bands"] = None
    options = option_values(rule, {name: value for name, value in given.items() if value is not None})
    inputs, question = subject.whole(wave), Question(target, at, against, target_band)
    placed = None if segments is None else place_segments(subject, wave, segments, tier, inputs.shape[-1])
    result = relevance_of(subject, inputs, question, rule=rule, window=window, hop=hop, bands=summed, options=options)
    if rule == "occlusion" and options["occlusion_hop"] is None:
        options["occlusion_hop"] = options["occlusion_window"] / 2
    if placed is not None:
        result = result.merge(in_segments(result, placed, rule_record(rule).form))
    return resolved(result, **as_signed(question, result, subject), **options)


@shared
def relevance_of(
    subject: Subject,
    inputs: Tensor,
    question: Question | None = None,
    *,
    target: Target | None = None,
    rule: RelevanceRule | Rule = "guided",
    window: float = 0.025,
    hop: float = 0.010,
    bands: int | Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """What :func:`relevance` returns, unsigned, of inputs (clip, ..., time) as the model takes them.

    A `target` alone is a question, too. `bands` are those in which it is summed. `options` are those of the rule; what
    is not given has its default.
    """
    frames = Frames.of(window, hop, subject.sample_rate)
    edges = third_octaves(subject.sample_rate / 2) if bands is None else band_edges(bands, subject.sample_rate)
    way = WayBack(subject, inputs, rule, options or {})
    asked, whole, more = way.attributed(question or Question(target))
    result: xr.Dataset = labelled(whole, subject.sample_rate, frames, edges).merge(more)
    result = result.assign(asked.variables())
    source = f"{way.record.source}, by Captum" if way.record.by_captum else way.record.source
    source += f"; spectra: {cite('vielhaben2024')}" if whole.adds_up else ""
    result.attrs.update(asked.attrs, sample_rate=subject.sample_rate, rule=rule_name(rule), source=source)
    result = result.assign(completeness(result))
    result.attrs.update(joined_note(no_shares(result), incomplete(result)))
    if way.pieces is not None:
        result.attrs["pieces"] = way.pieces.sentence(subject.name, subject.sample_rate)
    return result


def signed_attrs(found: xr.Dataset) -> dict[str, Any]:
    """The attributes of a relevance that stand in results made of it."""
    names = ("sample_rate", "rule", "target", "score_kind", "score_note")
    return {name: found.attrs[name] for name in names} | joined_note(found.attrs.get("note"))


def in_one_channel(found: xr.Dataset) -> xr.Dataset:
    """A relevance of several channels as one signal, with a note; any other as it is.

    The sum over the channels is, by the chain rule, the relevance of what is added to all of them alike. The mean of
    the channels stands for the input.
    """
    if "channel" not in found.dims:
        return found
    carried = [name for name in ("relevance", "gradient") if name in found]
    one = {name: found[name].sum("channel", keep_attrs=True) for name in carried}
    one["input"] = found["input"].mean("channel", keep_attrs=True)
    count = found.sizes["channel"]
    note = f"of the {count} channels of the sound: the sum of the relevance, and the mean of the input"
    result: xr.Dataset = found.drop_dims("channel").assign(one)
    return result.assign_attrs(joined_note(found.attrs.get("note"), note))
