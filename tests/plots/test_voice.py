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
