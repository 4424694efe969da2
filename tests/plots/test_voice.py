"""Pictures of the voice: curves where the numbers are, labels with units, and results without a voice."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import plots
from otoscope.errors import InputError
from otoscope.plots.voice import voice, voice_contours, voice_spectrum

SIGNALS = ["input", "relevance"]


@pytest.fixture(autouse=True)
def agg() -> Iterator[None]:
    with matplotlib.rc_context({"backend": "agg"}):
        yield
        import matplotlib.pyplot as plt

        plt.close("all")


def voice_of(f0: float = 120.0, level: float = 1.0) -> xr.Dataset:
    frequency = np.linspace(0, 4000, 65)
    peak = level / (1 + ((frequency - 500) / 200) ** 2)
    spectra = np.stack([peak, 0.5 * peak])
    tracks = np.array([[[500.0] * 6, [1500.0] * 6], [[520.0] * 6, [np.nan] * 6]])
    in_frequency = ("signal", "frequency")
    return xr.Dataset(
        {
            "f0": (("signal", "frame_time"), [[f0] * 5, [f0 + 2] * 5]),
            "formants": (("signal", "formant", "formant_time"), tracks),
            "median_formants": (("signal", "formant"), tracks[..., 0]),
            **dict.fromkeys(("spectrum", "lp_spectrum", "envelope"), (in_frequency, spectra)),
            "start": 0.01,
            "stop": 0.03,
        },
        {"signal": SIGNALS, "frequency": frequency, "formant": [1, 2], "time": ("time", np.arange(480) / 8000),
         "frame_time": np.arange(5) / 100, "formant_time": np.arange(6) / 100},
        attrs={"method": "voice", "sample_rate": 8000},
    )  # fmt: skip


def test_the_voice_is_drawn_on_four_axes_with_units() -> None:
    axes = plots.plot(voice_of())
    labels = [(ax.get_xlabel(), ax.get_ylabel()) for ax in axes]
    level = ("frequency (kHz)", "level (dB re peak)")
    assert labels == [("time (s)", "F0 (Hz)"), ("time (s)", "formant (kHz)"), level, level]
    given = Figure().subplots(4)
    assert voice(voice_of(), given).tolist() == given.tolist()


def test_contours_are_where_the_numbers_are() -> None:
    ax = voice_contours(voice_of(), Figure().subplots())
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(drawn["input"], [120.0] * 5)
    np.testing.assert_array_equal(drawn["relevance"], [122.0] * 5)
    ax = voice_contours(voice_of(), Figure().subplots(), of="formants")
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [1.5] * 6)
    assert len(ax.get_legend().get_texts()) == 2


def test_spectra_are_in_db_with_the_known_formants_marked() -> None:
    ax = voice_spectrum(voice_of(), Figure().subplots(), of="input")
    curve = next(line for line in ax.lines if line.get_label() == "input")
    assert max(curve.get_ydata()) == 0
    assert [text.get_text() for text in ax.texts] == ["F1", "F2"]
    ax = voice_spectrum(voice_of(), Figure().subplots(), of="relevance")
    assert [text.get_text() for text in ax.texts] == ["F1"]  # F2 was not found there


def test_no_voice_and_silence_are_said() -> None:
    empty = voice_of(f0=np.nan, level=0.0)
    assert [text.get_text() for text in voice_contours(empty, Figure().subplots()).texts] == ["no voice"]
    texts = [text.get_text() for text in voice_spectrum(empty, Figure().subplots()).texts]
    assert "no relevance" in texts


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="drawn on four axes; 2 were given"):
        voice(voice_of(), Figure().subplots(2))
    with pytest.raises(InputError, match="of f0 or formants, not of 'loudness'"):
        voice_contours(voice_of(), of="loudness")
    with pytest.raises(InputError, match="no spectrum of 'both'"):
        voice_spectrum(voice_of(), of="both")
    with pytest.raises(InputError, match="has no lp_spectrum"):
        voice_spectrum(voice_of().drop_vars("lp_spectrum"))


def gated_voice() -> xr.Dataset:
    """The second half of the relevance is 40 dB below the first, and its last frames have no F0."""
    result = voice_of()
    waveform = np.sin(np.arange(480) / 3.0)[None].repeat(2, 0)
    waveform[1, 240:] *= 0.01
    f0 = result["f0"].values.copy()
    f0[1, 1] = np.nan
    return result.assign(waveform=(("signal", "time"), waveform), f0=(("signal", "frame_time"), f0))


def test_what_is_too_quiet_or_has_no_voice_is_not_drawn_and_said() -> None:
    result = gated_voice()
    ax = voice_contours(result, Figure().subplots())
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(np.isfinite(drawn["input"]), [True] * 5)
    # Frames at 0, 10, ..., 40 ms; windows of 25 ms; the sound is quiet from 30 ms on.
    np.testing.assert_array_equal(np.isfinite(drawn["relevance"]), [True, False, True, True, True])
    assert ax.get_xlabel() == "time (s)"

    ax = voice_contours(result, Figure().subplots(), of="formants")
    f1_of_relevance = ax.lines[2].get_ydata()  # frames at 0, 10, ..., 50 ms
    np.testing.assert_array_equal(np.isfinite(f1_of_relevance), [True, False, True, True, True, False])
    assert ax.get_xlabel().split("\n")[1:] == [
        "not drawn of the relevance: 2 frames", "more than 30 dB below the loudest, or without F0"
    ]  # fmt: skip
    every = voice_contours(result, Figure().subplots(), of="formants", gate=None)
    assert np.isfinite(every.lines[2].get_ydata()).all() and every.get_xlabel() == "time (s)"
    with pytest.raises(InputError, match="positive number of dB"):
        voice_contours(result, Figure().subplots(), gate=-3)
