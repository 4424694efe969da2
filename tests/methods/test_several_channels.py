"""Models that take several channels of a recording hear its own channels, in every method."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import Tensor, nn

import otoscope
from otoscope import Contract, Scope
from otoscope.errors import InputError
from otoscope.types import Excerpt
from page_decoder import manifest_of

RATE, SAMPLES = 8000, 2400


class Stereo(nn.Module):
    """Hears the two channels differently."""

    def __init__(self, channels: int = 2) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv, self.act = nn.Conv1d(channels, 6, 32, 8), nn.ReLU()
        self.conv2, self.act2 = nn.Conv1d(6, 8, 9, 2), nn.ReLU()
        self.fc = nn.Linear(8, 3)
        self.sample_rate = RATE

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.act2(self.conv2(self.act(self.conv(x)))).mean(-1))
        return logits


class Mid(nn.Module):
    """Mixes what it hears down by itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.conv, self.fc = nn.Conv1d(1, 6, 32, 8), nn.Linear(6, 3)
        self.sample_rate, self.contract = RATE, Contract(channels=2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.conv(0.75 * x[:, :1] + 0.25 * x[:, 1:]).relu().mean(-1))
        return logits


def sound(channels: int = 2, seed: int = 0, samples: int = SAMPLES) -> np.ndarray:
    """(channel, time), as 16 bits hold it, with a voiced first channel and noise in the others."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal((channels, samples))
    noise[0] += 0.3 * np.sign(np.sin(2 * np.pi * 120 * np.arange(samples) / RATE))
    return (np.round(noise * 2**14) / 2**15).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "two.wav", sound().T, RATE)
    return tmp_path / "two.wav"


def gradient_of(model: nn.Module, waves: Tensor, target: int) -> np.ndarray:
    leaf = waves.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, target].sum(), leaf)
    return gradient.numpy()


def waves_of(kind: str, path: Path) -> Any:
    given: dict[str, Any] = {
        "path": path,
        "text": str(path),
        "excerpt": Excerpt(path, 0.0),
        "loaded": otoscope.load_audio(path, mono=False),
        "array": sound(),
        "tensor": torch.from_numpy(sound()),
        "list": sound().tolist(),
    }
    return given[kind]


@pytest.mark.parametrize("kind", ["path", "text", "excerpt", "loaded", "array", "tensor", "list"])
def test_the_gradient_is_that_of_the_model_on_the_channels_of_the_recording(kind: str, path: Path) -> None:
    model = Stereo().eval()
    scope, wave = Scope(model), waves_of(kind, path)
    tensor = torch.from_numpy(sound())[None]
    torch.testing.assert_close(scope.output(wave), model(tensor).detach())
    found = scope.relevance(wave, target=1, rule="gradient")
    expected = gradient_of(model, tensor, 1)[0]
    assert found.relevance.dims == ("channel", "time") and found.channel.values.tolist() == [0, 1]
    np.testing.assert_allclose(found.relevance, expected, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_array_equal(found.input, sound())
    assert float(found.logit) == pytest.approx(float(model(tensor)[0, 1]), rel=1e-6)
    assert "given to each" not in found.attrs.get("note", "") and "mixed" not in found.attrs.get("note", "")
    if kind != "list":
        g = np.fft.ifft(expected)[..., : SAMPLES // 2 + 1]
        np.testing.assert_allclose(found.g, np.abs(g), atol=1e-5 * np.abs(g).max())
        assert found.peak_time.dims == found.peak_frequency.dims == ("channel",)


def test_several_clips_of_several_channels() -> None:
    model, clips = Stereo().eval(), torch.from_numpy(np.stack([sound(seed=1), sound(seed=2)]))
    found = Scope(model).relevance(clips, target=[1, 2], rule="gradient")
    expected = np.concatenate([gradient_of(model, clips[:1], 1), gradient_of(model, clips[1:], 2)])
    assert found.relevance.dims == ("clip", "channel", "time")
    np.testing.assert_allclose(found.relevance, expected, atol=1e-6 * np.abs(expected).max())
    mono = Scope(model).relevance(clips[:, :1], target=1, rule="gradient")
    assert mono.relevance.dims == ("clip", "time") and "given to each of the 2 channels" in mono.attrs["note"]


def test_one_channel_can_be_chosen_and_goes_to_each(path: Path) -> None:
    model = Stereo().eval()
    scope = Scope(model)
    found = scope.relevance(Excerpt(path, channel=1), target=1, rule="gradient")
    one = torch.from_numpy(sound())[None, 1:].expand(1, 2, -1)
    expected = gradient_of(model, one, 1)[0].sum(0)
    assert found.relevance.dims == ("time",)
    np.testing.assert_allclose(found.relevance, expected, atol=1e-6 * np.abs(expected).max())
    assert "given to each of the 2 channels" in found.attrs["note"]
    first = scope.relevance(sound()[:1], target=1)  # of shape (1, time)
    assert first.relevance.dims == ("time",) and "given to each of the 2 channels" in first.attrs["note"]


def test_other_numbers_of_channels_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "six.wav", sound(6).T, RATE)
    scope = Scope(Stereo().eval())
    with pytest.raises(InputError, match=r"six\.wav has 6 channels, and Stereo takes 2.*--channel"):
        scope.relevance(tmp_path / "six.wav")
    assert scope.relevance(Excerpt(tmp_path / "six.wav", channel=5)).relevance.dims == ("time",)
    with pytest.raises(InputError, match=r"3 channels, and Stereo takes 2.*\(clip, channel, time\)"):
        scope.output(sound(3))
    with pytest.raises(InputError, match="3 channels, and Stereo takes 2"):
        scope.output(xr.DataArray(sound(3), dims=("channel", "time"), attrs={"sample_rate": RATE}))
    with pytest.raises(InputError, match="Take one channel"):
        Scope(nn.Sequential(nn.Conv1d(1, 3, 20), nn.AdaptiveAvgPool1d(1), nn.Flatten()), RATE).output(
            xr.DataArray(sound(2), dims=("channel", "time"), attrs={"sample_rate": RATE})
        )


def test_a_number_of_channels_that_the_model_does_not_take_is_told_with_its_error() -> None:
    scope = Scope(Stereo(3).eval(), contract=Contract(sample_rate=RATE, channels=2))
    with pytest.raises(InputError, match=r"\(1, 2, 2400\): .* to have 3 channels"):
        scope.output(sound())


def test_a_part_of_a_file_at_another_rate_has_the_channels_of_it(tmp_path: Path) -> None:
    both = sound(samples=3 * SAMPLES)
    soundfile.write(tmp_path / "fast.wav", both.T, 2 * RATE)
    scope = Scope(Stereo().eval())
    clip = scope.clip(Excerpt(tmp_path / "fast.wav", start=0.1, duration=0.2))
    apart = [
        otoscope.load_audio(tmp_path / "fast.wav", RATE, channel=n, start=0.1, duration=0.2).values for n in (0, 1)
    ]
    np.testing.assert_array_equal(clip.values, apart)
    found = scope.relevance(Excerpt(tmp_path / "fast.wav", start=0.1, duration=0.2))
    assert found.sizes["time"] == 1600 and "resampled from 16000 to 8000 Hz" in found.attrs["note"]


def test_channels_that_would_cancel_do_not_where_both_are_heard(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    one = sound(1)[0]
    soundfile.write(tmp_path / "anti.wav", np.stack([one, -one], 1), RATE)
    found = Scope(Stereo().eval()).relevance(tmp_path / "anti.wav", rule="gradient")
    assert "cancel" not in found.attrs.get("note", "") and not [one for one in recwarn if "cancel" in str(one.message)]


@pytest.mark.parametrize("normalisation", ["peak", "standard"])
def test_channels_are_normalised_together_so_that_their_balance_stays(normalisation: Any) -> None:
    model, wave = Stereo().eval(), torch.from_numpy(sound())[None]
    scope = Scope(model, normalisation=normalisation)
    expected = wave / wave.abs().max() if normalisation == "peak" else (wave - wave.mean()) / wave.std(correction=0)
    torch.testing.assert_close(scope.inputs(sound()), expected)
    torch.testing.assert_close(scope.output(sound()), model(expected).detach())


def test_a_model_of_one_length_goes_along_all_channels_of_a_longer_sound() -> None:
    model, length = Stereo().eval(), SAMPLES // 3
    scope = Scope(model, contract=Contract(sample_rate=RATE, length=length))
    wave = torch.from_numpy(sound())
    pieces = wave.reshape(2, 3, length).transpose(0, 1)
    torch.testing.assert_close(scope.output(wave), model(pieces).mean(0, keepdim=True).detach())
    found = scope.relevance(wave, target=1, rule="gradient")
    expected = gradient_of(model, pieces, 1).transpose(1, 0, 2).reshape(2, -1) / 3
    np.testing.assert_allclose(found.relevance, expected, atol=1e-6 * np.abs(expected).max())


# -- Every method ----------------------------------------------------------------------------------------


class Two(Stereo):
    """With names of its classes, as data sets need them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.classes = nn.Linear(8, 2), ("a", "b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of two classes, of recordings of two channels."""
    for number, name in enumerate("ab"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for n in range(3):
            soundfile.write(tmp_path / "set" / name / f"{n}.wav", sound(seed=10 * number + n).T, RATE)
    return tmp_path / "set"


def peak_of(values: Any) -> float:
    return float(np.abs(values).max())


def test_occlusion_silences_all_channels_and_gradients_are_those_of_each(path: Path) -> None:
    model, tensor = Stereo().eval(), torch.from_numpy(sound())[None]
    scope = Scope(model)
    times = scope.relevance(path, target=1, rule="gradient_x_input").relevance
    expected = gradient_of(model, tensor, 1)[0] * sound()
    np.testing.assert_allclose(times, expected, atol=1e-6 * peak_of(expected))
    whole = scope.relevance(path, target=1, rule="occlusion", occlusion_window=0.3, occlusion_hop=0.3)
    lost = model(tensor)[0, 1] - model(torch.zeros_like(tensor))[0, 1]
    assert whole.time_relevance.dims == ("time",)
    np.testing.assert_allclose(whole.time_relevance, float(lost.detach()), rtol=1e-4)
    np.testing.assert_allclose(whole.relevance, float(lost.detach()) * sound(), atol=1e-6)
    one_band = scope.relevance(path, target=1, rule="frequency_occlusion", bands=1)
    np.testing.assert_allclose(one_band.band_relevance, [float(lost.detach())], rtol=1e-4)
    path_of_gradients = scope.relevance(path, target=1, rule="integrated_gradients", steps=200)
    assert float(path_of_gradients.relevance.sum()) == pytest.approx(float(lost.detach()), rel=0.02)


def test_maps_are_carried_back_to_each_channel(path: Path, tmp_path: Path) -> None:
    model, leaf = Stereo().eval(), torch.from_numpy(sound())[None].requires_grad_()
    scope, maps = Scope(model), model.act(model.conv(leaf))
    found = scope.sonify(path, layer="act", channels=[1, 4], rule="gradient")
    assert found.sonification.dims == ("channel", "input_channel", "time")
    for number in (1, 4):
        seed = torch.zeros_like(maps)
        seed[:, number] = maps[:, number].detach()
        (back,) = torch.autograd.grad(maps, leaf, seed, retain_graph=True)
        expected = (back[0] / back.abs().max()).numpy() * peak_of(sound())  # as loud as the recording, with its balance
        np.testing.assert_allclose(found.sonification.sel(channel=number), expected, atol=1e-5)
    paths = found.otoscope.write_audio(tmp_path / "map.wav")
    assert [soundfile.info(one).channels for one in paths] == [2, 2]
    peaks = scope.sonify(path, layer="act", channels=[1, 4], rule="gradient", peak=True)
    assert peaks.sonification.shape == found.sonification.shape
    rest = scope.residual(path, layer="act", rule="gradient")
    most = int(rest["channel"][0])
    taken = scope.sonify(path, layer="act", channels=[most], rule="gradient").sonification[0]
    np.testing.assert_allclose(rest.residual[0], sound() - taken.values, atol=1e-6)


def test_a_data_set_keeps_its_channels(folder: Path, tmp_path: Path) -> None:
    model = Two().eval()
    scope = Scope(model)
    first = torch.from_numpy(sound(seed=0))[None]
    top = scope.top_activations(folder, layer="act", k=6, channels=[2])
    highest = {f"{name}/{n}": sound(seed=10 * i + n) for i, name in enumerate("ab") for n in range(3)}
    expected = sorted(float(model.act(model.conv(torch.from_numpy(one)[None]))[0, 2].max()) for one in highest.values())
    np.testing.assert_allclose(np.sort(top.activation.values[0]), expected, rtol=1e-5)
    heard = scope.top_activations(folder, layer="act", k=2, channels=[2], sounds=True, duration=0.1)
    assert heard.input.dims == heard.sonification.dims == ("channel", "rank", "input_channel", "time")
    study = scope.residual_study(folder, layer="act2")
    assert int(study.answer[0]) == int(model(first).argmax())
    layers = scope.layer_importance(folder)
    assert np.isfinite(layers[layers.attrs["main"]]).all()
    table = tmp_path / "table.csv"
    table.write_text(f"file,label,start,stop\n{folder / 'a' / '0.wav'},a,0.05,0.25\n{folder / 'b' / '0.wav'},b,0,0.2\n")
    pieces = scope.top_activations(str(table), layer="act", k=2, channels=[2])
    part = torch.from_numpy(sound(seed=0)[:, 400:2000])[None]
    assert float(model.act(model.conv(part))[0, 2].max().detach()) == pytest.approx(
        float(pieces.activation[0, int(pieces.clip_index[0, 1] == 0)]), rel=1e-5
    )
    mono = scope.top_activations([sound()[0], sound()[1]], layer="act", k=1)
    assert "2 of 2 sounds were given to each of the 2 channels" in mono.attrs["note"]


def test_coherence_is_the_mean_over_channels(folder: Path) -> None:
    from otoscope.dsp.coherence import coherence, mean_top

    scope = Scope(Two().eval())
    found = scope.coherence([sound(seed=5)], layer="act", channels=[2])
    carried = torch.from_numpy(scope.sonify(sound(seed=5), layer="act", channels=[2]).sonification.values[0])
    each = torch.stack([coherence(torch.from_numpy(sound(seed=5)[n]), carried[n], RATE)[0] for n in (0, 1)])
    assert float(found.clip_coherence[0, 0]) == pytest.approx(float(mean_top(each.mean(0), 5)), rel=1e-5)
    assert np.isfinite(scope.coherence(folder).coherence).all()


@pytest.mark.parametrize("method", ["autocorrelation", "voice"])
def test_what_needs_one_signal_takes_the_relevance_of_all_channels_and_says_so(method: str, path: Path) -> None:
    scope = Scope(Stereo().eval())
    found = getattr(scope, method)(path, target=1, segment_start=0.1, segment_duration=0.1)
    assert "the sum of the relevance, and the mean of the input" in found.attrs["note"]
    if method == "voice":
        summed = scope.relevance(path, target=1).relevance.sum("channel")
        np.testing.assert_allclose(found.waveform.sel(signal="relevance"), summed, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(found.waveform.sel(signal="input"), sound().mean(0), atol=1e-7)


def test_subbands_of_a_data_set_are_of_the_sum_over_channels(folder: Path) -> None:
    found = Scope(Two().eval()).subband_emphasis(folder, n_bands=4, resamples=10)
    assert np.isfinite(found.emphasis).all() and "the sum of the relevance" in found.attrs["note"]


def test_the_first_layer_reads_what_the_model_mixes_by_itself_or_is_refused(path: Path, folder: Path) -> None:
    scope, mixed = Scope(Mid().eval()), 0.75 * sound()[0] + 0.25 * sound()[1]
    assert (scope.contract.layout, scope.contract.channels) == ("(batch, channel, time)", 2)
    torch.testing.assert_close(scope.output(path), scope.model(torch.from_numpy(sound())[None]).detach())
    conv = nn.Sequential(scope.model.conv)
    alone = Scope(conv, RATE)
    for name in ("strs", "crs", "frame_response", "f_vowel"):
        found = getattr(scope, name)(path)
        assert found.attrs["reads"] == "the waveform, mixed down by the model"
        expected = getattr(alone, name)(mixed)[name]
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5 * peak_of(expected))
    scores = scope.crs_classifier(folder, folds=2, resamples=10, n_fft=64)
    assert scores.attrs["reads"] == "the waveform, mixed down by the model"
    for name in ("strs", "crs", "frame_response", "f_vowel"):
        with pytest.raises(InputError, match="does not read a waveform of one channel but 2 channels"):
            getattr(Scope(Stereo().eval()), name)(path)


def test_a_long_file_is_not_mixed_down_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from otoscope.methods import crs

    monkeypatch.setattr(crs, "_LONG", 0.5)
    both = sound(samples=8 * SAMPLES)
    soundfile.write(tmp_path / "long.wav", both.T, RATE)
    scope = Scope(Mid().eval())
    np.testing.assert_allclose(scope.crs(tmp_path / "long.wav").crs, scope.crs(both).crs, rtol=1e-4)
    soundfile.write(tmp_path / "mono.wav", both[0], RATE)
    streamed = scope.crs(tmp_path / "mono.wav")
    np.testing.assert_allclose(streamed.crs, scope.crs(both[0]).crs, rtol=1e-4)
    assert "given to each of the 2 channels" in streamed.attrs["note"]


def test_signals_at_layers_and_checkpoints(path: Path, tmp_path: Path) -> None:
    model = Stereo().eval()
    scope = Scope(model)
    flow = scope.data_flow(path)
    np.testing.assert_array_equal(flow.signal_0, sound())
    (tmp_path / "run").mkdir()
    for step in (1, 2):
        torch.save(model.state_dict(), tmp_path / "run" / f"step{step}.pt")
    found = scope.evolution(path, checkpoints=tmp_path / "run", layer="act", channels=[1])
    expected = scope.sonify(path, layer="act", channels=[1]).sonification[0]
    assert found.sonification.dims == ("checkpoint", "channel", "input_channel", "time")
    np.testing.assert_array_equal(found.sonification[1, 0], expected)
    np.testing.assert_array_equal(found.input, sound())
    assert found.otoscope.plot() is not None
    assert scope.aliasing(path).share.dims == ("step",)
    tones = scope.tone_response(layer="act", duration=0.2)
    assert "the sines are given to each of the 2 channels" in tones.attrs["note"]
    assert all(check.passed is not False for check in scope.verify(path))
    assert scope.taps(path)["conv"].input_shape[1] == 2


# -- Beside one another, on a page and in a shell ---------------------------------------------------------


def test_models_of_one_and_of_two_channels_are_compared(path: Path) -> None:
    mono = nn.Sequential(nn.Conv1d(1, 6, 32, 8), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3))
    one, two = Scope(mono.eval(), RATE), Scope(Stereo().eval())
    found = otoscope.compare({"one": one, "two": two}, path, target=1, rule="gradient")
    summed = two.relevance(path, target=1, rule="gradient").relevance.sum("channel")
    np.testing.assert_allclose(found.relevance.sel(model="two"), summed, rtol=1e-4, atol=1e-8)
    mixed = one.relevance(path, target=1, rule="gradient")
    np.testing.assert_allclose(found.relevance.sel(model="one"), mixed.relevance, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.input, mixed.input, atol=1e-7)
    assert "two hears the 2 channels apart: its relevance is the sum over them." in found.attrs["notes"]
    both = otoscope.compare([Scope(Mid().eval()), Scope(Mid().eval())], path, layer="conv")
    assert "strs" in both and both.sonification.dims == ("model", "time")


def test_pictures_page_and_sounds_have_both_channels(path: Path, tmp_path: Path) -> None:
    scope = Scope(Mid().eval())
    found = scope.relevance(path)
    axes = found.otoscope.plot()
    assert axes.shape == (3, 2) and axes[0, 1].get_title(loc="right") == "channel 1"
    assert scope.relevance(path, rule="occlusion").otoscope.plot().shape == (4, 2)
    with pytest.raises(InputError, match=r"the result has 2\. Take one: \.isel\(channel=0\)"):
        found.otoscope.plot(axes[0, 0])
    assert scope.residual(path).otoscope.plot() is not None
    summary = scope.inspect(path, tmp_path / "page")
    assert summary["missing"] == {} and summary["duration"] == pytest.approx(0.3)
    [heard] = manifest_of(tmp_path / "page" / "report.html")["sounds"].values()
    assert heard["original_channels"] == 2 and "2 channels" in heard["mixed"]
    assert soundfile.info(tmp_path / "page" / "relevance_guided.wav").channels == 2
    kept = otoscope.open(tmp_path / "page" / "relevance_guided.nc")
    np.testing.assert_array_equal(kept.relevance, found.relevance)
    mono = scope.inspect(otoscope.load_audio(path), tmp_path / "mono")
    assert "given to each of the 2 channels that Mid takes" in mono["notes"]


SOURCE = """
import torch
from torch import nn

class Stereo(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.conv, self.relu, self.fc = nn.Conv1d(2, 6, 32, 8), nn.ReLU(), nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.relu(self.conv(x)).mean(-1))
"""


def test_commands_hear_both_channels_or_the_one_that_is_chosen(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, otoscope: Callable[..., Any]
) -> None:
    def run(*words: str) -> tuple[str, str]:
        ran = otoscope(*words, "--json")
        assert ran.code in (0, 3)
        return ran.out, " ".join(ran.err.split())

    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(SOURCE)
    out, err = run("relevance", "net.py:Stereo", str(path), "--out", "both")
    rows = json.loads(out)["rows"]
    assert [row["channel"] for row in rows] == [0, 1] and rows[0]["class_name"] == rows[1]["class_name"]
    assert "mixed" not in err and Path("both/relevance.png").is_file()
    out, err = run("relevance", "net.py:Stereo", str(path), "--channel", "1", "--start", "0.1", "--duration", "0.1")
    content = json.loads(out)
    assert len(content["rows"]) == 1 and "given to each of the 2 channels" in " ".join(content["notes"])
    assert "given to each of the 2 channels" in err and "two.wav (channel 1, 0.1 to 0.2 s)" in err
    for words in (["sonify", "--layer", "relu"], ["residual"], ["data-flow"], ["aliasing"], ["voice"], ["taps"]):
        out, err = run(words[0], "net.py:Stereo", str(path), *words[1:])
        assert "mixed" not in err and json.loads(out)
    out, err = run("inspect", "net.py:Stereo", str(path), "--channel", "0", "--out", "page")
    assert "given to each of the 2 channels" in err
    out, err = run("compare", "net.py:Stereo", "net.py:Stereo", str(path))
    assert "hears the 2 channels apart" in err
