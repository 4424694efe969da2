"""The residual study: how much worse a model does without what its most active maps respond to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.citations import cite
from otoscope.dsp.scores import bootstrap_interval, share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.heard import joined_note
from otoscope.methods.arguments import check_seed
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.output import output_of
from otoscope.methods.residual import residuals_of
from otoscope.methods.ways import with_a_way_back
from otoscope.models import weights_digest
from otoscope.probe import Rule, RuleName, Tap, rule_name
from otoscope.probe.backproject import answer
from otoscope.probe.select import find_taps
from otoscope.results import variable
from otoscope.sounds import batched, sounds_of, usual_taps
from otoscope.subject import Subject
from otoscope.types import Data, Progress

Metric = Callable[[Tensor, Tensor], float]
_BOUNDED = ("score", "change", "agreement", "probability_change")
_COLUMNS = (name + part for name in _BOUNDED for part in ("", "_ci_low", "_ci_high"))


@method(
    source=cite("sonification", "section 6.2"),
    takes="data",
    rows=Rows(("layer",), ("baseline", *_COLUMNS)),
    main="score",
)
def residual_study(
    subject: Subject,
    data: Data,
    *,
    layer: str | Sequence[str] | None = None,
    own_answers: bool = False,
    metric: Literal["accuracy"] | Metric = "accuracy",
    rule: RuleName | Rule = "deconvnet",
    batch_size: int = 8,
    resamples: int = 1000,
    seed: int = 0,
    others: Sequence[nn.Module] = (),
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""How much worse a model does without the sonification of the most active map of each layer.

    Parameters
    ----------
    data : folder, data set or waves
        Sounds with labels, as the model names its classes (numbers where it does not), read one batch after another.
        Without labels the score is the share of sounds whose likeliest class stays the same.
    layer : str or sequence of str, optional
        One or several taps, by their names or the ends of them; by default the ends of all blocks, but for those from
        which the rule finds no way back, which a note names.
    own_answers : bool
        Compare with the model's own answers, whatever the labels.
    metric : "accuracy" or callable
        What is measured: accuracy, or (in Python) a function from the outputs (clip, class) and the numbers of the true
        classes (clip,) of all clips to one number. Where labels name several classes, divided by commas, the second is
        a tensor of zeros and ones (clip, class).
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    batch_size : int
        Clips of one length that run together; all activations of a forward pass are held.
    resamples : int
        Of the bootstrap.
    seed : int
        Of the bootstrap.
    others : sequence of nn.Module
        Further runs of the same training; the intervals are taken over all of them then.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips; a total that is not known is 0.

    Returns
    -------
    Dataset
        Over `layer`: `score` and `change`, the metric on the residuals and its difference to `baseline`, the metric on
        the sounds as they are; `agreement`, the share of clips whose likeliest class stays the same; `logit_change` and
        `probability_change`, of the class that was likeliest for the whole sound, mean over clips. Each has 95 % bounds
        ``_ci_low`` and ``_ci_high``. Of each clip: `answer` (clip), `residual_answer`, `clip_logit_change`,
        `clip_probability_change` and `channel`, the map that was taken out (clip, layer). With several models these and
        `model_score` also have the axis `model`.

    Raises
    ------
    InputError
        If the model has no axis of classes, or a label is none of them.

    Notes
    -----
    :math:`r = x - s` with the sonification s of the most active map, scaled to :math:`\max |x|`; the forward pass on
    r is scored. Bounds of an accuracy or agreement are Wilson's, those of the change of a metric and of any other
    metric come from a paired bootstrap over clips, those of other means are Student's over clips; over several models
    all are Student's. Probabilities are those of a softmax.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> sounds = [(torch.randn(800), str(n % 2)) for n in range(6)]
    >>> residual_study(Subject(model, sample_rate=8000), sounds).score.sizes
    Frozen({'layer': 1})
    """
    check_seed(seed)
    models, sounds = [subject.network, *map(subject.network.of, others)], sounds_of(subject, data)
    named = layer is not None
    layer, time_axes = usual_taps(subject, layer)
    names: list[str] = []
    labels: list[str | None] = []
    taps: list[Tap] = []
    left_out: list[str] = []
    answers: list[list[_Answers]] = [[] for _ in models]
    for clips, inputs in batched(sounds, batch_size):
        if not taps:
            taps = find_taps(subject.network, inputs, subject.sample_rate, layer, time_axes)
            if not named:
                taps, left_out = with_a_way_back(subject.network, inputs, taps, rule)
        names += [clip.name for clip in clips]
        labels += [None if own_answers else clip.label for clip in clips]
        for model, parts in zip(models, answers, strict=True):
            parts.append(_answers(subject, model, inputs, taps, rule))
        if progress:
            progress(len(names), len(sounds))
    if not names:
        raise InputError("the data set has no clips")
    joined = [_Answers(*map(torch.cat, zip(*parts, strict=True))) for parts in answers]
    known = class_numbers(names, labels, joined[0].outputs.shape[-1], subject.classes)
    result = _scored([one.outputs for one in joined], known, metric, resamples, seed)
    layers = [tap.name for tap in taps]
    result = result.merge(_of_each_clip(joined)).assign_coords(layer=layers, clip=names)
    result.attrs.update(sample_rate=subject.sample_rate, rule=rule_name(rule), clips=len(names), models=len(models))
    result.attrs.update(joined_note(*left_out))
    return resolved(
        result,
        layer=layers,
        own_answers=known is None,
        metric=metric if callable(metric) else result.attrs["metric"],
        others=[weights_digest(model) for model in others],
    )


