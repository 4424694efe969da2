"""Steps of sections 2.2.3 and 2.2.5 that need no training: bands told apart, growth of aliasing, energies, sigmoid."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otoscope.dsp.aliasing import band_energies, spectrum_in_cells
from otoscope.models.simplenet import FilterEnergies
from otoscope.models.zoo import build
from otoscope.studies.inputs import Input
from otoscope.studies.simplenet.network import RATE, HandMade
from otoscope.studies.simplenet.sounds import OUTPUTS, by_band, clips_of, highest_of
from otoscope.studies.step import Outcome, Row, Step, Work

_HALF = 0.25
"""The new limit of a pooling by 2, in cycles a sample."""
_CELLS = 4
"""Output bands in which tones are looked for."""
_WITHIN = 100.0
"""20 dB, as a ratio of power."""
_WINDOW = 640


def unlearned_steps(clips: int, tones: int, inputs: tuple[Input, ...]) -> Iterator[Step]:
    """The steps, on so many clips and tones."""
    given = {"clips": clips}
    yield Step("band_split", band_split, given, inputs=inputs, part="aliasing", seconds=0.2 * clips)
    yield Step("energies", energies, given, inputs=inputs, part="aliasing", seconds=0.3 * clips)
    yield Step("sigmoid", sigmoid, given, inputs=inputs, part="aliasing", seconds=0.1 * clips)
    yield Step(
        "growth", growth, {"tones": tones, "samples": 2**16, "seed": 0}, part="aliasing", seconds=0.5 * tones,
        command="otoscope aliasing-map wavernn",
    )  # fmt: skip


def band_split(work: Work) -> Outcome:
    """What each step moves from one half of the frequencies into the other, run on each half of its input alone.

    The halves are cut at the limit of the pooling, 4 kHz. Of ReLU and maximum, `moved` is the share of the energy that
    comes out in the other half: harmonics of the low half, and differences of the high one. Of the decimation it is the
    share that was in the high half, all of which it folds. Means are left out.
    """
    first = HandMade().conv1
    rows: list[Row] = []
    for clip, wave in clips_of(work):
        outputs = first(wave[None, None])[0].double()
        for channel in (0, 1):
            signal = outputs[channel]
            rectified = signal.relu()
            chain: tuple[tuple[str, Tensor, Callable[[Tensor], Tensor] | None], ...] = (
                ("relu", signal, torch.relu),
                ("maximum", rectified, highest_of),
                ("decimation", highest_of(rectified), None),
            )
            for name, before, step in chain:
                low, high = split_in_halves(before)
                common = {"clip": clip, "output": OUTPUTS["conv1", channel], "operation": name}
                rows.append({**common, **moved(low, high, step)})
    return Outcome(rows)


def split_in_halves(signal: Tensor) -> tuple[Tensor, Tensor]:
    """The parts of a signal (time,) up to half of its highest frequency, and above; the mean is in neither.

    Examples
    --------
    >>> low, high = split_in_halves(torch.tensor([3.0, -1.0, 3.0, -1.0]))
    >>> low.abs().max().item(), high.tolist()
    (0.0, [2.0, -2.0, 2.0, -2.0])
    """
    spectrum = torch.fft.rfft(signal)
    frequency = torch.arange(len(spectrum)) / len(signal)
    low = spectrum.masked_fill((frequency > _HALF) | (frequency == 0), 0)
    high = spectrum.masked_fill(frequency <= _HALF, 0)
    return torch.fft.irfft(low, len(signal)), torch.fft.irfft(high, len(signal))


def moved(low: Tensor, high: Tensor, step: Callable[[Tensor], Tensor] | None) -> dict[str, float]:
    """Shares of energy that a step moves upwards and downwards, and their sum; no step is the decimation."""
    if step is None:
        up, down, total = 0.0, float(high.square().sum()), float(low.square().sum() + high.square().sum())
    else:
        of_low, of_high = band_energies(step(low), _HALF), band_energies(step(high), _HALF)
        up, down = float(of_low.above), float(of_high.below)
        total = float(of_low.below + of_low.above + of_high.below + of_high.above)
    if total == 0:
        return dict.fromkeys(("up", "down", "moved"), float("nan"))
    return {"up": up / total, "down": down / total, "moved": (up + down) / total}


def energies(work: Work) -> Outcome:
    """Rank correlation of what SimpleNet's pooling gives with the energy of the sound in the band of the filter.

    Over filters and windows of 40 ms of a clip, for its average of absolute values and for a maximum in its place.
    """
    from scipy.stats import spearmanr

    front = FilterEnergies()
    filters, width = front.conv.weight.shape[0], front.conv.weight.shape[-1]
    frequency = torch.arange(_WINDOW // 2 + 1) * RATE / _WINDOW
    band = (frequency / (RATE / 2 / filters)).long().clamp(max=filters - 1)
    rows: list[Row] = []
    for clip, wave in clips_of(work):
        with torch.no_grad():
            average = front(wave[None, None])[0]
            maps = front.conv(wave[None, None]).abs()
            highest = F.max_pool1d(maps, _WINDOW - width + 1, stride=_WINDOW)[0]
        windows = wave[: average.shape[-1] * _WINDOW].unflatten(0, (-1, _WINDOW))
        power = torch.fft.rfft(windows).abs().square().T  # (frequency, window)
        own = torch.zeros(filters, len(windows)).index_add_(0, band, power)
        heard = (own.sum(0) > 0).nonzero().ravel()  # a silent window has no order
        if len(heard) == 0:
            continue
        rows.append({
            "clip": clip,
            **{
                name: float(spearmanr(one[:, heard].flatten(), own[:, heard].flatten()).statistic)
                for name, one in (("average", average), ("maximum", highest))
            },
        })  # fmt: skip
    return Outcome(rows)


def sigmoid(work: Work) -> Outcome:
    """The level of the strongest band of a sound over the weakest, before and after a sigmoid, in dB."""
    rows: list[Row] = []
    for clip, wave in clips_of(work):
        before, after = (level_range(by_band(one.double())) for one in (wave, wave.sigmoid()))
        rows.append({"clip": clip, "before": before, "after": after})
    return Outcome(rows)


def level_range(energies: list[float]) -> float:
    """Of the strongest over the weakest, in dB; NaN where one is silent.

    Examples
    --------
    >>> level_range([1.0, 100.0, 10.0])
    20.0
    """
    return 10 * float(np.log10(max(energies) / min(energies))) if min(energies) > 0 else float("nan")


def growth(work: Work) -> Outcome:
    """How many input bands reach an output band after each pooling of SoundNet and WaveRNN, random weights.

    Tones are played one by one to the layers up to each pooling, without windows. `bands` is the share of the tones
    whose level in an output band is within 20 dB of the strongest there, in input bands as wide as that output band.
    """
    count, samples, seed = (work.arguments[name] for name in ("tones", "samples", "seed"))
    tones = (np.arange(count) + 0.5) / count * RATE / 2
    rows: list[Row] = []
    for name, options in (("wavernn", {}), ("soundnet", {"sample_rate": RATE, "input_length": None})):
        torch.manual_seed(seed)
        model = build(name, {"n_classes": 4, **options}).eval()
        levels: dict[str, list[Tensor]] = {}
        for number, tone in enumerate(tones):
            time = torch.arange(samples, dtype=torch.double) / RATE
            wave = (0.5 * torch.sin(2 * torch.pi * tone * time)).float()
            for pool, maps in _pooled(model, wave).items():
                levels.setdefault(pool, []).append(spectrum_in_cells(maps.double(), _CELLS))
            work.report(name, number + 1, count)
        for number, (pool, spectra) in enumerate(levels.items(), start=1):
            powers = torch.stack(spectra)  # (tone, channel, cell)
            shared = (powers * _WITHIN >= powers.amax(0)).double().mean((0, 2))
            width = _CELLS * samples / _lengths(model, samples)[pool]
            rows += [
                {"model": name, "pooling": number, "channel": channel, "bands": float(share) * width}
                for channel, share in enumerate(shared)
            ]
    return Outcome(rows)


def _pooled(model: nn.Module, wave: Tensor) -> dict[str, Tensor]:
    """The maps (channel, time) after each pooling, of one long window."""
    maps = wave[None, None] if isinstance(_first(model), nn.Conv1d) else wave[None, None, None]
    found: dict[str, Tensor] = {}
    last = max(number for number, (name, _) in enumerate(_layers(model)) if name.startswith("pool"))
    with torch.no_grad():
        for name, layer in _layers(model)[: last + 1]:
            maps = layer(maps)
            if name.startswith("pool"):
                found[name] = maps.reshape(maps.shape[1], -1)
    return found


def _lengths(model: nn.Module, samples: int) -> dict[str, int]:
    return {name: maps.shape[-1] for name, maps in _pooled(model, torch.zeros(samples)).items()}


def _layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    return list(model.get_submodule("features").named_children())


def _first(model: nn.Module) -> nn.Module:
    return _layers(model)[0][1]
