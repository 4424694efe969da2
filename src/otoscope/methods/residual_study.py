"""The residual study: how much worse a model does without what its most active maps respond to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn.functional import one_hot

from otoscope.citations import cite
from otoscope.dsp.precision import mean_average_precision_of
from otoscope.dsp.scores import bootstrap_interval, share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.heard import joined_note
from otoscope.methods.arguments import check_seed
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.controls import CONTROLS, Control, controls_of
from otoscope.methods.output import output_of
from otoscope.methods.residual import taken_out_of
from otoscope.methods.ways import with_a_way_back
from otoscope.models import weights_digest
from otoscope.probe import Rule, RuleName, Tap, rule_name
from otoscope.probe.backproject import answer
from otoscope.probe.select import find_taps
from otoscope.results import axis, variable
from otoscope.sounds import Clip, batched, sounds_of, usual_taps
from otoscope.subject import Subject
from otoscope.types import Data, Progress

Metric = Callable[[Tensor, Tensor], float]
_Metric: TypeAlias = Literal["accuracy", "mAP"] | Metric | None
_Label: TypeAlias = str | tuple[str, ...] | None
_BOUNDED = ("score", "change", "agreement", "probability_change")
_EFFECTS = ("logit_effect", "probability_effect", "agreement_effect")
_COLUMNS = (name + part for name in (*_BOUNDED, *_EFFECTS) for part in ("", "_ci_low", "_ci_high"))
_NUMBERED = ("answer", "residual_answer", "channel")
_OF_CLIPS = (
    *_NUMBERED, "clip_change", "clip_agreement", "clip_logit_change",
    "clip_probability_change", "clip_control_agreement", "clip_control_logit_change",
    "clip_control_probability_change", *(f"clip_{name}" for name in _EFFECTS),
)  # fmt: skip


@method(
    source=cite("sonification", "section 6.2"),
    takes="data",
    rows=Rows(("layer", "control"), ("baseline", *_COLUMNS)),
    main="score",
    clips=Rows(("layer", "control"), _OF_CLIPS, shares=("clip_agreement", "clip_control_agreement"), names=_NUMBERED),
)
def residual_study(
    subject: Subject,
    data: Data,
    *,
    layer: str | Sequence[str] | None = None,
    own_answers: bool = False,
    metric: Literal["accuracy", "mAP"] | Metric | None = None,
    rule: RuleName | Rule = "deconvnet",
    control: Control | Sequence[Control] | None = None,
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
    metric : "accuracy", "mAP" or callable, optional
        What is measured: the accuracy; the mean average precision over classes; or (in Python) a function from the
        outputs (clip, class) and the numbers of the true classes (clip,) of all clips to one number. Where sounds may
        have several labels (as of a data set, or divided by commas) that is by default the mean average precision, and
        the second is a tensor of zeros and ones (clip, class); else it is the accuracy.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    control : {"live_map", "noise", "moved"}, or a sequence of them, optional
        What else is taken out instead, as loud as the sound of the map: that of another map that is active in the
        clip, drawn by the seed; noise with the spectrum of the sound of the map; that sound moved by half of the clip.
        Nothing by default.
    batch_size : int
        Clips of one length that run together; all activations of a forward pass are held.
    resamples : int
        Of the bootstrap.
    seed : int
        Of the bootstrap, and of what controls draw.
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
        ``_ci_low`` and ``_ci_high``. Of each clip: `answer` (clip), `residual_answer`, `clip_agreement`,
        `clip_logit_change`, `clip_probability_change`, of an accuracy `clip_change`, and `channel`, the map that was
        taken out (clip, layer). With controls, over (layer, control): `control_agreement`, `control_logit_change`,
        `control_probability_change` and (with labels) `control_score`, what the same measures are then;
        `agreement_effect`, `logit_effect` and `probability_effect`, what taking out the map adds to that, paired over
        clips; and those of each clip. With several models all of each clip and `model_score` also have the axis
        `model`.

    Raises
    ------
    InputError
        If the model has no axis of classes, or a label is none of them.

    Notes
    -----
    :math:`r = x - s` with the sonification s of the most active map, scaled to :math:`\max |x|`; the forward pass on
    r is scored. Bounds of an accuracy or agreement are Wilson's, those of the change of a metric and of any other
    metric come from a paired bootstrap over clips, those of other means are Student's over clips; over several models
    all are Student's. Probabilities are those of a softmax. What controls draw depends on seed, clip and layer, and
    not on the other clips; a clip without another live map is left out of that control.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> sounds = [(torch.randn(800), str(n % 2)) for n in range(6)]
    >>> residual_study(Subject(model, sample_rate=8000), sounds).score.sizes
    Frozen({'layer': 1})
    """
    check_seed(seed)
    controls = _controls(control)
    models, sounds = [subject.network, *map(subject.network.of, others)], sounds_of(subject, data)
    named = layer is not None
    layer, time_axes = usual_taps(subject, layer)
    names: list[str] = []
    labels: list[_Label] = []
    taps: list[Tap] = []
    left_out: list[str] = []
    answers: list[list[_Answers]] = [[] for _ in models]
    for clips, inputs in batched(sounds, batch_size):
        if not taps:
            taps = find_taps(subject.network, inputs, subject.sample_rate, layer, time_axes)
            if not named:
                taps, left_out = with_a_way_back(subject.network, inputs, taps, rule)
        names += [clip.name for clip in clips]
        labels += [None if own_answers else _label(clip, sounds.several) for clip in clips]
        for model, parts in zip(models, answers, strict=True):
            samples = [clip.samples for clip in clips]
            parts.append(_answers(subject, model, inputs, taps, rule, controls, samples, seed))
        if progress:
            progress(len(names), len(sounds))
    if not names:
        raise InputError("the data set has no clips")
    joined = [_Answers(*map(torch.cat, zip(*parts, strict=True))) for parts in answers]
    known = class_numbers(names, labels, joined[0].outputs.shape[-1], subject.classes)
    result = _scored([one.outputs for one in joined], known, metric, resamples, seed)
    layers = [tap.name for tap in taps]
    result = result.merge(_of_each_clip(joined, controls)).assign_coords(layer=layers, clip=names)
    if controls and known is not None:
        result["control_score"] = _control_scores(joined, known, metric, result.attrs["metric"])
    if result.attrs["metric"] in ("accuracy", "agreement") and not callable(metric):
        result["clip_change"] = _of_score(joined, known)
    result.attrs.update(sample_rate=subject.sample_rate, rule=rule_name(rule), clips=len(names), models=len(models))
    result.attrs.update(joined_note(*left_out))
    return resolved(
        result,
        layer=layers,
        own_answers=known is None,
        metric=metric if callable(metric) else result.attrs["metric"],
        others=[weights_digest(model) for model in others],
        control=controls,
    )


