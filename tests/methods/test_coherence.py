"""Coherence of sounds and sonifications, against scipy and the thesis' definition step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import scipy.stats
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load, read_taps
from otoscope.audio import as_clip

RATE = 8000
LAYERS = ["features.pool2", "features.pool4"]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sounds(*lengths: int) -> list[Tensor]:
    return [noise(length, seed=n) for n, length in enumerate(lengths)]


def ask(model: nn.Module, data: Any, **options: Any) -> xr.Dataset:
    return Scope(model, RATE).coherence(data, **options)


def identity() -> nn.Module:
    """A layer of two maps whose most active one is the sound itself."""
    model = nn.Sequential(nn.Conv1d(1, 2, 1, bias=False), nn.Identity())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[[1.0]], [[0.5]]]))
    return model


def test_it_is_the_thesis_formula_step_by_step(cnn12: nn.Module) -> None:
    """The most active map, Algorithm 1, scipy's coherence, the mean of the top five, the mean over clips (eq. 6.2)."""
    waves = sounds(4000, 4000, 3000, 4000)
    result = ask(cnn12, waves, layer=LAYERS)
    for layer in LAYERS:
        values = []
        for number, wave in enumerate(waves):
            most = int(read_taps(cnn12, wave[None, None], [layer])[layer].square().mean(-1).argmax())
            sound = Scope(cnn12, RATE).sonify(wave, layer=layer, channels=most).sonification[0]
            _, shared = scipy.signal.coherence(wave.double().numpy(), sound.values.astype(float), RATE)
            values.append(np.sort(shared)[-5:].mean())
            assert int(result["channel"].sel(layer=layer, clip=str(number))) == most
        np.testing.assert_allclose(result.clip_coherence.sel(layer=layer), values, atol=2e-5)
        one = result.sel(layer=layer)
        assert float(one.coherence) == pytest.approx(np.mean(values), abs=2e-5)
        half = scipy.stats.t.ppf(0.975, 3) * np.std(values, ddof=1) / 2
        assert float(one.ci_high) == pytest.approx(np.mean(values) + half, abs=5e-5)
        assert float(one.ci_low) == pytest.approx(np.mean(values) - half, abs=5e-5)
    assert result.clips.values.tolist() == [4, 4]


def test_an_identity_layer_keeps_everything() -> None:
    result = ask(identity(), sounds(4000, 2000), layer=["0"])
    np.testing.assert_allclose(result["clip_coherence"], 1, atol=1e-6)
    np.testing.assert_allclose(result["coherence_spectrum"], 1, atol=1e-5)
    assert result["channel"].values.tolist() == [[0], [0]]


def test_loudness_does_not_matter(cnn12: nn.Module) -> None:
    model = cnn12.features  # without biases the maps are as loud as the sound
    for module in model.modules():
        if isinstance(module, nn.Conv1d) and module.bias is not None:
            nn.init.zeros_(module.bias)
    wave = noise(3000)
    result = ask(model, [1e-3 * wave, 10 * wave], layer=["pool2", "pool4"])
    np.testing.assert_allclose(result["clip_coherence"][0], result["clip_coherence"][1], atol=1e-4)


def test_a_dead_layer_shares_nothing() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU())
    nn.init.constant_(model[0].bias, -1e3)
    result = ask(model, sounds(3000))
    assert (result["clip_coherence"] == 0).all() and (result["coherence_spectrum"] == 0).all()


def test_silence_shares_nothing(cnn12: nn.Module) -> None:
    result = ask(cnn12, [torch.zeros(3000)], layer=LAYERS)
    assert (result["clip_coherence"] == 0).all()


def test_layers_are_by_default_the_ends_of_blocks(cnn12: nn.Module) -> None:
    result = ask(cnn12, sounds(4000))
    assert result["layer"].values.tolist() == [f"features.pool{n}" for n in range(1, 9)] + [
        f"features.relu{n}" for n in range(9, 12)
    ]
    assert np.isnan(result["ci_low"]).all()  # of a single clip
    assert ((result["clip_coherence"] >= 0) & (result["clip_coherence"] <= 1)).all()


def test_named_maps_are_averaged() -> None:
    torch.manual_seed(0)
    model, clips = nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU()), sounds(3000, 2500)
    each = [ask(model, clips, channels=n) for n in range(6)]
    every = ask(model, clips, channels="all")
    assert "channel" not in every
    np.testing.assert_allclose(
        every["clip_coherence"], np.mean([one["clip_coherence"] for one in each], axis=0), atol=1e-6
    )
    np.testing.assert_allclose(
        every["coherence_spectrum"], np.mean([one["coherence_spectrum"] for one in each], axis=0), atol=1e-6
    )
    whole = ask(model, clips, channels="layer")
    assert (whole["clip_coherence"] > every["clip_coherence"]).all()


