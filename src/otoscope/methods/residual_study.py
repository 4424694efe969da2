"""The residual study: how much worse a model does without what its most active maps respond to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.scores import bootstrap_interval, share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.methods.clips import Clip, batched
from otoscope.methods.peaks import Progress
from otoscope.methods.residual import SOURCE, residuals_of
from otoscope.probe import Rule, Tap, logits, rule_name
from otoscope.probe.select import find_taps
from otoscope.results import sign, variable

Metric = Callable[[Tensor, Tensor], float]


def residual_study(
    model: nn.Module | Sequence[nn.Module],
    clips: Iterable[Clip],
    *,
    sample_rate: float,
    layers: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    metric: str | Metric = "accuracy",
    rule: str | Rule = "deconvnet",
    batch: int = 8,
    resamples: int = 1000,
    seed: int = 0,
    time_axes: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Measure how much worse a model does without the sonification of the most active map of each layer.

    Parameters
    ----------
    model : nn.Module or sequence of them
        A module on waveforms that returns a logit for each class; several are runs of one training, over which the
        intervals are taken then.
    clips : iterable of Clip
        A data set; one batch of it is held at a time. With labels the metric is measured against them, without them
        it is the share of clips whose likeliest class stays the same.
    sample_rate : float
        In Hz.
    layers : sequence of str, optional
        Taps, by their names or the ends of them; the ends of all blocks by default.
    classes : sequence of str, optional
        Names of the classes, in the order of the outputs; without them labels are numbers.
    metric : "accuracy" or callable
        From the outputs (clip, class) and the numbers of the true classes (clip,) of all clips to one number. Where
        labels name several classes, divided by commas, the second is a tensor of zeros and ones (clip, class).
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    batch : int
        Clips of one length that run together; all activations of a forward pass are held.
    resamples, seed : int
        Of the bootstrap.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips; a total that is not known is 0.

    Returns
    -------
    Dataset
        `score` and `change` (layer), the metric on the residuals and its difference to `baseline`, the metric on
        the sounds as they are; of each, 95 % bounds ``_low`` and ``_high``. `agreement` (layer), the share of clips
        whose likeliest class stays the same. Of each clip: `answer` (clip), `residual_answer`, `logit_change`,
        `probability_change` (of the class that was likeliest for the whole sound) and `channel`, the map (clip,
        layer). With several models the last ones and `score_of_model` also have the axis `model`.

    Raises
    ------
    InputError
        If the model has no axis of classes, or a label is none of them.

    Notes
    -----
    :math:`r = x - s` with the sonification s of the most active map, scaled to :math:`\max |x|`; the forward pass on
    r is scored. Bounds of an accuracy are Wilson's, those of its change and of any other metric come from a paired
    bootstrap over clips; over several models they are Student's. Probabilities are those of a softmax.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> clips = [Clip(str(n), torch.randn(1, 1, 800), label=str(n % 2)) for n in range(6)]
    >>> residual_study(model, clips, sample_rate=8000).score.sizes
    Frozen({'layer': 1})
    """
    models = [model] if isinstance(model, nn.Module) else list(model)
    if not models:
        raise InputError("no model was given")
    total = len(clips) if isinstance(clips, Sized) else 0
    seen: list[Clip] = []
    taps: list[Tap] = []
    answers: list[list[_Answer]] = [[] for _ in models]
    for group, inputs in batched(clips, batch):
        taps = taps or find_taps(models[0], inputs, sample_rate, layers, time_axes)
        seen += [Clip(clip.name, inputs.new_empty(0), clip.label) for clip in group]  # without the sound
        for one, answered in zip(models, answers, strict=True):
            answered.append(_answer(one, inputs, taps, rule))
        if progress:
            progress(len(seen), total)
    if not seen:
        raise InputError("the data set has no clips")
    told = [_Answer(*map(torch.cat, zip(*parts, strict=True))) for parts in answers]
    known = class_numbers(seen, told[0].outputs.shape[-1], classes)
    result = _scored([answer.outputs for answer in told], known, metric, resamples, seed)
    result = result.merge(_of_each_clip(told)).assign_coords(
        layer=[tap.name for tap in taps], clip=[c.name for c in seen]
    )
    result.attrs.update(sample_rate=sample_rate, rule=rule_name(rule), clips=len(seen), models=len(models))
    return sign(
        result, "residual_study", SOURCE, layers=layers, metric=metric, rule=rule, resamples=resamples, seed=seed
    )


