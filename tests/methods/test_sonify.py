"""Sonification: the published algorithm written again, and what must hold of every sound that it gives."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, backproject, read_taps, trace

RATE = 8000


def ask(model: nn.Module, inputs: Tensor, layer: str, channels: Any = None, **options: Any) -> xr.Dataset:
    """Of inputs (clip, 1, time)."""
    return Scope(model, RATE).sonify(inputs.flatten(1), layer=layer, channels=channels, **options)


def listen(model: nn.Module, inputs: Tensor, layer: str, channels: Any = None, **options: Any) -> xr.DataArray:
    """(clip, channel, time)"""
    return ask(model, inputs, layer, channels, **options).sonification


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def check_close(found: Any, expected: Any, tolerance: float = 1e-4) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


# -- The algorithm ----------------------------------------------------------------------------------------


def algorithm_1(model: nn.Module, x: Tensor, blocks: int, channel: int) -> np.ndarray:
    """Yadav 2022, algorithm 1, for the first blocks of CNN12: convolution, ReLU and max pooling by 2."""
    switches, lengths = [], []
    convolutions = [getattr(model.features, f"conv{n}") for n in range(1, blocks + 1)]
    y = x
    for convolution in convolutions:
        y = F.relu(convolution(y))
        lengths.append(y.shape[-1])
        y, where = F.max_pool1d(y, 2, return_indices=True)
        switches.append(where)
    kept = torch.zeros_like(y)
    kept[:, channel] = y[:, channel]
    for convolution, where, length in zip(convolutions[::-1], switches[::-1], lengths[::-1], strict=True):
        kept = F.relu(F.max_unpool1d(kept, where, 2, output_size=(length,)))
        kept = F.conv_transpose1d(kept, convolution.weight)
    sound = kept[0, 0]
    return (sound / sound.abs().max() * x.abs().max()).detach().numpy()


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_it_is_the_published_algorithm(cnn12: nn.Module, clip: Tensor, blocks: int) -> None:
    sounds = listen(cnn12, clip[None, None], f"pool{blocks}", n_maps=3)
    for sound in sounds[0]:
        check_close(sound, algorithm_1(cnn12, clip[None, None], blocks, int(sound.channel)), 1e-5)


def test_a_later_clip_gives_a_later_sound() -> None:
    """Figure 5.1 of the thesis: sonification commutes with time shifts by the hop."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 6, 9, stride=2), nn.ReLU(), nn.MaxPool1d(3), nn.Conv1d(6, 8, 5), nn.ReLU())
    long, hop = noise(1, 1, 1360), 6
    long[..., 700] = 5.0  # the same peak in both clips
    shift = 10 * hop
    first, second = (listen(model, long[..., s : s + 1300], "4", "all")[0] for s in (0, shift))
    for channel in range(8):
        a, b = first[channel, shift + 100 : 1200].values, second[channel, 100 : 1200 - shift].values
        assert np.abs(a).max() > 0
        factor = np.dot(a, b) / np.dot(a, a)  # each is scaled to its own loudest sample
        check_close(b, factor * a, 1e-5)


# -- Which maps -------------------------------------------------------------------------------------------


def strided(dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    first, second = nn.Conv1d(1, 6, 9, stride=3, padding=4), nn.Conv1d(6, 5, 5, dilation=3)
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool1d(2), second, nn.ELU()).to(dtype).eval()


def test_one_map_several_and_all_are_the_same_sounds() -> None:
    model, x = strided(), noise(2, 1, 600)
    every = listen(model, x, "4", "all")
    assert every.dims == ("clip", "channel", "time") and every.shape == (2, 5, 600)
    assert every.channel.values.tolist() == [0, 1, 2, 3, 4]
    check_close(listen(model, x, "4", 3), every[:, [3]], 1e-5)
    check_close(listen(model, x, "4", np.int64(3)), every[:, [3]], 1e-5)
    several = listen(model, x, "4", (4, 1))
    assert several.channel.values.tolist() == [4, 1]
    check_close(several, every[:, [4, 1]], 1e-5)
    np.testing.assert_allclose(every.time, np.arange(600) / RATE)


def test_the_most_active_maps_come_by_root_mean_square_over_the_clips() -> None:
    model, x = strided(), noise(2, 1, 600)
    values = read_taps(model, x, ["4"])["4"]
    heard = values - values.mean(-1, keepdim=True).clamp(max=0)  # of a mean below zero nothing is heard
    order = heard.square().mean((0, 2)).argsort(descending=True).tolist()
    result = ask(model, x, "4", n_maps=3)
    assert result.channel.values.tolist() == order[:3]
    check_close(result.activity, values.square().mean(-1).sqrt()[:, order[:3]], 1e-6)
    assert ask(model, x, "4").channel.values.tolist() == order[:1]
    assert ask(model, x, "4", n_maps=99).sizes["channel"] == 5