class _Answers(NamedTuple):
    """What a model answers to some clips, and which maps were most active."""

    outputs: Tensor  # (clip, 1 + layer, class); the first is to the whole sound
    channel: Tensor  # (clip, layer)


def _answers(subject: Subject, model: nn.Module, inputs: Tensor, taps: list[Tap], rule: RuleName | Rule) -> _Answers:
    with torch.no_grad():
        whole = _class_scores(subject, model, inputs)
        if whole.ndim != 2 or len(whole) != len(inputs) or whole.shape[1] < 2:
            raise InputError(
                f"the model's output has the shape {tuple(whole.shape)}, and the study needs (clip, class) with two or "
                "more classes: wrap the model in a module that returns a logit for each class"
            )
        residuals, channel = residuals_of(model, inputs, taps, rule)
        outputs = [whole, *(_class_scores(subject, model, one.reshape(inputs.shape)) for one in residuals.unbind(1))]
    if not whole.isfinite().all():
        raise InputError(
            "the model's output is not finite: do its weights hold NaN or infinite values, or did the training diverge?"
        )
    return _Answers(torch.stack(outputs, dim=1).cpu(), channel.cpu())


def _class_scores(subject: Subject, model: nn.Module, inputs: Tensor) -> Tensor:
    """The logits of classes (clip, class), the mean over time where there are frames."""
    output = output_of(subject, inputs, answer(model, inputs))
    output.check_classes(stated=False)
    return output.class_scores(output.found.value, None)


def class_numbers(
    names: Sequence[str], labels: Sequence[str | None], count: int, classes: Sequence[str] | None
) -> Tensor | None:
    """Numbers of the true classes (clip,), or None without labels.

    Zeros and ones (clip, class) where a label names several classes.
    """
    if classes and len(classes) != count:
        raise InputError(f"{len(classes)} class names were given and the model has {count} outputs")
    if all(label is None for label in labels):
        return None
    numbers = {name: number for number, name in enumerate(classes or map(str, range(count)))}
    true: list[list[str]] = []
    for name, label in zip(names, labels, strict=True):
        if label is None:
            raise InputError(f"{name} has no label and other clips have one: give labels for all or for none")
        true.append([label] if label in numbers else label.split(","))
        for one in true[-1]:
            if one not in numbers:
                raise InputError(
                    f"the label {one!r} of {name} is not a class of the model; its classes are {', '.join(numbers)}; "
                    "with own_answers (--own-answers) the model's own answers are compared"
                )
    if all(len(named) == 1 for named in true):
        return torch.tensor([numbers[named[0]] for named in true])
    several = torch.zeros(len(true), count)
    for row, named in zip(several, true, strict=True):
        row[[numbers[label] for label in named]] = 1
    return several