def _label(clip: Clip, several: bool) -> _Label:
    """Its class; all of its classes where there may be several."""
    return clip.labels if several or len(clip.labels) > 1 else clip.label


def _controls(control: Control | Sequence[Control] | None) -> list[Control]:
    """Each control once.

    Raises
    ------
    InputError
        If there is no such control.
    """
    named = [] if control is None else [control] if isinstance(control, str) else list(dict.fromkeys(control))
    for one in named:
        if one not in CONTROLS:
            raise InputError(f"there is no control {one!r}; there are {', '.join(CONTROLS)}")
    return named


class _Answers(NamedTuple):
    """What a model answers to some clips, and which maps were most active."""

    outputs: Tensor  # (clip, 1 + layer, class); the first is to the whole sound
    channel: Tensor  # (clip, layer)
    controls: Tensor  # (clip, layer, control, class), to what is left by controls


def _answers(
    subject: Subject,
    model: nn.Module,
    inputs: Tensor,
    taps: list[Tap],
    rule: RuleName | Rule,
    controls: list[Control],
    samples: list[int],
    seed: int,
) -> _Answers:
    with torch.no_grad():
        whole = _class_scores(subject, model, inputs)
        if whole.ndim != 2 or len(whole) != len(inputs) or whole.shape[1] < 2:
            raise InputError(
                f"the model's output has the shape {tuple(whole.shape)}, and the study needs (clip, class) with two or "
                "more classes: wrap the model in a module that returns a logit for each class"
            )
        sounds, channel = taken_out_of(model, inputs, taps, rule)
        outputs = torch.stack([whole, *_without(subject, model, inputs, sounds)], dim=1)
        others = controls_of(model, inputs, taps, rule, sounds, channel, controls, samples=samples, seed=seed)
        left = [torch.stack(_without(subject, model, inputs, one), dim=1) for one in others]
        of_controls = torch.stack(left, dim=2) if left else outputs.new_zeros(*channel.shape, 0, whole.shape[1])
    if not whole.isfinite().all():
        raise InputError(
            "the model's output is not finite: do its weights hold NaN or infinite values, or did the training diverge?"
        )
    return _Answers(outputs.cpu(), channel.cpu(), of_controls.cpu())


def _without(subject: Subject, model: nn.Module, inputs: Tensor, sounds: Tensor) -> list[Tensor]:
    """The logits (clip, class) of what is left without sounds (clip, layer, time); NaN without those that are NaN."""
    found = []
    for one in sounds.unbind(1):
        there = one.isfinite().all(-1, keepdim=True)
        left = inputs - torch.where(there, one, 0.0).reshape(inputs.shape)
        found.append(torch.where(there, _class_scores(subject, model, left), torch.nan))
    return found