def test_the_whole_layer_is_the_sound_of_all_its_activations() -> None:
    model, x = strided(), noise(2, 1, 600)
    result = ask(model, x, "4", "layer")
    assert result.channel.values.tolist() == ["layer"]
    sound = backproject(model, x, lambda value: value, "4", "deconvnet")
    check_close(
        result.sonification[:, 0],
        (sound / sound.abs().amax(-1, keepdim=True) * x.abs().amax(-1, keepdim=True))[:, 0],
        1e-5,
    )
    values = read_taps(model, x, ["4"])["4"]
    check_close(result.activity[:, 0], values.square().mean((1, 2)).sqrt(), 1e-6)
    check_close(result.peak_time[:, 0], trace(model, x, RATE)["4"].times()[values.amax(1).argmax(-1)], 1e-9)


# -- Loudness ---------------------------------------------------------------------------------------------


def test_every_sound_peaks_where_its_clip_does() -> None:
    x = torch.cat([noise(1, 1, 600), 0.01 * noise(1, 1, 600, seed=1)])
    sounds = listen(strided(), x, "0", "all")
    check_close(np.abs(sounds).max("time"), x.abs().amax(-1).expand(2, 6), 1e-6)


def test_a_silent_map_is_silent() -> None:
    model = strided()
    model[0].weight.data[2] = 0
    model[0].bias.data[2] = -1
    for peak in (False, True):
        sounds = ask(model, noise(1, 1, 600), "1", [1, 2], peak=peak)
        assert np.isfinite(sounds.sonification).all() and np.isfinite(sounds.peak_time).all()
        assert np.abs(sounds.sonification[0, 0]).max() > 0 and sounds.peak_frequency[0, 0] >= 50
        assert (
            not sounds.sonification[0, 1].any() and sounds.activity[0, 1] == 0 and np.isnan(sounds.peak_frequency[0, 1])
        )