def test_welch_is_asked_for_as_in_scipy() -> None:
    clips = sounds(3000)
    options: dict[str, Any] = {"window": "hamming", "nperseg": 101, "noverlap": 20, "nfft": 128, "detrend": "linear"}
    model = nn.Sequential(nn.Conv1d(1, 1, 5, bias=False))
    nn.init.constant_(model[0].weight, 0.2)
    result = ask(model, clips, layer=["0"], channels=0, n_frequencies=3, **options)
    sound = Scope(model, RATE).sonify(clips[0], layer="0", channels=0).sonification[0].values
    frequency, shared = scipy.signal.coherence(clips[0].double().numpy(), sound.astype(float), RATE, **options)
    np.testing.assert_allclose(result["coherence_spectrum"][0], shared, atol=2e-4)
    np.testing.assert_allclose(result["frequency"], frequency)
    assert float(result["clip_coherence"][0, 0]) == pytest.approx(np.sort(shared)[-3:].mean(), abs=1e-4)


def test_clips_of_frames_in_the_batch_are_kept_apart() -> None:
    class Framed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bank = nn.Conv1d(1, 4, 8, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            frames = x[:, 0].unfold(-1, 64, 32)
            return torch.relu(self.bank(frames.reshape(-1, 1, 64)))

    torch.manual_seed(0)
    model, clips = Framed(), sounds(1600, 1600)
    together = ask(model, clips, layer=["relu"])
    for number, clip in enumerate(clips):
        alone = ask(model, [clip], layer="relu")
        np.testing.assert_allclose(together["clip_coherence"][number], alone["clip_coherence"][0], atol=1e-6)


def test_clips_may_come_one_by_one_and_progress_is_reported() -> None:
    calls: list[tuple[int, int]] = []
    clips = sounds(*[1000] * 9, 800)
    known = ask(identity(), clips, layer=["0"], progress=lambda *counts: calls.append(counts))
    assert calls == [(8, 10), (9, 10), (10, 10)]
    calls.clear()
    streamed = ask(identity(), iter(clips), layer=["0"], progress=lambda *counts: calls.append(counts))
    assert calls[-1] == (10, 0)
    xr.testing.assert_identical(known, streamed)


@pytest.mark.parametrize("rule", ["gradient", "guided", "deconvnet"])
def test_it_can_be_saved_with_what_made_it(rule: str, tmp_path: Path) -> None:
    result = ask(identity(), [(noise(900), "noise")], layer=["0"], rule=rule)
    assert result["label"].values.tolist() == ["noise"]
    assert (result.attrs["method"], result.attrs["rule"]) == ("coherence", rule)
    result.otoscope.save(tmp_path / "coherence.nc")
    with xr.open_dataset(tmp_path / "coherence.nc") as back:
        xr.testing.assert_allclose(back, result)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": ["pool9"]}, "no tap is named 'pool9'"),
        ({"layer": []}, "no layer was given"),
        ({"layer": LAYERS, "n_frequencies": 200}, "from 1 to the 129 frequencies there are, not 200"),
        ({"layer": LAYERS, "channels": 999}, "unknown map 999"),
        ({"layer": LAYERS, "window": "kaiser"}, "unknown window 'kaiser'"),
        ({"layer": LAYERS, "nperseg": 2700}, "0 has 4000 samples at 8000 Hz: two segments.*take 4050"),
    ],
)
def test_what_cannot_be_is_refused(cnn12: nn.Module, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(cnn12, sounds(4000), **options)


def test_a_data_set_without_clips_is_refused(cnn12: nn.Module) -> None:
    with pytest.raises(InputError, match="no clip"):
        ask(cnn12, [])


# -- Recordings -------------------------------------------------------------------------------------------


def test_recordings(data: Path) -> None:
    """What is left of a sound falls with depth in an untrained CNN12 too, as figure 6.3 has it for trained ones."""
    files = sorted((data / "fsdd/recordings").glob("[0-4]_*_0.wav"))[:6]
    torch.manual_seed(0)
    scope = Scope(load("cnn12", width=0.1))
    result = scope.coherence(files, layer=["pool1", "pool5", "relu11"])
    assert result["clip"].values.tolist() == [str(file) for file in files]
    first, _, last = result["coherence"].values
    assert first > last
    assert (result.attrs["model"], result.clips.values.tolist()) == ("cnn12", [6, 6, 6])


def test_a_broken_file_among_many_is_named(tmp_path: Path, tone: Path, scope: Scope) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"broken\.wav"):
        scope.coherence([tone, broken], layer=LAYERS)


