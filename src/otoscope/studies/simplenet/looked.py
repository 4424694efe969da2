"""What is looked at in each trained network: accuracy on what it learned from, its front-end, and its filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.audio import load_audio
from otoscope.contract import Contract
from otoscope.data.find import drawn, sound_of
from otoscope.dsp.kernels import centre_frequency
from otoscope.methods.aliasing import aliasing
from otoscope.models import WaveRNN, load, read_weights
from otoscope.results import open_result
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.subject import Subject

FRONT = {
    "soundnet": "features.conv", "soundnet-smooth": "features.conv", "wavernn": "features.conv",
    "simplenet-rnn": "front.conv", "simplenet-cnn": "front.conv",
}  # fmt: skip
"""How the names of the convolutions of each trainable front-end begin."""
SHOWN = 4
"""Filters of Fig. 6."""
_BINS = 60
"""Of the iterations of Fig. 4."""
_LOW, _HIGH = 1000.0, 2000.0
"""In Hz: below the first lie the pass bands that filters beginning above the second are said to get."""


def looks(train: Step, setting: Setting) -> Iterator[Step]:
    """The steps that open the model of a training."""
    labels, network = dict(train.labels), str(train.labels["network"])
    common: dict[str, Any] = {"labels": labels, "needs": (train,), "part": "training"}
    clips = 60 if setting.quick else 300
    yield Step("train_accuracy", train_accuracy, {"clips": clips}, inputs=train.inputs, seconds=0.02 * clips, **common)
    if network not in FRONT:
        return
    yield Step("front_end", front_end, {"front": FRONT[network]}, seconds=1, **common)
    yield Step(
        "folded", folded, {"front": FRONT[network], "clips": 12}, inputs=train.inputs, seconds=3,
        command="otoscope aliasing FOLDER CLIP", **common,
    )  # fmt: skip
    if network.startswith("simplenet"):
        yield Step("filters", filters, {"front": FRONT[network]}, seconds=1, **common)


def train_accuracy(work: Work) -> Outcome:
    """The share of clips that a network knows of those that it was trained on, some of each class."""
    from otoscope.training.evaluate import clip_scores

    rows: list[Row] = []
    for fold, folder in _folders(work):
        model: Any = load(str(folder))
        items = drawn(_parts(work, folder, fold).train, work.arguments["clips"]).items
        hits = 0
        for number, item in enumerate(items):
            wave = load_audio(sound_of(item, model.sample_rate), sample_rate=model.sample_rate)
            samples = torch.as_tensor(np.array(wave.values, dtype=np.float32)).reshape(1, -1)
            answer = int(clip_scores(model, samples, Contract.of(model)).argmax())
            hits += model.classes[answer] in item.labels
            work.report("clips", number + 1, len(items))
        rows.append({**fold_of(fold), "train_accuracy": hits / len(items), "clips": len(items)})
    return Outcome(rows)


def front_end(work: Work) -> Outcome:
    """How far the weights of each convolution of the front-end have moved, and how fast in the course of training.

    `change` is the distance from the first weights over their norm; `change_rate` is the mean of Fig. 4 over all
    iterations, which single weights near zero dominate, and `step` that of the distance over the norm.
    """
    rows: list[Row] = []
    results: dict[str, xr.Dataset] = {}
    for fold, folder in _folders(work):
        before, after = _weights(folder)
        rate = open_result(folder / "change_rate.nc")
        names = [name for name in before if name.startswith(work.arguments["front"]) and name.endswith(".weight")]
        for number, name in enumerate(names, start=1):
            layer = name.removesuffix(".weight")
            own = rate.sel(layer=layer)
            rows.append({
                **fold_of(fold), "layer": layer, "number": number,
                "change": float((after[name] - before[name]).norm() / before[name].norm()),
                "change_rate": float(own["change_rate"].mean()),
                "step": float(own["change"].mean()),
            })  # fmt: skip
        layers = [name.removesuffix(".weight") for name in names]
        results.setdefault("curves", _curves(rate["change_rate"].sel(layer=layers)))
    return Outcome(rows, results)


def folded(work: Work) -> Outcome:
    """The share of energy that the front-end folds where it drops samples, with the first and the trained weights.

    Mean over its steps, and over clips of the part that the network was not trained on. WaveRNN's convolutions and
    poolings work within windows of 40 ms; here they are run on the whole clip as on one window, so that it has a rate.
    """
    rows: list[Row] = []
    for fold, folder in _folders(work):
        model: Any = load(str(folder))
        start = work.arguments["front"].partition(".")[0]
        test = _parts(work, folder, fold).test
        assert test is not None
        waves = [
            np.asarray(load_audio(sound_of(item, model.sample_rate), sample_rate=model.sample_rate).values).ravel()
            for item in drawn(test, work.arguments["clips"]).items
        ]
        for weights, values in zip(("first", "trained"), _weights(folder), strict=True):
            model.load_state_dict(values)
            looked_at = _front_of(model)
            found = [aliasing(looked_at, wave) for wave in waves]
            own = [name for name in found[0]["step"].values.tolist() if name.startswith(start)]
            shares = np.concatenate([one["share"].sel(step=own).values.reshape(1, -1) for one in found])
            rows.append({**fold_of(fold), "weights": weights, "steps": len(own), "share": float(np.nanmean(shares))})
    return Outcome(rows)


def filters(work: Work) -> Outcome:
    """Of each filter of SimpleNet where it began, how far it moved, and how much of it lies below 1 kHz."""
    rows: list[Row] = []
    results: dict[str, xr.Dataset] = {}
    for fold, folder in _folders(work):
        rate = float(load(str(folder)).sample_rate)  # type: ignore[arg-type]
        before, after = (
            next(value[:, 0] for name, value in weights.items() if name.startswith(work.arguments["front"]))
            for weights in _weights(folder)
        )
        centres = centre_frequency(before, rate)
        lows = [low_share(kernels, rate) for kernels in (before, after)]
        for number, centre in enumerate(centres.tolist()):
            moved = float((after[number] - before[number]).norm() / before[number].norm())
            rows.append({
                **fold_of(fold), "filter": number + 1, "centre": centre, "change": moved,
                "low_first": float(lows[0][number]), "low_trained": float(lows[1][number]),
            })  # fmt: skip
        results.setdefault("kernels", _kernels(before, after, rate))
    return Outcome(rows, results)


def low_share(kernels: Tensor, sample_rate: float, limit: float = _LOW) -> Tensor:
    """The share of the energy of kernels (kernel, tap) below a frequency in Hz, (kernel,).

    Examples
    --------
    >>> time = torch.arange(400) / 8000
    >>> tones = torch.stack([torch.sin(2 * torch.pi * f * time) for f in (500, 3000)])
    >>> low_share(tones, 8000.0).round(decimals=2).tolist()
    [1.0, 0.0]
    """
    power = torch.fft.rfft(kernels, 1024).abs().square()
    frequency = torch.arange(power.shape[-1]) * sample_rate / 1024
    share: Tensor = power[:, frequency < limit].sum(1) / power.sum(1)
    return share


def fold_of(fold: str | None) -> dict[str, str]:
    """The column of a cross-validation."""
    return {} if fold is None else {"fold": fold}


# -- Parts ------------------------------------------------------------------------------------------------


def _folders(work: Work) -> list[tuple[str | None, Path]]:
    """The model of the training, or that of each fold."""
    place = work.model()
    if (place / "config.json").is_file():
        return [(None, place)]
    return [(path.parent.name, path.parent) for path in sorted(place.glob("*/config.json"))]


class _OneWindow(nn.Module):
    """The front-end of WaveRNN on a clip (batch, 1, time) as on one long window."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, wave: Tensor) -> Tensor:
        """The maps (batch, filter, time)."""
        maps: Tensor = self.features(wave.unsqueeze(2))
        return maps.squeeze(2)


