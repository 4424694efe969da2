"""Bands of an octave or a third: their places, and that they hold all of the energy."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.dsp.bands import band_energy, octave_bands
from otoscope.errors import InputError

# Exact mid-band frequencies of IEC 61260-1 with the octave ratio 2, of the nominal 100 Hz to 10 kHz.
NOMINAL = (100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000)


def test_third_octaves_lie_at_the_nominal_frequencies() -> None:
    centres, edges = octave_bands(80, 8900)
    np.testing.assert_allclose(centres, NOMINAL, rtol=0.02)
    np.testing.assert_allclose(edges[1:-1], np.sqrt(centres[1:] * centres[:-1]))
    np.testing.assert_allclose(centres[3:] / centres[:-3], 2)


@pytest.mark.parametrize(
    ("lowest", "highest", "parts"), [(50, 4000, 3), (50, 8000, 1), (200, 22_050, 6), (88.3, 90, 3)]
)
def test_bands_stay_within_their_limits_and_leave_less_than_a_band(lowest: float, highest: float, parts: int) -> None:
    centres, edges = octave_bands(lowest, highest, parts)
    assert lowest * (1 - 1e-6) <= edges[0] < lowest * 2 ** (1 / parts)
    assert edges[-1] == highest
    assert len(edges) == len(centres) + 1
    assert (np.diff(edges) > 0).all()


@pytest.mark.parametrize("limits", [(0, 100), (100, 50), (100, 101), (50, np.inf)])
def test_limits_without_a_band_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="no band"):
        octave_bands(*limits)


def test_energy_is_kept_and_agrees_with_a_histogram() -> None:
    rng = np.random.default_rng(0)
    frequency = np.sort(rng.uniform(60, 4000, 500))
    magnitude = rng.uniform(size=(2, 500))
    _, edges = octave_bands(50, 4000)
    energy = band_energy(magnitude, frequency, edges)
    for row, one in zip(energy, magnitude, strict=True):
        np.testing.assert_allclose(row, np.histogram(frequency, edges, weights=one**2)[0])
    inside = frequency >= edges[0]
    np.testing.assert_allclose(energy.sum(-1), (magnitude[:, inside] ** 2).sum(-1))
