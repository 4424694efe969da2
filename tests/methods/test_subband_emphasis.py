"""Emphasis of sub-bands: planted data with a known answer, an independent version, and real recordings."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from otoscope.contract import Contract
from otoscope.data.find import find_sounds
from otoscope.errors import InputError
from otoscope.methods.relevance import relevance
from otoscope.methods.subband_emphasis import band_limits, subband_emphasis
from otoscope.subject import Subject

RATE = 8000


class Detector(nn.Module):
    """Two classes, each the energy behind a band-pass filter of its own: what it uses is known."""

    sample_rate = RATE
    classes = ("low", "high")

    def __init__(self, bands: tuple[tuple[int, int], ...] = ((800, 1200), (2600, 3000))) -> None:
        super().__init__()
        time = (np.arange(201) - 100) / RATE
        kernels = [2 * b / RATE * np.sinc(2 * b * time) - 2 * a / RATE * np.sinc(2 * a * time) for a, b in bands]
        self.conv = nn.Conv1d(1, len(bands), 201, padding=100, bias=False)
        self.conv.weight.data = torch.tensor(np.array(kernels) * np.hamming(201), dtype=torch.float32)[:, None]

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x)).mean(-1)


def planted(count: int = 24) -> list[tuple[np.ndarray, str]]:
    """Noise, with 12 dB more from 800 to 1,200 Hz in one class and from 2,600 to 3,000 Hz in the other."""
    rng, frequency = np.random.default_rng(0), np.fft.rfftfreq(4000, 1 / RATE)
    sounds = []
    for n in range(count):
        low, high = ((800, 1200), (2600, 3000))[n % 2]
        spectrum = np.fft.rfft(rng.standard_normal(4000))
        spectrum[(frequency >= low) & (frequency < high)] *= 4
        sounds.append((np.fft.irfft(spectrum).astype(np.float32) / 10, ("low", "high")[n % 2]))
    return sounds


def test_emphasis_and_f_ratio_are_where_they_were_planted() -> None:
    found = subband_emphasis(
        Subject(Detector()),
        planted(),
        bands="linear",
        n_bands=20,
        minimum_frequency=0.0,
        rule="gradient",
        resamples=100,
    )
    inside = np.array([800 <= f < 1200 or 2600 <= f < 3000 for f in found.band.values])
    assert inside.sum() == 4
    assert found.emphasis.values[inside].min() > 3 * found.emphasis.values[~inside].mean()
    assert found.f_ratio_ci_low.values[inside].min() > found.f_ratio_ci_high.values[~inside].max()
    # Four of twenty bands that lead both rankings, the others in any order, give 0.48 on average, and 0.13 about it.
    assert float(found.correlation) > 0.2
    assert (found.ci_low <= found.emphasis).all() and (found.emphasis <= found.ci_high).all()
    assert float(found.emphasis.mean()) == pytest.approx(1)


@pytest.mark.replica("subband_emphasis")
def test_it_is_its_definition() -> None:
    """An independent version, clip by clip and band by band."""
    subject, sounds = Subject(Detector()), planted(8)
    found = subband_emphasis(subject, sounds, bands="mel", n_bands=8, resamples=50)
    edges = np.append(found.band_low.values, found.band_high.values[-1])
    mel = 2595 * np.log10(1 + edges / 700)
    np.testing.assert_allclose(np.diff(mel), np.diff(mel)[0], rtol=1e-9)
    frequency = np.fft.rfftfreq(4000, 1 / RATE)
    emphasis, level = np.zeros((8, 8)), np.zeros((8, 8))
    for clip, (sound, _) in enumerate(sounds):
        signal = relevance(subject, sound)["relevance"].values
        for band, (low, high) in enumerate(pairwise(edges)):
            here = (frequency >= low) & ((frequency < high) | (band == 7) & (frequency == high))
            emphasis[clip, band] = np.abs(np.fft.rfft(signal))[here].mean()
            level[clip, band] = 10 * np.log10((np.abs(np.fft.rfft(sound))[here] ** 2).mean())
        emphasis[clip] /= emphasis[clip].mean()
    np.testing.assert_allclose(found.clip_emphasis, emphasis, rtol=1e-4)
    classes = np.array([label == "high" for _, label in sounds])
    means = np.array([level[classes == one].mean(0) for one in (True, False)])
    within = np.mean([level[classes == one].var(0) for one in (True, False)], axis=0)
    ratio = means.var(0) / within
    np.testing.assert_allclose(found.f_ratio, ratio, rtol=1e-4)
    assert float(found.correlation) == pytest.approx(spearmanr(emphasis.mean(0), ratio).statistic, abs=1e-6)


@pytest.mark.parametrize("trained_length", [None, 2400])
def test_the_duration_of_a_clip_does_not_matter(trained_length: int | None) -> None:
    """The same noise, twice as long in one class, filled up with silence or not: no band tells the classes apart."""
    rng = np.random.default_rng(0)
    sounds = [(rng.standard_normal((2400, 1200)[n % 2]).astype("f4") / 10, "ab"[n % 2]) for n in range(40)]
    subject = Subject(Detector(), contract=Contract(sample_rate=RATE, trained_length=trained_length))
    found = subband_emphasis(subject, sounds, n_bands=12, resamples=100)
    assert float(found.f_ratio.max()) < float(found.f_ratio_chance)


class Shut(Detector):
    """A detector that is shut for soft sounds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(x) - 0.02).mean(-1)