def _front_of(model: Any) -> Subject:
    """What the steps of a front-end are looked at in."""
    if isinstance(model, WaveRNN):
        return Subject(_OneWindow(model.features).eval(), sample_rate=model.sample_rate)
    return Subject(model)


def _parts(work: Work, folder: Path, fold: str | None) -> Any:
    """What the network was trained and tested on."""
    from otoscope.training.recipe import changed, read_recipe
    from otoscope.training.splits import read_splits

    recipe = changed(read_recipe(folder / "recipe.yaml"), "data", folder=str(work.data.path(work.step.inputs[0])))
    return read_splits(recipe.data, recipe.seed, 16_000, fold)


def _weights(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Before the first step and after the training."""
    (first,) = sorted((folder / "steps").glob("step=*0.safetensors"))[:1]
    return read_weights(first), read_weights(folder / "model.safetensors")


def _curves(rate: xr.DataArray) -> xr.Dataset:
    """Means of a change rate (iteration, layer) in as many parts as can be drawn."""
    count = rate.sizes["iteration"]
    parts = np.array_split(np.arange(count), min(_BINS, count))
    values = np.stack([rate.values[part].mean(0) for part in parts]).astype(np.float32)
    middle = [float(rate["iteration"].values[part].mean()) for part in parts]
    return xr.Dataset(
        {"change_rate": (("iteration", "layer"), values)},
        {"iteration": middle, "layer": rate["layer"].values},
        {"method": "change_rate"},
    )


def _kernels(before: Tensor, after: Tensor, sample_rate: float) -> xr.Dataset:
    """Kernels that begin evenly from low to high, as they began and as they are."""
    chosen = np.linspace(1, len(before) - 2, SHOWN).round().astype(int)
    values = torch.stack([before[chosen], after[chosen]]).numpy().astype(np.float32)
    time = 1000 * np.arange(values.shape[-1]) / sample_rate
    return xr.Dataset(
        {"kernel": (("weights", "filter", "time"), values)},
        {"weights": ["first", "trained"], "filter": chosen + 1, "time": time},
        {"method": "filters", "sample_rate": sample_rate},
    )