def _class_scores(subject: Subject, model: nn.Module, inputs: Tensor) -> Tensor:
    """The logits of classes (clip, class), the mean over time where there are frames."""
    output = output_of(subject, inputs, answer(model, inputs))
    output.check_classes(stated=False)
    return output.class_scores(output.found.value, None)


def class_numbers(
    names: Sequence[str], labels: Sequence[_Label], count: int, classes: Sequence[str] | None
) -> Tensor | None:
    """Numbers of the true classes (clip,), or None without labels.

    Zeros and ones (clip, class) where a clip may have several: a tuple, or a label that names several by commas.
    """
    if classes and len(classes) != count:
        raise InputError(f"{len(classes)} class names were given and the model has {count} outputs")
    if all(label is None for label in labels):
        return None
    numbers = {name: number for number, name in enumerate(classes or map(str, range(count)))}
    true: list[list[str]] = []
    tuples = any(isinstance(label, tuple) for label in labels)
    many = tuples or any(label not in numbers and "," in label for label in labels if label is not None)
    for name, label in zip(names, labels, strict=True):
        if label is None and many:  # it is of none of the classes
            true.append([])
            continue
        if label is None:
            raise InputError(f"{name} has no label and other clips have one: give labels for all or for none")
        true.append(list(label) if isinstance(label, tuple) else [label] if label in numbers else label.split(","))
        for one in true[-1]:
            if one not in numbers:
                raise InputError(
                    f"the label {one!r} of {name} is not a class of the model; its classes are {', '.join(numbers)}; "
                    "with own_answers (--own-answers) the model's own answers are compared"
                )
    if not tuples and all(len(named) == 1 for named in true):
        return torch.tensor([numbers[named[0]] for named in true])
    several = torch.zeros(len(true), count)
    for row, named in zip(several, true, strict=True):
        row[[numbers[label] for label in named]] = 1
    return several