@pytest.mark.parametrize("options", [{}, {"channels": "layer"}, {"channels": "all", "peak": True}])
def test_silence_has_nothing_to_explain(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is silence, in which there is nothing to explain"):
        listen(strided(), torch.zeros(1, 1, 600), "4", **options)


# -- The strongest activation -----------------------------------------------------------------------------


def peaks_of_whole_clip(model: nn.Module, x: Tensor, layer: str, rule: str = "deconvnet") -> np.ndarray:
    """(clip, channel, time): one-hot seeds carried back through the whole clip."""
    values = read_taps(model, x, [layer])[layer]
    sounds = torch.zeros(*values.shape[:2], x.shape[-1], dtype=x.dtype)
    for i in range(len(x)):
        for k in range(values.shape[1]):
            seed = torch.zeros_like(values)
            at = values[i, k].argmax()
            seed[i, k, at] = values[i, k, at]
            sound = backproject(model, x, seed, layer, rule)[i].flatten()
            if sound.abs().max() > 0:
                sounds[i, k] = sound / sound.abs().max() * x[i].abs().max()
    return sounds.numpy()


def recurrent() -> nn.Module:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv1d(1, 5, 10, stride=5)
            self.lstm = nn.LSTM(5, 5, batch_first=True)
            self.last = nn.Conv1d(5, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.lstm(F.relu(self.first(x)).transpose(1, 2))[0]
            return self.last(y.transpose(1, 2))

    return Recurrent()


def refusing() -> nn.Module:
    """Takes a whole clip only, and says so in its own way."""

    class Refusing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv1d(1, 4, 9, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[-1] == 600
            return self.convolution(x)

    return Refusing()


MODELS: dict[str, tuple[Any, str]] = {
    "strided, padded, dilated": (strided, "4"),
    "first layer": (strided, "0"),
    "padding on every layer": (
        lambda: nn.Sequential(
            nn.Conv1d(1, 6, 7, padding=3), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(6, 6, 9, padding=16, dilation=4)
        ),
        "3",
    ),
    "average pooling and batch norm": (
        lambda: nn.Sequential(nn.Conv1d(1, 6, 8, stride=2), nn.BatchNorm1d(6), nn.GELU(), nn.AvgPool1d(3, 2, 1)),
        "3",
    ),
    "group norm": (
        lambda: nn.Sequential(nn.Conv1d(1, 6, 7), nn.GroupNorm(2, 6), nn.ReLU(), nn.Conv1d(6, 4, 5, stride=2)),
        "3",
    ),
    "lstm": (recurrent, "last"),
    "one length only": (refusing, "convolution"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_peak_alone_sounds_as_if_the_whole_clip_had_been_run(name: str) -> None:
    builder, layer = MODELS[name]
    torch.manual_seed(1)
    model = builder().double().eval()
    x = noise(2, 1, 600).double()  # samples come in single precision
    check_close(listen(model, x, layer, "all", peak=True), peaks_of_whole_clip(model, x, layer), 1e-6)


@pytest.mark.parametrize("place", [0, 3, 40, 299, 560, 596, 599])
@pytest.mark.parametrize("name", ["strided, padded, dilated", "padding on every layer"])
def test_peaks_near_the_edges_too(name: str, place: int) -> None:
    builder, layer = MODELS[name]
    torch.manual_seed(2)
    model = builder().double().eval()
    x = (0.01 * noise(1, 1, 600)).double()
    x[..., max(0, place - 2) : place + 3] += 4
    check_close(listen(model, x, layer, "all", peak=True), peaks_of_whole_clip(model, x, layer), 1e-6)


def test_a_peak_is_silent_outside_its_receptive_field() -> None:
    model, x = strided(), noise(1, 1, 600)
    tap = trace(model, x, RATE)["4"]
    sounds = ask(model, x, "4", "all", peak=True)
    for sound, peak_time in zip(sounds.sonification[0], sounds.peak_time[0], strict=True):
        far = np.abs(sound.time - peak_time) * RATE > tap.receptive_field / 2
        assert far.any() and not sound.values[far].any()
        assert sound.values[~far].any()


def test_peak_time_is_where_the_click_was() -> None:
    model = nn.Sequential(nn.Conv1d(1, 3, 21, stride=5), nn.ReLU()).eval()
    model[0].weight.data.fill_(0)
    model[0].weight.data[:, 0, 10] = torch.tensor([1.0, 2.0, -1.0])
    x = torch.zeros(1, 1, 800)
    x[..., 310], x[..., 510] = 1, -1  # both at the centre of a kernel
    result = ask(model, x, "1", "all")
    np.testing.assert_allclose(result.peak_time[0] * RATE, [310, 310, 510])
    assert result.peak_time.attrs["units"] == "s"


def test_the_peak_of_every_map_at_once() -> None:
    model, x = strided(), noise(1, 1, 600)
    values = read_taps(model, x, ["4"])["4"]
    seed = torch.where(values == values.amax(-1, keepdim=True), values, 0)
    sound = backproject(model, x, seed, "4", "deconvnet")
    result = ask(model, x, "4", "layer", peak=True)
    check_close(result.sonification[0, 0], (sound / sound.abs().max() * x.abs().max())[0, 0], 1e-5)


# -- Many maps and clips ----------------------------------------------------------------------------------


def framed() -> nn.Module:
    """Audio cut into frames that go into the batch, convolved as pictures of width one."""

    class Framed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 4, (10, 1), stride=(3, 1))
            self.second = nn.Conv2d(4, 3, (3, 1))

        def forward(self, x: Tensor) -> Tensor:
            frames = x[:, 0].unfold(-1, 64, 32).reshape(-1, 1, 64, 1)
            return self.second(F.relu(self.first(frames))).relu()

    torch.manual_seed(0)
    return Framed()


@pytest.mark.parametrize("peak", [False, True])
@pytest.mark.parametrize(("builder", "layer"), [(strided, "4"), (framed, "second")], ids=["strided", "framed"])
def test_clips_of_a_batch_sound_as_one_by_one(builder: Any, layer: str, peak: bool) -> None:
    model, x = builder(), noise(3, 1, 600)
    together = ask(model, x, layer, "all", peak=peak)
    assert together.sizes["clip"] == 3
    for i in range(3):
        alone = ask(model, x[i : i + 1], layer, "all", peak=peak)
        check_close(together.sonification[i], alone.sonification[0], 1e-5)
        check_close(together.activity[i], alone.activity[0], 1e-6)
        check_close(together.peak_time[i], alone.peak_time[0], 1e-9)


def test_frames_in_the_batch_are_carried_back_to_their_place() -> None:
    model, x = framed(), noise(1, 1, 600)
    result = ask(model, x, "second", [1])
    values = read_taps(model, x, ["second"])["second"]
    seed = torch.zeros_like(values)
    seed[:, 1] = values[:, 1]
    sound = backproject(model, x, seed, "second", "deconvnet")
    check_close(result.sonification[0, 0], (sound / sound.abs().max() * x.abs().max())[0, 0], 1e-5)


@pytest.mark.parametrize("peak", [False, True])
def test_little_memory_gives_the_same_and_progress_goes_to_the_end(peak: bool) -> None:
    model, x = strided(), noise(2, 1, 600)
    calls: list[tuple[int, int]] = []
    little = listen(model, x, "4", "all", peak=peak, memory=1, progress=lambda *counts: calls.append(counts))
    check_close(little, listen(model, x, "4", "all", peak=peak), 1e-5)
    assert len(calls) > 1 and calls[-1] == (5, 5)
    assert calls == sorted(calls)


def test_progress_of_a_whole_layer() -> None:
    calls: list[tuple[int, int]] = []
    ask(strided(), noise(1, 1, 600), "4", "layer", progress=lambda *counts: calls.append(counts))
    assert calls == [(1, 1)]


@pytest.mark.parametrize("rule", ["gradient", "guided", "deconvnet"])
def test_it_follows_the_rule(rule: str) -> None:
    model, x = strided(), noise(1, 1, 600)
    sound = backproject(model, x, lambda value: value, "4", rule)
    result = ask(model, x, "4", "layer", rule=rule)
    check_close(result.sonification[0, 0], (sound / sound.abs().max() * x.abs().max())[0, 0], 1e-5)
    assert result.attrs["rule"] == rule


def test_a_model_that_overwrites_its_input_does_not_change_the_clip() -> None:
    class Overwriting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv1d(1, 3, 5)

        def forward(self, x: Tensor) -> Tensor:
            x -= x.mean(-1, keepdim=True)
            return self.convolution(x)

    x = noise(1, 1, 300) + 2
    before = x.clone()
    sounds = listen(Overwriting().eval(), x, "convolution", 0)
    assert torch.equal(x, before)
    check_close(np.abs(sounds).max(), before.abs().max(), 1e-6)


# -- What cannot be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        ("pool33", {}, r"no tap is named 'pool33'; near it are: features.pool3"),
        ("pool3", {"channels": 13}, "unknown map 13: features.pool3 has 13 feature maps, 0 to 12"),
        ("pool3", {"channels": -1}, "unknown map -1"),
        ("pool3", {"channels": [0, "x"]}, "channels has to be a whole number or a list of whole numbers"),
        ("pool3", {"channels": []}, "no feature map was given"),
        ("pool3", {"n_maps": 0}, "n_maps has to be 1 or more, not 0"),
        ("pool3", {"rule": "echo"}, "unknown rule 'echo'; the rules are gradient, guided, deconvnet"),
        ("pool3", {"rule": "echo", "channels": 0, "peak": True}, "unknown rule 'echo'"),
    ],
)
def test_what_cannot_be_is_refused(
    cnn12: nn.Module, clip: Tensor, layer: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ask(cnn12, clip[None, None], layer, **options)


def test_an_end_that_several_taps_have_is_refused() -> None:
    model = nn.ModuleDict({"a": strided(), "b": strided()})

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(self, x: Tensor) -> Tensor:
            return self.parts["a"](x) + self.parts["b"](x)

    with pytest.raises(InputError, match=r"several taps end in '4'.*parts\.a\.4, parts\.b\.4"):
        ask(Two(), noise(1, 1, 600), "4")


def test_maps_that_became_the_batch_are_maps_of_their_clip() -> None:
    class Separate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv1d(1, 4, 8), nn.Conv1d(1, 1, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x).flatten(0, 1)[:, None])

    folded, sounds = Separate(), noise(2, 1, 100)
    grouped = nn.Sequential(OrderedDict(first=folded.first, second=nn.Conv1d(4, 4, 3, groups=4)))
    with torch.no_grad():
        grouped.second.weight.copy_(folded.second.weight.expand(4, 1, 3))
        grouped.second.bias.copy_(folded.second.bias.expand(4))
    found, expected = (listen(model, sounds, "second", channels="all") for model in (folded, grouped))
    np.testing.assert_allclose(found, expected, atol=1e-6)


# -- The result -------------------------------------------------------------------------------------------


def test_a_single_wave_has_no_axis_of_clips_and_the_chosen_maps_are_signed() -> None:
    result = Scope(strided(), RATE).sonify(noise(600), layer="4", n_maps=2)
    assert result.sonification.dims == ("channel", "time") and next(iter(result.data_vars)) == "sonification"
    arguments = json.loads(result.attrs["arguments"])
    assert arguments["channels"] == result.channel.values.tolist() and arguments["n_maps"] == 2
    assert "memory" not in arguments and "progress" not in arguments


def test_the_peak_frequency_is_that_of_the_sound() -> None:
    model = nn.Conv1d(1, 2, 1)
    model.weight.data.fill_(1)
    model.bias.data.fill_(0)
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(8000) / RATE)
    result = Scope(model, RATE).sonify(tone, layer="conv1d", channels="all", rule="gradient")
    np.testing.assert_allclose(result.peak_frequency, 440)
    assert result.peak_frequency.attrs["units"] == "Hz"