def _scored(
    outputs: list[Tensor], known: Tensor | None, metric: Literal["accuracy"] | Metric, resamples: int, seed: int
) -> xr.Dataset:
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
        result[f"baseline_ci_{side}"] = variable([], of_score[0], f"{side}er 95 % bound")
        result[f"score_ci_{side}"] = variable(["layer"], of_score[1:], f"{side}er 95 % bound")
        result[f"change_ci_{side}"] = variable(["layer"], of_change, f"{side}er 95 % bound")
    if len(outputs) > 1:
        result["model_score"] = variable(["model", "layer"], scores[:, 1:], f"{name} on the residuals")
    return result


def _with_changes(scores: np.ndarray) -> np.ndarray:
    return np.concatenate([scores, scores[1:] - scores[0]])


def _scorers(
    outputs: list[Tensor], known: Tensor | None, metric: Literal["accuracy"] | Metric
) -> tuple[str, list[Callable[[np.ndarray], np.ndarray]]]:
    """The name of the metric, and for each model the function from numbers of clips to scores (1 + layer,)."""
    if callable(metric):
        if known is None:
            raise InputError("a metric of your own needs labels, and the clips have none")
        name = getattr(metric, "__name__", type(metric).__name__)
        return name, [_measured(one, known, metric) for one in outputs]
    if metric != "accuracy":
        raise InputError(f"unknown metric {metric!r}: give accuracy, or a function of the outputs and the labels")
    if known is not None and known.ndim > 1:
        raise InputError("clips with several labels have no accuracy: give a metric of your own")
    return "agreement" if known is None else "accuracy", [_share_of_hits(one, known) for one in outputs]


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


def _of_each_clip(answers: list[_Answers]) -> xr.Dataset:
    """What each clip is taken for, whole and without a part (with an axis `model` where there are several); means."""
    outputs = torch.stack([one.outputs for one in answers])
    outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
    answer = outputs.argmax(-1)
    index = answer[:, :, :1, None].expand(*answer.shape, 1)
    logit, probability = (values.gather(-1, index)[..., 0] for values in (outputs, outputs.softmax(-1)))
    layered = {
        "residual_answer": (answer[:, :, 1:], "likeliest class of the residual"),
        "clip_logit_change": (logit[:, :, 1:] - logit[:, :, :1], "change of the answer's logit"),
        "clip_probability_change": (
            probability[:, :, 1:] - probability[:, :, :1],
            "change of the answer's probability",
        ),
        "channel": (torch.stack([one.channel for one in answers]), "most active map"),
    }
    result = xr.Dataset({"answer": variable(["model", "clip"], answer[:, :, 0], "likeliest class of the sound")})
    for name, (values, long_name) in layered.items():
        result[name] = variable(["model", "clip", "layer"], values, long_name)
    same = (answer[:, :, 1:] == answer[:, :, :1]).double()
    means = {"agreement": (same, "share of clips with the same answer")}
    means |= {name.removeprefix("clip_"): layered[name] for name in ("clip_logit_change", "clip_probability_change")}
    for name, (values, long_name) in means.items():
        for part, bound in zip(("", "_ci_low", "_ci_high"), _mean(values, name == "agreement"), strict=True):
            result[name + part] = variable(["layer"], bound, long_name if not part else f"{part[4:]}er 95 % bound")
    return result if len(answers) > 1 else result.isel(model=0)


def _mean(values: Tensor, share: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over models and clips of (model, clip, layer) and its bounds, over models where there are several."""
    if len(values) > 1:
        return mean_interval(values.double().mean(1))
    mean, low, high = mean_interval(values[0])
    return (mean, *share_interval(values[0].sum(0), values.shape[1])) if share else (mean, low, high)