def _scored(
    outputs: list[Tensor],
    known: Tensor | None,
    metric: Literal["accuracy", "mAP"] | Metric | None,
    resamples: int,
    seed: int,
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
        if name in ("accuracy", "agreement") and not callable(metric):
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


def _control_scores(answers: list[_Answers], known: Tensor, metric: _Metric, name: str) -> xr.Variable:
    """The metric on what controls leave (layer, control), mean over models; of the clips that have the control."""
    _, layers, controls, _ = answers[0].controls.shape
    found = np.full((len(answers), layers, controls), np.nan)
    for model, layer, control in np.ndindex(*found.shape):
        outputs = answers[model].controls[:, layer, control]
        there = outputs.isfinite().all(-1)
        if there.any():
            _, (score,) = _scorers([outputs[there][:, None]], known[there], metric)
            found[model, layer, control] = score(np.arange(int(there.sum())))[0]
    return variable(["layer", "control"], found.mean(0), f"{name}, by the control")


def _with_changes(scores: np.ndarray) -> np.ndarray:
    return np.concatenate([scores, scores[1:] - scores[0]])


def _scorers(
    outputs: list[Tensor], known: Tensor | None, metric: _Metric
) -> tuple[str, list[Callable[[np.ndarray], np.ndarray]]]:
    """The name of the metric, and for each model the function from numbers of clips to scores (1 + layer,)."""
    if callable(metric):
        if known is None:
            raise InputError("a metric of your own needs labels, and the clips have none")
        name = getattr(metric, "__name__", type(metric).__name__)
        return name, [_measured(one, known, metric) for one in outputs]
    if metric not in (None, "accuracy", "mAP"):
        raise InputError(f"unknown metric {metric!r}: give accuracy, mAP, or a function of the outputs and the labels")
    several = known is not None and known.ndim > 1
    if known is not None and (metric == "mAP" or (several and metric is None)):
        targets = known if several else one_hot(known, outputs[0].shape[-1])
        return "mAP", [_precision(one, targets.numpy()) for one in outputs]
    if metric == "mAP":
        raise InputError("mean average precision needs labels, and the clips have none")
    if several:
        raise InputError(
            "clips with several labels have no accuracy: ask for mAP (--metric mAP), or give a metric of your own"
        )
    return "agreement" if known is None else "accuracy", [_share_of_hits(one, known) for one in outputs]


def _measured(outputs: Tensor, known: Tensor, metric: Metric) -> Callable[[np.ndarray], np.ndarray]:
    def score(drawn: np.ndarray) -> np.ndarray:
        rows = torch.as_tensor(drawn)
        return np.array([float(metric(point, known[rows])) for point in outputs[rows].unbind(1)])

    return score


def _precision(outputs: Tensor, targets: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The mean average precision of sounds and residuals."""
    points = [point.double().numpy() for point in outputs.unbind(1)]

    def score(drawn: np.ndarray) -> np.ndarray:
        weights = np.bincount(drawn, minlength=len(targets))
        return np.array([mean_average_precision_of(point, targets, weights) for point in points])

    return score


def _share_of_hits(outputs: Tensor, known: Tensor | None) -> Callable[[np.ndarray], np.ndarray]:
    """How often the likeliest class is the true one, or without labels that of the whole sound."""
    hits = _hits(outputs, known)
    return lambda drawn: hits[drawn].mean(0)


def _hits(outputs: Tensor, known: Tensor | None) -> np.ndarray:
    """Whether the likeliest class is the true one, as 0 and 1 (clip, 1 + layer)."""
    answer = outputs.argmax(-1)
    hits: np.ndarray = (answer == (answer[:, :1] if known is None else known[:, None])).double().numpy()
    return hits


def _of_each_clip(answers: list[_Answers], controls: list[Control]) -> xr.Dataset:
    """What each clip is taken for, whole and without a part (with an axis `model` where there are several); means."""
    whole, parts = (torch.stack([getattr(one, name) for one in answers]) for name in ("outputs", "controls"))
    whole, parts = (one.to(torch.promote_types(one.dtype, torch.float32)) for one in (whole, parts))
    answer = whole[:, :, 0].argmax(-1)
    by_map = _changes(whole[:, :, :1], whole[:, :, 1:], answer)
    result = xr.Dataset(
        {
            "answer": variable(["model", "clip"], answer, "likeliest class of the sound"),
            "residual_answer": variable(
                ["model", "clip", "layer"], whole[:, :, 1:].argmax(-1), "likeliest class of the residual"
            ),
            "channel": variable(
                ["model", "clip", "layer"], torch.stack([one.channel for one in answers]), "most active map"
            ),
        }
    )
    for name, values in by_map.items():
        _keep(result, name, values, ["layer"], _NAMES[name])
    if controls:
        result = result.assign_coords(control=axis("control", controls, "what is taken out instead"))
        flat = parts.flatten(2, 3)  # (model, clip, layer and control, class)
        for name, values in _changes(whole[:, :, :1], flat, answer).items():
            shaped = values.reshape(*by_map[name].shape, len(controls))
            noun = name.partition("_")[0]
            _keep(result, f"control_{name}", shaped, ["layer", "control"], f"{_NAMES[name]}, by the control")
            _keep(
                result, f"{noun}_effect", by_map[name][..., None] - shaped, ["layer", "control"],
                f"{_NAMES[name]} less that by the control",
            )  # fmt: skip
    return result if len(answers) > 1 else result.isel(model=0)


_NAMES = {
    "logit_change": "change of the answer's logit",
    "probability_change": "change of the answer's probability",
    "agreement": "share of clips with the same answer",
}


def _changes(whole: Tensor, parts: Tensor, answer: Tensor) -> dict[str, Tensor]:
    """What becomes of the answer (model, clip) of outputs (model, clip, 1, class) in others (model, clip, part, class).

    NaN where these are NaN.
    """
    index = answer[:, :, None, None]
    changes = {"agreement": torch.where(parts.isnan().any(-1), torch.nan, (parts.argmax(-1) == index[..., 0]).double())}
    for name, scores in {
        "logit_change": (whole, parts),
        "probability_change": (whole.softmax(-1), parts.softmax(-1)),
    }.items():
        before, after = (one.gather(-1, index.expand(*one.shape[:-1], 1))[..., 0] for one in scores)
        changes[name] = after - before
    return changes


def _keep(result: xr.Dataset, name: str, values: Tensor, dims: list[str], long_name: str) -> None:
    """Put a measure (model, clip, ...) and its mean with bounds into a result."""
    one = long_name.replace("share of clips with", "whether it has")
    result[f"clip_{name}"] = variable(["model", "clip", *dims], values, one)
    for part, bound in zip(("", "_ci_low", "_ci_high"), _mean(values, name.endswith("agreement")), strict=True):
        result[name + part] = variable(dims, bound, long_name if not part else f"{part[4:]}er 95 % bound")


def _of_score(answers: list[_Answers], known: Tensor | None) -> xr.Variable:
    """What taking out the map changes in whether each clip is right: -1, 0 or 1."""
    each = [_hits(one.outputs, known) for one in answers]
    changes = np.stack([hits[:, 1:] - hits[:, :1] for hits in each])
    found = variable(["model", "clip", "layer"], changes, "change of being right")
    return found if len(answers) > 1 else found.isel(model=0)


def _mean(values: Tensor, share: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over models and clips of (model, clip, ...) and its bounds, over models where there are several."""
    if len(values) > 1:
        return mean_interval(values.double().nanmean(1))
    mean, low, high = mean_interval(values[0])
    if not share:
        return mean, low, high
    return (mean, *share_interval(values[0].nansum(0), (~values[0].isnan()).sum(0).clamp(min=1)))
