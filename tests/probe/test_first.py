"""The first layer of many kinds of front ends, and what reaches it: against the models' own operations by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written, build
from torch import Tensor, nn

from otoscope.dsp.response import strs
from otoscope.errors import InputError
from otoscope.probe import trace
from otoscope.probe.first import FirstLayer, at_least, first_layer
from otoscope.probe.reaching import captured

RATE = 8000
SAMPLES = 1600


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(1, 5, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(5, 4, 3), nn.ReLU())


def behind(front: Any, **members: Any) -> nn.Module:
    """A bank of filters behind what `front` makes of the sound."""
    return Written(lambda m, x: m.bank(front(m, x)).relu(), bank=nn.Conv1d(1, 6, 32, 8, bias=False), **members)


def difference(m: Any, x: Tensor) -> Tensor:
    return torch.cat([x[..., :1], x[..., 1:] - 0.97 * x[..., :-1]], -1)


def standard(m: Any, x: Tensor) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)


def convolved(m: Any, x: Tensor) -> Tensor:
    """As RawNet3 and others: a convolution of two taps, then a norm of each clip."""
    return F.instance_norm(F.conv1d(F.pad(x, (1, 0), "reflect"), x.new_tensor([[[-0.97, 1.0]]])))


def decimated(m: Any, x: Tensor) -> Tensor:
    return F.conv1d(x, m.low, stride=2, padding=15)


def doubled(m: Any, x: Tensor) -> Tensor:
    """As Demucs: the deviation taken out, and twice as many samples, each second one by a kernel."""
    x = x / (1e-3 + x.std(-1, keepdim=True))
    return torch.stack([x, F.conv1d(x, m.between, padding=4)[..., : x.shape[-1]]], -1).flatten(-2)


def rational(m: Any, x: Tensor) -> Tensor:
    """Three values for every two, by kernels whose results are interleaved, as resamplers do it."""
    return F.conv1d(F.pad(x, (6, 6)), m.thirds, stride=2).transpose(1, 2).flatten(1)[:, None]


def thirds() -> Tensor:
    place = torch.arange(14) - 6.5 - (torch.arange(3)[:, None] * 2 / 3 - 2 / 3)
    return (torch.sinc(place) * torch.hann_window(14, periodic=False))[:, None]


def low() -> Tensor:
    n = torch.arange(32) - 15.5
    return (torch.sinc(n / 2) * torch.hann_window(32, periodic=False) / 2)[None, None]


def sound(clips: int = 1) -> Tensor:
    return torch.randn(clips, 1, SAMPLES, generator=torch.Generator().manual_seed(3))


def looked_at(model: nn.Module, layer: str | None = None) -> FirstLayer:
    return first_layer(model.eval(), torch.zeros(1, 1, SAMPLES), RATE, layer)


SCALED = "the waveform, resampled and scaled clip by clip"
FRONTS: list[tuple[Any, dict[str, Any], str, float, float]] = [
    (lambda m, x: x, {}, "the waveform", 1, 0),
    (difference, {}, "the waveform, filtered", 1, -0.5),
    (standard, {}, "the waveform, scaled clip by clip", 1, 0),
    (lambda m, x: x / x.abs().max(), {}, "the waveform, scaled clip by clip", 1, 0),
    (convolved, {}, "the waveform, filtered and scaled clip by clip", 1, -0.5),
    (decimated, {"low": low()}, "the waveform, resampled, 4000 values a second", 2, 0.5),
    (doubled, {"between": torch.ones(1, 1, 9)}, f"{SCALED}, 16000 values a second", 0.5, -0.25),
    (rational, {"thirds": thirds()}, "the waveform, resampled, 12000 values a second", 2 / 3, -1 / 6),
    (lambda m, x: x.reshape(len(x), 1, -1) - 0.1, {}, "the waveform", 1, 0),
    (lambda m, x: x[..., ::4], {}, "the waveform, resampled, 2000 values a second", 4, 0),
]  # fmt: skip


@pytest.mark.parametrize(("front", "members", "reads", "hop", "offset"), FRONTS)
def test_what_reached_a_layer_is_what_the_model_made_of_the_sound(
    front: Any, members: dict[str, Any], reads: str, hop: float, offset: float
) -> None:
    members = {name: nn.Parameter(value) for name, value in members.items()}
    model, clips = behind(front, **members), sound(3)
    first = looked_at(model)
    assert (first.layer, first.reads.partition(" (")[0], first.waveform) == ("bank", reads, True)
    assert (first.hop, first.rate, first.stride) == (hop, pytest.approx(RATE / hop), 8)
    signal, start = first.signal(model, clips)
    with torch.no_grad():
        for clip, found in zip(clips, signal, strict=True):  # clips that the model may mix are taken one by one
            torch.testing.assert_close(found, front(model, clip[None]).flatten())
    assert start == pytest.approx(offset)


@pytest.mark.parametrize(
    ("front", "reads"),
    [
        (lambda m, x: x.tanh(), "a signal that is not linear in the sound, 8000 values a second"),
        (lambda m, x: x.square(), "a signal that is not linear in the sound, 8000 values a second"),
        (
            lambda m, x: x * torch.linspace(0, 1, x.shape[-1]),
            "a signal that does not move with the sound, 8000 values a second",
        ),
        (lambda m, x: F.avg_pool1d(x.abs(), 16, 16), "a signal that is not linear in the sound, 500 values a second"),
    ],
)
def test_a_signal_that_is_no_waveform_is_said_to_be_none(front: Any, reads: str) -> None:
    first = looked_at(behind(front))
    assert first.layer == "bank" and not first.waveform and first.reads == reads
    assert first.frequency == ("modulation frequency" if first.hop > 1 else "frequency of what the layer reads")


def test_the_first_layer_has_several_kernels_on_a_waveform() -> None:
    """Neither a pre-emphasis nor a resampler is it, nor a layer on frames of a spectrogram."""
    pre = nn.Conv1d(1, 1, 2, padding=1, bias=False)
    assert looked_at(nn.Sequential(pre, nn.InstanceNorm1d(1), nn.Conv1d(1, 8, 31))).layer == "2"
    assert looked_at(nn.Sequential(nn.Conv1d(1, 1, 64, 4), nn.Conv1d(1, 8, 31), nn.ReLU())).layer == "1"
    assert looked_at(nn.Sequential(nn.Conv1d(1, 4, 1), nn.ReLU(), nn.Conv1d(4, 8, 31))).layer == "0"  # all there is
    assert looked_at(nn.Sequential(nn.Conv1d(1, 1, 64, 4), nn.ReLU(), nn.Conv1d(1, 8, 31))).layer == "0"


@pytest.mark.parametrize("size", [100, 457, 5000])
@pytest.mark.parametrize("number", [0, 1, 5, 7, 9])
def test_a_sound_in_blocks_reaches_it_as_the_whole_does(number: int, size: int) -> None:
    front, members, *_ = FRONTS[number]
    model = behind(front, **{name: nn.Parameter(value) for name, value in members.items()})
    first, clip = looked_at(model), sound()
    assert first.streams
    blocks = np.split(clip.flatten().numpy(), range(size, SAMPLES, size))
    found = torch.cat(list(first.stream(model, blocks, clip)))
    torch.testing.assert_close(found, first.signal(model, clip)[0][0])


def test_what_scales_a_clip_as_a_whole_is_not_taken_in_blocks() -> None:
    assert not looked_at(behind(standard)).streams
    assert not looked_at(behind(lambda m, x: x - x.mean(-1, keepdim=True))).streams


MAGNITUDES: list[Any] = [
    lambda a, b: (a**2 + b**2).sqrt(),
    lambda a, b: torch.sqrt(a.pow(2) + b.pow(2) + 1e-6),
    lambda a, b: (a.square()[:, None] + b.square()[:, None]).squeeze(1).clamp(min=1e-9).log(),
    lambda a, b: a * a + 0.5 * (b * b),
    lambda a, b: torch.hypot(a, b),
    lambda a, b: torch.complex(a, b).abs(),
    lambda a, b: torch.stack([a, b], -1).pow(2).sum(-1),
]


@pytest.mark.parametrize("magnitude", MAGNITUDES)
def test_the_parts_of_a_complex_transform_are_one_layer(magnitude: Any) -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.pad(x, (32, 32), "reflect")
        return m.rest(magnitude(m.real(x), m.imaginary(x)))

    real, imaginary = (nn.Conv1d(1, 33, 64, 16, bias=False) for _ in range(2))
    time, frequency = torch.arange(64), torch.arange(33)[:, None]
    window, phase = torch.hann_window(64), 2 * torch.pi * frequency * time / 64
    real.weight.data, imaginary.weight.data = (window * phase.cos())[:, None], (-window * phase.sin())[:, None]
    model = Written(forward, real=real, imaginary=imaginary, rest=nn.Conv1d(33, 4, 3))
    layers = trace(model, torch.zeros(1, 1, SAMPLES), RATE).layers
    assert [len(layer.taps) for layer in layers] == [2, 1] and not layers[0].skip
    first = looked_at(model)
    assert [kernel.shape for kernel in first.kernels] == [(33, 64)] * 2 and first.reads == "the waveform"
    assert looked_at(model, "imaginary").layer == first.layer
    # Cosines and sines under a window: the response spectrum of a tone has its peak there, whatever its phase.
    found = strs(torch.cos(2 * torch.pi * 10 / 64 * torch.arange(400) + 1), first.kernels, 16, 64)
    assert (found[:, 3:-3].argmax(0) == 10).all()


def test_paths_that_are_added_stay_layers_of_their_own() -> None:
    model = Written(lambda m, x: m.a(x) + m.b(x), a=nn.Conv1d(1, 4, 9, padding=4), b=nn.Conv1d(1, 4, 5, padding=2))
    layers = trace(model, torch.zeros(1, 1, SAMPLES), RATE).layers
    assert [layer.name for layer in layers] == ["a", "b"] and all(layer.skip for layer in layers)


def spectrogram_layer() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        frames = torch.stft(x[:, 0], 128, 64, window=torch.hann_window(128), return_complex=True).abs()
        return m.separable(frames).relu()

    return Written(forward, separable=nn.Conv1d(65, 65, 11, groups=65))


def test_a_layer_on_frames_of_a_spectrogram_is_no_first_layer() -> None:
    with pytest.raises(InputError, match=r"'separable', reads 65 channels, 125 values a second; choose a layer"):
        looked_at(spectrogram_layer())
    first = looked_at(spectrogram_layer(), "separable")
    assert (first.rate, first.waveform, first.frequency) == (125, False, "modulation frequency")
    assert first.kernels[0].shape == (65, 11)
    with pytest.raises(InputError, match=r"layer 'separable' reads 65 channels.*and not a waveform"):
        first.signal(spectrogram_layer(), sound())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize(
    ("front", "reads"), [(difference, "the waveform, filtered"), (lambda m, x: x.tanh(), "a signal that is not linear")]
)
def test_in_any_precision(front: Any, reads: str, dtype: torch.dtype) -> None:
    model = behind(front).to(dtype).eval()
    assert first_layer(model, torch.zeros(1, 1, SAMPLES, dtype=dtype), RATE).reads.startswith(reads)


def test_clips_of_which_parts_of_other_lengths_are_left_are_refused_together() -> None:
    def trimmed(m: Any, x: Tensor) -> Tensor:
        """Without the silence at the end."""
        return x[..., : int(x.abs().flatten(0, -2).amax(0).nonzero().max()) + 1]

    model, clips = behind(trimmed), sound(2)
    clips[1, 0, 1000:] = 0
    first = first_layer(model.eval(), sound(), RATE)
    assert first.signal(model, clips[1:])[0].shape == (1, 1000)
    with pytest.raises(InputError, match="give clips one by one"):
        first.signal(model, clips)


def through_spectra(change: Any) -> nn.Module:
    return behind(lambda m, x: torch.fft.irfft(change(torch.fft.rfft(x)), n=SAMPLES))


def test_where_the_trace_knows_no_place_the_length_tells_it_and_is_measured() -> None:
    """A filter by Fourier transforms lets every value see the whole clip; their magnitude is no waveform."""
    gain = torch.linspace(0, 1, SAMPLES // 2 + 1)
    first = looked_at(through_spectra(lambda spectrum: spectrum * gain))
    assert first.waveform and first.hop == 1
    assert first.reads.startswith("the waveform, filtered") and "told by its length" in first.reads
    signal, _ = first.signal(through_spectra(lambda spectrum: spectrum * gain), sound())
    torch.testing.assert_close(signal, torch.fft.irfft(torch.fft.rfft(sound()[0]) * gain, n=SAMPLES))
    with pytest.raises(InputError, match="not known where in time"):
        looked_at(through_spectra(lambda spectrum: spectrum.abs() + 0j))


def test_a_part_of_the_sound_and_a_mix_of_channels_are_the_waveform() -> None:
    cropped = looked_at(behind(lambda m, x: x[..., 100:1500]))
    assert cropped.reads == "the waveform" and cropped.signal(behind(lambda m, x: x[..., 100:1500]), sound())[1] == 100
    stereo = behind(lambda m, x: x.mean(1, keepdim=True)).eval()
    first = first_layer(stereo, torch.zeros(1, 2, SAMPLES), RATE)
    assert (
        first.reads == "the waveform, mixed down by the model"
        and first.nature is not None
        and not first.nature.untouched
    )
    clip = torch.randn(1, 2, SAMPLES)
    torch.testing.assert_close(first.signal(stereo, clip)[0][0], clip.mean(1)[0])


def test_windowed_frames_are_not_one_signal() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        frames = x[:, 0].unfold(-1, 64, 32) * torch.hann_window(64)
        return m.first(frames.reshape(-1, 1, 64))

    model = Written(forward, first=nn.Conv1d(1, 4, 10))
    first = looked_at(model, "first")
    assert first.reads == "frames that differ where they overlap, 8000 values a second"
    assert first.rate == RATE  # that its kernels slide over


@pytest.mark.parametrize("name", ["framed", "rows", "causal", "multi_resolution", "wav2vec2_group"])
def test_padding_and_frames_of_the_sound_itself_leave_the_waveform(name: str) -> None:
    model, clip = build(name)
    first = first_layer(model, clip, RATE)
    assert first.reads == "the waveform" and first.nature is not None and first.nature.untouched
    signal, offset = first.signal(model, clip)
    heard = signal.shape[-1]
    assert offset == 0 and heard >= clip.shape[-1] - 32  # the last samples may fill no frame
    torch.testing.assert_close(signal[0], clip.flatten()[:heard])


def test_kernels_along_frequency_are_refused() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        image = torch.stft(x[:, 0], 128, 64, window=torch.hann_window(128), return_complex=True).abs()[:, None]
        return m.along(image)

    with pytest.raises(InputError, match="kernels of layer 'along' slide along an axis that is not known to be time"):
        looked_at(Written(forward, along=nn.Conv2d(1, 4, (5, 1))), "along")


def test_kernels_answer_as_the_layer_does() -> None:
    model = nn.Sequential(nn.Conv1d(1, 6, 7, stride=4, dilation=3, bias=False), nn.ReLU())
    clip = torch.randn(1, 1, 200)
    first = first_layer(model, clip, RATE)
    (kernels,) = first.kernels
    assert first.layer == "0" and kernels.shape == (6, 19) and first.stride == 4  # 7 taps, two zeros between each two
    torch.testing.assert_close(F.conv1d(clip, kernels[:, None], stride=first.stride), model[0](clip))


def test_kernels_of_parallel_convolutions_are_one_bank_each() -> None:
    model, clip = build("multi_resolution")
    first = first_layer(model, clip, RATE)
    layer = trace(model, clip, RATE).first_layer()
    assert first.layer == layer.name
    assert [kernel.shape[0] for kernel in first.kernels] == [one.channels for one in layer.taps]
    assert len({kernel.shape[1] for kernel in first.kernels}) == len(first.kernels) > 1


def test_kernels_without_a_response_are_refused() -> None:
    model, clip = small(), torch.zeros(1, 1, 100)
    with pytest.raises(InputError, match=r"'3' has kernels of shape \(5, 3\) and does not read a waveform"):
        first_layer(model, clip, RATE, "3")
    model[0].weight.data[0, 0, 0] = torch.nan
    with pytest.raises(InputError, match="'0' has weights that are NaN or infinite"):
        first_layer(model, clip, RATE)
    complex_kernels = nn.Conv1d(1, 2, 9, dtype=torch.complex64)
    with pytest.raises(InputError, match="'conv1d' has complex kernels"):
        first_layer(complex_kernels, clip.to(torch.complex64), RATE)


def test_a_transform_is_as_long_as_the_kernels() -> None:
    kernels = [torch.zeros(2, 300), torch.zeros(2, 10)]
    assert [at_least(n, kernels) for n in (1, 299, 300, 1024)] == [512, 512, 300, 1024]
    assert at_least(8, [torch.zeros(1, 64)]) == 64
    with pytest.raises(InputError, match="1 or more, not 0"):
        at_least(0, kernels)


def test_what_reaches_a_layer_is_measured_once_for_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = behind(difference)
    looked_at(model)
    passes = []
    monkeypatch.setattr("otoscope.probe.reaching.captured", lambda *args: passes.append(args) or captured(*args))
    assert looked_at(model).reads == "the waveform, filtered" and not passes
    with torch.no_grad():
        model.bank.weight.mul_(2)
    assert looked_at(model).reads == "the waveform, filtered" and passes


def test_random_state_and_modes_are_left_alone() -> None:
    model = behind(difference).train()
    state = torch.get_rng_state()
    first_layer(model, torch.zeros(1, 1, SAMPLES), RATE)
    assert model.training and torch.equal(state, torch.get_rng_state())
    assert np.isfinite(looked_at(model).rate)