class _Answer(NamedTuple):
    """What a model said to some clips, and to which maps it listened."""

    outputs: Tensor  # (clip, 1 + layer, class); the first is to the whole sound
    channel: Tensor  # (clip, layer)


def _answer(model: nn.Module, inputs: Tensor, taps: list[Tap], rule: str | Rule) -> _Answer:
    with torch.no_grad():
        whole = logits(model, inputs)
        if whole.ndim != 2 or len(whole) != len(inputs) or whole.shape[1] < 2:
            raise InputError(
                f"the model's output has the shape {tuple(whole.shape)}, and the study needs (clip, class) with two or "
                "more classes: wrap the model in a module that returns a logit for each class"
            )
        residuals, channel = residuals_of(model, inputs, taps, rule)
        outputs = [whole, *(logits(model, one.reshape(inputs.shape)) for one in residuals.unbind(1))]
    if not whole.isfinite().all():
        raise InputError(
            "the model's output is not finite: do its weights hold NaN or infinite values, or did the training diverge?"
        )
    return _Answer(torch.stack(outputs, dim=1).cpu(), channel.cpu())


def class_numbers(clips: Sequence[Clip], count: int, classes: Sequence[str] | None) -> Tensor | None:
    """Numbers of the true classes (clip,), or None without labels.

    Zeros and ones (clip, class) where a label names several classes.
    """
    if classes and len(classes) != count:
        raise InputError(f"{len(classes)} class names were given and the model has {count} outputs")
    unlabelled = [clip.name for clip in clips if clip.label is None]
    if len(unlabelled) == len(clips):
        return None
    if unlabelled:
        raise InputError(f"{unlabelled[0]} has no label and other clips have one: give labels for all or for none")
    numbers = {name: number for number, name in enumerate(classes or map(str, range(count)))}
    true = [[clip.label] if clip.label in numbers else str(clip.label).split(",") for clip in clips]
    for clip, named in zip(clips, true, strict=True):
        for label in named:
            if label not in numbers:
                raise InputError(
                    f"the label {label!r} of {clip.name} is no class of the model; its classes are "
                    f"{', '.join(numbers)}; without labels its own answers are compared"
                )
    if all(len(named) == 1 for named in true):
        return torch.tensor([numbers[str(named[0])] for named in true])
    several = torch.zeros(len(true), count)
    for row, named in zip(several, true, strict=True):
        row[[numbers[str(label)] for label in named]] = 1
    return several


def _scored(outputs: list[Tensor], known: Tensor | None, metric: str | Metric, resamples: int, seed: int) -> xr.Dataset:
    """The metric on sounds and residuals, its change, and the bounds of both."""
    name, scorers = _scorers(outputs, known, metric)
    count = len(outputs[0])
    scores = np.stack([score(np.arange(count)) for score in scorers])  # (model, 1 + layer)
    changes = scores[:, 1:] - scores[:, :1]
    if len(outputs) > 1:
        (_, *bounds), (_, *change_bounds) = mean_interval(scores), mean_interval(changes)
    else:
        low, high = bootstrap_interval(
            lambda drawn: _with_changes(scorers[0](drawn)), count, resamples=resamples, seed=seed
        )
        points = scores.shape[1]
        bounds, change_bounds = [low[:points], high[:points]], [low[points:], high[points:]]
        if not callable(metric):
            bounds = list(share_interval(scores[0] * count, count))
    mean = scores.mean(0)
    result = xr.Dataset(
        {
            "baseline": variable([], mean[0], f"{name} on the sounds"),
            "score": variable(["layer"], mean[1:], f"{name} on the residuals"),
            "change": variable(["layer"], changes.mean(0), f"change of the {name}"),
        },
        attrs={"metric": name},
    )
    for side, of_score, of_change in zip(("low", "high"), bounds, change_bounds, strict=True):
        result[f"baseline_{side}"] = variable([], of_score[0], f"{side}er 95 % bound")
        result[f"score_{side}"] = variable(["layer"], of_score[1:], f"{side}er 95 % bound")
        result[f"change_{side}"] = variable(["layer"], of_change, f"{side}er 95 % bound")
    if len(outputs) > 1:
        result["score_of_model"] = variable(["model", "layer"], scores[:, 1:], f"{name} on the residuals")
    return result