def test_sounds_without_relevance_are_left_out_and_named() -> None:
    sounds = planted()
    soft = [(1e-3 * wave if n in (3, 8, 9) else wave, label) for n, (wave, label) in enumerate(sounds)]
    found = subband_emphasis(Subject(Shut()), soft, n_bands=6, resamples=20)
    rest = subband_emphasis(
        Subject(Shut()), [one for n, one in enumerate(sounds) if n not in (3, 8, 9)], n_bands=6, resamples=20
    )
    np.testing.assert_allclose(found.emphasis, rest.emphasis)
    assert found["clip"].values.tolist() == [str(n) for n in range(24) if n not in (3, 8, 9)]
    assert "3 of 24 sounds are left out" in found.attrs["note"] and found.attrs["note"].endswith(": 3, 8, 9")
    assert "note" not in rest.attrs
    with pytest.raises(InputError, match="zero everywhere"):
        subband_emphasis(Subject(Shut()), [(1e-3 * wave, label) for wave, label in sounds], n_bands=6, resamples=20)


def test_bounds_hold_the_estimate() -> None:
    """Of noise with few clips a class, where draws of a bootstrap are mostly larger."""
    rng = np.random.default_rng(0)
    sounds = [(rng.standard_normal(1600).astype("f4") / 10, "abcdefgh"[n % 8]) for n in range(24)]
    found = subband_emphasis(Subject(Detector()), sounds, n_bands=12, resamples=100)
    for name, low, high in (("emphasis", "ci_low", "ci_high"), ("f_ratio", "f_ratio_ci_low", "f_ratio_ci_high")):
        assert (found[low] <= found[name]).all() and (found[name] <= found[high]).all()
    assert found.correlation_ci_low <= found.correlation <= found.correlation_ci_high


def test_the_level_of_a_clip_does_not_matter() -> None:
    sounds = planted(8)
    louder = [(sound * 0.01 * (1 + n), label) for n, (sound, label) in enumerate(sounds)]
    emphases = [
        subband_emphasis(Subject(Detector()), one, n_bands=6, resamples=10).emphasis for one in (sounds, louder)
    ]
    np.testing.assert_allclose(*emphases, rtol=1e-3)


def test_third_octaves_end_at_the_rate_of_the_recordings() -> None:
    found = subband_emphasis(
        Subject(Detector()),
        planted(8),
        bands="third_octave",
        minimum_frequency=100.0,
        maximum_frequency=2000.0,
        resamples=10,
    )
    assert found.band_high.values[-1] == 2000 and found.band_low.values[0] >= 100
    np.testing.assert_allclose(np.diff(np.log2(found.band.values)), 1 / 3)


def test_limits_of_bands() -> None:
    centres, edges = band_limits("linear", 4, 0.0, 4000.0, RATE)
    assert centres.tolist() == [500, 1500, 2500, 3500] and edges.tolist() == [0, 1000, 2000, 3000, 4000]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bands": 1}, "n_bands"),
        ({"minimum_frequency": 4000.0}, "minimum_frequency"),
        ({"maximum_frequency": 9000.0}, "maximum_frequency"),
        ({"bands": "bark"}, "bands"),
        ({"resamples": 0}, "resamples"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        subband_emphasis(Subject(Detector()), planted(4), **options)


@pytest.mark.parametrize(
    ("sounds", "message"),
    [
        ([np.ones(800, "f4")], "has no class"),
        ([(np.ones(800, "f4"), "a")] * 2, "all sounds are of the class 'a'"),
        ([], "there are no sounds"),
    ],
)
def test_sounds_without_classes_are_refused(sounds: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        subband_emphasis(Subject(Detector()), sounds)


def test_recordings(data: Path) -> None:
    """Of speakers, low frequencies differ most (the F0 of men and women), and a speaker model listens there."""
    items = find_sounds(f"fsdd@test:{data}/fsdd", by="speaker", limit=60)
    found = subband_emphasis(Subject("fsdd-speaker"), items, n_bands=16, resamples=50)
    assert float(found.band[int(found.f_ratio.argmax())]) < 400
    assert float(found.emphasis.sel(band=slice(0, 400)).mean()) > 1
    assert float(found.correlation_ci_low) > 0


def test_without_classes_there_is_the_emphasis_alone() -> None:
    model = nn.Sequential(nn.Conv1d(1, 8, 30), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2))
    waves = [torch.randn(1000, generator=torch.Generator().manual_seed(n)) for n in range(4)]
    subject = Subject(model, sample_rate=8000)
    result = subband_emphasis(subject, waves, n_bands=6, by_class=False)
    labelled = subband_emphasis(subject, list(zip(waves, "abab", strict=True)), n_bands=6, resamples=5)
    assert not {"f_ratio", "correlation"} & set(result.data_vars)
    for name in ("emphasis", "ci_low", "input_emphasis", "clip_emphasis", "clip_input_emphasis"):
        np.testing.assert_array_equal(result[name], labelled[name])
    assert result.otoscope.plot().size == 1


def test_by_the_gradient_times_the_input_a_detector_of_a_band_is_heard_in_this_band() -> None:
    """And not where the product of both signals has its frequencies, at 0 Hz and twice as high."""

    class Detector(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            bins = torch.fft.rfftfreq(x.shape[-1], 1 / 8000)
            energy = torch.fft.rfft(x)[..., (bins >= 1000) & (bins < 1500)].abs().square().sum(-1)
            return torch.stack([energy, -energy], -1).reshape(len(x), 2)

    sounds = [(torch.randn(4000, generator=torch.Generator().manual_seed(n)), "ab"[n % 2]) for n in range(4)]
    found = subband_emphasis(
        Subject(Detector(), 8000), sounds, bands="linear", n_bands=8, minimum_frequency=0, resamples=20,
        rule="gradient_x_input",
    )  # fmt: skip
    assert int(found.emphasis.argmax()) == 2
    assert float(found.emphasis[2]) > 20 * float(found.emphasis.drop_isel(band=[1, 2, 3]).max())