def test_a_clip_that_is_too_short_for_the_model_is_named(tone: Path) -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 700), nn.ReLU())
    waves = [noise(4000).numpy(), noise(600).numpy()]
    with pytest.raises(InputError, match=r"does not take 1 \(600 samples"):
        Scope(model, RATE).coherence(waves, nperseg=128)


def test_bounds_are_those_of_coherence() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU())
    result = ask(model, [torch.randn(900), torch.sin(torch.arange(4000.0))])
    assert 0 <= result.ci_low.item() <= result.coherence.item() <= result.ci_high.item() <= 1


# -- Segments ---------------------------------------------------------------------------------------------


def test_within_segments_it_is_that_of_the_windows_that_lie_in_them() -> None:
    """Against scipy, of a segment alone; of a label the spectra of all its windows are averaged."""
    waves = {"one": noise(6000), "other": noise(6000, seed=1)}
    segments = {"one": [(0.1, 0.3, "a"), (0.3, 0.5, "b"), (0.5, 0.7, "a")], "other": [(0.0, 0.2, "a")]}
    model = nn.Sequential(nn.Conv1d(1, 1, 9, padding="same", bias=False))
    nn.init.uniform_(model[0].weight, generator=torch.Generator().manual_seed(0))
    clips = [as_clip(wave, RATE, name=name) for name, wave in waves.items()]
    result = ask(model, clips, layer="0", segments=segments, n_frequencies=3, nperseg=200)
    of, windows = [], []
    for name, wave in waves.items():
        sound = Scope(model, RATE).sonify(wave, layer="0", channels=0).sonification[0].values.astype(float)
        for start, stop, _ in segments[name]:
            part = slice(round(start * RATE), round(stop * RATE))
            _, shared = scipy.signal.coherence(wave.double().numpy()[part], sound[part], RATE, nperseg=200)
            of.append(np.sort(shared)[-3:].mean())
            windows.append((part.stop - part.start - 200) // 100 + 1)
    np.testing.assert_allclose(result["segment_coherence"].sel(layer="0"), of, atol=2e-5)
    assert result["segment_windows"].values.tolist() == windows
    assert result["segment_clip"].values.tolist() == ["one"] * 3 + ["other"]
    assert result["clip_label_windows"].values.tolist() == [[30, 15], [15, 0]]
    each = result["clip_label_coherence"].sel(layer="0")
    assert float(each.sel(clip="one", segment_label="b")) == pytest.approx(of[1], abs=2e-5)
    assert np.isnan(float(each.sel(clip="other", segment_label="b")))
    label = result.sel(layer="0", segment_label="a")
    assert float(label["label_coherence"]) == pytest.approx(float(label["clip_label_coherence"].mean()), abs=1e-6)
    assert (int(label["label_clips"]), int(result["label_clips"].sel(layer="0", segment_label="b"))) == (2, 1)
    assert float(label["label_ci_low"]) <= float(label["label_coherence"]) <= float(label["label_ci_high"])


def test_a_stretch_of_noise_shows_in_its_segments_alone() -> None:
    """A model that hears the first half of every sound: its sonification is coherent with that half."""
    result = ask(FirstHalf(), [noise(4096)], layer="copy", segments={"0": [(0, 0.256, "heard"), (0.256, 0.512, "not")]})
    heard, unheard = result["label_coherence"].sel(layer="copy")
    assert float(heard) > 0.99 and float(unheard) == 0


class FirstHalf(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.copy = nn.Conv1d(1, 1, 1, bias=False)
        nn.init.ones_(self.copy.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.copy(x * (torch.arange(x.shape[-1]) < x.shape[-1] // 2))


def test_sounds_without_segments_are_said_and_short_segments_are_not_measured() -> None:
    waves, short = sounds(4000, 4000), {"1": [(0.1, 0.13, "a"), (0.2, 0.5, "b")]}
    result = ask(identity(), waves, layer="0", segments=short, nperseg=256)
    assert "1 of 2 sounds have no segments: segments has no segments of 0" in result.attrs["note"]
    assert np.isnan(result["label_coherence"].sel(segment_label="a")).all()
    assert result["label_clips"].values.tolist() == [[0, 1]]
    with pytest.raises(InputError, match="segments has no segments of"):
        ask(identity(), waves, layer="0", segments={"x": [(0.1, 0.13, "a")]})