def _with_changes(scores: np.ndarray) -> np.ndarray:
    return np.concatenate([scores, scores[1:] - scores[0]])


def _scorers(
    outputs: list[Tensor], known: Tensor | None, metric: str | Metric
) -> tuple[str, list[Callable[[np.ndarray], np.ndarray]]]:
    """The name of the metric, and for each model the function from numbers of clips to scores (1 + layer,)."""
    if callable(metric):
        if known is None:
            raise InputError("a metric of your own needs labels, and the clips have none")
        name = getattr(metric, "__name__", type(metric).__name__)
        return name, [_measured(said, known, metric) for said in outputs]
    if metric != "accuracy":
        raise InputError(f"unknown metric {metric!r}: give accuracy, or a function of the outputs and the labels")
    if known is not None and known.ndim > 1:
        raise InputError("clips with several labels have no accuracy: give a metric of your own")
    return "agreement" if known is None else "accuracy", [_share_of_hits(said, known) for said in outputs]


def _measured(outputs: Tensor, known: Tensor, metric: Metric) -> Callable[[np.ndarray], np.ndarray]:
    def score(drawn: np.ndarray) -> np.ndarray:
        rows = torch.as_tensor(drawn)
        return np.array([float(metric(point, known[rows])) for point in outputs[rows].unbind(1)])

    return score


def _share_of_hits(outputs: Tensor, known: Tensor | None) -> Callable[[np.ndarray], np.ndarray]:
    """How often the likeliest class is the true one, or without labels that of the whole sound."""
    answer = outputs.argmax(-1)
    hits = (answer == (answer[:, :1] if known is None else known[:, None])).double().numpy()
    return lambda drawn: hits[drawn].mean(0)


def _of_each_clip(told: list[_Answer]) -> xr.Dataset:
    """What every clip was taken for, whole and without a part; with an axis `model` where there are several."""
    outputs = torch.stack([answer.outputs for answer in told])
    answer = outputs.argmax(-1)
    index = answer[:, :, :1, None].expand(*answer.shape, 1)
    logit, probability = (values.gather(-1, index)[..., 0] for values in (outputs, outputs.softmax(-1)))
    same = (answer[:, :, 1:] == answer[:, :, :1]).double().mean((0, 1))
    layered = {
        "residual_answer": (answer[:, :, 1:], "likeliest class of the residual"),
        "logit_change": (logit[:, :, 1:] - logit[:, :, :1], "change of the answer's logit"),
        "probability_change": (probability[:, :, 1:] - probability[:, :, :1], "change of the answer's probability"),
        "channel": (torch.stack([answer.channel for answer in told]), "most active map"),
    }
    result = xr.Dataset({"answer": variable(["model", "clip"], answer[:, :, 0], "likeliest class of the sound")})
    for name, (values, long_name) in layered.items():
        result[name] = variable(["model", "clip", "layer"], values, long_name)
    result = result if len(told) > 1 else result.isel(model=0)
    return result.assign(agreement=variable(["layer"], same, "share of clips with the same answer"))
