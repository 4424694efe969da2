"""The steps of the study: sounds through the hand-made network, tones, and the networks of the paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otoscope.dsp.aliasing import band_energies
from otoscope.dsp.coherence import coherence
from otoscope.methods.data_flow import data_flow, flow_at
from otoscope.models.zoo import build
from otoscope.studies.inputs import Sounds
from otoscope.studies.simplenet.network import RATE, HandMade
from otoscope.studies.simplenet.sounds import BANDS, OUTPUTS, by_band, clips_of, highest_of
from otoscope.studies.simplenet.trained import trained_steps
from otoscope.studies.simplenet.unlearned import unlearned_steps
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.subject import Subject

CELLS, MOMENTS = 65, 150
"""Of the spectra and waveforms that are drawn."""


def plan(setting: Setting) -> list[Step]:
    """The steps, in the order of the figures."""
    clips = 10 if setting.quick else 100
    data = (Sounds("esc10"),)
    command = "otoscope data-flow src/otoscope/studies/simplenet/network.py:HandMade CLIP"
    return [
        Step("flow", flow, {"clips": clips}, inputs=data, part="flow", seconds=0.2 * clips, command=command),
        Step("drawn_flow", drawn_flow, {"clip": 0}, inputs=data, part="flow", seconds=2, command=command),
        Step("one_layer", one_layer, {"draws": 20, "seed": 0}, part="flow", seconds=1),
        Step("pooled", pooled, {"clips": clips}, inputs=data, part="aliasing", seconds=0.2 * clips),
        Step("tones", tones, {"count": 60}, part="aliasing", seconds=2),
        Step("architectures", architectures, part="aliasing", seconds=3, command="otoscope taps soundnet"),
        *unlearned_steps(clips, 24 if setting.quick else 96, data),
        *trained_steps(setting),
    ]


def flow(work: Work) -> Outcome:
    """Of each clip and output of the hand-made network the shares of energy by band, and its energy."""
    subject = Subject(HandMade(), name="hand-made")
    rows: list[Row] = []
    for clip, wave in clips_of(work):
        found = data_flow(subject, wave, layer=["conv1", "conv2"], channels=[0, 1])
        whole = float(wave.square().sum())
        for (layer, channel), output in OUTPUTS.items():
            signal = _signal(found, layer, channel)
            energies = by_band(signal)
            shares = {
                f"share_{low}_{high}": one / sum(energies) for (low, high), one in zip(BANDS, energies, strict=True)
            }
            rows.append({"clip": clip, "output": output, **shares, "gain": float(signal.square().sum()) / whole})
    return Outcome(rows)


def drawn_flow(work: Work) -> Outcome:
    """Spectrum and outline of one clip at every point, with and without pooling, in cells to be drawn."""
    wave = next(iter(clips_of(work)))[1]
    rows: list[Row] = []
    for pooling in (False, True):
        model = HandMade(pooling)
        layers = ["conv1", "pool1", "conv2"] if pooling else ["conv1", "conv2"]
        found = data_flow(Subject(model, name="hand-made"), wave, layer=layers, channels=[0, 1])
        points = [("input", 0), *((layer, channel) for layer in layers for channel in (0, 1))]
        for layer, channel in points:
            one = flow_at(found, layer)
            signal, rate = _signal(found, layer, channel), float(one.attrs["rate"])
            common = {"pooling": pooling, "layer": layer, "channel": channel, "rate": rate}
            rows += [{**common, **cell} for cell in _cells(signal, rate)]
    return Outcome(rows)


def one_layer(work: Work) -> Outcome:
    """Two random convolutions against the one of the convolved kernels."""
    generator = torch.Generator().manual_seed(work.arguments["seed"])
    rows: list[Row] = []
    for draw in range(work.arguments["draws"]):
        first, second = (
            torch.randn(shape, generator=generator, dtype=torch.double) for shape in ((4, 1, 30), (3, 4, 20))
        )
        wave = torch.randn(1, 1, 2000, generator=generator, dtype=torch.double)
        twice = F.conv1d(F.conv1d(wave, first), second)
        together = F.conv1d(first.transpose(0, 1), second.flip(2), padding=19).transpose(0, 1)
        once = F.conv1d(wave, together)
        rows.append({"draw": draw, "error": float((twice - once).abs().max() / twice.abs().max())})
    return Outcome(rows)


def pooled(work: Work) -> Outcome:
    """What activation, maximum and decimation each add to the outputs of the first layer, told apart.

    `relu` and `maximum` are the shares of energy, without the mean, that no linear filter of what goes in explains;
    `folded` is the share above the new limit after the maximum, `above_before` that before it. In the network of Fig. 3
    there is no activation: its maximum is `plain_folded`.
    """
    first = HandMade().conv1
    rows: list[Row] = []
    for clip, wave in clips_of(work):
        outputs = first(wave[None, None])[0]
        for channel in (0, 1):
            signal = outputs[channel]
            rectified = signal.relu()
            highest = highest_of(rectified)
            rows.append({
                "clip": clip,
                "output": OUTPUTS["conv1", channel],
                "relu": _added(signal, rectified),
                "maximum": _added(rectified[:-1], highest),
                "above_before": _above(rectified),
                "folded": _above(highest),
                "plain_above_before": _above(signal),
                "plain_folded": _above(highest_of(signal)),
            })  # fmt: skip
    return Outcome(rows)


def tones(work: Work) -> Outcome:
    """Where tones at f and 8 kHz - f come out of a max pooling by 2 strongest, which drops the rate to 8 kHz."""
    frequencies = np.linspace(100, 3900, work.arguments["count"]).round()
    time = torch.arange(RATE, dtype=torch.double) / RATE
    rows: list[Row] = []
    for frequency in map(float, frequencies):
        found = {}
        for name, tone in (("low", frequency), ("high", RATE / 2 - frequency)):
            out = F.max_pool1d(torch.sin(2 * torch.pi * tone * time + 0.3)[None, None], 2)[0, 0]
            spectrum = torch.fft.rfft((out - out.mean()) * torch.hann_window(len(out), dtype=out.dtype)).abs()
            found[name] = float(spectrum.argmax()) * RATE / 2 / len(out)
        rows.append({"frequency": frequency, **found})
    return Outcome(rows)


def architectures(work: Work) -> Outcome:
    """The convolutions and poolings of the networks of the paper, in their order."""
    rows: list[Row] = []
    for name in ("soundnet", "wavernn", "simplenet-rnn", "simplenet-cnn"):
        model = build(name, {"n_classes": 4})
        for module in model.modules():
            if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.MaxPool1d, nn.MaxPool2d)):
                size = module.kernel_size if isinstance(module.kernel_size, int) else max(module.kernel_size)
                rows.append({"model": name, "operation": type(module).__name__, "size": int(size)})
    return Outcome(rows)


# -- Parts ------------------------------------------------------------------------------------------------


def _signal(found: Any, layer: str, channel: int) -> Tensor:
    one = flow_at(found, layer)
    return torch.as_tensor(np.array(one["signal"].sel(channel=channel).values, dtype=np.float64)).flatten()


def _cells(signal: Tensor, rate: float) -> list[dict[str, Any]]:
    """A spectrum in cells, in dB, and the lowest and highest value in each of many moments."""
    from scipy.signal import welch

    values = signal.numpy()
    frequency, power = welch(values, rate, nperseg=2 * (CELLS - 1))
    spectrum = [
        {"frequency": float(f), "level": round(10 * float(np.log10(p + 1e-20)), 2)}
        for f, p in zip(frequency, power, strict=True)
    ]
    outline = [
        {
            "time": round((number + 0.5) * len(values) / MOMENTS / rate, 4),
            "low": float(f"{part.min():.4g}"),
            "high": float(f"{part.max():.4g}"),
        }
        for number, part in enumerate(np.array_split(values, MOMENTS))
    ]
    return [*spectrum, *outline]


def _above(signal: Tensor) -> float:
    """The share of energy, without the mean, above half of the highest frequency."""
    energies = band_energies(signal.double(), 0.25)
    return float(energies.above / (energies.above + energies.below))


def _added(before: Tensor, after: Tensor) -> float:
    """The share of what comes out, without the mean, that is no linear filter of what goes in."""
    from scipy.signal import welch

    explained, _ = coherence(before.double(), after.double(), RATE)
    power = welch(after.double().numpy(), RATE, nperseg=256)[1]
    left = (1 - explained.numpy()) * power
    return float(left[1:].sum() / power[1:].sum())
