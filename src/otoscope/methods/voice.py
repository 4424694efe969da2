"""The voice in the sound and in its relevance: F0, formants, linear prediction and spectral envelope of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from otoscope.citations import cite
from otoscope.dsp.segment import segment
from otoscope.dsp.voice import envelope, formant_range, formants, lp_spectrum, over_voiced, pitch
from otoscope.methods.autocorrelation import SIGNALS, segment_times, times_used
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.relevance import in_one_channel, relevance_of, signed_attrs
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Question, as_signed, of_target
from otoscope.probe import Rule
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Against, Span, Target, Wave


@method(
    source=cite("relevance", "sections 4.2.1 and 4.3, Fig. 4 to 6"),
    takes="wave",
    explains=True,
    rows=Rows(("signal", "formant"), ("class_name", "probability", "start", "stop", "median_f0", "median_formants")),
    main="f0",
)
def voice(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    segment_start: float | None = None,
    segment_stop: float | None = None,
    segment_duration: float = 0.1,
    floor: float = 75.0,
    ceiling: float = 600.0,
    maximum: float = 5500.0,
    pre_emphasis: float | None = None,
    order: int = 16,
) -> xr.Dataset:
    r"""F0, formants, linear prediction and envelope of a sound and of its relevance signal.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
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
    segment_start : float, optional
        Where the segment of the spectra and medians begins, in s; the loudest stretch of the input by default.
    segment_stop : float, optional
        Where the segment ends, in s.
    segment_duration : float
        Of the segment in s, where its start or stop is not given.
    floor : float
        Lowest F0 that is sought, in Hz.
    ceiling : float
        Highest F0 that is sought, in Hz.
    maximum : float
        Frequency in Hz below which the voice has five formants: about 5000 for men, 5500 for women, 6000 for children.
        Above half the sample rate nothing is sought, see :func:`otoscope.dsp.voice.formant_range`.
    pre_emphasis : float, optional
        Before formants are sought, the sound is raised by 6 dB an octave from this frequency in Hz on; not raised by
        default, see :func:`otoscope.dsp.voice.formants`.
    order : int
        Of the linear prediction.

    Returns
    -------
    Dataset
        Over the dimension `signal`, input or relevance: `f0` (clip, signal, frame_time) and `formants` (clip, signal,
        formant, formant_time) in Hz, NaN where there are none; `median_f0` (clip, signal) and `median_formants`
        (clip, signal, formant) over the segment; `spectrum`, `lp_spectrum` and `envelope` (clip, signal,
        frequency), magnitudes of the segment under a Hann window; `waveform` (clip, signal, time). Further `start` and
        `stop` of the segment in s, and the `class_name`, `logit` (or `score`), `probability`, `runner_up` and
        `runner_up_probability` (clip) of the output that is explained.

    Raises
    ------
    InputError
        If parselmouth is not installed, the clips are too short for the floor of F0, the segment is not within them or
        shorter than the order, and as :func:`otoscope.methods.relevance.relevance`.

    Notes
    -----
    F0 and formants by Praat, see :mod:`otoscope.dsp.voice`. The paper does not say how it windows for linear
    prediction, nor how it draws the envelope; here both are of the same windowed segment.

    Examples
    --------
    >>> from otoscope.data.vowels import vowel_clip
    >>> result = voice(Subject("vowel-name"), vowel_clip("ah", "men", f0=120), maximum=5000)
    >>> result.median_f0.sel(signal="input").round().item()
    120.0
    """
    inputs, sample_rate = subject.inputs(wave), subject.sample_rate
    question = Question(target, at, against, target_band)
    found = in_one_channel(relevance_of(subject, inputs, question, rule=rule))
    waveforms = np.stack([found["input"].values, found["relevance"].values], axis=1)
    bounds = segment_start, segment_stop
    pieces = [segment(clip, sample_rate, *bounds, duration=segment_duration) for clip in found["input"].values]
    highest, count = formant_range(sample_rate, maximum)
    f0, pitch_times = _each(waveforms, lambda one: pitch(one, sample_rate, floor, ceiling))
    tracks, formant_times = _each(
        waveforms, lambda one: formants(one, sample_rate, highest, count, pre_emphasis=pre_emphasis)
    )
    cut = np.stack([pair[:, piece] for pair, piece in zip(waveforms, pieces, strict=True)])
    each = ["clip", "signal"]
    result = xr.Dataset(
        {
            "f0": variable([*each, "frame_time"], f0, "fundamental frequency F0", "Hz"),
            "median_f0": variable(
                each, _medians(f0, pitch_times, pieces, sample_rate), "median F0 of the segment", "Hz"
            ),
            "formants": variable([*each, "formant", "formant_time"], tracks, "formant frequency", "Hz"),
            "median_formants": variable(
                [*each, "formant"],
                _medians(tracks, formant_times, pieces, sample_rate),
                "median formant frequency of the segment",
                "Hz",
            ),
            **_spectra(cut, sample_rate, order),
            "waveform": variable([*each, "time"], waveforms, "amplitude"),
            **of_target(found),
            **segment_times(pieces, sample_rate),
        },
        coords={
            "signal": axis("signal", list(SIGNALS), "signal"),
            "formant": axis("formant", np.arange(1, tracks.shape[-2] + 1), "number of the formant"),
            "time": axis("time", np.arange(waveforms.shape[-1]) / sample_rate, "time", "s"),
            "frame_time": axis("frame_time", pitch_times, "time", "s"),
            "formant_time": axis("formant_time", formant_times, "time", "s"),
            "frequency": axis("frequency", np.fft.rfftfreq(_n_fft(cut), 1 / sample_rate), "frequency", "Hz"),
        },
        attrs=signed_attrs(found),
    )
    used = times_used(pieces, sample_rate)
    return resolved(result, **as_signed(question, found, subject), maximum=highest, **used)


def _each(
    waveforms: np.ndarray, measure: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """A contour of each (clip, signal), and the times of its frames, which are the same for all."""
    contours = [[measure(one) for one in pair] for pair in waveforms]
    return np.stack([[contour for contour, _ in pair] for pair in contours]), contours[0][0][1]


def _medians(contours: np.ndarray, times: np.ndarray, pieces: Sequence[slice], sample_rate: float) -> np.ndarray:
    """Median of contours (clip, signal, ..., frame) over the frames in each segment; NaN where none is voiced."""
    inside = [(times >= piece.start / sample_rate) & (times <= piece.stop / sample_rate) for piece in pieces]
    return np.stack([over_voiced(pair[..., here], np.nanmedian) for pair, here in zip(contours, inside, strict=True)])


def _n_fft(cut: np.ndarray) -> int:
    """A power of two from the length of the segment up; at least 1024, for a smooth curve."""
    return max(1024, 1 << (int(cut.shape[-1]) - 1).bit_length())


def _spectra(cut: np.ndarray, sample_rate: float, order: int) -> dict[str, xr.Variable]:
    windowed, n_fft = cut * np.hanning(cut.shape[-1] + 2)[1:-1], _n_fft(cut)
    kinds: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
        "spectrum": ("magnitude spectrum", lambda one: np.abs(np.fft.rfft(one, n_fft))),
        "lp_spectrum": ("linear-prediction spectrum", lambda one: lp_spectrum(one, order, n_fft)),
        "envelope": ("spectral envelope", lambda one: envelope(one, sample_rate, n_fft)),
    }
    return {
        name: variable(["clip", "signal", "frequency"], [[measure(one) for one in pair] for pair in windowed], label)
        for name, (label, measure) in kinds.items()
    }
